//! How a command ends: its exit code, and the message if it failed.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use roster_client::v1::ErrorReason;
use roster_client::{Error, Refusal};
use serde_json::json;

/// Printed at the end of `roster --help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; check: every ticket is visible
  1  refused, not found, or answered \"no\"
2  the command line is wrong; no server was called
3  partly done: rows were rejected, or some items failed
  4  the server cannot be reached or does not answer
5  a file or the terminal cannot be read or written, or the file to write already exists";

/// Printed at the end of `roster --help`, too.
pub(crate) const JSON_ERRORS: &str = "\
With --json an error is one object on stderr. Errors in the items of a batch have the same form:
  {\"error\":{\"code\":\"NOT_FOUND\",\"reason\":\"ACCOUNT_NOT_FOUND\",\"message\":\"there is no account a9\",
            \"field\":null,\"metadata\":{\"account_id\":\"a9\"}}}
code is the name of a gRPC code, reason a value of ErrorReason without its prefix. If no server
  answered, code and reason are UNAVAILABLE and UNREACHABLE, DEADLINE_EXCEEDED twice,
  INVALID_ARGUMENT and USAGE (the command line), UNKNOWN and FILE, or INTERNAL and ANSWER (this
  program does not understand the answer).";

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Refused,
    Usage,
    Part,
    Unreachable,
    Unwritten,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Refused => 1,
            // The same code as clap's.
            Exit::Usage => 2,
            Exit::Part => 3,
            Exit::Unreachable => 4,
            Exit::Unwritten => 5,
        })
    }
}

impl Exit {
    /// The exit of a batch, by how many of its items failed.
    pub(crate) fn of_items(failed: usize, all: usize) -> Self {
        match failed {
            0 => Self::Done,
            _ if failed == all => Self::Refused,
            _ => Self::Part,
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the client.
    Client(Error),
    /// The command line is wrong; no server was called.
    Usage { message: String, advice: String },
    /// An error of the command itself, with advice.
    Said {
        name: Name,
        message: String,
        advice: String,
    },
    /// The command would overwrite this file.
    InTheWay(PathBuf),
    /// Writing the answer failed.
    Output(io::Error),
}

/// The code and reason of a failure in JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    /// The name of a gRPC code.
    pub(crate) code: &'static str,
    /// A reason of the API, or one of [`JSON_ERRORS`].
    pub(crate) reason: &'static str,
}

const USAGE: Name = Name {
    code: "INVALID_ARGUMENT",
    reason: "USAGE",
};
const UNREACHABLE: Name = Name {
    code: "UNAVAILABLE",
    reason: "UNREACHABLE",
};
const DEADLINE: Name = Name {
    code: "DEADLINE_EXCEEDED",
    reason: "DEADLINE_EXCEEDED",
};
const FILE: Name = Name {
    code: "UNKNOWN",
    reason: "FILE",
};
/// An answer that this program does not understand.
pub(crate) const ANSWER: Name = Name {
    code: "INTERNAL",
    reason: "ANSWER",
};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            advice: advice.into(),
        }
    }

    pub(crate) fn said(name: Name, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Said {
            name,
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// Prints the failure to stderr and returns the exit code.
    pub(crate) fn report(&self, json: bool) -> Exit {
        if let Self::Output(cause) = self
            && cause.kind() == io::ErrorKind::BrokenPipe
        {
            // The reader closed the pipe (`roster … | head`).
            return Exit::Done;
        }
        let text = if json { self.json() } else { self.text() };
        // If stderr fails, too, no output is left to report it on.
        let _ = writeln!(io::stderr(), "{text}");
        self.exit()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Client(Error::Unreachable { .. } | Error::Deadline { .. }) => Exit::Unreachable,
            Self::Client(Error::Refused(refusal))
                if matches!(refusal.code_name(), "UNAVAILABLE" | "DEADLINE_EXCEEDED") =>
            {
                Exit::Unreachable
            }
            Self::Client(
                Error::Address { .. }
                | Error::Organization(_)
                | Error::Token(_)
                | Error::TokenInClear { .. }
                | Error::Tls(_),
            )
            | Self::Usage { .. } => Exit::Usage,
            Self::Client(Error::File { .. }) | Self::InTheWay(_) | Self::Output(_) => {
                Exit::Unwritten
            }
            Self::Client(_) | Self::Said { .. } => Exit::Refused,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Client(Error::Refused(refusal)) => refusal.message.clone(),
            Self::Client(error) => error.to_string(),
            Self::Said { message, .. } | Self::Usage { message, .. } => message.clone(),
            Self::InTheWay(path) => format!("{} already exists", path.display()),
            Self::Output(cause) => format!("cannot write the answer: {cause}"),
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Client(error) => error.refusal(),
            _ => None,
        }
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("error: {}", self.message())];
        if let Some(refusal) = self.refusal() {
            lines.push(format!("reason: {}", reason(refusal)));
        }
        let advice = self.advice();
        if !advice.is_empty() {
            lines.push(format!("try: {advice}"));
        }
        lines.join("\n")
    }

    fn json(&self) -> String {
        let error = match self.refusal() {
            Some(refusal) => as_json(refusal),
            None => {
                let Name { code, reason } = self.name();
                json!({
                    "code": code,
                    "reason": reason,
                    "message": self.message(),
                    "field": null,
                    "metadata": {},
                })
            }
        };
        json!({ "error": error }).to_string()
    }

    /// The name of a failure that is no refusal by a server.
    fn name(&self) -> Name {
        match self {
            Self::Said { name, .. } => *name,
            Self::Usage { .. } => USAGE,
            Self::InTheWay(_) | Self::Output(_) => FILE,
            Self::Client(error) => match error {
                Error::Address { .. }
                | Error::Organization(_)
                | Error::Token(_)
                | Error::TokenInClear { .. }
                | Error::Tls(_) => USAGE,
                Error::Unreachable { .. } => UNREACHABLE,
                Error::Deadline { .. } => DEADLINE,
                Error::File { .. } => FILE,
                _ => ANSWER,
            },
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Said { advice, .. } | Self::Usage { advice, .. } => advice.clone(),
            Self::InTheWay(_) => {
                "move it away, overwrite it with --force, or choose another path with --rejects"
                    .to_owned()
            }
            Self::Client(Error::Refused(refusal)) => advice_of(refusal),
            Self::Client(Error::Unreachable { .. }) => {
                "start roster-server, or set another address with --server".to_owned()
            }
            Self::Client(Error::TokenInClear { .. }) => {
                "use an https address, or --token-in-clear if the network itself keeps others out"
                    .to_owned()
            }
            Self::Client(Error::Deadline { .. }) => {
                "check the stored data before you repeat it: the server may have applied it"
                    .to_owned()
            }
            _ => String::new(),
        }
    }
}

/// Prints clap's output: an error of the command line, or help.
pub(crate) fn of_command_line(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // The reader may have closed the pipe.
        let _ = error.print();
        return Exit::Done;
    }
    // Parsing failed, so look for --json in the raw arguments.
    if std::env::args_os().any(|arg| arg == "--json") {
        let text = error.to_string();
        // The error may have several lines and ends at the first empty line.
        let lines = text.lines().take_while(|line| !line.is_empty());
        let line = lines.map(str::trim).collect::<Vec<_>>().join(" ");
        let message = line.strip_prefix("error: ").unwrap_or(&line);
        return Failure::usage(message, "").report(true);
    }
    let _ = error.print();
    Exit::Usage
}

/// A refusal as JSON, the same for calls and items.
pub(crate) fn as_json(refusal: &Refusal) -> serde_json::Value {
    json!({
        "code": refusal.code_name(),
        "reason": refusal.reason,
        "message": refusal.message,
        "field": refusal.field,
        "metadata": refusal.metadata,
    })
}

/// A reason with its code, for people to search for.
pub(crate) fn reason(refusal: &Refusal) -> String {
    match refusal.reason.as_str() {
        "" => refusal.code_name().to_owned(),
        reason => format!("{reason} ({})", refusal.code_name()),
    }
}

/// Advice about a refusal in terms of this command; empty if the message suffices.
fn advice_of(refusal: &Refusal) -> String {
    let Some(reason) = refusal.known_reason() else {
        return String::new();
    };
    let of = |key: &str| refusal.metadata.get(key).map_or("", String::as_str);
    match reason {
        ErrorReason::DispositionRequired => {
            "--tickets keep, primary, clear or move:ACCOUNT says what becomes of the tickets".into()
        }
        ErrorReason::PrimaryStays => format!(
            "roster set-primary {0} ACCOUNT first, or roster transfer {0} ACCOUNT",
            of("contact_id")
        ),
        ErrorReason::OneAccount => format!(
            "roster transfer {} ACCOUNT, or roster settings set multiple_accounts=true",
            of("contact_id")
        ),
        ErrorReason::NothingToTransfer => {
            format!("roster associate ACCOUNT {}", of("contact_id"))
        }
        ErrorReason::TargetNotAssociated => format!(
            "roster associate {} {} first",
            of("account_id"),
            of("contact_id")
        ),
        ErrorReason::StillInUse if of("account_id").is_empty() => {
            "--dissociate ends its associations; --delete-tickets or --new-requester CONTACT says \
             what becomes of its tickets"
                .into()
        }
        ErrorReason::StillInUse => {
            "--dissociate ends its associations; --tickets primary, clear or move:ACCOUNT says \
             what becomes of its tickets"
                .into()
        }
        ErrorReason::EtagMismatch => {
            "read it again and repeat the command: another call changed it".into()
        }
        ErrorReason::NotRequestersAccount => "omit --account, or add --allow-unassociated".into(),
        ErrorReason::HeaderUnusable => "--map 'HEADER=FIELD' sets the field of a column".into(),
        ErrorReason::FileEncoding => "--encoding utf8 or shift-jis, to match the file".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_has_read_enough_is_no_failure() {
        let failure = Failure::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(failure.report(false), Exit::Done);
    }

    #[test]
    fn a_batch_that_failed_in_part_ends_otherwise_than_one_that_failed() {
        assert_eq!(Exit::of_items(0, 3), Exit::Done);
        assert_eq!(Exit::of_items(1, 3), Exit::Part);
        assert_eq!(Exit::of_items(3, 3), Exit::Refused);
    }
}
