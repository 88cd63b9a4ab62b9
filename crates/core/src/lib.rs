//! The rules of Roster: facts in, changes out. No I/O, no clock, no wire, no SQL.

pub mod change;
pub mod command;
pub mod count;
pub mod credential;
pub mod draft;
pub mod fact;
pub mod guard;
pub mod id;
pub mod limit;
pub mod names;
pub mod organization;
pub mod record;
pub mod refusal;
pub mod rules;
pub mod scope;
pub mod text;
