//! How a subject would produce intervals that knows how uncertain it is.

use serde::{Deserialize, Serialize};

use super::Timing;
use crate::analysis::statistics::minimize::minimize;
use crate::{Error, Result};

/// The noise that a fit may find.
const BOUNDS: (f64, f64) = (0.001, 1.0);
/// Where a fit begins: the best of these pairs.
const STARTS: [f64; 4] = [0.02, 0.05, 0.1, 0.2];

/// The observer of Jazayeri M, Shadlen MN (2010), doi:10.1038/nn.2590: it measures an interval with noise, knows which intervals there are, and
/// produces the best guess with noise. Both kinds of noise grow with the interval.
///
/// ```text
/// t_m = t_s (1 + w_m ξ)
/// t_e = f(t_m) = Σ t p(t_m | t) / Σ p(t_m | t),   p(t_m | t) = exp(-(t_m - t)² / (2 w_m² t²)) / (w_m t)
/// t_p = t_e (1 + w_p η)
/// ```
///
/// `t_s` is the interval that is asked for, `ξ` and `η` are unit Gaussian noise, and the sums go over the intervals `t` of the prior, which are
/// equally likely. `f` is the mean of what the interval may have been, which has the least squared error: the larger `w_m`, the more it
/// is drawn towards the mean of the prior.
///
/// ```
/// use psychrnn::analysis::BayesianTiming;
/// let observer = BayesianTiming::new(0.1, 0.06)?;
/// let (short, long) = ([480.0, 560.0, 640.0, 720.0, 800.0], [800.0, 900.0, 1000.0, 1100.0, 1200.0]);
/// // The same measurement, and what it is taken for.
/// assert_eq!((observer.estimate(&short, 800.0).round(), observer.estimate(&long, 800.0).round()), (766.0, 847.0));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BayesianTiming {
    /// The standard deviation of a measurement, as a share of the interval.
    pub w_m: f64,
    /// The standard deviation of what is produced, as a share of the guess.
    pub w_p: f64,
}

impl BayesianTiming {
    /// With this noise.
    ///
    /// # Errors
    /// If `w_m` is not positive, or if `w_p` is negative.
    pub fn new(w_m: f64, w_p: f64) -> Result<Self> {
        if !(w_m > 0.0 && w_m.is_finite()) {
            return Err(Error::argument("w_m", "a positive number", w_m));
        }
        if !(w_p >= 0.0 && w_p.is_finite()) {
            return Err(Error::argument("w_p", "0 or a positive number", w_p));
        }
        Ok(Self { w_m, w_p })
    }

    /// The observer that produces intervals most like these: one timing for each prior, of whose intervals the observer takes each to be equally
    /// likely. All of them have the same noise.
    ///
    /// The likelihood is that of produced intervals with a normal distribution about the [`expected`](Self::expected) mean, with the
    /// expected standard deviation, at each interval of each prior. `w_m` and `w_p` are between 0.001 and 1.
    ///
    /// # Errors
    /// If no timing has two intervals, between which to be uncertain, or if an interval is not positive.
    pub fn fit<'a>(timings: impl IntoIterator<Item = &'a Timing>) -> Result<Self> {
        let timings: Vec<&Timing> = timings.into_iter().collect();
        if timings.iter().all(|timing| timing.intervals.len() < 2) {
            let got = format!("{} timings without", timings.len());
            return Err(Error::argument("timings", "a timing with at least two intervals", got));
        }
        if let Some(interval) = timings.iter().flat_map(|timing| &timing.intervals).find(|&&interval| interval <= 0.0) {
            return Err(Error::argument("interval", "longer than 0 ms", format!("{interval} ms")));
        }
        let cost = |w: &[f64]| -> f64 {
            let observer = Self { w_m: w[0], w_p: w[1] };
            timings.iter().map(|timing| observer.surprise(timing)).sum()
        };
        let starts = STARTS.iter().flat_map(|&w_m| STARTS.map(|w_p| [w_m, w_p]));
        let start = starts.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or([STARTS[0]; 2]);
        let found = minimize(&[BOUNDS; 2], &start, cost)?;
        Ok(Self { w_m: found[0], w_p: found[1] })
    }

    /// What the measurement `t_m` is taken for, `f(t_m)`, if these intervals are equally likely; in milliseconds. NaN if there are none, or if one is
    /// not positive.
    #[must_use]
    pub fn estimate(&self, prior: &[f64], measured: f64) -> f64 {
        let exponents = prior.iter().map(|t| {
            let z = (measured - t) / (self.w_m * t);
            -0.5 * z * z - t.ln()
        });
        let exponents: Vec<f64> = exponents.collect();
        // All of them may be too small for a number; their ratios are not.
        let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let likelihoods = exponents.iter().map(|exponent| (exponent - largest).exp());
        let (sum, all) = prior.iter().zip(likelihoods).fold((0.0, 0.0), |(sum, all), (t, p)| (sum + t * p, all + p));
        sum / all
    }

    /// The mean and the standard deviation of what is produced for an interval, if these intervals are equally likely; in milliseconds.
    #[must_use]
    pub fn expected(&self, prior: &[f64], interval: f64) -> (f64, f64) {
        // Measurements from -6 to 6 standard deviations.
        let (mut first, mut second, mut all) = (0.0, 0.0, 0.0);
        for place in -60..=60 {
            let z = f64::from(place) / 10.0;
            let (p, guess) = ((-0.5 * z * z).exp(), self.estimate(prior, interval * (1.0 + self.w_m * z)));
            (first, second, all) = (first + p * guess, second + p * guess * guess, all + p);
        }
        let (mean, square) = (first / all, second / all);
        (mean, (square * (1.0 + self.w_p * self.w_p) - mean * mean).max(0.0).sqrt())
    }

    /// The logarithm of the likelihood of a timing, negative and without what is the same for all observers.
    fn surprise(&self, timing: &Timing) -> f64 {
        let of_interval = |k: usize| {
            let (mean, sd) = self.expected(&timing.intervals, timing.intervals[k]);
            let n = timing.trials[k] as f64;
            // The squares about the mean of the trials: none of a trial alone.
            let about = if timing.trials[k] > 1 { (n - 1.0) * timing.sds[k].powi(2) } else { 0.0 };
            n * sd.ln() + 0.5 * (about + n * (timing.means[k] - mean).powi(2)) / (sd * sd)
        };
        (0..timing.intervals.len()).map(of_interval).sum()
    }
}
