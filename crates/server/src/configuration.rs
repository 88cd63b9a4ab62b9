//! What a start was told: options from the command line, the environment and one file, in this
//! order of precedence, and the tables of the file.
//!
//! Everything here is derived from the options of clap. An option that has an environment variable
//! is also a key of the file, under its long name, without a line here. An option without an
//! environment variable is for one start only and is not a key of the file.

mod file;
mod secret;
mod sections;
mod show;

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::options::Options;
use file::File;

pub use file::FileError;
pub use sections::Sections;

/// The option that names the file.
const FILE: &str = "config";

/// See the module.
pub struct Configuration {
    /// The options, of whatever source.
    pub options: Options,
    /// The tables of the file.
    pub sections: Sections,
    matches: ArgMatches,
    file: Option<File>,
}

/// Why a start does not know what it was told.
#[derive(Debug, thiserror::Error)]
pub enum NotConfigured {
    /// The command line or the environment is wrong, or only help was wanted.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Configuration {
    /// Reads the command line, the environment and the file that they name.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString> + Clone,
    ) -> Result<Self, NotConfigured> {
        let command = Options::command();
        let matches = command.clone().try_get_matches_from(arguments.clone())?;
        let options = Options::from_arg_matches(&matches)?;
        let Some(path) = &options.start.config else {
            return Ok(Self {
                options,
                sections: Sections::default(),
                matches,
                file: None,
            });
        };
        let (file, sections) = File::read(path, &command)?;
        // Values of the file take the place of defaults: clap prefers every other source to them.
        let matches = file
            .as_defaults_of(command)
            .try_get_matches_from(arguments)?;
        Ok(Self {
            options: Options::from_arg_matches(&matches)?,
            sections,
            matches,
            file: Some(file),
        })
    }

    /// Where the value of an option comes from, in the words of a comment.
    fn source(&self, arg: &Arg, key: &str) -> String {
        match self.matches.value_source(arg.get_id().as_str()) {
            Some(ValueSource::CommandLine) => "command line".to_owned(),
            Some(ValueSource::EnvVariable) => {
                let name = arg.get_env().map(|name| name.to_string_lossy());
                format!("environment {}", name.unwrap_or_default())
            }
            _ => match self.file.as_ref().and_then(|file| file.place_of(key)) {
                Some(place) => place,
                None => "default".to_owned(),
            },
        }
    }
}

/// The options that are keys of the file, with their keys.
fn keys(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    command
        .get_arguments()
        .filter(|arg| arg.get_env().is_some())
        .filter_map(|arg| Some((arg.get_long()?, arg)))
        .filter(|(key, _)| *key != FILE)
}

#[cfg(test)]
mod tests;
