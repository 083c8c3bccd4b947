//! How responses are drawn towards the stimulus before.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use serde::{Deserialize, Serialize};

use crate::analysis::statistics::minimize::minimize;
use crate::analysis::statistics::special::{check_finite, mean, variance};
use crate::analysis::statistics::{Alternative, Permutation, PermutationTest};
use crate::random::Seed;
use crate::setters::setters;
use crate::table::Table;
use crate::{Error, Result};

/// Serial dependence: the errors of responses by how far the stimulus of the trial before was from this one. Errors towards it, in the
/// direction of the difference, are attraction. The curve is a derivative of a Gaussian,
///
/// ```text
/// y(x) = x a w c exp(-(w x)²),   c = √2 / e^(-1/2)
/// ```
///
/// whose peak `a` (negative: repulsion) is at `x = 1 / (√2 w)`: Barbosa J et al. (2020), doi:10.1038/s41593-020-0644-4. It is fitted by
/// least squares, with the peak between a twentieth of the largest difference and all of it. Whether `a` differs from 0 is tested by giving
/// the errors to the differences anew ([`Permutation::association`]).
///
/// Defaults: stimuli on a line, 1000 exchanges, 12 bins, seed 0.
///
/// ```
/// use psychrnn::analysis::SerialDependence;
/// let differences: Vec<f64> = (0..200).map(|i| (i as f64 * 0.618).fract() * 180.0 - 90.0).collect();
/// let errors: Vec<f64> = differences.iter().map(|x| 0.05 * x * (-(x / 30.0).powi(2)).exp()).collect();
/// let fit = SerialDependence::default().resamples(200).fit(&differences, &errors)?;
/// assert!((fit.peak_at - 21.2).abs() < 0.1 && fit.amplitude > 0.6 && fit.test.p < 0.01);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SerialDependence {
    /// The period of the stimuli, if they are angles: 360, or 2 π.
    pub period: Option<f64>,
    /// How many bins the means are of.
    pub bins: usize,
    /// How many exchanges the test makes.
    pub resamples: usize,
    /// The seed of the exchanges.
    pub seed: Seed,
}

impl Default for SerialDependence {
    fn default() -> Self {
        Self { period: None, bins: 12, resamples: 1000, seed: Seed(0) }
    }
}

/// The outcome of [`SerialDependence`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SerialDependenceFit {
    /// The height `a` of the peak, in units of the errors: positive for attraction.
    #[serde(with = "crate::number")]
    pub amplitude: f64,
    /// Where the peak is, `1 / (√2 w)`, in units of the stimuli.
    #[serde(with = "crate::number")]
    pub peak_at: f64,
    /// The share of the variance of the errors that the curve has.
    #[serde(with = "crate::number")]
    pub r_squared: f64,
    /// Whether the amplitude differs from 0.
    pub test: PermutationTest,
    /// The middle of each bin of differences that has trials, ascending.
    #[serde(with = "crate::number")]
    pub differences: Vec<f64>,
    /// The trials in each.
    pub trials: Vec<usize>,
    /// Their mean error.
    #[serde(with = "crate::number")]
    pub means: Vec<f64>,
    /// Its standard error; NaN for a bin with one trial.
    #[serde(with = "crate::number")]
    pub ses: Vec<f64>,
}

/// The curve for an amplitude of 1.
fn shape(x: f64, peak_at: f64) -> f64 {
    let w = FRAC_1_SQRT_2 / peak_at;
    x * w * SQRT_2 * 0.5_f64.exp() * (-(w * x).powi(2)).exp()
}

/// The amplitude with the least squares for a peak at this place, and by how much it makes the sum of squares smaller.
fn amplitude(x: &[f64], errors: &[f64], peak_at: f64) -> (f64, f64) {
    let (mut with, mut size) = (0.0, 0.0);
    for (&x, error) in x.iter().zip(errors) {
        let shape = shape(x, peak_at);
        with += shape * error;
        size += shape * shape;
    }
    if size > 0.0 { (with / size, with * with / size) } else { (0.0, 0.0) }
}

impl SerialDependence {
    setters! {
        /// The period of the stimuli, which then are angles; `None` for stimuli on a line.
        period: impl Into<Option<f64>> => period.into();
        /// How many bins the means are of.
        bins: usize;
        /// How many exchanges the test makes.
        resamples: usize;
        /// The seed of the exchanges.
        seed: impl Into<Seed> => seed.into();
    }

    /// Serial dependence in trials in order: the columns of their table that hold the stimulus and the response, in the same units. The
    /// difference of a trial is the stimulus of the trial before minus its own, its error the response minus the stimulus, both in the
    /// shorter direction if there is a period. The first trial of a session, by a column `session`, has none; trials without a number are
    /// left out, and the mean error of all others is taken from each.
    ///
    /// # Errors
    /// If there is no such column, if it holds text, or as [`SerialDependence::fit`].
    pub fn of(&self, trials: &Table, stimulus: &str, response: &str) -> Result<SerialDependenceFit> {
        let before = trials.clone().lagged(stimulus, 1)?.numbers(&format!("{stimulus}_1"))?;
        let (stimuli, responses) = (trials.numbers(stimulus)?, trials.numbers(response)?);
        let (mut differences, mut errors) = (Vec::new(), Vec::new());
        for ((before, stimulus), response) in before.into_iter().zip(stimuli).zip(responses) {
            if before.is_finite() && stimulus.is_finite() && response.is_finite() {
                differences.push(self.shorter(before - stimulus));
                errors.push(self.shorter(response - stimulus));
            }
        }
        let bias = mean(&errors);
        errors.iter_mut().for_each(|error| *error -= bias);
        self.fit(&differences, &errors)
    }

    /// Serial dependence of errors on differences, of each trial.
    ///
    /// # Errors
    /// If these differ in length, are not finite, or are fewer than 10, if all differences are 0, or if `bins`, `resamples` or the
    /// period make no sense.
    pub fn fit(&self, differences: &[f64], errors: &[f64]) -> Result<SerialDependenceFit> {
        if errors.len() != differences.len() {
            return Err(Error::shape("errors", format!("[n_trials = {}]", differences.len()), &[errors.len()]));
        }
        check_finite("differences", differences)?;
        check_finite("errors", errors)?;
        if let Some(period) = self.period.filter(|period| !(*period > 0.0 && period.is_finite())) {
            return Err(Error::argument("period", "a positive number", period));
        }
        if self.bins == 0 {
            return Err(Error::argument("bins", "at least 1", 0));
        }
        if errors.len() < 10 {
            return Err(Error::argument("errors", "those of at least 10 trials", errors.len()));
        }
        let largest = differences.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        if largest == 0.0 {
            return Err(Error::argument("differences", "such that vary: the curve is one over them", "all 0"));
        }
        // Places of the peak, close enough that the best of them leads to the best of all.
        const PLACES: i32 = 40;
        let places: Vec<f64> =
            (0..=PLACES).map(|i| largest / 20.0_f64.powf(f64::from(i) / f64::from(PLACES))).collect();
        let best = |x: &[f64], errors: &[f64]| {
            let all = places.iter().map(|&place| (place, amplitude(x, errors, place)));
            all.fold((largest, (0.0, -1.0)), |best, one| if one.1.1 > best.1.1 { one } else { best })
        };
        let start = best(differences, errors).0;
        let bounds = [(largest / 20.0, largest)];
        let peak_at = minimize(&bounds, &[start], |at| -amplitude(differences, errors, at[0]).1)?[0];
        let (height, gain) = amplitude(differences, errors, peak_at);
        let test = Permutation { resamples: self.resamples, seed: self.seed }.association(
            differences,
            errors,
            Alternative::TwoSided,
            |x, errors| best(x, errors).1.0,
        )?;
        let (differences, trials, means, ses) = self.binned(differences, errors, largest);
        let squares: f64 = errors.iter().map(|error| error * error).sum();
        let r_squared = gain / squares;
        Ok(SerialDependenceFit { amplitude: height, peak_at, r_squared, test, differences, trials, means, ses })
    }

    /// A difference in the shorter direction.
    fn shorter(&self, difference: f64) -> f64 {
        self.period.map_or(difference, |period| difference - period * (difference / period).round())
    }

    fn binned(&self, x: &[f64], errors: &[f64], largest: f64) -> (Vec<f64>, Vec<usize>, Vec<f64>, Vec<f64>) {
        let width = 2.0 * largest / self.bins as f64;
        let mut bins = vec![Vec::new(); self.bins];
        for (x, &error) in x.iter().zip(errors) {
            bins[(((x + largest) / width) as usize).min(self.bins - 1)].push(error);
        }
        let (mut middles, mut trials, mut means, mut ses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (bin, errors) in bins.iter().enumerate().filter(|(_, errors)| !errors.is_empty()) {
            middles.push((bin as f64 + 0.5) * width - largest);
            trials.push(errors.len());
            means.push(mean(errors));
            ses.push((variance(errors) / errors.len() as f64).sqrt());
        }
        (middles, trials, means, ses)
    }
}

impl SerialDependenceFit {
    /// The fitted error at a difference.
    #[must_use]
    pub fn at(&self, difference: f64) -> f64 {
        self.amplitude * shape(difference, self.peak_at)
    }
}
