//! How the inputs of a task reach the network: baseline, noise, rectification.

use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use super::TrialRng;
use crate::error::positive;
use crate::random::spectrum;
use crate::setters::setters;
use crate::{Error, Result};

/// What happens to the inputs that a task writes before the network sees them:
///
/// ```text
/// u = [baseline + signal + √(2 τ_in / dt) σ ξ]₊
/// ```
///
/// `ξ` is unit Gaussian noise, drawn anew at each step. A step shorter by a factor has noise larger by its root, so that what
/// the noise does over a stretch of time is the same for any `dt`. `[·]₊`, which keeps the inputs from being negative, is only
/// there with [`Sensory::rectify`]. With [`Sensory::while_on`] a channel has noise only at steps at which the task shows something on it.
///
/// By default inputs reach the network as the task writes them: no baseline, no noise, no rectification, `τ_in` 100 ms. The
/// noise is drawn apart from what the task draws: the same trial can be had with noise and without.
///
/// Song HF, Yang GR, Wang X-J (2016), doi:10.1371/journal.pcbi.1004792. Other packages scale noise otherwise: [`Sensory::neurogym`],
/// [`Sensory::pyrl`]. That of Yang GR et al. (2019) is `Sensory::default().noise(0.01)`.
///
/// ```
/// use psychrnn::task::{Sensory, TaskSpec};
/// let spec = TaskSpec::new(2, 2).duration(1000.0).sensory(Sensory::default().baseline(0.2).noise(0.01).rectify(true));
/// spec.check()?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensory {
    /// What each input channel shows when the task shows nothing.
    pub baseline: f32,
    /// How noisy the inputs are.
    pub noise: InputNoise,
    /// The time constant `τ_in` that scales the noise, in milliseconds.
    pub tau: f32,
    /// Whether what would be negative is set to 0.
    pub rectify: bool,
    /// Whether a channel has noise only at steps at which the task writes something other than 0 into it.
    #[serde(default)]
    pub while_on: bool,
}

/// The spread of the noise on the inputs, before it is scaled with `√(2 τ_in / dt)`. A number converts into the same standard
/// deviation for all channels, a list into one for each, a matrix into a covariance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputNoise {
    /// The standard deviation `σ` of every channel.
    Sd(f32),
    /// The standard deviation of each channel `[n_in]`.
    PerChannel(Vec<f32>),
    /// The covariance of the channels `[n_in, n_in]`: noise that channels share.
    Covariance(Array2<f32>),
}

impl From<f32> for InputNoise {
    fn from(sd: f32) -> Self {
        Self::Sd(sd)
    }
}

impl From<&[f32]> for InputNoise {
    fn from(sds: &[f32]) -> Self {
        Self::PerChannel(sds.to_vec())
    }
}

impl<const N: usize> From<[f32; N]> for InputNoise {
    fn from(sds: [f32; N]) -> Self {
        Self::PerChannel(sds.to_vec())
    }
}

impl From<Array2<f32>> for InputNoise {
    fn from(covariance: Array2<f32>) -> Self {
        Self::Covariance(covariance)
    }
}

impl Default for Sensory {
    fn default() -> Self {
        Self { baseline: 0.0, noise: InputNoise::Sd(0.0), tau: 100.0, rectify: false, while_on: false }
    }
}

impl Sensory {
    /// PyCog's defaults: baseline 0.2, `σ` 0.01, `τ_in` 100 ms, rectified.
    #[must_use]
    pub fn pycog() -> Self {
        Self::default().baseline(0.2).noise(0.01).rectify(true)
    }

    /// NeuroGym's noise: `sigma ξ / √dt` with `dt` in milliseconds, on what the task shows while it shows it. Its tasks have `sigma` 1, which
    /// is 0.1 a step at their 100 ms. Here `σ = sigma / √200` with `τ_in` 100 ms.
    ///
    /// NeuroGym's fixation cues have no noise: name the noise of each channel where the task has one,
    /// `Sensory::neurogym(1.0).noise([0.0, s, s])` with `s = 1 / √200`.
    #[must_use]
    pub fn neurogym(sigma: f32) -> Self {
        Self::default().noise(sigma / 200.0_f32.sqrt()).while_on(true)
    }

    /// pyrl's noise of this variance: `√(2 · 100 ms · variance / dt) ξ`, on what the task shows while it shows it; 0.01 in most of its
    /// tasks. Here `σ = √variance` with `τ_in` 100 ms. Cues have none in pyrl, see [`Sensory::neurogym`].
    /// Song HF, Yang GR, Wang X-J (2017), doi:10.7554/eLife.21492.
    #[must_use]
    pub fn pyrl(variance: f32) -> Self {
        Self::default().noise(variance.sqrt()).while_on(true)
    }

    setters! {
        /// What each input channel shows when the task shows nothing.
        baseline: f32;
        /// How noisy the inputs are: a standard deviation, one for each channel, or a covariance.
        noise: impl Into<InputNoise> => noise.into();
        /// The time constant that scales the noise, in milliseconds.
        tau: f32;
        /// Whether what would be negative is set to 0.
        rectify: bool;
        /// Whether a channel has noise only at steps at which the task writes something other than 0 into it, as in NeuroGym and pyrl. A
        /// task that leaves a stimulus of strength 0 out shows nothing, so that it has no noise then.
        while_on: bool;
    }

    /// What a step needs of it.
    ///
    /// # Errors
    /// If a number makes no sense, or if the noise is not that of `n_in` channels.
    pub(super) fn prepare(&self, dt: f32, n_in: usize) -> Result<Afferents> {
        if !self.baseline.is_finite() {
            return Err(Error::argument("baseline of the inputs", "finite", self.baseline));
        }
        positive("tau of the inputs", self.tau)?;
        let scale = (2.0 * self.tau / dt).sqrt();
        let spread = match &self.noise {
            InputNoise::Sd(sd) => Spread::Channels(vec![*sd; n_in]),
            InputNoise::PerChannel(sds) if sds.len() == n_in => Spread::Channels(sds.clone()),
            InputNoise::PerChannel(sds) => {
                return Err(Error::shape("noise of the inputs", format!("[n_in = {n_in}]"), &[sds.len()]));
            }
            InputNoise::Covariance(covariance) => {
                if covariance.dim() != (n_in, n_in) {
                    let expected = format!("[n_in = {n_in}, n_in = {n_in}]");
                    return Err(Error::shape("noise of the inputs", expected, covariance.shape()));
                }
                let (variances, axes) = spectrum("noise of the inputs", covariance)?;
                let sds = variances.mapv(f64::sqrt);
                let root = (&axes * &sds).mapv(|x| x as f32) * scale;
                Spread::Mixed { root, axes, sds: (sds * f64::from(scale)).to_vec() }
            }
        };
        let spread = match spread {
            Spread::Channels(sds) => {
                if let Some(sd) = sds.iter().find(|&&sd| !(sd >= 0.0 && sd.is_finite())) {
                    return Err(Error::argument("noise of the inputs", "0 or a positive number", sd));
                }
                if sds.iter().all(|&sd| sd == 0.0) {
                    Spread::None
                } else {
                    Spread::Channels(sds.iter().map(|sd| sd * scale).collect())
                }
            }
            spread => spread,
        };
        Ok(Afferents { baseline: self.baseline, rectify: self.rectify, while_on: self.while_on, spread })
    }
}

/// A [`Sensory`] that is ready to be used, for steps of one duration.
#[derive(Debug)]
pub(super) struct Afferents {
    baseline: f32,
    rectify: bool,
    while_on: bool,
    spread: Spread,
}

/// What unit Gaussian numbers are made into noise with.
#[derive(Debug)]
enum Spread {
    None,
    Channels(Vec<f32>),
    Mixed {
        root: Array2<f32>,
        /// The directions in which the noise is independent, in columns, and its standard deviation along each.
        axes: Array2<f64>,
        sds: Vec<f64>,
    },
}

impl Afferents {
    /// Turns the signal of one step into what the network sees.
    pub(super) fn transmit(&self, input: &mut [f32], rng: &mut TrialRng) {
        // Noise is drawn for all channels, so that it does not depend on what the others show.
        let signal = self.while_on.then(|| input.to_vec());
        match &self.spread {
            Spread::None => {}
            Spread::Channels(sds) => {
                input.iter_mut().zip(sds).for_each(|(input, &sd)| *input += rng.normal(0.0, sd));
            }
            Spread::Mixed { root, .. } => {
                for direction in root.columns() {
                    let z = rng.normal(0.0, 1.0);
                    input.iter_mut().zip(direction).for_each(|(input, &weight)| *input += weight * z);
                }
            }
        }
        for (input, _) in input.iter_mut().zip(signal.into_iter().flatten()).filter(|(_, signal)| *signal == 0.0) {
            *input = 0.0;
        }
        for input in input {
            *input += self.baseline;
            if self.rectify {
                *input = input.max(0.0);
            }
        }
    }
}

/// How likely inputs are where it is known what the task shows: the law by which [`Afferents::transmit`] draws them, along axes in which the
/// noise is independent. These are the channels, unless they share noise.
#[derive(Debug)]
pub(super) struct Law {
    /// In columns; the channels if there are none.
    axes: Option<Array2<f64>>,
    /// The standard deviation along each axis, and its logarithm.
    sds: Vec<(f64, f64)>,
    /// How far inputs without noise may be from what they are to be, since they are rounded.
    slack: f64,
    baseline: f32,
    rectify: bool,
    while_on: bool,
}

/// A density counts as the probability of a number among numbers as far apart as those of 32 bits are: so it can be compared with that of an
/// input without noise, which is one number.
const SPACING: f64 = f32::EPSILON as f64;
/// Noise that is smaller than this share of the largest is rounding, and what differs by less than ten times as much is the same.
const ROUNDING: f64 = 1e-4;

impl Afferents {
    /// The law of the inputs of `n_in` channels.
    ///
    /// # Errors
    /// If noise that channels share is rectified, or is there only while something is on.
    pub(super) fn law(&self, n_in: usize) -> Result<Law> {
        let Self { baseline, rectify, while_on, .. } = *self;
        let (axes, sds, slack) = match &self.spread {
            Spread::None => (None, vec![0.0; n_in], 0.0),
            Spread::Channels(sds) => (None, sds.iter().copied().map(f64::from).collect(), 0.0),
            Spread::Mixed { .. } if rectify || while_on => {
                let expected = "a standard deviation, or one for each channel, where inputs are rectified or have noise only while the \
                                task shows something: the law of what they then share is not known in closed form";
                return Err(Error::argument("noise of the inputs", expected, "a covariance"));
            }
            Spread::Mixed { axes, sds, .. } => {
                let rounding = ROUNDING * sds.iter().copied().fold(0.0, f64::max);
                let sds = sds.iter().map(|&sd| if sd <= rounding { 0.0 } else { sd }).collect();
                (Some(axes.clone()), sds, 10.0 * rounding)
            }
        };
        let sds = sds.into_iter().map(|sd: f64| (sd, sd.ln())).collect();
        Ok(Law { axes, sds, slack, baseline, rectify, while_on })
    }
}

impl Law {
    /// Inputs `[n_steps, n_in]` along the axes, step after step: what was seen, or with the baseline what the task shows.
    pub(super) fn along(&self, inputs: ArrayView2<'_, f32>, with_baseline: bool) -> Array1<f64> {
        let baseline = if with_baseline { self.baseline } else { 0.0 };
        let inputs = inputs.mapv(|input| f64::from(input + baseline));
        let along = self.axes.as_ref().map_or_else(|| inputs.clone(), |axes| inputs.dot(axes));
        along.iter().copied().collect()
    }

    /// The logarithm of the probability of what is seen at this place of [`Law::along`] where that is shown.
    pub(super) fn log(&self, at: usize, shown: f64, seen: f64) -> f64 {
        let (sd, log_sd) = self.sds[at % self.sds.len()];
        let is_off = self.while_on && shown == f64::from(self.baseline);
        if sd == 0.0 || is_off {
            let shown = if self.rectify { shown.max(0.0) } else { shown };
            return if (seen - shown).abs() <= self.slack { 0.0 } else { f64::NEG_INFINITY };
        }
        let z = (seen - shown) / sd;
        if self.rectify && seen == 0.0 {
            // All that would be negative.
            return (erfc(-z / std::f64::consts::SQRT_2) / 2.0).ln();
        }
        SPACING.ln() - log_sd - z * z / 2.0
    }
}
