//! Distributions and small sums that several analyses need.

use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF, StudentsT};
use statrs::function::erf::{erfc, erfc_inv};

use crate::{Error, Result};

/// The standard normal distribution function.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// The inverse of [`normal_cdf`].
pub(crate) fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// The probability of a chi-square above `x`; NaN without degrees of freedom.
pub(crate) fn chi_square_above(x: f64, dof: usize) -> f64 {
    ChiSquared::new(dof as f64).map_or(f64::NAN, |chi_square| chi_square.sf(x.max(0.0)))
}

/// The probability of a Student t below `t`; NaN without degrees of freedom, or if `t` is.
pub(crate) fn t_below(t: f64, dof: f64) -> f64 {
    if !t.is_finite() {
        return if t.is_nan() { t } else { f64::from(t > 0.0) };
    }
    StudentsT::new(0.0, 1.0, dof).map_or(f64::NAN, |student| student.cdf(t))
}

/// The number that a Student t exceeds in size with probability `1 - confidence`; NaN without degrees of freedom.
pub(crate) fn t_two_sided(confidence: f64, dof: f64) -> f64 {
    StudentsT::new(0.0, 1.0, dof).map_or(f64::NAN, |student| student.inverse_cdf((1.0 + confidence) / 2.0))
}

/// The probability of at most `k` heads in `n` throws of a fair coin.
pub(crate) fn coin_at_most(k: usize, n: usize) -> f64 {
    Binomial::new(0.5, n as u64).map_or(f64::NAN, |coin| coin.cdf(k as u64))
}

/// The mean; NaN of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance, divided by `n - 1`; NaN of fewer than two values, and 0 if all are the same.
pub(crate) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    // Their mean may be another number, by rounding.
    if values.iter().all(|&value| value == values[0]) {
        return 0.0;
    }
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// Pearson's correlation; NaN if one of the two does not vary.
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

/// The power of two by which numbers are about 1 at most, so that no square of them is too large or too small; dividing by it
/// rounds nothing.
pub(crate) fn magnitude<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let largest = largest(values);
    if largest > 0.0 { largest.log2().floor().exp2() } else { 1.0 }
}

/// Whether numbers differ by more than the rounding of those that they were computed from.
pub(crate) fn vary<'a>(values: &[f64], from: impl IntoIterator<Item = &'a f64>) -> bool {
    let ends = |(low, high): (f64, f64), &value: &f64| (low.min(value), high.max(value));
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    high - low > 4.0 * f64::EPSILON * largest(from)
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The quantile of sorted values, linear between them; NaN of nothing.
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) if low == high || place == below as f64 => *low,
        // Between an infinite value and any other there is nothing.
        (Some(low), Some(high)) if low.is_infinite() || high.is_infinite() => {
            if low.is_infinite() {
                *low
            } else {
                *high
            }
        }
        (Some(low), Some(high)) => low + (high - low) * (place - below as f64),
        _ => f64::NAN,
    }
}

/// The ends of the middle `confidence` of values, which are sorted on the way.
pub(crate) fn middle(values: &mut [f64], confidence: f64) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    (quantile(values, (1.0 - confidence) / 2.0), quantile(values, (1.0 + confidence) / 2.0))
}

/// Twice the ranks of sorted numbers, ties sharing the mean of theirs (so that they are still whole numbers), and
/// `Σ (t³ - t)` over the sizes `t` of the groups of ties.
pub(crate) fn doubled_ranks(sorted: &[f64], size: impl Fn(f64) -> f64) -> (Vec<usize>, f64) {
    let (mut ranks, mut ties) = (Vec::with_capacity(sorted.len()), 0.0);
    for group in sorted.chunk_by(|&a, &b| size(a) == size(b)) {
        let before = ranks.len();
        ranks.extend(std::iter::repeat_n(2 * before + group.len() + 1, group.len()));
        ties += (group.len() as f64).powi(3) - group.len() as f64;
    }
    (ranks, ties)
}

pub(crate) fn check_confidence(confidence: f64) -> Result<()> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(())
    } else {
        Err(Error::argument("confidence", "between 0 and 1, both excluded", confidence))
    }
}

/// An error that names the first value which is NaN or infinite.
pub(crate) fn check_finite(name: &str, values: &[f64]) -> Result<()> {
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((at, &value)) => Err(Error::NotFinite { name: name.to_owned(), value, at: format!("[{at}]") }),
    }
}
