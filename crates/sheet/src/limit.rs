//! How large a sheet may be. Beyond a limit a file is refused, never cut.

/// Columns of a row. The widest export of a CRM that we met has 160; a wider sheet is another
/// kind of file, or one whose delimiter is not a comma.
pub const COLUMNS_MAX: usize = 200;

/// Characters of a cell: what Excel holds. A longer one in a CSV is a quote that never closes.
pub const CELL_CHARACTERS_MAX: usize = 32_767;

/// The last row's number: five times what an XLSX sheet holds, and the largest kind of record
/// that an organization keeps (tickets).
pub const ROWS_MAX: u64 = 5_000_000;

/// Bytes of all parts of an XLSX file together when unpacked. A full sheet (1,048,576 rows of 20
/// columns) takes 2 GiB; a few kilobytes of zeros can unpack to more.
pub const UNPACKED_BYTES_MAX: u64 = 4 << 30;

/// Bytes of memory for the shared texts of an XLSX file: the one part that must be held whole.
/// A million different texts of 60 characters fit.
pub const SHARED_TEXT_BYTES_MAX: usize = 256 << 20;

/// Bytes of the workbook stream of an XLS file, which is held whole. XLS ends at 65,536 rows.
pub const XLS_BYTES_MAX: u64 = 256 << 20;

/// Sheets of a workbook: they are looked at in turn until one has a row. A person's are tens.
pub const SHEETS_MAX: usize = 1_000;

/// The limits of one reading; tests take smaller ones where the real are large.
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
