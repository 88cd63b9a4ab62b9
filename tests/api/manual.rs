//! The errors that the comments of the proto list, as the comment of ErrorReason says that they are
//! written. Every error that a test sees must be in the list of its RPC.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FileDescriptor, MethodDescriptor, ReflectMessage, Value,
};
use roster_api::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{error_shape, reasons};

/// A code and a reason by their names, for example `NOT_FOUND (ACCOUNT_NOT_FOUND)`.
pub type Listed = BTreeSet<(String, String)>;

/// What the comment of an RPC lists.
pub struct Rpc {
    pub method: MethodDescriptor,
    /// Errors that fail the call, without the errors of any call.
    pub errors: Listed,
    /// Errors that fail an item.
    pub item_errors: Listed,
}

/// The lists of all RPCs.
pub struct Manual {
    pub pool: DescriptorPool,
    /// By path, for example `/roster.v1.AccountService/GetAccount`.
    pub rpcs: BTreeMap<String, Rpc>,
    /// Errors of any call.
    pub any: Listed,
}

/// The manual of this build.
pub static MANUAL: LazyLock<Manual> = LazyLock::new(Manual::read);

/// The name of a code as the comments write it.
pub fn code_name(code: Code) -> String {
    let camel = format!("{code:?}");
    let mut name = String::new();
    for (index, letter) in camel.char_indices() {
        if index > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// The comments of a file by the path of what they are about: see SourceCodeInfo.Location.path.
pub fn comments(file: &FileDescriptor) -> BTreeMap<Vec<i32>, String> {
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let locations = &source.expect("comments").location;
    let commented = locations.iter().filter_map(|location| {
        let comment = location.leading_comments.as_ref()?;
        Some((location.path.clone(), comment.clone()))
    });
    commented.collect()
}

/// The paragraphs of a comment, each on one line.
fn paragraphs(comment: &str) -> Vec<String> {
    let lines: Vec<&str> = comment.lines().map(str::trim).collect();
    lines
        .split(|line| line.is_empty())
        .map(|lines| lines.join(" "))
        .collect()
}

/// Reads `CODE (REASON, REASON), CODE (REASON)`.
fn list(text: &str) -> Listed {
    let mut listed = Listed::new();
    for group in text.split_inclusive(')') {
        let group = group.strip_prefix(", ").unwrap_or(group);
        let parts = group
            .strip_suffix(')')
            .and_then(|group| group.split_once(" ("));
        let (code, reasons) = parts.unwrap_or_else(|| panic!("not a list of errors: {text:?}"));
        assert!(codes().contains(code), "no code: {code:?} in {text:?}");
        for reason in reasons.split(", ") {
            let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"));
            assert!(known.is_some(), "no reason: {reason:?} in {text:?}");
            let new = listed.insert((code.to_owned(), reason.to_owned()));
            assert!(new, "{reason} is listed twice in {text:?}");
        }
    }
    listed
}

fn codes() -> BTreeSet<String> {
    (1..=16)
        .map(|code| code_name(Code::from_i32(code)))
        .collect()
}

/// The groups in a comment, wherever they are: `… fails with NOT_FOUND (ACCOUNT_NOT_FOUND) …`.
pub fn groups(comment: &str) -> Listed {
    let comment = paragraphs(comment).join(" ");
    let mut found = Listed::new();
    for code in codes() {
        for (start, _) in comment.match_indices(&format!("{code} (")) {
            let starts_word =
                !comment[..start].ends_with(|c: char| c == '_' || c.is_alphanumeric());
            if starts_word {
                let group = &comment[start..];
                let end = group.find(')').expect("the end of a group");
                found.extend(list(&group[..=end]));
            }
        }
    }
    found
}

/// The list after this word, in the only paragraph that begins with it.
fn list_of(paragraphs: &[String], word: &str) -> Option<Listed> {
    let mut lists = paragraphs.iter().filter_map(|text| text.strip_prefix(word));
    let text = lists.next()?;
    assert!(
        lists.next().is_none(),
        "{word:?} occurs twice in {paragraphs:?}"
    );
    let text = text.strip_suffix('.');
    Some(list(
        text.unwrap_or_else(|| panic!("no full stop in {paragraphs:?}")),
    ))
}

impl Manual {
    fn read() -> Self {
        let pool = DescriptorPool::decode(roster_api::FILE_DESCRIPTOR_SET).expect("descriptors");
        let mut any: Option<Listed> = None;
        let mut rpcs = BTreeMap::new();
        for service in pool.services().filter(|s| s.package_name() == "roster.v1") {
            let comments = comments(&service.parent_file());
            let comment = |path: &[i32]| {
                let comment = comments.get(path);
                paragraphs(comment.unwrap_or_else(|| panic!("{path:?} has no comment")))
            };
            let path = service.path().to_vec();
            let of_service = list_of(&comment(&path), "Any call may fail with ").expect("its list");
            assert_eq!(any.get_or_insert(of_service.clone()), &of_service);
            for method in service.methods() {
                let paragraphs = comment(method.path());
                let errors = list_of(&paragraphs, "Errors: ");
                let errors = errors.unwrap_or_else(|| panic!("{} has no list", method.name()));
                assert!(errors.is_disjoint(&of_service), "{}", method.name());
                let item_errors = list_of(&paragraphs, "Item errors: ").unwrap_or_default();
                let path = format!("/{}/{}", service.full_name(), method.name());
                rpcs.insert(
                    path,
                    Rpc {
                        method,
                        errors,
                        item_errors,
                    },
                );
            }
        }
        Self {
            pool,
            rpcs,
            any: any.expect("a service"),
        }
    }
}

/// An error by the names of its code and its reason, if Roster made it.
pub fn named(status: &Status) -> Option<(String, String)> {
    let details = status.get_error_details();
    let info = details.error_info()?;
    (info.domain == "roster.v1").then(|| (code_name(status.code()), info.reason.clone()))
}

/// Fails unless the comment of the RPC or of its service lists this error of a call.
#[track_caller]
pub fn check(path: &str, status: &Status) {
    let (Some(rpc), Some(error)) = (MANUAL.rpcs.get(path), named(status)) else {
        // It is no RPC of ours, or the error is of a library.
        return;
    };
    reasons::check_metadata(status);
    let listed = rpc.errors.contains(&error) || MANUAL.any.contains(&error);
    assert!(
        listed,
        "the comment of {path} does not list {error:?}: {status:?}"
    );
}

/// The errors in the items of an answer.
pub fn item_errors(value: &Value) -> Vec<Status> {
    match value {
        Value::Message(message) => match message.descriptor().full_name() {
            "google.rpc.Status" => {
                let status = message.transcode_to().expect("a Status");
                vec![error_shape::of_item(&status)]
            }
            // Its error is of the whole import, and its comment says which.
            "roster.v1.Import" => Vec::new(),
            _ => message
                .fields()
                .flat_map(|(_, value)| item_errors(value))
                .collect(),
        },
        Value::List(list) => list.iter().flat_map(item_errors).collect(),
        _ => Vec::new(),
    }
}

/// Fails unless the comment of the RPC lists every error in the items of this answer.
pub fn check_items(path: &str, answer: &[u8]) {
    let Some(rpc) = MANUAL
        .rpcs
        .get(path)
        .filter(|rpc| !rpc.item_errors.is_empty())
    else {
        return;
    };
    let answer = DynamicMessage::decode(rpc.method.output(), answer).expect("an answer");
    for status in item_errors(&Value::Message(answer)) {
        let error = named(&status).expect("an ErrorInfo");
        let listed = rpc.item_errors.contains(&error);
        assert!(
            listed,
            "the comment of {path} does not list {error:?} for items: {status:?}"
        );
    }
}
