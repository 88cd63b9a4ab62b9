//! Counts the statements of a thread, so that each piece of work can report its own.

use std::cell::Cell;

use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};

use crate::observer::{Observer, Work};

thread_local! {
    /// The statements that this thread began.
    static BEGUN: Cell<u64> = const { Cell::new(0) };
}

/// Counts the statements of a connection on the thread that uses it, beside the instrumentation that
/// the process has for every connection, if any: tests list the texts of statements with it.
pub(crate) struct CountStatements {
    of_process: Option<Box<dyn Instrumentation>>,
}

impl CountStatements {
    pub(crate) fn new() -> Self {
        Self {
            of_process: get_default_instrumentation(),
        }
    }
}

impl Instrumentation for CountStatements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { .. } = event {
            BEGUN.set(BEGUN.get() + 1);
        }
        if let Some(of_process) = &mut self.of_process {
            of_process.on_connection_event(event);
        }
    }
}

/// Reports the statements of a piece of work when dropped, on the thread that did it.
pub(crate) struct CountedWork<'o> {
    observer: Option<&'o dyn Observer>,
    work: Work,
    before: u64,
}

impl<'o> CountedWork<'o> {
    pub(crate) fn begin(work: Work, observer: Option<&'o dyn Observer>) -> Self {
        let before = BEGUN.get();
        Self {
            observer,
            work,
            before,
        }
    }
}

impl Drop for CountedWork<'_> {
    fn drop(&mut self) {
        if let Some(observer) = self.observer {
            observer.statements(self.work, BEGUN.get() - self.before);
        }
    }
}
