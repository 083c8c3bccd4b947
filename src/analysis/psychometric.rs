//! Psychometric curves: how the share of one answer grows with the level of the stimulus.

use linfa_linalg::cholesky::InverseC;
use ndarray::{Array2, Axis};
use rand_distr::{Binomial, Distribution};
use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::counts::Counts;
use super::minimize::minimize;
use super::special::{chi_square_above, middle, normal_cdf};
use crate::random::TrialRng;
use crate::setters::setters;
use crate::task::{Table, Value};
use crate::{Error, Result};

/// The shape of a psychometric curve, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// The cumulative Gaussian `F(x) = Φ((x - threshold) / width)`: `F(threshold) = 1/2`, the width is its standard
    /// deviation.
    #[default]
    Gaussian,
    /// The logistic function `F(x) = 1 / (1 + exp(-(x - threshold) / width))`: `F(threshold) = 1/2`.
    Logistic,
    /// The Weibull function `F(x) = 1 - exp(-(x / threshold)^width)` of levels of 0 or more: `F(threshold) = 1 - 1/e`,
    /// which is 82 % correct where the guess rate is 0.5. The width is the exponent, which has no unit: larger is
    /// steeper.
    Weibull,
}

impl Curve {
    /// `F` and `1 - F` at `z`, the distance from the threshold in widths. Both, since one alone rounds the other to 0.
    fn standard(self, z: f64) -> (f64, f64) {
        match self {
            Self::Gaussian => (normal_cdf(z), normal_cdf(-z)),
            Self::Logistic => (1.0 / (1.0 + (-z).exp()), 1.0 / (1.0 + z.exp())),
            Self::Weibull => (-(-z.exp()).exp_m1(), (-z.exp()).exp()),
        }
    }

    /// The distance from the threshold in widths at which `F` is `p`.
    fn quantile(self, p: f64) -> f64 {
        match self {
            Self::Gaussian => super::special::normal_quantile(p),
            Self::Logistic => (p / (1.0 - p)).ln(),
            Self::Weibull => (-(-p).ln_1p()).ln(),
        }
    }

    /// A level on the axis on which the curve is only shifted and stretched.
    fn place(self, level: f64) -> f64 {
        if self == Self::Weibull { level.ln() } else { level }
    }

    fn level(self, place: f64) -> f64 {
        if self == Self::Weibull { place.exp() } else { place }
    }

    /// `z` of a level.
    fn distance(self, level: f64, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Weibull => width * (level / threshold).ln(),
            _ => (level - threshold) / width,
        }
    }

    /// `dF/dx` at the threshold.
    fn slope(self, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Gaussian => 1.0 / (width * (2.0 * std::f64::consts::PI).sqrt()),
            Self::Logistic => 1.0 / (4.0 * width),
            Self::Weibull => width / (threshold * std::f64::consts::E),
        }
    }
}

/// A guess rate or a lapse rate: known, or to be found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Known; a plain number converts into it.
    Fixed(f64),
    /// To be found, between 0 and this number.
    UpTo(f64),
}

impl From<f64> for Rate {
    fn from(rate: f64) -> Self {
        Self::Fixed(rate)
    }
}

impl Rate {
    fn bounds(self) -> (f64, f64) {
        match self {
            Self::Fixed(rate) => (rate, rate),
            Self::UpTo(most) => (0.0, most),
        }
    }
}

/// A psychometric function, to be fitted to counts by maximum likelihood:
///
/// ```text
/// ψ(x) = guess + (1 - guess - lapse) F(x; threshold, width)
/// ```
///
/// with the [`Curve`] `F`. The guess rate is the share of hits far below the threshold, the lapse rate that of misses
/// far above it. Wichmann FA, Hill NJ (2001), doi:10.3758/BF03194544.
///
/// Defaults: a cumulative Gaussian, both rates found between 0 and 0.1: made for the share of one of two choices over a
/// stimulus with a sign. For the share of correct choices between two alternatives set `.guess(0.5)`.
///
/// ```
/// use psychrnn::analysis::{Counts, Curve, Psychometric, Rate};
/// let levels = [-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4];
/// let counts = Counts::new("coherence", &levels, &[100; 7], &[2, 11, 28, 51, 74, 88, 99])?;
/// let fit = Psychometric::default().curve(Curve::Logistic).guess(Rate::UpTo(0.06)).lapse(0.0).fit(&counts)?;
/// assert!(fit.threshold.value.abs() < 0.02);
/// assert!(fit.deviance_p().unwrap() > 0.05);
/// fit.plot()?; // in a notebook, as the last line of a cell
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Psychometric {
    /// The shape.
    pub curve: Curve,
    /// The share of hits far below the threshold.
    pub guess: Rate,
    /// The share of misses far above the threshold.
    pub lapse: Rate,
}

impl Default for Psychometric {
    fn default() -> Self {
        Self { curve: Curve::default(), guess: Rate::UpTo(0.1), lapse: Rate::UpTo(0.1) }
    }
}

impl Psychometric {
    setters! {
        /// The shape.
        curve: Curve;
        /// The share of hits far below the threshold: a number, or [`Rate::UpTo`].
        guess: impl Into<Rate> => guess.into();
        /// The share of misses far above the threshold: a number, or [`Rate::UpTo`].
        lapse: impl Into<Rate> => lapse.into();
    }

    /// The curve that makes the counts most likely.
    ///
    /// The threshold is sought from one span of the levels below them to one span above them, the width from a tenth of
    /// the smallest distance between two levels to ten spans (for [`Curve::Weibull`] on a logarithmic axis). What ends
    /// on such a bound says so, see [`Estimate::at_bound`]. So a subject without errors, whose answers change from all
    /// to none between two levels, gets a curve that is steep there, between the two, and the width at its lower bound.
    ///
    /// # Errors
    /// If there are fewer than two levels (above 0 for [`Curve::Weibull`]), if all answers are the same, if a level is
    /// negative for [`Curve::Weibull`], or if a rate is not between 0 and 1, or both are 1 or more together.
    pub fn fit(&self, counts: &Counts) -> Result<PsychometricFit> {
        let bounds = self.bounds(counts)?;
        let (hits, trials): (usize, usize) = (counts.hits.iter().sum(), counts.trials.iter().sum());
        if hits == 0 || hits == trials {
            let got = format!("the same in all {trials} trials");
            return Err(Error::argument("hits", "hits and misses, or there is no threshold", got));
        }
        let start = self.start(counts, &bounds);
        let found = minimize(&bounds, &start, |at| -self.log_likelihood(counts, self.parameters(at)))?;
        let at_bound: [bool; 4] = std::array::from_fn(|i| {
            let (low, high) = bounds[i];
            high > low && (found[i] - low).min(high - found[i]) < 1e-4 * (high - low)
        });
        let on_bound: Vec<f64> = (0..4)
            .map(|i| match bounds[i] {
                (low, high) if at_bound[i] => {
                    if found[i] - low < high - found[i] {
                        low
                    } else {
                        high
                    }
                }
                _ => found[i],
            })
            .collect();
        Ok(self.fitted(counts, self.parameters(&on_bound), at_bound))
    }

    /// Whether two sets of counts, of two networks or of one before and after a lesion, come from one curve: the
    /// likelihood ratio of a curve for each against one curve for both. Its statistic, twice the difference of the
    /// log-likelihoods, is about a chi-square with as many degrees of freedom as there are free parameters; where a
    /// rate ends on a bound, `p` is on the safe side.
    ///
    /// # Errors
    /// As [`Psychometric::fit`], of each set and of both together.
    pub fn compare(&self, first: &Counts, second: &Counts) -> Result<LikelihoodRatio> {
        let apart = self.fit(first)?.log_likelihood + self.fit(second)?.log_likelihood;
        let together = self.fit(&first.joined(second)?)?.log_likelihood;
        let statistic = (2.0 * (apart - together)).max(0.0);
        let dof = self.n_free();
        Ok(LikelihoodRatio { statistic, dof, p: chi_square_above(statistic, dof) })
    }

    /// How many parameters are found from the counts.
    fn n_free(&self) -> usize {
        2 + [self.guess, self.lapse].iter().filter(|rate| matches!(rate, Rate::UpTo(_))).count()
    }

    /// Where to look: the place of the threshold and the logarithm of the width on the axis of [`Curve::place`], and
    /// the rates.
    fn bounds(&self, counts: &Counts) -> Result<[(f64, f64); 4]> {
        let (guess, lapse) = (self.guess.bounds(), self.lapse.bounds());
        for (name, (low, high)) in [("guess", guess), ("lapse", lapse)] {
            if !(low >= 0.0 && high < 1.0) {
                return Err(Error::argument(name, "0 or more and below 1", if low >= 0.0 { high } else { low }));
            }
        }
        if guess.1 + lapse.1 >= 1.0 {
            return Err(Error::argument("guess + lapse", "below 1", guess.1 + lapse.1));
        }
        if self.curve == Curve::Weibull && counts.levels.iter().any(|&level| level < 0.0) {
            let negative = counts.levels.iter().copied().fold(f64::INFINITY, f64::min);
            return Err(Error::argument("levels", "0 or more for a Weibull curve", negative));
        }
        let places: Vec<f64> =
            counts.levels.iter().map(|&level| self.curve.place(level)).filter(|place| place.is_finite()).collect();
        let (&[first, ..], &[.., last]) = (places.as_slice(), places.as_slice()) else {
            return Err(Error::argument("levels", "at least two with trials", counts.levels.len()));
        };
        let span = last - first;
        if !(span > 0.0 && span.is_finite()) {
            let expected = "at least two with trials (above 0 for a Weibull curve)";
            return Err(Error::argument("levels", expected, format!("{:?}", counts.levels)));
        }
        let closest = places.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        Ok([(first - span, last + span), ((closest / 10.0).ln(), (10.0 * span).ln()), guess, lapse])
    }

    /// The best of a coarse grid: the likelihood can have more than one summit.
    fn start(&self, counts: &Counts, bounds: &[(f64, f64); 4]) -> Vec<f64> {
        let along = |(low, high): (f64, f64), share: f64| low + (high - low) * share;
        let mut best = (f64::NEG_INFINITY, Vec::new());
        for threshold in 0..=12 {
            for width in 0..=8 {
                for rates in [0.1, 0.5] {
                    let at = vec![
                        along(bounds[0], 0.2 + 0.05 * f64::from(threshold)),
                        along(bounds[1], 0.02 + 0.12 * f64::from(width)),
                        along(bounds[2], rates),
                        along(bounds[3], rates),
                    ];
                    let likelihood = self.log_likelihood(counts, self.parameters(&at));
                    if likelihood > best.0 || best.1.is_empty() {
                        best = (likelihood, at);
                    }
                }
            }
        }
        best.1
    }

    /// Threshold, width and rates of a place within the bounds.
    fn parameters(&self, at: &[f64]) -> [f64; 4] {
        let width = if self.curve == Curve::Weibull { (-at[1]).exp() } else { at[1].exp() };
        [self.curve.level(at[0]), width, at[2], at[3]]
    }

    /// The probabilities of a hit and of a miss at a level.
    fn probabilities(&self, level: f64, [threshold, width, guess, lapse]: [f64; 4]) -> (f64, f64) {
        let (below, above) = self.curve.standard(self.curve.distance(level, threshold, width));
        let range = 1.0 - guess - lapse;
        (guess + range * below, lapse + range * above)
    }

    /// `Σ hits ln ψ + misses ln(1 - ψ)`, without the binomial coefficients, which no parameter changes.
    fn log_likelihood(&self, counts: &Counts, parameters: [f64; 4]) -> f64 {
        let mut sum = 0.0;
        for ((&level, &trials), &hits) in counts.levels.iter().zip(&counts.trials).zip(&counts.hits) {
            let (hit, miss) = self.probabilities(level, parameters);
            sum += weighted_log(hits as f64, hit) + weighted_log(trials as f64 - hits as f64, miss);
        }
        sum
    }

    /// The covariance of the parameters that are free and on no bound, `[4, 4]` with zeros for the others: the inverse
    /// of the Hessian of the negative log-likelihood, by central differences. `None` if the likelihood has no proper
    /// summit there.
    fn covariance(&self, counts: &Counts, parameters: [f64; 4], free: &[usize]) -> Option<Array2<f64>> {
        let [threshold, width, guess, lapse] = parameters;
        let across = if self.curve == Curve::Weibull { threshold / width } else { width };
        let steps = [1e-4 * across, 1e-4 * width, (1e-4_f64).min(0.003 * guess), (1e-4_f64).min(0.003 * lapse)];
        let at = |moves: &[(usize, f64)]| {
            let mut moved = parameters;
            moves.iter().for_each(|&(i, steps_of)| moved[i] += steps_of * steps[i]);
            self.log_likelihood(counts, moved)
        };
        let here = at(&[]);
        let hessian = Array2::from_shape_fn((free.len(), free.len()), |(row, column)| {
            let (i, j) = (free[row], free[column]);
            let bend = if i == j {
                at(&[(i, 1.0)]) + at(&[(i, -1.0)]) - 2.0 * here
            } else {
                let corner = |a, b| at(&[(i, a), (j, b)]);
                (corner(1.0, 1.0) + corner(-1.0, -1.0) - corner(1.0, -1.0) - corner(-1.0, 1.0)) / 4.0
            };
            -bend / (steps[i] * steps[j])
        });
        let inverse = hessian.invc().ok().filter(|inverse| inverse.iter().all(|value| value.is_finite()))?;
        let mut covariance = Array2::zeros((4, 4));
        for ((row, column), &value) in inverse.indexed_iter() {
            covariance[[free[row], free[column]]] = value;
        }
        Some(covariance)
    }

    fn fitted(&self, counts: &Counts, parameters: [f64; 4], at_bound: [bool; 4]) -> PsychometricFit {
        let fixed = |rate| matches!(rate, Rate::Fixed(_));
        let fixed = [false, false, fixed(self.guess), fixed(self.lapse)];
        let free: Vec<usize> = (0..4).filter(|&i| !fixed[i] && !at_bound[i]).collect();
        let covariance = self.covariance(counts, parameters, &free);
        let [threshold, width, guess, lapse] = std::array::from_fn(|i| Estimate {
            value: parameters[i],
            se: covariance.as_ref().filter(|_| free.contains(&i)).map(|covariance| covariance[[i, i]].sqrt()),
            at_bound: at_bound[i],
        });
        let slope = slope(self.curve, parameters);
        // By the delta method: the slope's derivatives, which are simple, on both sides of the covariance.
        let unscaled = -self.curve.slope(threshold.value, width.value);
        let gradient = match self.curve {
            Curve::Weibull => [-slope / threshold.value, slope / width.value, unscaled, unscaled],
            _ => [0.0, -slope / width.value, unscaled, unscaled],
        };
        let gradient = ndarray::arr1(&gradient);
        let slope = Estimate {
            value: slope,
            se: covariance
                .as_ref()
                .filter(|_| !at_bound[1])
                .map(|covariance| gradient.dot(&covariance.dot(&gradient)).max(0.0).sqrt()),
            at_bound: at_bound[1],
        };
        let log_likelihood = self.log_likelihood(counts, parameters);
        PsychometricFit {
            model: *self,
            counts: counts.clone(),
            threshold,
            width,
            guess,
            lapse,
            slope,
            log_likelihood,
            deviance: deviance(counts, log_likelihood),
            dof: counts.levels.len().saturating_sub(self.n_free()),
        }
    }
}

/// `n ln p`, where none of something impossible is no surprise.
fn weighted_log(n: f64, p: f64) -> f64 {
    if n == 0.0 { 0.0 } else { n * p.max(f64::MIN_POSITIVE).ln() }
}

/// The slope of the whole function at the threshold.
fn slope(curve: Curve, [threshold, width, guess, lapse]: [f64; 4]) -> f64 {
    (1.0 - guess - lapse) * curve.slope(threshold, width)
}

/// Twice the difference between the log-likelihood of the shares themselves and this one.
fn deviance(counts: &Counts, log_likelihood: f64) -> f64 {
    let saturated: f64 = counts
        .shares()
        .into_iter()
        .zip(counts.trials.iter().zip(&counts.hits))
        .map(|(share, (&trials, &hits))| {
            weighted_log(hits as f64, share) + weighted_log(trials as f64 - hits as f64, 1.0 - share)
        })
        .sum();
    (2.0 * (saturated - log_likelihood)).max(0.0)
}

/// One number of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value at which the counts are most likely.
    pub value: f64,
    /// The standard error, from the curvature of the log-likelihood. `None` for a rate that was fixed, for what ended
    /// on a bound, and where the likelihood has no proper summit: [`PsychometricFit::bootstrap`] then tells more.
    pub se: Option<f64>,
    /// Whether it ended on a bound of the search: the counts only tell that it lies there or beyond.
    pub at_bound: bool,
}

/// A fitted psychometric function, of [`Psychometric::fit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PsychometricFit {
    /// What was fitted.
    pub model: Psychometric,
    /// The counts to which it was fitted.
    pub counts: Counts,
    /// The threshold, in units of the levels.
    pub threshold: Estimate,
    /// The width, in units of the levels (no unit for [`Curve::Weibull`]).
    pub width: Estimate,
    /// The guess rate.
    pub guess: Estimate,
    /// The lapse rate.
    pub lapse: Estimate,
    /// The slope `dψ/dx` at the threshold, in shares per unit of the levels; its standard error follows from those of
    /// the others.
    pub slope: Estimate,
    /// The log-likelihood, without the binomial coefficients.
    pub log_likelihood: f64,
    /// How much worse the curve explains the counts than the shares themselves do:
    /// `2 Σ hits ln(share / ψ) + misses ln((1 - share) / (1 - ψ))`.
    pub deviance: f64,
    /// The degrees of freedom that are left: levels minus free parameters, 0 if that is negative.
    pub dof: usize,
}

impl PsychometricFit {
    /// `ψ` at a level.
    #[must_use]
    pub fn at(&self, level: f64) -> f64 {
        self.model.probabilities(level, self.parameters()).0
    }

    /// The level at which `ψ` is `share`; `None` if it never is.
    #[must_use]
    pub fn level_at(&self, share: f64) -> Option<f64> {
        let [threshold, width, guess, lapse] = self.parameters();
        let p = (share - guess) / (1.0 - guess - lapse);
        let z = (0.0 < p && p < 1.0).then(|| self.model.curve.quantile(p))?;
        Some(match self.model.curve {
            Curve::Weibull => threshold * (z / width).exp(),
            _ => threshold + z * width,
        })
    }

    /// The probability of a deviance at least this large if the curve is right, by the chi-square that the deviance
    /// follows with many trials at each level; small where the curve does not fit. `None` without degrees of freedom.
    ///
    /// With few trials at a level, or shares near 0 or 1, take [`PsychometricBootstrap::deviance_p`] of a parametric
    /// bootstrap.
    #[must_use]
    pub fn deviance_p(&self) -> Option<f64> {
        (self.dof > 0).then(|| chi_square_above(self.deviance, self.dof))
    }

    /// Intervals of all parameters, by fitting the same model to counts that are drawn anew: percentiles, see
    /// [`Bootstrap`].
    ///
    /// # Errors
    /// If `resamples` is 0, if `confidence` is not between 0 and 1, or if all answers are the same in every resample.
    pub fn bootstrap(&self, resampling: Resampling, bootstrap: &Bootstrap) -> Result<PsychometricBootstrap> {
        let shares = match resampling {
            Resampling::Parametric => self.counts.levels.iter().map(|&level| self.at(level)).collect(),
            Resampling::NonParametric => self.counts.shares(),
        };
        let draw = |rng: &mut TrialRng| {
            let mut counts = self.counts.clone();
            for ((hits, &trials), &share) in counts.hits.iter_mut().zip(&self.counts.trials).zip(&shares) {
                // A share is between 0 and 1 but for rounding.
                *hits = Binomial::new(trials as u64, share.clamp(0.0, 1.0))
                    .map_or(0, |binomial| binomial.sample(rng) as usize);
            }
            // A resample of which all answers are the same has no threshold.
            Ok(self.model.fit(&counts).ok().map(|fit| (fit.parameters(), fit.slope.value, fit.deviance)))
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

    /// The parameters with their standard errors, as a table.
    #[must_use]
    pub fn table(&self) -> Table {
        let rows = [
            ("threshold", self.threshold),
            ("width", self.width),
            ("slope", self.slope),
            ("guess", self.guess),
            ("lapse", self.lapse),
        ];
        let mut table = Table::new();
        // All columns have one row a parameter, so no insertion can fail.
        let mut add = |name: &str, column: Vec<Value>| drop(table.insert(name, column));
        add("parameter", rows.iter().map(|(name, _)| (*name).into()).collect());
        add("value", rows.iter().map(|(_, estimate)| estimate.value.into()).collect());
        add("standard error", rows.iter().map(|(_, estimate)| estimate.se.into()).collect());
        add("at bound", rows.iter().map(|(_, estimate)| estimate.at_bound.into()).collect());
        table
    }

    fn parameters(&self) -> [f64; 4] {
        [self.threshold.value, self.width.value, self.guess.value, self.lapse.value]
    }
}

/// How counts are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// From the fitted curve: what the counts would be if it were right.
    Parametric,
    /// From the shares at each level, which is to draw the trials of each level with replacement.
    NonParametric,
}

/// What [`PsychometricFit::bootstrap`] finds. Intervals are pairs of a lower and an upper end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PsychometricBootstrap {
    /// The interval of the threshold, in units of the levels.
    pub threshold: (f64, f64),
    /// The interval of the width.
    pub width: (f64, f64),
    /// The interval of the guess rate.
    pub guess: (f64, f64),
    /// The interval of the lapse rate.
    pub lapse: (f64, f64),
    /// The interval of the slope at the threshold, in shares per unit of the levels.
    pub slope: (f64, f64),
    /// The share of resamples that the curve fits no better than the data, `(1 + larger) / (1 + resamples)`: the
    /// goodness of fit without an assumption on the deviance. `None` if the resampling was not parametric.
    pub deviance_p: Option<f64>,
    /// The resamples that were left out, since all their answers were the same.
    pub failed: usize,
    /// Whether the work was interrupted: fewer resamples than asked for.
    pub interrupted: bool,
    /// All fits, `[n_fits, 5]`: threshold, width, guess, lapse, slope.
    pub samples: Array2<f64>,
}

/// The outcome of a likelihood-ratio test, of [`Psychometric::compare`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LikelihoodRatio {
    /// Twice the difference of the log-likelihoods.
    pub statistic: f64,
    /// The degrees of freedom.
    pub dof: usize,
    /// The probability of a statistic at least this large if there is one curve.
    pub p: f64,
}
