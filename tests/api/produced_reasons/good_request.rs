//! A good request of each RPC, also for other tests.

use prost_reflect::DynamicMessage;

use super::{admin, path_of, request, requests, visitor};

/// The first message of a good upload.
const START_IMPORT: (&str, &str) = (
    "StartImport",
    r#"{"config": {"kind": "IMPORT_KIND_ACCOUNTS"}}"#,
);

/// A good request of each RPC, by path, about an organization like that of this test.
pub fn all(organization: &str) -> impl Iterator<Item = (&'static str, DynamicMessage)> {
    let organization = format!("\"{organization}\"");
    written().map(move |(rpc, json)| {
        let text = json.replace("\"default\"", &organization);
        (path_of(rpc), request(path_of(rpc), &text))
    })
}

/// The same requests about records that do not exist.
pub fn all_of_unknown_records(
    organization: &str,
) -> impl Iterator<Item = (&'static str, DynamicMessage)> {
    let organization = format!("\"{organization}\"");
    written().map(move |(rpc, json)| {
        let mut text = json.replace("\"default\"", &organization);
        for kind in ["a", "c", "i", "q", "T"] {
            for number in 1..=9 {
                text = text.replace(
                    &format!("\"{kind}{number}\""),
                    &format!("\"{kind}99{number}\""),
                );
            }
        }
        (path_of(rpc), request(path_of(rpc), &text))
    })
}

fn written() -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = requests::GOOD.iter().chain(admin::GOOD);
    let all = all.chain(visitor::GOOD);
    all.chain([&START_IMPORT]).copied()
}
