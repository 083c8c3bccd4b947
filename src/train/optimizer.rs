//! Optimizers, as loops over plain arrays with named state.
//!
//! They are ours because libtorch's hide their state, so that a run could not be saved and resumed, and because
//! TensorFlow's Adam is not among them. They are no tensor operations: for a network of 50 units a dozen of these for each
//! parameter takes longer than the arithmetic of all.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayD, Zip};
use serde::{Deserialize, Serialize, Serializer};

use crate::network::Memory;
use crate::{Error, Result};

/// How a gradient `g` changes a parameter `w`, with learning rate `η`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Optimizer {
    /// [`Adam`], the default: steps scaled by the moments of the gradient.
    Adam(Adam),
    /// [`AdamW`]: the same with weight decay.
    AdamW(AdamW),
    /// [`Sgd`]: plain gradient descent, perhaps with momentum.
    Sgd(Sgd),
    /// [`RmsProp`]: steps scaled by the mean of squared gradients.
    RmsProp(RmsProp),
}

/// Adam, Kingma DP, Ba J (2015), arXiv:1412.6980:
///
/// ```text
/// m = β₁ m + (1 - β₁) g,   v = β₂ v + (1 - β₂) g²
/// w = w - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)
/// ```
///
/// Where `ε` is added differs between libraries, see [`Epsilon`]. The default is the paper's and libtorch's place; PsychRNN
/// has TensorFlow's. With `ε` = 1e-8 the two differ only where gradients are tiny.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adam {
    /// The decay `β₁` of the mean of gradients; 0.9 by default.
    pub beta1: f64,
    /// The decay `β₂` of the mean of squared gradients; 0.999 by default.
    pub beta2: f64,
    /// `ε`; 1e-8 by default.
    pub epsilon: f64,
    /// Where `ε` is added.
    pub placement: Epsilon,
}

/// Where Adam adds `ε`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Epsilon {
    /// To the corrected moment, `√(v / (1 - β₂ᵗ)) + ε`: the paper's Algorithm 1, and libtorch.
    #[default]
    Corrected,
    /// To the uncorrected one, `(√v + ε) / √(1 - β₂ᵗ)`: TensorFlow, and so PsychRNN.
    Uncorrected,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, placement: Epsilon::Corrected }
    }
}

impl Adam {
    /// TensorFlow's Adam, which PsychRNN's updates need to be followed number for number.
    #[must_use]
    pub fn tensorflow() -> Self {
        Self { placement: Epsilon::Uncorrected, ..Self::default() }
    }
}

/// Adam with decoupled weight decay: each step first multiplies `w` by `1 - η · decay`. Loshchilov I, Hutter F (2019),
/// arXiv:1711.05101.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamW {
    /// The moments.
    pub adam: Adam,
    /// The weight decay; 0.01 by default. It acts on raw parameters.
    pub decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { adam: Adam::default(), decay: 0.01 }
    }
}

/// Stochastic gradient descent, `b = μ b + g`, `w = w - η b`; with `nesterov`, `w = w - η (g + μ b)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sgd {
    /// The momentum `μ`; 0 by default.
    pub momentum: f64,
    /// Nesterov's momentum; it needs one above 0.
    pub nesterov: bool,
}

/// RMSprop, `v = a v + (1 - a) g²`, `b = μ b + g / (√v + ε)`, `w = w - η b`, as libtorch defines it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RmsProp {
    /// The decay `a` of the mean of squared gradients; 0.99 by default.
    pub alpha: f64,
    /// `ε`; 1e-8 by default.
    pub epsilon: f64,
    /// The momentum `μ`; 0 by default.
    pub momentum: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { alpha: 0.99, epsilon: 1e-8, momentum: 0.0 }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}

macro_rules! from {
    ($($optimizer:ident),+) => {$(
        impl From<$optimizer> for Optimizer {
            fn from(optimizer: $optimizer) -> Self {
                Self::$optimizer(optimizer)
            }
        }
    )+};
}
from!(Adam, AdamW, Sgd, RmsProp);

impl Optimizer {
    /// Whether the arguments make sense.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn check(&self) -> Result<()> {
        let decay = |name: &str, value: f64| {
            if (0.0..1.0).contains(&value) {
                Ok(())
            } else {
                Err(Error::argument(name, "at least 0 and below 1", value))
            }
        };
        let size = |name: &str, value: f64| {
            if value >= 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(Error::argument(name, "0 or a positive number", value))
            }
        };
        // The arithmetic is in single precision, and a gradient of 0 is divided by it.
        let epsilon = |value: f64| {
            if value.is_finite() && value as f32 > 0.0 {
                Ok(())
            } else {
                Err(Error::argument("epsilon", "a positive number, such as 1e-8", value))
            }
        };
        let adam = |adam: &Adam| {
            decay("beta1", adam.beta1)?;
            decay("beta2", adam.beta2)?;
            epsilon(adam.epsilon)
        };
        match self {
            Self::Adam(moments) => adam(moments),
            Self::AdamW(with_decay) => adam(&with_decay.adam).and(size("decay", with_decay.decay)),
            Self::Sgd(Sgd { momentum: 0.0, nesterov: true }) => {
                Err(Error::argument("momentum", "above 0 with Nesterov's, which is nothing without", 0))
            }
            Self::Sgd(sgd) => decay("momentum", sgd.momentum),
            Self::RmsProp(rms) => {
                decay("alpha", rms.alpha)?;
                decay("momentum", rms.momentum)?;
                epsilon(rms.epsilon)
            }
        }
    }

    /// The name under which the moments are remembered; another optimizer cannot use them.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adam_w",
            Self::Sgd(_) => "sgd",
            Self::RmsProp(_) => "rms_prop",
        }
    }

    /// Changes a parameter, in place, by its gradient; `memory.updates` counts this update already.
    pub(super) fn step(
        &self,
        memory: &mut Memory,
        name: &str,
        value: &mut ArrayD<f32>,
        gradient: &ArrayD<f32>,
        rate: f64,
    ) {
        match self {
            Self::Adam(adam) => adam.step(memory, name, value, gradient, rate),
            Self::AdamW(AdamW { adam, decay }) => {
                *value *= (1.0 - rate * decay) as f32;
                adam.step(memory, name, value, gradient, rate);
            }
            Self::Sgd(Sgd { momentum, nesterov }) => {
                let (rate, momentum) = (rate as f32, *momentum as f32);
                let mut b = memory.take(name, "b", value.shape());
                Zip::from(value).and(gradient).and(&mut b).for_each(|w, &g, b| {
                    *b = momentum * *b + g;
                    *w -= rate * if *nesterov { g + momentum * *b } else { *b };
                });
                memory.put(name, "b", b);
            }
            Self::RmsProp(RmsProp { alpha, epsilon, momentum }) => {
                let (rate, alpha, momentum) = (rate as f32, *alpha as f32, *momentum as f32);
                let epsilon = *epsilon as f32;
                let [mut v, mut b] = ["v", "b"].map(|moment| memory.take(name, moment, value.shape()));
                Zip::from(value).and(gradient).and(&mut v).and(&mut b).for_each(|w, &g, v, b| {
                    *v = alpha * *v + (1.0 - alpha) * g * g;
                    *b = momentum * *b + g / (v.sqrt() + epsilon);
                    *w -= rate * *b;
                });
                memory.put(name, "v", v);
                memory.put(name, "b", b);
            }
        }
    }
}

impl Adam {
    fn step(&self, memory: &mut Memory, name: &str, value: &mut ArrayD<f32>, gradient: &ArrayD<f32>, rate: f64) {
        let correction = |beta: f64| 1.0 - beta.powf(memory.updates as f64);
        let (correction1, correction2) = (correction(self.beta1), correction(self.beta2));
        // √(v / c) = √v / √c.
        let (root, rate) = match self.placement {
            Epsilon::Corrected => (correction2.sqrt().recip(), rate / correction1),
            Epsilon::Uncorrected => (1.0, rate * correction2.sqrt() / correction1),
        };
        let [mut m, mut v] = ["m", "v"].map(|moment| memory.take(name, moment, value.shape()));
        let [forget1, forget2] = [self.beta1, self.beta2].map(|beta| (1.0 - beta) as f32);
        let [root, rate, epsilon] = [root, rate, self.epsilon].map(|number| number as f32);
        Zip::from(value).and(gradient).and(&mut m).and(&mut v).for_each(|w, &g, m, v| {
            *m += forget1 * (g - *m);
            *v += forget2 * (g * g - *v);
            *w -= rate * *m / (v.sqrt() * root + epsilon);
        });
        memory.put(name, "m", m);
        memory.put(name, "v", v);
    }
}

/// How gradients are kept from being too large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clip {
    /// They are taken as they are.
    None,
    /// The gradient of each parameter is scaled down to this norm if it is larger; PsychRNN's way, with norm 1.
    PerParameter(f64),
    /// All gradients together are scaled down to this norm if it is larger. Pascanu R, Mikolov T, Bengio Y (2013),
    /// arXiv:1211.5063.
    Global(f64),
    /// Each entry of each gradient is kept between the negative and the positive of this number, which changes the direction: the way of Yang
    /// GR et al. (2019), with 1.
    Value(f64),
}

impl Clip {
    /// Whether the limit makes sense.
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::PerParameter(norm) | Self::Global(norm) if !(norm > 0.0 && norm.is_finite()) => {
                Err(Error::argument("clip", "a positive norm", norm))
            }
            Self::Value(limit) if !(limit > 0.0 && limit.is_finite()) => {
                Err(Error::argument("clip", "a positive number", limit))
            }
            _ => Ok(()),
        }
    }

    /// Makes gradients smaller, which have these norms.
    pub(super) fn apply(self, gradients: &mut [Option<ArrayD<f32>>], norms: &[f64]) {
        let global = norms.iter().map(|norm| norm * norm).sum::<f64>().sqrt();
        for (gradient, &norm) in gradients.iter_mut().zip(norms) {
            let factor = match self {
                Self::Value(limit) => {
                    let limit = limit as f32;
                    gradient.iter_mut().for_each(|gradient| gradient.mapv_inplace(|entry| entry.clamp(-limit, limit)));
                    continue;
                }
                Self::PerParameter(limit) if norm > limit => limit / norm,
                Self::Global(limit) if global > limit => limit / global,
                _ => continue,
            };
            if let Some(gradient) = gradient {
                *gradient *= factor as f32;
            }
        }
    }
}

/// How the learning rate changes: a factor on it, by the number of updates made before, those of earlier calls included.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied by `factor` after every so many updates.
    Steps {
        /// How many.
        every: u64,
        /// The factor.
        factor: f64,
    },
    /// It falls by half a period of a cosine, from 1 to `floor` within so many updates, and stays there. Loshchilov I,
    /// Hutter F (2017), arXiv:1608.03983.
    Cosine {
        /// How many.
        updates: u64,
        /// The factor at the end.
        floor: f64,
    },
    /// A function of your own, from the number of updates to the factor.
    #[serde(skip_deserializing, serialize_with = "own")]
    Custom(Arc<CustomSchedule>),
}

type CustomSchedule = dyn Fn(u64) -> f64 + Send + Sync;

fn own<S: Serializer>(_: &Arc<CustomSchedule>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("one of your own")
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Steps { every, factor } => write!(f, "times {factor} every {every} updates"),
            Self::Cosine { updates, floor } => write!(f, "cosine to {floor} in {updates} updates"),
            Self::Custom(_) => f.write_str("custom"),
        }
    }
}

impl Schedule {
    /// A function of your own, from the number of updates made before to the factor on the learning rate.
    pub fn custom(factor: impl Fn(u64) -> f64 + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(factor))
    }

    /// Whether the arguments make sense, and whether there is a factor for each of these updates (of a function of your own for the
    /// first million).
    ///
    /// # Errors
    /// Names the argument that does not, or the first update without a factor.
    pub fn check(&self, updates: Range<u64>) -> Result<()> {
        const TRIED: u64 = 1_000_000;
        match self {
            Self::Constant => Ok(()),
            Self::Steps { every: 0, .. } => Err(Error::argument("every", "at least 1 update", 0)),
            Self::Steps { factor, .. } if !(*factor > 0.0 && factor.is_finite()) => {
                Err(Error::argument("factor", "a positive factor on the learning rate", factor))
            }
            // What only falls or only rises is worst at one of its ends.
            Self::Steps { .. } => self.factor(updates.end.saturating_sub(1)).map(drop),
            Self::Cosine { updates: 0, .. } => Err(Error::argument("updates", "at least 1 update", 0)),
            Self::Cosine { floor, .. } if !(*floor >= 0.0 && floor.is_finite()) => {
                Err(Error::argument("floor", "0 or a positive factor on the learning rate", floor))
            }
            Self::Cosine { .. } => Ok(()),
            Self::Custom(_) => updates.take(TRIED as usize).try_for_each(|update| self.factor(update).map(drop)),
        }
    }

    /// The factor on the learning rate after so many updates.
    ///
    /// # Errors
    /// If it is negative, NaN or infinite.
    pub fn factor(&self, updates: u64) -> Result<f64> {
        let factor = match self {
            Self::Constant => 1.0,
            Self::Steps { every, factor } => factor.powf((updates / (*every).max(1)) as f64),
            Self::Cosine { updates: all, floor } => {
                let way = (updates as f64 / (*all).max(1) as f64).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * way).cos())
            }
            Self::Custom(factor) => factor(updates),
        };
        if factor >= 0.0 && factor.is_finite() {
            Ok(factor)
        } else {
            let got = format!("{factor} after {updates} updates");
            Err(Error::argument("schedule", "0 or a positive factor on the learning rate", got))
        }
    }
}
