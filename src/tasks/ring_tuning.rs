//! How a ring of input channels shows a direction.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How a ring of `n` input channels shows a direction `φ`. Channel `k`, which prefers `θₖ = 2π k / n`, is
///
/// | | |
/// | --- | --- |
/// | `Cosine` | `baseline + amplitude cos(θₖ - φ)` |
/// | `VonMises` | `peak exp(concentration (cos(θₖ - φ) - 1))` |
/// | `Gaussian` | `peak exp(-d² / (2 width²))`, where `d` is how far `θₖ` and `φ` are apart, from 0 to π |
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingTuning {
    /// Broad, with a mean of `baseline`.
    Cosine {
        /// The mean of the channels.
        baseline: f32,
        /// How far the channels depart from it.
        amplitude: f32,
    },
    /// A peak that is 0 nowhere.
    VonMises {
        /// The largest response.
        peak: f32,
        /// How sharp it is.
        concentration: f32,
    },
    /// A peak that falls off to 0.
    Gaussian {
        /// The largest response.
        peak: f32,
        /// How broad it is, in radians.
        width: f32,
    },
}

impl RingTuning {
    /// `4 exp(2 (cos(θₖ - φ) - 1))`: Masse NY, Yang GR, Song HF, Wang X-J, Freedman DJ (2019), doi:10.1038/s41593-019-0414-3.
    #[must_use]
    pub fn masse() -> Self {
        Self::VonMises { peak: 4.0, concentration: 2.0 }
    }

    /// `0.8 exp(-d² / 2)`, with `d` in units of π/8: Yang GR, Joglekar MR, Song HF, Newsome WT, Wang X-J (2019),
    /// doi:10.1038/s41593-018-0310-2.
    #[must_use]
    pub fn yang() -> Self {
        Self::Gaussian { peak: 0.8, width: std::f32::consts::PI / 8.0 }
    }

    /// `0.5 + 0.5 cos(θₖ - φ)`: that of NeuroGym's choices.
    #[must_use]
    pub fn neurogym() -> Self {
        Self::Cosine { baseline: 0.5, amplitude: 0.5 }
    }

    pub(super) fn check(self) -> Result<()> {
        let numbers = match self {
            Self::Cosine { baseline, amplitude } => [("baseline", baseline), ("amplitude", amplitude)],
            Self::VonMises { peak, concentration } => [("peak", peak), ("concentration", concentration)],
            Self::Gaussian { peak, width } => [("peak", peak), ("width", width)],
        };
        let named = |name| format!("{name} of the tuning");
        for (name, number) in numbers {
            let is_positive = match name {
                "width" => number > 0.0,
                "concentration" => number >= 0.0,
                _ => true,
            };
            if !(number.is_finite() && is_positive) {
                let expected = if name == "width" { "a positive number" } else { "finite, and not negative" };
                return Err(Error::argument(named(name), if is_positive { "finite" } else { expected }, number));
            }
        }
        Ok(())
    }

    /// Adds what a direction, in radians, does to the channels of a ring.
    pub(super) fn show(self, direction: f32, channels: &mut [f32]) {
        let n = channels.len() as f64;
        for (k, channel) in channels.iter_mut().enumerate() {
            // In double precision, or the sum and the cosine would be a little off in single.
            let away = TAU * k as f64 / n - f64::from(direction);
            *channel += match self {
                Self::Cosine { baseline, amplitude } => baseline + amplitude * away.cos() as f32,
                Self::VonMises { peak, concentration } => {
                    peak * (f64::from(concentration) * (away.cos() - 1.0)).exp() as f32
                }
                Self::Gaussian { peak, width } => {
                    let around = away.rem_euclid(TAU);
                    let d = around.min(TAU - around) / f64::from(width);
                    peak * (-d * d / 2.0).exp() as f32
                }
            };
        }
    }
}
