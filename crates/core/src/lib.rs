//! The rules of Roster: facts in, changes out. No I/O, no clock, no wire, no SQL.
