//! `roster-server config`: the options that hold, as TOML that can be used as a file again.

use std::io::Write;

use clap::{Arg, CommandFactory};

use super::file::{Kind, is_list};
use super::secret::{HIDDEN, is_secret};
use super::{Configuration, keys};
use crate::options::Options;

impl Configuration {
    /// Prints every option with its value and, as a comment, its source. Hides secrets.
    pub fn print(&self, mut out: impl Write) -> std::io::Result<()> {
        let file = match &self.file {
            Some(file) => file.path().display().to_string(),
            None => "none".to_owned(),
        };
        writeln!(out, "# The configuration file: {file}")?;
        for (key, arg) in keys(&Options::command()) {
            match self.value(key, arg) {
                Some(value) => writeln!(out, "{key} = {value} # {}", self.source(arg, key))?,
                None => writeln!(out, "# {key} is not set")?,
            }
        }
        let sections = toml::to_string(&self.sections).map_err(std::io::Error::other)?;
        if !sections.is_empty() {
            writeln!(out, "\n{sections}")?;
        }
        Ok(())
    }

    /// The value of an option in TOML, without secrets.
    fn value(&self, key: &str, arg: &Arg) -> Option<String> {
        let raw = self.matches.get_raw(arg.get_id().as_str())?;
        let quote = |text: String| match Kind::of(arg) {
            Kind::Text => toml::Value::String(text).to_string(),
            Kind::Boolean | Kind::Integer | Kind::Number => text,
        };
        let values = raw.map(|value| {
            if is_secret(key) {
                return quote(HIDDEN.to_owned());
            }
            quote(self.options.hide_password(&value.to_string_lossy()))
        });
        let values: Vec<_> = values.collect();
        Some(if is_list(arg) {
            format!("[{}]", values.join(", "))
        } else {
            values.join("")
        })
    }
}
