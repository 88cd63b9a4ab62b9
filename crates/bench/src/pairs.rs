//! Ratios that a noisy machine cannot fake: short slices of both sides in turn, each pair in the
//! other order than the one before, and the median of what the pairs say.

use anyhow::Result;

/// Of intervals of medians.
const CONFIDENCE: f64 = 0.95;

/// What one pair of slices measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) baseline: f64,
    pub(crate) measured: f64,
}

/// Measures both sides in turn.
pub(crate) async fn alternate(
    pairs: usize,
    mut baseline: impl AsyncFnMut() -> Result<f64>,
    mut measured: impl AsyncFnMut() -> Result<f64>,
) -> Result<Vec<Pair>> {
    let mut all = Vec::with_capacity(pairs);
    for number in 0..pairs {
        all.push(if number.is_multiple_of(2) {
            let baseline = baseline().await?;
            Pair {
                baseline,
                measured: measured().await?,
            }
        } else {
            let measured = measured().await?;
            Pair {
                baseline: baseline().await?,
                measured,
            }
        });
    }
    Ok(all)
}

/// The median of some values, and the quartiles beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
    /// Of how many values.
    pub(crate) of: usize,
}

impl Spread {
    /// Of no values: no numbers.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self {
            lower: quantile(&values, 0.25),
            median: quantile(&values, 0.5),
            upper: quantile(&values, 0.75),
            of: values.len(),
        }
    }

    /// Of measured to baseline, pair by pair.
    pub(crate) fn of_ratios(pairs: &[Pair]) -> Self {
        Self::of(pairs.iter().map(|pair| pair.measured / pair.baseline))
    }

    /// Of baseline to measured, pair by pair: how many times faster, of times.
    pub(crate) fn of_gains(pairs: &[Pair]) -> Self {
        Self::of(pairs.iter().map(|pair| pair.baseline / pair.measured))
    }
}

/// An interval that holds the true median of what was drawn with at least 95 % confidence, whatever
/// the values are distributed like: between two of them, as many places from either end. Of fewer than
/// six values there is no such interval.
pub(crate) fn median_interval(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let count = values.len();
    // The chance that `below` of all values, drawn at random, lie below the true median; and the
    // chance that `below` or fewer do.
    let mut chance = 0.5_f64.powi(i32::try_from(count).ok()?);
    let (mut below, mut in_all) = (0, chance);
    while in_all <= (1.0 - CONFIDENCE) / 2.0 {
        chance *= (count - below) as f64 / (below + 1) as f64;
        below += 1;
        in_all += chance;
    }
    let first = below.checked_sub(1)?;
    Some((values[first], values[count - 1 - first]))
}

/// Between two values in proportion.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = part * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn the_median_of_ratios_is_taken_pair_by_pair() {
        // The machine slows down under both sides: the ratio stays, that of the medians would not.
        let pair = |baseline, measured| Pair { baseline, measured };
        let pairs = [pair(100.0, 50.0), pair(10.0, 5.0), pair(1.0, 9.0)];
        assert_eq!(Spread::of_ratios(&pairs).median, 0.5);
        assert_eq!(Spread::of_gains(&pairs).median, 2.0);
    }

    #[test]
    fn quartiles_lie_between_values_in_proportion() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(
            (spread.lower, spread.median, spread.upper, spread.of),
            (1.75, 2.5, 3.25, 4)
        );
        assert_eq!(Spread::of([7.0]).upper, 7.0);
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn the_interval_of_a_median_lies_between_the_values_of_the_tables() {
        // The places of the sign test's tables: 10th and 21st of 30, 18th and 33rd of 50.
        let interval = |count| median_interval((1..=count).rev().map(f64::from));
        assert_eq!(interval(5), None);
        assert_eq!(interval(6), Some((1.0, 6.0)));
        assert_eq!(interval(9), Some((2.0, 8.0)));
        assert_eq!(interval(30), Some((10.0, 21.0)));
        assert_eq!(interval(50), Some((18.0, 33.0)));
        assert_eq!(median_interval([]), None);
    }

    #[tokio::test]
    async fn sides_are_measured_in_turn_in_swapped_order() {
        let order = RefCell::new(String::new());
        let side = |name: char, value: f64| {
            let order = &order;
            async move || {
                order.borrow_mut().push(name);
                Ok(value)
            }
        };
        let pairs = alternate(3, side('b', 2.0), side('m', 1.0)).await;
        assert_eq!(order.borrow().as_str(), "bmmbbm");
        let pair = Pair {
            baseline: 2.0,
            measured: 1.0,
        };
        assert_eq!(pairs.expect("pairs"), [pair; 3]);
    }
}
