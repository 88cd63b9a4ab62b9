//! `roster scopes`: the scopes, the sets, and the methods that need a scope. Calls no server.

use std::io::Write;

use clap::Args;
use roster_api::METHODS;
use roster_core::scope::{Scope, ScopeSet};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::output::{Output, Rows};

/// Arguments of `roster scopes`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  roster scopes\n  roster scopes --json")]
pub(crate) struct ScopesTable {}

/// The names of the methods that need a scope. A star marks a method that needs further scopes,
/// depending on the request.
fn methods(scope: Scope) -> Vec<String> {
    let needed = METHODS
        .iter()
        .filter(|method| method.access.scope == scope.name());
    let name = |method: &roster_api::MethodInfo| {
        let star = if method.access.by_kind { "*" } else { "" };
        format!("{}{star}", method.name)
    };
    needed.map(name).collect()
}

/// The names of the sets that contain a scope.
fn sets(scope: Scope) -> Vec<&'static str> {
    let sets = ScopeSet::ALL.iter().filter(|set| set.scopes.has(scope));
    sets.map(|set| set.name).collect()
}

impl ScopesTable {
    pub(crate) fn run(self, as_json: bool) -> Result<Exit, Failure> {
        let mut output = Output::new(as_json)?;
        if as_json {
            let mut out = std::io::stdout();
            for scope in Scope::ALL {
                let line = json!({
                    "scope": scope.name(),
                    "about": scope.about(),
                    "sets": sets(*scope),
                    "methods": methods(*scope),
                });
                writeln!(out, "{line}")?;
            }
            return Ok(Exit::Done);
        }
        let mut rows = Rows::with_header(&["SCOPE", "SETS", "METHODS", "ALLOWS"]);
        for scope in Scope::ALL {
            rows.push(vec![
                scope.name().to_owned(),
                sets(*scope).join(", "),
                methods(*scope).join(", "),
                scope.about().to_owned(),
            ]);
        }
        output.print(&rows)?;
        output.note("* needs further scopes, depending on the request")?;
        output.finish()?;
        Ok(Exit::Done)
    }
}
