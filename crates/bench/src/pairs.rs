//! Ratios that are reliable on a noisy machine: short slices of both sides alternate, the order is
//! swapped in every other pair, and the result is the median of the ratios of the pairs.

use anyhow::Result;

/// The confidence of intervals of medians.
const CONFIDENCE: f64 = 0.95;

/// The results of one pair of slices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) baseline: f64,
    pub(crate) measured: f64,
}

/// Measures both sides alternately.
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

/// The median of some values, with the quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
    /// The number of values.
    pub(crate) of: usize,
}

impl Spread {
    /// Computes the spread of some values. Without values, all quartiles are NaN.
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

    /// The spread of the ratios of measured to baseline, one per pair.
    pub(crate) fn of_ratios(pairs: &[Pair]) -> Self {
        Self::of(pairs.iter().map(|pair| pair.measured / pair.baseline))
    }

    /// The spread of the ratios of baseline to measured, one per pair: the speedup of durations.
    pub(crate) fn of_speedups(pairs: &[Pair]) -> Self {
        Self::of(pairs.iter().map(|pair| pair.baseline / pair.measured))
    }
}

/// Returns an interval that contains the true median with at least 95 % confidence, for any
/// distribution of the values. Its ends are two of the values, equally far from the smallest and
/// from the largest. Fewer than six values have no such interval.
pub(crate) fn median_interval(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let count = values.len();
    // `chance` is the probability that exactly `below` random values are below the true median;
    // `in_all` is the probability that `below` or fewer are.
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

/// Interpolates between the two nearest values.
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
    fn the_median_is_of_the_ratios_of_pairs() {
        // The machine slows down for both sides: the ratios of the pairs stay the same, but the
        // ratio of the medians changes.
        let pair = |baseline, measured| Pair { baseline, measured };
        let pairs = [pair(100.0, 50.0), pair(10.0, 5.0), pair(1.0, 9.0)];
        assert_eq!(Spread::of_ratios(&pairs).median, 0.5);
        assert_eq!(Spread::of_speedups(&pairs).median, 2.0);
    }

    #[test]
    fn quartiles_are_interpolated_between_values() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(
            (spread.lower, spread.median, spread.upper, spread.of),
            (1.75, 2.5, 3.25, 4)
        );
        assert_eq!(Spread::of([7.0]).upper, 7.0);
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn the_interval_of_a_median_equals_the_tables_of_the_sign_test() {
        // From tables of the sign test: the 10th and 21st of 30 values, the 18th and 33rd of 50.
        let interval = |count| median_interval((1..=count).rev().map(f64::from));
        assert_eq!(interval(5), None);
        assert_eq!(interval(6), Some((1.0, 6.0)));
        assert_eq!(interval(9), Some((2.0, 8.0)));
        assert_eq!(interval(30), Some((10.0, 21.0)));
        assert_eq!(interval(50), Some((18.0, 33.0)));
        assert_eq!(median_interval([]), None);
    }

    #[tokio::test]
    async fn sides_alternate_and_swap_their_order_in_each_pair() {
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
