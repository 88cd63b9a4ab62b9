//! The compression of change sets.

use std::cell::RefCell;
use std::io::Result;

use zstd::bulk::Compressor;

/// zstd's own default: a higher level takes longer than it saves.
const LEVEL: i32 = 3;

thread_local! {
    /// The compressor of this thread: creating one costs more than compressing a call's change set.
    /// Dropped after a failure.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses with a checksum: a change set that the disk damaged must not decode to other changes.
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

/// Decompresses packed bytes.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    zstd::stream::decode_all(packed)
}
