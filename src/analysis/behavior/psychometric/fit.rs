//! What was fitted, and what follows from it.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::curve::{Curve, Parameters, Psi};
use super::model::Psychometric;
use crate::analysis::behavior::counts::Counts;
use crate::analysis::statistics::special::{check_confidence, chi_square_above, normal_quantile};
use crate::table::{Table, Value};
use crate::{Error, Result};

/// One number of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value at which the counts are most likely.
    #[serde(with = "crate::number")]
    pub value: f64,
    /// The standard error, from the curvature of the log-likelihood. `None` for what was fixed, for what ended
    /// on a bound, and where the likelihood has no proper summit: [`PsychometricFit::bootstrap`] then tells more.
    #[serde(with = "crate::number")]
    pub se: Option<f64>,
    /// Whether it ended on a bound of the search: the counts only tell that it lies there or beyond.
    pub at_bound: bool,
}

impl Estimate {
    /// The interval of this confidence, such as 0.95: as many standard errors to either side as a normal distribution has. For a
    /// rate near 0, and for few trials, take that of [`PsychometricFit::bootstrap`].
    ///
    /// # Errors
    /// If `confidence` is not between 0 and 1, or if there is no standard error.
    pub fn interval(&self, confidence: f64) -> Result<(f64, f64)> {
        check_confidence(confidence)?;
        let Some(se) = self.se else {
            let got = if self.at_bound {
                "at a bound of the search: bootstrap the fit"
            } else {
                "fixed, or not to be told: bootstrap the fit"
            };
            return Err(Error::argument("estimate", "one with a standard error", got));
        };
        let half = normal_quantile((1.0 + confidence) / 2.0) * se;
        Ok((self.value - half, self.value + half))
    }
}

/// A fitted psychometric function, of [`Psychometric::fit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PsychometricFit {
    /// What was fitted.
    pub model: Psychometric,
    /// The counts to which it was fitted.
    pub counts: Counts,
    /// Whether the curve falls along the levels.
    pub falling: bool,
    /// The threshold, in units of the levels.
    pub threshold: Estimate,
    /// The width, in units of the levels (no unit for [`Curve::Weibull`]); positive for falling curves, too.
    pub width: Estimate,
    /// The guess rate: the lower end of the curve.
    pub guess: Estimate,
    /// The lapse rate: how far the upper end of the curve is from 1.
    pub lapse: Estimate,
    /// The slope `dψ/dx` at the threshold, in shares per unit of the levels, negative for a falling curve; its standard
    /// error follows from those of the others.
    pub slope: Estimate,
    /// The covariance of threshold, width, guess and lapse rate `[4, 4]`, 0 for what is fixed or on a bound; `None` if there are no
    /// standard errors.
    #[serde(with = "crate::number")]
    pub covariance: Option<Array2<f64>>,
    /// The log-likelihood, without the binomial coefficients.
    #[serde(with = "crate::number")]
    pub log_likelihood: f64,
    /// How much worse the curve explains the counts than the shares themselves do:
    /// `2 Σ hits ln(share / ψ) + misses ln((1 - share) / (1 - ψ))`.
    #[serde(with = "crate::number")]
    pub deviance: f64,
    /// How many parameters were free: neither fixed nor tied.
    pub n_free: usize,
    /// The degrees of freedom that are left: levels minus free parameters, 0 if that is negative.
    pub dof: usize,
}

impl PsychometricFit {
    /// `ψ` at a level.
    #[must_use]
    pub fn at(&self, level: f64) -> f64 {
        self.psi().probabilities(level, self.parameters()).0
    }

    /// The level at which `ψ` is `share`, with its standard error, by the delta method: the level at 75 % correct and
    /// its interval are `fit.level_at(0.75)?.interval(0.95)?`.
    ///
    /// # Errors
    /// If `ψ` is nowhere `share`: it lies between the guess rate and 1 - the lapse rate.
    pub fn level_at(&self, share: f64) -> Result<Estimate> {
        self.reaches(share)?;
        Ok(self.derived(|parameters| self.psi().level_at(share, parameters)))
    }

    /// The slope `dψ/dx` where `ψ` is `share`, in shares per unit of the levels, with its standard error, by the delta method;
    /// negative for a falling curve.
    ///
    /// # Errors
    /// As [`PsychometricFit::level_at`].
    pub fn slope_at(&self, share: f64) -> Result<Estimate> {
        self.reaches(share)?;
        Ok(self.derived(|parameters| self.psi().slope_at(share, parameters)))
    }

    fn reaches(&self, share: f64) -> Result<()> {
        if self.psi().distance_at(share, self.parameters()).is_some() {
            return Ok(());
        }
        let (low, high) = (self.guess.value, 1.0 - self.lapse.value);
        Err(Error::argument("share", format!("between {low:.3} and {high:.3}, the ends of this curve"), share))
    }

    /// A number that follows from the parameters, with the standard error that follows from theirs: `sqrt(gᵀ C g)` for its
    /// gradient `g`, by central differences.
    pub(super) fn derived(&self, of: impl Fn(Parameters) -> f64) -> Estimate {
        let here = self.parameters();
        let [threshold, width, ..] = here;
        let across = if self.model.curve == Curve::Weibull { threshold / width } else { width };
        let steps = [1e-5 * across, 1e-5 * width, 1e-7, 1e-7];
        let gradient: Array1<f64> = (0..4)
            .map(|i| {
                let moved = |sign: f64| {
                    let mut moved = here;
                    moved[i] += sign * steps[i];
                    of(moved)
                };
                (moved(1.0) - moved(-1.0)) / (2.0 * steps[i])
            })
            .collect();
        let at_bound = [self.threshold, self.width].iter().zip(&gradient).any(|(on, &g)| on.at_bound && g != 0.0);
        let covariance = self.covariance.as_ref().filter(|_| !at_bound);
        let se = covariance.map(|covariance| gradient.dot(&covariance.dot(&gradient)).max(0.0).sqrt());
        Estimate { value: of(here), se: se.filter(|se| se.is_finite() && *se > 0.0), at_bound }
    }

    /// Whether this fit explains its counts better than one with fewer free parameters does, such as one with both rates tied or
    /// the threshold fixed at 0: the likelihood ratio, as in [`Psychometric::compare`], with as many degrees of freedom as
    /// this one has free parameters more.
    ///
    /// ```
    /// use psychrnn::analysis::{Counts, Psychometric};
    /// let counts = Counts::new("coherence", &[-0.4, -0.1, 0.0, 0.1, 0.4], &[100; 5], &[2, 20, 40, 68, 98])?;
    /// let model = Psychometric::default();
    /// let bias = model.fit(&counts)?.compare(&model.threshold(0.0).fit(&counts)?)?;
    /// assert!(bias.dof == 1 && bias.p < 0.05);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the other is of other counts or another curve, if it has not fewer free parameters, or if its curve is not one of those
    /// among which this one was sought: what is fixed in this one must be fixed alike in the other.
    pub fn compare(&self, simpler: &Self) -> Result<LikelihoodRatio> {
        if self.counts != simpler.counts || self.model.curve != simpler.model.curve {
            return Err(Error::argument("simpler", "a fit of the same curve to the same counts", "of others"));
        }
        if !self.model.includes(&simpler.model) || self.model.falling.is_some_and(|falling| falling != simpler.falling)
        {
            let expected = "a fit with more parameters fixed or tied, and else as the other";
            return Err(Error::argument("simpler", expected, "one that leaves free what the other fixes"));
        }
        LikelihoodRatio::new((self.log_likelihood, self.n_free), (simpler.log_likelihood, simpler.n_free))
    }

    /// The probability of a deviance at least this large if the curve is right, by the chi-square that the deviance
    /// follows with many trials at each level; small where the curve does not fit. `None` without degrees of freedom.
    ///
    /// With few trials at a level, or shares near 0 or 1, take [`PsychometricBootstrap::deviance_p`](crate::analysis::PsychometricBootstrap::deviance_p) of a parametric
    /// bootstrap.
    #[must_use]
    pub fn deviance_p(&self) -> Option<f64> {
        (self.dof > 0).then(|| chi_square_above(self.deviance, self.dof))
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

    pub(super) fn psi(&self) -> Psi {
        Psi { curve: self.model.curve, falling: self.falling }
    }

    pub(super) fn parameters(&self) -> Parameters {
        [self.threshold.value, self.width.value, self.guess.value, self.lapse.value]
    }
}

/// The outcome of a likelihood-ratio test, of [`Psychometric::compare`] or [`PsychometricFit::compare`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LikelihoodRatio {
    /// Twice the difference of the log-likelihoods.
    #[serde(with = "crate::number")]
    pub statistic: f64,
    /// The degrees of freedom.
    pub dof: usize,
    /// The probability of a statistic at least this large if the simpler model is right.
    #[serde(with = "crate::number")]
    pub p: f64,
}

impl LikelihoodRatio {
    /// Of two models, each by its log-likelihood and its number of free parameters.
    pub(super) fn new((full, n_full): (f64, usize), (simple, n_simple): (f64, usize)) -> Result<Self> {
        if n_full <= n_simple {
            let expected = format!("fewer than those of the other model, {n_full}");
            return Err(Error::argument("free parameters", expected, n_simple));
        }
        let (statistic, dof) = ((2.0 * (full - simple)).max(0.0), n_full - n_simple);
        Ok(Self { statistic, dof, p: chi_square_above(statistic, dof) })
    }
}
