//! What is to be fitted, and what of it is known.

use serde::{Deserialize, Serialize};

use super::curve::{Curve, Parameters};
use crate::setters::setters;

/// A guess rate or a lapse rate: known, or to be found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Known; a plain number converts into it.
    Fixed(f64),
    /// To be found, between 0 and this number.
    UpTo(f64),
    /// The same as the other of the two rates, whatever that is: both are one parameter.
    Tied,
}

impl From<f64> for Rate {
    fn from(rate: f64) -> Self {
        Self::Fixed(rate)
    }
}

impl Rate {
    /// Where it is sought, if the other rate is this one.
    pub(super) fn bounds(self, other: Self) -> Option<(f64, f64)> {
        match (self, other) {
            (Self::Fixed(rate), _) | (Self::Tied, Self::Fixed(rate)) => Some((rate, rate)),
            (Self::UpTo(most), _) | (Self::Tied, Self::UpTo(most)) => Some((0.0, most)),
            (Self::Tied, Self::Tied) => None,
        }
    }
}

/// A psychometric function, to be fitted to counts by maximum likelihood:
///
/// ```text
/// ψ(x) = guess + (1 - guess - lapse) F(x; threshold, width)         rising
/// ψ(x) = guess + (1 - guess - lapse) (1 - F(x; threshold, width))   falling
/// ```
///
/// with the [`Curve`] `F`. The guess rate is the lower end of the curve, the share of hits where they are rarest; the lapse
/// rate is the share of misses at its upper end, where hits are most frequent. So a rising curve leaves the guess rate
/// far below the threshold and comes to the lapse rate far above it, a falling curve the other way round. The width is positive
/// for both; the slope is negative where the curve falls. Wichmann FA, Hill NJ (2001), doi:10.3758/BF03194544.
///
/// Whether the curve rises or falls is found from the counts, see [`PsychometricFit::falling`](crate::analysis::PsychometricFit::falling), unless it is set. Threshold,
/// width and either rate can be fixed, and one rate can be tied to the other ([`Rate::Tied`]): what is not free is not counted
/// among the degrees of freedom.
///
/// Defaults: a cumulative Gaussian, both rates found between 0 and 0.1: made for the share of one of two choices over a
/// stimulus with a sign. For the share of correct choices between two alternatives set `.guess(0.5)`.
///
/// ```
/// use psychrnn::analysis::{Counts, Curve, Psychometric, Rate};
/// let levels = [-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4];
/// let counts = Counts::new("coherence", &levels, &[100; 7], &[2, 11, 28, 51, 74, 88, 99])?;
/// let fit = Psychometric::default().curve(Curve::Logistic).guess(Rate::UpTo(0.06)).lapse(Rate::Tied).fit(&counts)?;
/// assert!(fit.threshold.value.abs() < 0.02 && fit.guess == fit.lapse);
/// assert!(fit.deviance_p().unwrap() > 0.05);
/// let (low, high) = fit.level_at(0.75)?.interval(0.95)?;
/// assert!(low < 0.11 && 0.11 < high);
/// fit.plot()?; // in a notebook, as the last line of a cell
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Psychometric {
    /// The shape.
    pub curve: Curve,
    /// Whether the share of hits falls along the levels; without it, as the counts say.
    #[serde(default)]
    pub falling: Option<bool>,
    /// The threshold, in units of the levels, if it is known.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The width, in units of the levels (no unit for [`Curve::Weibull`]), if it is known.
    #[serde(default)]
    pub width: Option<f64>,
    /// The share of hits at the lower end of the curve.
    pub guess: Rate,
    /// The share of misses at the upper end of the curve.
    pub lapse: Rate,
}

impl Default for Psychometric {
    fn default() -> Self {
        Self {
            curve: Curve::default(),
            falling: None,
            threshold: None,
            width: None,
            guess: Rate::UpTo(0.1),
            lapse: Rate::UpTo(0.1),
        }
    }
}

impl Psychometric {
    setters! {
        /// The shape.
        curve: Curve;
        /// Whether the share of hits falls along the levels; `None` to find it from the counts.
        falling: impl Into<Option<bool>> => falling.into();
        /// A threshold that is known, in units of the levels; `None` to find it.
        threshold: impl Into<Option<f64>> => threshold.into();
        /// A width that is known, positive, in units of the levels (no unit for [`Curve::Weibull`]); `None` to find it.
        width: impl Into<Option<f64>> => width.into();
        /// The share of hits at the lower end of the curve: a number, [`Rate::UpTo`] or [`Rate::Tied`].
        guess: impl Into<Rate> => guess.into();
        /// The share of misses at the upper end of the curve: a number, [`Rate::UpTo`] or [`Rate::Tied`].
        lapse: impl Into<Rate> => lapse.into();
    }

    /// Whether all curves of another model, but for their direction, are among those of this one.
    pub(super) fn includes(&self, other: &Self) -> bool {
        let known = |own: Option<f64>, other: Option<f64>| own.is_none() || own == other;
        let rate = |own: Rate, other: Rate| match (own, other) {
            (Rate::UpTo(most), Rate::Fixed(rate) | Rate::UpTo(rate)) => rate <= most,
            (Rate::Fixed(_), _) => own == other,
            // Whether the other one's rates are the same is asked below.
            (Rate::UpTo(_), Rate::Tied) | (Rate::Tied, _) => true,
        };
        let tied = other.tied().is_some() || matches!(other.guess, Rate::Fixed(_)) && other.guess == other.lapse;
        known(self.threshold, other.threshold)
            && known(self.width, other.width)
            && rate(self.guess, other.guess)
            && rate(self.lapse, other.lapse)
            && (self.tied().is_none() || tied)
    }

    /// The rate that is tied, and the one that it is tied to.
    pub(super) fn tied(&self) -> Option<(usize, usize)> {
        match (self.guess, self.lapse) {
            (Rate::Tied, _) => Some((2, 3)),
            (_, Rate::Tied) => Some((3, 2)),
            _ => None,
        }
    }

    pub(super) fn with_ties(&self, mut parameters: Parameters) -> Parameters {
        if let Some((tied, to)) = self.tied() {
            parameters[tied] = parameters[to];
        }
        parameters
    }
}
