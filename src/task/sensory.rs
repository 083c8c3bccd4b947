//! How the inputs of a task reach the network: baseline, noise, rectification.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::TrialRng;
use crate::error::positive;
use crate::random::root;
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
                Spread::Mixed(root("noise of the inputs", covariance)?)
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
            Spread::Mixed(root) => Spread::Mixed(root * scale),
            Spread::None => Spread::None,
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
    Mixed(Array2<f32>),
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
            Spread::Mixed(root) => {
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
