//! Rows, transactions, the change log and search of Roster on SQLite and PostgreSQL.
