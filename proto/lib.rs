//! The API of Roster.
