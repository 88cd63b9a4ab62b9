//! Record numbers in the compact form that memory uses.

/// The highest record number in memory: two bits of 32 are reserved for flags. No organization with
/// a thousand million records of a kind fits in memory.
pub const NUMBER_MAX: u64 = (1 << 30) - 1;

/// The organization does not fit in memory: it is answered from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the organization exceeds the memory available to it")]
pub struct TooLarge;

/// Returns a record's number in memory.
pub(crate) fn small(number: u64) -> Result<u32, TooLarge> {
    match u32::try_from(number) {
        Ok(small) if number <= NUMBER_MAX => Ok(small),
        _ => Err(TooLarge),
    }
}

/// Maps an id that does not fit to 0, which no record has.
pub(crate) fn small_or_zero(number: u64) -> u32 {
    small(number).unwrap_or(0)
}

/// Returns the position of a number in a list by number.
pub(crate) fn place(number: u32) -> usize {
    number as usize
}

/// Extends a list to contain a number.
pub(crate) fn reach<T: Default>(list: &mut Vec<T>, number: u32) {
    let length = place(number) + 1;
    if length > list.len() {
        make_room(list, length - list.len());
        list.resize_with(length, T::default);
    }
}

/// Reserves room for this many more entries in a list.
///
/// The list grows by an eighth: such lists are most of an organization's memory, and a list that
/// doubles is half empty afterwards.
pub(crate) fn make_room<T>(list: &mut Vec<T>, more: usize) {
    let length = list.len() + more;
    if length > list.capacity() {
        list.reserve_exact(more + length / GROWTH);
    }
}

/// The divisor of a list's growth.
const GROWTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_fit_is_refused_and_is_the_number_of_nothing() {
        assert_eq!(small(NUMBER_MAX - 1), Ok((1 << 30) - 2));
        assert_eq!(small(NUMBER_MAX), Ok((1 << 30) - 1));
        for large in [NUMBER_MAX + 1, 1 << 32, u64::MAX] {
            assert_eq!((small(large), small_or_zero(large)), (Err(TooLarge), 0));
        }
    }
}
