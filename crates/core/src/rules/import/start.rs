//! The start of an import: it gets an id. No record changes.

use crate::command::{Circumstances, Command, Decision};
use crate::fact::{Facts, Needs};
use crate::id::{ImportId, Time};
use crate::refusal::Refused;

/// Starts an import.
#[derive(Clone, Copy, Debug)]
pub struct StartImport;

/// A started import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartedImport {
    /// Its id.
    pub id: ImportId,
    /// When it started.
    pub create_time: Time,
}

impl Command for StartImport {
    type Answer = StartedImport;
    const NAME: &'static str = "StartImport";

    fn needs(&self, _: &mut Needs) {}

    fn decide<F: Facts>(
        &self,
        _: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<StartedImport>, Refused> {
        Ok(Decision::unchanged(StartedImport {
            id: given.take_import(),
            create_time: given.now,
        }))
    }
}
