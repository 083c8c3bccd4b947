//! Tests of paired samples: the same networks trained in two ways, the same units before and after, the same trials answered by an
//! intact and by a lesioned network.

use serde::{Deserialize, Serialize};

use super::special::{
    check_confidence, check_finite, coin_at_most, doubled_ranks, magnitude, mean, normal_cdf, t_below, t_two_sided,
    variance, vary,
};
use crate::{Error, Result};

/// What is held against the hypothesis that there is no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// The first sample is larger or smaller than the second.
    #[default]
    TwoSided,
    /// The first sample is larger.
    Greater,
    /// The first sample is smaller.
    Less,
}

impl Alternative {
    /// The probability from those of a value at most and at least as large as the one that came.
    pub(super) fn p(self, at_most: f64, at_least: f64) -> f64 {
        match self {
            Self::TwoSided => (2.0 * at_most.min(at_least)).min(1.0),
            Self::Greater => at_least,
            Self::Less => at_most,
        }
    }
}

/// The outcome of [`wilcoxon_signed_rank`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignedRank {
    /// The sum of the ranks of the pairs in which the first is larger.
    #[serde(with = "crate::number")]
    pub w_plus: f64,
    /// The sum of the ranks of the pairs in which the second is larger.
    #[serde(with = "crate::number")]
    pub w_minus: f64,
    /// The pairs that differ.
    pub n: usize,
    /// The probability of ranks at least as uneven, if there is no difference.
    #[serde(with = "crate::number")]
    pub p: f64,
    /// Whether `p` is exact; else it is that of a normal distribution.
    pub exact: bool,
}

/// The signed-rank test of Wilcoxon F (1945), doi:10.2307/3001968: whether the differences `first - second` of pairs
/// lie about 0.
///
/// Pairs that are equal are left out. Equal differences share the mean of their ranks. Up to 50 pairs that differ, `p`
/// is exact: the probability over all ways of giving signs to the ranks as they are, ties included. Above that it is
/// that of a normal distribution with the variance `(n (n + 1) (2n + 1) - Σ (t³ - t) / 2) / 24`, `t` the sizes of the
/// groups of ties, with 1/2 for continuity.
///
/// ```
/// use psychrnn::analysis::{Alternative, wilcoxon_signed_rank};
/// let curriculum = [1400, 1200, 1600, 1350, 1500, 1450];
/// let fixed = [2900, 2100, 2500, 3100, 2750, 1900];
/// let test = wilcoxon_signed_rank(&curriculum.map(f64::from), &fixed.map(f64::from), Alternative::TwoSided)?;
/// assert_eq!(test.p, 2.0 / 64.0);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If the samples differ in length, if a number is not finite, or if all pairs are equal.
pub fn wilcoxon_signed_rank(first: &[f64], second: &[f64], alternative: Alternative) -> Result<SignedRank> {
    const EXACT_UP_TO: usize = 50;
    check_numbers(first, second)?;
    let mut differences = differences(first, second);
    differences.retain(|&difference| difference != 0.0);
    if differences.is_empty() {
        return Err(Error::argument("pairs", "at least one that differs", format!("{} that are equal", first.len())));
    }
    differences.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = differences.len();
    let (ranks, ties) = doubled_ranks(&differences, f64::abs);
    let plus: usize = ranks.iter().zip(&differences).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    let total: usize = ranks.iter().sum();
    let exact = n <= EXACT_UP_TO;
    let (at_most, at_least) = if exact {
        // How probable each sum is, adding one rank after the other with either sign.
        let mut probability = vec![0.0; total + 1];
        probability[0] = 1.0;
        for &rank in &ranks {
            for sum in (0..=total).rev() {
                let with = if sum >= rank { probability[sum - rank] } else { 0.0 };
                probability[sum] = (probability[sum] + with) / 2.0;
            }
        }
        (probability[..=plus].iter().sum(), probability[plus..].iter().sum())
    } else {
        let size = n as f64;
        let sd = ((size * (size + 1.0) * (2.0 * size + 1.0) - ties / 2.0) / 24.0).sqrt();
        let away = (plus as f64 - total as f64 / 2.0) / 2.0;
        (normal_cdf((away + 0.5) / sd), normal_cdf((0.5 - away) / sd))
    };
    Ok(SignedRank {
        w_plus: plus as f64 / 2.0,
        w_minus: (total - plus) as f64 / 2.0,
        n,
        p: alternative.p(at_most, at_least),
        exact,
    })
}

/// The outcome of [`paired_t`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PairedT {
    /// The mean of `first - second`.
    #[serde(with = "crate::number")]
    pub difference: f64,
    /// The two-sided interval of the difference with the confidence that was asked for.
    #[serde(with = "crate::number")]
    pub interval: (f64, f64),
    /// The difference divided by its standard error.
    #[serde(with = "crate::number")]
    pub t: f64,
    /// The degrees of freedom: pairs - 1.
    pub dof: usize,
    /// The probability of a `t` at least as far out, if there is no difference.
    #[serde(with = "crate::number")]
    pub p: f64,
}

/// The t test of paired samples (Student (1908), doi:10.1093/biomet/6.1.1): whether the mean of `first - second` is 0,
/// if the differences are normally distributed. `confidence`, such as 0.95, is that of the interval.
///
/// ```
/// use psychrnn::analysis::{Alternative, paired_t};
/// let test = paired_t(&[5.1, 4.8, 6.0, 5.5], &[4.9, 4.4, 5.2, 5.3], Alternative::TwoSided, 0.95)?;
/// assert!((test.difference - 0.4).abs() < 1e-12 && test.dof == 3);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If the samples differ in length, if a number is not finite, if there are fewer than two pairs, if all differences
/// are the same, or if `confidence` is not between 0 and 1.
pub fn paired_t(first: &[f64], second: &[f64], alternative: Alternative, confidence: f64) -> Result<PairedT> {
    check_numbers(first, second)?;
    check_confidence(confidence)?;
    let scale = magnitude(first.iter().chain(second));
    let [first, second] = [first, second].map(|sample| sample.iter().map(|x| x / scale).collect::<Vec<_>>());
    let differences = differences(&first, &second);
    let n = differences.len();
    let (difference, se) = (mean(&differences), (variance(&differences) / n as f64).sqrt());
    if n < 2 || !vary(&differences, first.iter().chain(&second)) {
        let got = format!("{n} that differ by {} each", scale * difference);
        return Err(Error::argument("pairs", "at least two, whose differences vary", got));
    }
    let (t, dof) = (difference / se, n - 1);
    let half = t_two_sided(confidence, dof as f64) * se;
    Ok(PairedT {
        difference: scale * difference,
        interval: (scale * (difference - half), scale * (difference + half)),
        t,
        dof,
        p: alternative.p(t_below(t, dof as f64), t_below(-t, dof as f64)),
    })
}

/// The outcome of [`mcnemar`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct McNemar {
    /// The pairs.
    pub n: usize,
    /// Those in which only the first is true.
    pub only_first: usize,
    /// Those in which only the second is true.
    pub only_second: usize,
    /// The probability of pairs that differ at least as unevenly, if there is no difference; 1 if none differ.
    #[serde(with = "crate::number")]
    pub p: f64,
}

/// The exact test of McNemar Q (1947), doi:10.1007/BF02295996: whether one of two answers is more often true, of pairs of
/// answers such as those of an intact and of a lesioned network to the same trials.
///
/// Only pairs that differ count. Without a difference each of them is as likely to have the one as to have the other true, so `p` is
/// that of throws of a fair coin, for any number of pairs.
///
/// ```
/// use psychrnn::analysis::{Alternative, mcnemar};
/// let intact = [true, true, true, true, true, true, false, true];
/// let lesioned = [false, false, false, false, false, false, false, true];
/// let test = mcnemar(&intact, &lesioned, Alternative::TwoSided)?;
/// assert!(test.only_first == 6 && test.only_second == 0 && (test.p - 2.0 / 64.0).abs() < 1e-12);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If the samples differ in length, or are empty.
pub fn mcnemar(first: &[bool], second: &[bool], alternative: Alternative) -> Result<McNemar> {
    check_pairs(first.len(), second.len())?;
    let only = |of: bool| first.iter().zip(second).filter(|&(&a, &b)| a != b && a == of).count();
    let (only_first, only_second) = (only(true), only(false));
    let differ = only_first + only_second;
    let p = alternative.p(coin_at_most(only_first, differ), coin_at_most(only_second, differ));
    Ok(McNemar { n: first.len(), only_first, only_second, p })
}

fn check_pairs(first: usize, second: usize) -> Result<()> {
    if first == 0 {
        return Err(Error::argument("first", "at least one value", "empty"));
    }
    if first != second {
        return Err(Error::shape("second", format!("[n_pairs = {first}], as `first`"), &[second]));
    }
    Ok(())
}

fn check_numbers(first: &[f64], second: &[f64]) -> Result<()> {
    check_pairs(first.len(), second.len())?;
    check_finite("first", first)?;
    check_finite("second", second)
}

fn differences(first: &[f64], second: &[f64]) -> Vec<f64> {
    first.iter().zip(second).map(|(first, second)| first - second).collect()
}
