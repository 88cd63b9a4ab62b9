//! Size limits of a sheet. A file over a limit is refused, never truncated.

/// Maximum columns of a row. The widest known CRM export has 160. A wider sheet is another kind of
/// file, or has another separator than commas.
pub const COLUMNS_MAX: usize = 200;

/// Maximum characters of a cell, which is the limit of Excel. A longer cell in a CSV file has a
/// quote that is never closed.
pub const CELL_CHARACTERS_MAX: usize = 32_767;

/// Maximum row number: five times the rows of an XLSX sheet, and the number of tickets, the most
/// frequent kind of record, that an organization can have.
pub const ROWS_MAX: u64 = 5_000_000;

/// Maximum total bytes of all parts of an XLSX file when unpacked. A full sheet (1,048,576 rows of
/// 20 columns) takes 2 GiB; a few kilobytes of compressed zeros can unpack to more.
pub const UNPACKED_BYTES_MAX: u64 = 4 << 30;

/// Maximum bytes of memory for the shared texts of an XLSX file, the only part that must be in
/// memory as a whole. A million different texts of 60 characters fit.
pub const SHARED_TEXT_BYTES_MAX: usize = 256 << 20;

/// Maximum bytes of the workbook stream of an XLS file, which is in memory as a whole. An XLS sheet
/// has at most 65,536 rows.
pub const XLS_BYTES_MAX: u64 = 256 << 20;

/// Maximum sheets of a workbook. They are read in turn until one has a row. Workbooks that people
/// make have tens of sheets.
pub const SHEETS_MAX: usize = 1_000;

/// The limits of a read. Tests use smaller limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) columns: usize,
    pub(crate) cell_characters: usize,
    pub(crate) rows: u64,
    pub(crate) unpacked_bytes: u64,
    pub(crate) shared_text_bytes: usize,
    pub(crate) xls_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            columns: COLUMNS_MAX,
            cell_characters: CELL_CHARACTERS_MAX,
            rows: ROWS_MAX,
            unpacked_bytes: UNPACKED_BYTES_MAX,
            shared_text_bytes: SHARED_TEXT_BYTES_MAX,
            xls_bytes: XLS_BYTES_MAX,
        }
    }
}
