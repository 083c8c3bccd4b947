//! Intervals of a fit from counts that are drawn anew.

use ndarray::{Array2, Axis};
use rand_distr::{Binomial, Distribution};
use serde::{Deserialize, Serialize};

use super::curve::{Parameters, Psi};
use super::fit::PsychometricFit;
use super::model::Psychometric;
use crate::analysis::Bootstrap;
use crate::analysis::statistics::special::{check_confidence, middle};
use crate::random::TrialRng;
use crate::{Error, Result};

/// How counts are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// From the fitted curve: what the counts would be if it were right.
    Parametric,
    /// From the shares at each level, which is to draw the trials of each level with replacement.
    NonParametric,
}

impl PsychometricFit {
    /// Intervals of all parameters, by fitting the same model, along the same direction, to counts that are drawn anew:
    /// percentiles, see [`Bootstrap`].
    ///
    /// # Errors
    /// If `resamples` is 0, if `confidence` is not between 0 and 1, or if all answers are the same in every resample.
    pub fn bootstrap(&self, resampling: Resampling, bootstrap: &Bootstrap) -> Result<PsychometricBootstrap> {
        let shares = match resampling {
            Resampling::Parametric => self.counts.levels.iter().map(|&level| self.at(level)).collect(),
            Resampling::NonParametric => self.counts.shares(),
        };
        // The direction is that of this fit: a width has another meaning along the other one.
        let model = self.model.falling(self.falling);
        let draw = |rng: &mut TrialRng| {
            let mut counts = self.counts.clone();
            for ((hits, &trials), &share) in counts.hits.iter_mut().zip(&self.counts.trials).zip(&shares) {
                // A share is between 0 and 1 but for rounding.
                *hits = Binomial::new(trials as u64, share.clamp(0.0, 1.0))
                    .map_or(0, |binomial| binomial.sample(rng) as usize);
            }
            // A resample of which all answers are the same has no threshold.
            Ok(model.fit(&counts).ok().map(|fit| (fit.parameters(), fit.slope.value, fit.deviance)))
        };
        let drawn = bootstrap.draw(draw)?;
        let fits: Vec<_> = drawn.iter().flatten().copied().collect();
        if fits.is_empty() {
            return Err(Error::argument("counts", "hits and misses in at least one resample", "the same in all"));
        }
        let samples =
            Array2::from_shape_fn((fits.len(), 5), |(fit, i)| if i < 4 { fits[fit].0[i] } else { fits[fit].1 });
        let interval = |i: usize| middle(&mut samples.index_axis(Axis(1), i).to_vec(), bootstrap.confidence);
        let larger = fits.iter().filter(|fit| fit.2 >= self.deviance).count();
        Ok(PsychometricBootstrap {
            model,
            threshold: interval(0),
            width: interval(1),
            guess: interval(2),
            lapse: interval(3),
            slope: interval(4),
            deviance_p: (resampling == Resampling::Parametric).then(|| (larger + 1) as f64 / (fits.len() + 1) as f64),
            failed: drawn.len() - fits.len(),
            interrupted: drawn.len() < bootstrap.resamples,
            samples,
        })
    }
}

/// What [`PsychometricFit::bootstrap`] finds. Intervals are pairs of a lower and an upper end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PsychometricBootstrap {
    /// What was fitted to each resample, with the direction of the curve.
    pub model: Psychometric,
    /// The interval of the threshold, in units of the levels.
    #[serde(with = "crate::number")]
    pub threshold: (f64, f64),
    /// The interval of the width.
    #[serde(with = "crate::number")]
    pub width: (f64, f64),
    /// The interval of the guess rate.
    #[serde(with = "crate::number")]
    pub guess: (f64, f64),
    /// The interval of the lapse rate.
    #[serde(with = "crate::number")]
    pub lapse: (f64, f64),
    /// The interval of the slope at the threshold, in shares per unit of the levels.
    #[serde(with = "crate::number")]
    pub slope: (f64, f64),
    /// The share of resamples that the curve fits no better than the data, `(1 + larger) / (1 + resamples)`: the
    /// goodness of fit without an assumption on the deviance. `None` if the resampling was not parametric.
    #[serde(with = "crate::number")]
    pub deviance_p: Option<f64>,
    /// The resamples that were left out, since all their answers were the same.
    pub failed: usize,
    /// Whether the work was interrupted: fewer resamples than asked for.
    pub interrupted: bool,
    /// All fits, `[n_fits, 5]`: threshold, width, guess, lapse, slope.
    #[serde(with = "crate::number")]
    pub samples: Array2<f64>,
}

impl PsychometricBootstrap {
    /// The interval of the level at which `ψ` is `share`, of any confidence: percentiles of the fits. An end is infinite where
    /// too many fits nowhere come to `share`.
    ///
    /// # Errors
    /// If `confidence` or `share` is not between 0 and 1.
    pub fn level_at(&self, share: f64, confidence: f64) -> Result<(f64, f64)> {
        self.percentiles(share, confidence, |psi, parameters| {
            let [_, _, guess, lapse] = parameters;
            // Where the whole curve is above the share it would come to it before all levels if it rises, after them if it falls.
            let beyond = if psi.falling == (share <= guess) { f64::INFINITY } else { f64::NEG_INFINITY };
            if guess < share && share < 1.0 - lapse { psi.level_at(share, parameters) } else { beyond }
        })
    }

    /// The interval of the slope `dψ/dx` where `ψ` is `share`, of any confidence: percentiles of the fits; 0 in those that
    /// nowhere come to `share`.
    ///
    /// # Errors
    /// As [`PsychometricBootstrap::level_at`].
    pub fn slope_at(&self, share: f64, confidence: f64) -> Result<(f64, f64)> {
        self.percentiles(share, confidence, |psi, parameters| {
            let slope = psi.slope_at(share, parameters);
            if slope.is_nan() { 0.0 } else { slope }
        })
    }

    fn percentiles(&self, share: f64, confidence: f64, of: impl Fn(Psi, Parameters) -> f64) -> Result<(f64, f64)> {
        check_confidence(confidence)?;
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::argument("share", "between 0 and 1, both excluded", share));
        }
        let psi = Psi { curve: self.model.curve, falling: self.model.falling == Some(true) };
        let fits = self.samples.outer_iter().map(|fit| of(psi, [fit[0], fit[1], fit[2], fit[3]]));
        Ok(middle(&mut fits.collect::<Vec<_>>(), confidence))
    }
}
