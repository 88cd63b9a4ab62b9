//! Imports: headers to columns, rows to commands, batches, rejects.
