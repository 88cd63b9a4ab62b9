//! Bytes to rows: CSV, XLSX and XLS in bounded memory, safe on hostile input.
