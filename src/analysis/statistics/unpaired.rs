//! Tests of two independent samples: networks trained in two ways with seeds of their own, units of two populations.

use serde::{Deserialize, Serialize};

use super::Alternative;
use super::special::{
    check_confidence, check_finite, doubled_ranks, magnitude, mean, normal_cdf, t_below, t_two_sided, variance, vary,
};
use crate::{Error, Result};

/// The outcome of [`mann_whitney`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MannWhitney {
    /// In how many pairs, one of each sample, the first is larger; pairs that are equal count half.
    #[serde(with = "crate::number")]
    pub u_first: f64,
    /// In how many the second is larger.
    #[serde(with = "crate::number")]
    pub u_second: f64,
    /// The size of the effect: the share of pairs in which the first is larger, 1/2 without an effect. It is the area under the
    /// ROC curve; the rank-biserial correlation is twice it less 1.
    #[serde(with = "crate::number")]
    pub superiority: f64,
    /// The probability of ranks at least as uneven, if there is no difference.
    #[serde(with = "crate::number")]
    pub p: f64,
    /// Whether `p` is exact; else it is that of a normal distribution.
    pub exact: bool,
}

/// The rank-sum test of Mann HB, Whitney DR (1947), doi:10.1214/aoms/1177730491 (also Wilcoxon's): whether a number of the first sample tends to
/// be larger, or smaller, than one of the second.
///
/// Up to 50 numbers in both samples together, all different, `p` is exact. Else it is that of a normal distribution with the
/// variance `n₁ n₂ / 12 (n + 1 - Σ (t³ - t) / (n (n - 1)))`, `t` the sizes of the groups of ties, with 1/2 for continuity.
///
/// ```
/// use psychrnn::analysis::{Alternative, mann_whitney};
/// let test = mann_whitney(&[1400.0, 1200.0, 1600.0], &[2900.0, 2100.0, 2500.0, 3100.0], Alternative::TwoSided)?;
/// assert!((test.p - 2.0 / 35.0).abs() < 1e-12 && test.exact && test.superiority == 0.0);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If a sample is empty, if a number is not finite, or if all numbers are the same.
pub fn mann_whitney(first: &[f64], second: &[f64], alternative: Alternative) -> Result<MannWhitney> {
    const EXACT_UP_TO: usize = 50;
    check_samples(first, second, 1)?;
    let mut all: Vec<(f64, bool)> =
        first.iter().map(|&x| (x, true)).chain(second.iter().map(|&x| (x, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let sorted: Vec<f64> = all.iter().map(|(x, _)| *x).collect();
    if sorted.first() == sorted.last() {
        return Err(Error::argument("samples", "numbers that differ", format!("{} that are the same", sorted.len())));
    }
    // Zero with a sign is zero, wherever it was sorted.
    let (ranks, ties) = doubled_ranks(&sorted, |x| x);
    let (n_first, n_second) = (first.len(), second.len());
    let doubled: usize = ranks.iter().zip(&all).filter(|(_, (_, of_first))| *of_first).map(|(rank, _)| rank).sum();
    let u_first = (doubled - n_first * (n_first + 1)) as f64 / 2.0;
    let pairs = n_first as f64 * n_second as f64;
    let exact = ties == 0.0 && sorted.len() <= EXACT_UP_TO;
    let (at_most, at_least) = if exact {
        let probability = rank_sums(n_first, n_second);
        let u = u_first as usize;
        (probability[..=u].iter().sum(), probability[u..].iter().sum())
    } else {
        let n = sorted.len() as f64;
        let sd = (pairs / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)))).sqrt();
        let away = u_first - pairs / 2.0;
        (normal_cdf((away + 0.5) / sd), normal_cdf((0.5 - away) / sd))
    };
    Ok(MannWhitney {
        u_first,
        u_second: pairs - u_first,
        superiority: u_first / pairs,
        p: alternative.p(at_most, at_least),
        exact,
    })
}

/// The probability of each `U`, from 0 to `n₁ n₂`, without ties: that of a sample with one number fewer, by whose it is that is
/// largest.
fn rank_sums(n_first: usize, n_second: usize) -> Vec<f64> {
    let most = n_first * n_second;
    // Those of `first` numbers against 0, 1, 2, ... of the second sample.
    let mut fewer = vec![[vec![1.0], vec![0.0; most]].concat(); n_second + 1];
    for first in 1..=n_first {
        let mut these = vec![[vec![1.0], vec![0.0; most]].concat()];
        for second in 1..=n_second {
            let (of_first, of_second): (&Vec<f64>, &Vec<f64>) = (&fewer[second], &these[second - 1]);
            let share = first as f64 / (first + second) as f64;
            let with = |u: usize| {
                let below = if u >= second { of_first[u - second] } else { 0.0 };
                share * below + (1.0 - share) * of_second[u]
            };
            let probability = (0..=most).map(with).collect();
            these.push(probability);
        }
        fewer = these;
    }
    fewer.swap_remove(n_second)
}

/// The outcome of [`welch_t`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WelchT {
    /// The mean of the first sample less that of the second.
    #[serde(with = "crate::number")]
    pub difference: f64,
    /// The two-sided interval of the difference with the confidence that was asked for.
    #[serde(with = "crate::number")]
    pub interval: (f64, f64),
    /// The difference divided by its standard error.
    #[serde(with = "crate::number")]
    pub t: f64,
    /// The degrees of freedom, which need not be a whole number.
    #[serde(with = "crate::number")]
    pub dof: f64,
    /// The probability of a `t` at least as far out, if there is no difference.
    #[serde(with = "crate::number")]
    pub p: f64,
}

/// The t test of Welch BL (1947), doi:10.1093/biomet/34.1-2.28: whether the means of two independent samples differ, if each is
/// normally distributed; their variances may differ. The degrees of freedom are Satterthwaite's,
/// `(v₁ + v₂)² / (v₁² / (n₁ - 1) + v₂² / (n₂ - 1))` with the squared standard errors `v`. `confidence`, such as 0.95, is that of the interval.
///
/// ```
/// use psychrnn::analysis::{Alternative, welch_t};
/// let test = welch_t(&[5.1, 4.8, 6.0, 5.5], &[4.9, 4.4, 5.2], Alternative::Greater, 0.95)?;
/// assert!((test.difference - 0.5166).abs() < 1e-3 && test.dof < 5.0);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If a sample has fewer than two numbers, if a number is not finite, if neither sample varies, or if `confidence` is not between 0
/// and 1.
pub fn welch_t(first: &[f64], second: &[f64], alternative: Alternative, confidence: f64) -> Result<WelchT> {
    check_samples(first, second, 2)?;
    check_confidence(confidence)?;
    if !vary(first, first) && !vary(second, second) {
        let got = format!("{} in all of the first and {} in all of the second", first[0], second[0]);
        return Err(Error::argument("samples", "numbers that vary within one of them at least", got));
    }
    let scale = magnitude(first.iter().chain(second));
    let [first, second] = [first, second].map(|sample| sample.iter().map(|x| x / scale).collect::<Vec<_>>());
    let [v_first, v_second] = [&first, &second].map(|sample| variance(sample) / sample.len() as f64);
    let se = (v_first + v_second).sqrt();
    let difference = mean(&first) - mean(&second);
    let squared = |v: f64, sample: &[f64]| (v / (v_first + v_second)).powi(2) / (sample.len() - 1) as f64;
    let (t, dof) = (difference / se, 1.0 / (squared(v_first, &first) + squared(v_second, &second)));
    let half = t_two_sided(confidence, dof) * se;
    Ok(WelchT {
        difference: scale * difference,
        interval: (scale * (difference - half), scale * (difference + half)),
        t,
        dof,
        p: alternative.p(t_below(t, dof), t_below(-t, dof)),
    })
}

fn check_samples(first: &[f64], second: &[f64], least: usize) -> Result<()> {
    for (name, sample) in [("first", first), ("second", second)] {
        if sample.len() < least {
            return Err(Error::argument(
                name,
                format!("a sample of at least {least}"),
                format!("one of {}", sample.len()),
            ));
        }
        check_finite(name, sample)?;
    }
    Ok(())
}
