//! How change sets are compressed.

use std::cell::RefCell;
use std::io::Result;

use zstd::bulk::Compressor;

/// zstd's own default: more takes longer than it saves.
const LEVEL: i32 = 3;

thread_local! {
    /// What a writer compresses with: to make one costs more than the change set of a call is worth.
    /// One that failed is not kept.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Compressed, with a checksum: what a disk has changed must not decode to other changes.
pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let mut compressor = kept.take().map_or_else(compressor, Ok)?;
        let packed = compressor.compress(bytes)?;
        *kept = Some(compressor);
        Ok(packed)
    })
}

fn compressor() -> Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}

/// What was packed.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    zstd::stream::decode_all(packed)
}
