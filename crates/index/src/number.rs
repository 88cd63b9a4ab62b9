//! Numbers of records, as small as memory holds them.

/// The highest number of a record that memory holds: two bits of 32 are left for marks. No
/// organization has a thousand million of anything and fits in memory.
pub const NUMBER_MAX: u64 = (1 << 30) - 1;

/// An organization that memory does not hold: it is answered from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the organization is larger than the memory that it may take")]
pub struct TooLarge;

/// A record's number in memory.
pub(crate) fn small(number: u64) -> Result<u32, TooLarge> {
    match u32::try_from(number) {
        Ok(small) if number <= NUMBER_MAX => Ok(small),
        _ => Err(TooLarge),
    }
}

/// A number that is asked for: one that memory cannot hold is the number of nothing.
pub(crate) fn asked(number: u64) -> u32 {
    small(number).unwrap_or(0)
}

/// The place of a number in a list by number.
pub(crate) fn place(number: u32) -> usize {
    number as usize
}

/// Makes a list long enough for a number.
pub(crate) fn reach<T: Default>(list: &mut Vec<T>, number: u32) {
    let length = place(number) + 1;
    if length > list.len() {
        make_room(list, length - list.len());
        list.resize_with(length, T::default);
    }
}

/// Makes room for so many more in a list.
///
/// It grows by an eighth: such lists are most of what an organization takes, and a list that
/// doubles is half empty when it has.
pub(crate) fn make_room<T>(list: &mut Vec<T>, more: usize) {
    let length = list.len() + more;
    if length > list.capacity() {
        list.reserve_exact(more + length / GROWTH);
    }
}

/// A list grows by one part of this many.
const GROWTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_fit_is_refused_and_is_the_number_of_nothing() {
        assert_eq!(small(NUMBER_MAX - 1), Ok((1 << 30) - 2));
        assert_eq!(small(NUMBER_MAX), Ok((1 << 30) - 1));
        for large in [NUMBER_MAX + 1, 1 << 32, u64::MAX] {
            assert_eq!((small(large), asked(large)), (Err(TooLarge), 0));
        }
    }
}
