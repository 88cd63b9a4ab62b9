//! The configuration file: TOML whose keys are the long names of options.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::secret::{HIDDEN, is_secret};
use super::sections::{Sections, TABLES};
use super::{FILE, keys};

/// The option whose URL may contain a password.
const DATABASE: &str = "database";

/// The values of a file, by key.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    values: BTreeMap<String, Value>,
}

/// The value of an option, as the command line would have it, and its line.
#[derive(Debug)]
struct Value {
    texts: Vec<String>,
    line: usize,
}

/// What is wrong with a file, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {what}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct FileError {
    path: PathBuf,
    line: Option<usize>,
    what: String,
}

/// The type of an option's value in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    Number,
    Text,
}

impl Kind {
    pub(super) fn of(arg: &Arg) -> Self {
        let parsed = arg.get_value_parser().type_id();
        let is_one_of = |types: &[TypeId]| types.iter().any(|kind| parsed == *kind);
        let integers = [
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
            TypeId::of::<i64>(),
        ];
        if is_flag(arg) || is_one_of(&[TypeId::of::<bool>()]) {
            Self::Boolean
        } else if is_one_of(&integers) {
            Self::Integer
        } else if is_one_of(&[TypeId::of::<f32>(), TypeId::of::<f64>()]) {
            Self::Number
        } else {
            Self::Text
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Text => "a text in quotes",
        }
    }

    /// The value as the command line would have it; `None` if it is of another type.
    fn text_of(self, value: &DeValue<'_>) -> Option<String> {
        match (self, value) {
            (Self::Boolean, DeValue::Boolean(value)) => Some(value.to_string()),
            (Self::Integer | Self::Number, DeValue::Integer(value)) => {
                let number = i128::from_str_radix(value.as_str(), value.radix());
                number.ok().map(|number| number.to_string())
            }
            (Self::Number, DeValue::Float(value)) => Some(value.as_str().to_owned()),
            (Self::Text, DeValue::String(text)) => Some(text.to_string()),
            _ => None,
        }
    }
}

pub(super) fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse)
}

pub(super) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// The text of a file and its path, for errors.
struct Reading<'f> {
    path: &'f Path,
    text: &'f str,
}

impl Reading<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    fn error(&self, span: Range<usize>, what: String) -> FileError {
        FileError {
            path: self.path.to_owned(),
            line: Some(self.line(span)),
            what,
        }
    }

    /// An error of the TOML parser, with the text that it complains of.
    fn unparsed(&self, error: &toml::de::Error) -> FileError {
        let span = error.span().unwrap_or_default();
        let quoted = self.text.get(span.clone()).unwrap_or("").trim();
        let what = error.message();
        let what = if quoted.is_empty() || quoted.contains('\n') {
            what.to_owned()
        } else {
            format!("{what}: `{quoted}`")
        };
        self.error(span, what)
    }

    /// The value of a key, if an option has that name and takes it.
    fn value(
        &self,
        command: &Command,
        key: &Spanned<toml::de::DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Value, FileError> {
        let name: &str = key.get_ref();
        let Some((_, arg)) = keys(command).find(|(known, _)| *known == name) else {
            return Err(self.error(key.span(), unknown(command, name)));
        };
        let kind = Kind::of(arg);
        let items = match value.get_ref() {
            DeValue::Array(items) if is_list(arg) => items.iter().collect(),
            _ => vec![value],
        };
        let mut texts = Vec::new();
        for item in items {
            let text = kind.text_of(item.get_ref()).ok_or_else(|| {
                let what = format!("`{name}` is not {}", kind.name());
                self.error(item.span(), what)
            })?;
            check(arg, name, &text).map_err(|what| self.error(item.span(), what))?;
            texts.push(text);
        }
        Ok(Value {
            texts,
            line: self.line(key.span()),
        })
    }
}

/// What to say about a key that is none.
fn unknown(command: &Command, name: &str) -> String {
    let hyphened = name.replace('_', "-");
    if keys(command).any(|(known, _)| known == hyphened) {
        return format!("unknown key `{name}`: write `{hyphened}`");
    }
    if name == FILE {
        return format!("`{name}` cannot be set in the file itself: remove the line");
    }
    let is_option = |arg: &Arg| arg.get_long() == Some(name);
    if command.get_arguments().any(is_option) {
        return format!(
            "`{name}` holds for one start only: remove the line, and give --{name} on the command line"
        );
    }
    format!("unknown key `{name}`: `roster-server config` lists all keys")
}

/// Checks a value as clap would check it on the command line.
fn check(arg: &Arg, name: &str, text: &str) -> Result<(), String> {
    if is_flag(arg) {
        return Ok(());
    }
    if (is_secret(name) || name == DATABASE) && text.contains(HIDDEN) {
        return Err(format!(
            "`{name}` has {HIDDEN} in place of its secret, as `roster-server config` prints it: \
             write the secret there"
        ));
    }
    let only = arg.clone().env(Resettable::Reset).required(false);
    let tried = Command::new("value")
        .no_binary_name(true)
        .arg(only)
        .try_get_matches_from([format!("--{name}={text}")]);
    let Err(error) = tried else {
        return Ok(());
    };
    let why = match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(why), _) => why.to_string(),
        (None, Some(ContextValue::Strings(valid))) => format!("use {}", valid.join(" or ")),
        (None, _) => "it is not accepted".to_owned(),
    };
    // A wrong secret is a secret, too.
    if is_secret(name) || name == DATABASE {
        return Err(format!("the value of `{name}` is invalid: {why}"));
    }
    Err(format!("the value {text:?} of `{name}` is invalid: {why}"))
}

fn is_section(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => {
            !items.is_empty() && items.iter().all(|of| of.get_ref().is_table())
        }
        _ => false,
    }
}

impl File {
    /// Reads a file for the options of a command.
    pub(super) fn read(path: &Path, command: &Command) -> Result<(Self, Sections), FileError> {
        let text = std::fs::read_to_string(path).map_err(|error| FileError {
            path: path.to_owned(),
            line: None,
            what: format!("the configuration file cannot be read: {error}"),
        })?;
        Self::parse(path, &text, command)
    }

    pub(super) fn parse(
        path: &Path,
        text: &str,
        command: &Command,
    ) -> Result<(Self, Sections), FileError> {
        let reading = Reading { path, text };
        let table = DeTable::parse(text).map_err(|error| reading.unparsed(&error))?;
        let span = table.span();
        let mut values = BTreeMap::new();
        let mut tables = DeTable::new();
        for (key, value) in table.into_inner() {
            if !is_section(value.get_ref()) {
                let found = reading.value(command, &key, &value)?;
                values.insert(key.get_ref().to_string(), found);
            } else if TABLES.contains(&key.get_ref().as_ref()) {
                tables.insert(key, value);
            } else {
                let what = format!("unknown table `{}`: remove it", key.get_ref());
                return Err(reading.error(key.span(), what));
            }
        }
        let sections = Sections::deserialize(Deserializer::from(Spanned::new(span, tables)));
        let sections = sections.map_err(|error| reading.unparsed(&error))?;
        let path = path.to_owned();
        Ok((Self { path, values }, sections))
    }

    /// The command, with the values of the file as its defaults.
    pub(super) fn as_defaults_of(&self, command: Command) -> Command {
        let ids: Vec<_> = keys(&command)
            .filter_map(|(key, arg)| Some((arg.get_id().clone(), self.values.get(key)?)))
            .collect();
        ids.into_iter().fold(command, |command, (id, value)| {
            // clap keeps defaults for the whole run of the process.
            let texts = value.texts.iter().map(|text| &*text.clone().leak());
            let texts: Vec<&'static str> = texts.collect();
            command.mut_arg(id, |arg| arg.default_values(texts))
        })
    }

    /// The file and line that set a key.
    pub(super) fn place_of(&self, key: &str) -> Option<String> {
        let value = self.values.get(key)?;
        Some(format!("{}:{}", self.path.display(), value.line))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
