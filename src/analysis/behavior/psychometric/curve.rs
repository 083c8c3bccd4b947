//! The curves: their shapes, with a direction and rates, and how likely they make counts.

use serde::{Deserialize, Serialize};

use crate::analysis::behavior::counts::Counts;
use crate::analysis::statistics::special::{normal_cdf, normal_quantile};

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
            Self::Gaussian => normal_quantile(p),
            Self::Logistic => (p / (1.0 - p)).ln(),
            Self::Weibull => (-(-p).ln_1p()).ln(),
        }
    }

    /// A level on the axis on which the curve is only shifted and stretched.
    pub(super) fn place(self, level: f64) -> f64 {
        if self == Self::Weibull { level.ln() } else { level }
    }

    pub(super) fn level(self, place: f64) -> f64 {
        if self == Self::Weibull { place.exp() } else { place }
    }

    /// `z` of a level.
    fn distance(self, level: f64, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Weibull => width * (level / threshold).ln(),
            _ => (level - threshold) / width,
        }
    }

    /// The level of a `z`.
    fn level_at(self, z: f64, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Weibull => threshold * (z / width).exp(),
            _ => threshold + z * width,
        }
    }

    /// `dF/dx` at `z`.
    fn slope(self, z: f64, threshold: f64, width: f64) -> f64 {
        match self {
            Self::Gaussian => (-z * z / 2.0).exp() / (width * (2.0 * std::f64::consts::PI).sqrt()),
            Self::Logistic => {
                let (below, above) = self.standard(z);
                below * above / width
            }
            Self::Weibull => (z - z.exp()).exp() * width / self.level_at(z, threshold, width),
        }
    }
}

/// A curve with its direction: `ψ` of any parameters.
#[derive(Clone, Copy)]
pub(super) struct Psi {
    pub(super) curve: Curve,
    pub(super) falling: bool,
}

/// Threshold, width, guess rate and lapse rate.
pub(super) type Parameters = [f64; 4];

impl Psi {
    /// The probabilities of a hit and of a miss at a level.
    pub(super) fn probabilities(self, level: f64, [threshold, width, guess, lapse]: Parameters) -> (f64, f64) {
        let (below, above) = self.curve.standard(self.curve.distance(level, threshold, width));
        let (up, down) = if self.falling { (above, below) } else { (below, above) };
        let range = 1.0 - guess - lapse;
        (guess + range * up, lapse + range * down)
    }

    /// `z` where `ψ` is `share`; `None` if it never is.
    pub(super) fn distance_at(self, share: f64, [_, _, guess, lapse]: Parameters) -> Option<f64> {
        let up = (share - guess) / (1.0 - guess - lapse);
        let p = if self.falling { 1.0 - up } else { up };
        (0.0 < p && p < 1.0).then(|| self.curve.quantile(p))
    }

    /// The level at which `ψ` is `share`; NaN if it never is.
    pub(super) fn level_at(self, share: f64, parameters: Parameters) -> f64 {
        let [threshold, width, ..] = parameters;
        self.distance_at(share, parameters).map_or(f64::NAN, |z| self.curve.level_at(z, threshold, width))
    }

    /// `dψ/dx` at `z`.
    pub(super) fn slope(self, z: f64, [threshold, width, guess, lapse]: Parameters) -> f64 {
        let rise = (1.0 - guess - lapse) * self.curve.slope(z, threshold, width);
        if self.falling { -rise } else { rise }
    }

    /// `dψ/dx` where `ψ` is `share`; NaN if it never is.
    pub(super) fn slope_at(self, share: f64, parameters: Parameters) -> f64 {
        self.distance_at(share, parameters).map_or(f64::NAN, |z| self.slope(z, parameters))
    }

    /// `Σ hits ln ψ + misses ln(1 - ψ)`, without the binomial coefficients, which no parameter changes.
    pub(super) fn log_likelihood(self, counts: &Counts, parameters: Parameters) -> f64 {
        let mut sum = 0.0;
        for ((&level, &trials), &hits) in counts.levels.iter().zip(&counts.trials).zip(&counts.hits) {
            let (hit, miss) = self.probabilities(level, parameters);
            sum += weighted_log(hits as f64, hit) + weighted_log(trials as f64 - hits as f64, miss);
        }
        sum
    }
}

/// `n ln p`, where none of something impossible is no surprise.
pub(super) fn weighted_log(n: f64, p: f64) -> f64 {
    if n == 0.0 { 0.0 } else { n * p.max(f64::MIN_POSITIVE).ln() }
}
