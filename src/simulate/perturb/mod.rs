//! What is done to a network while it runs.

pub(super) mod apply;
mod units;
mod window;

use serde::{Deserialize, Serialize};

pub use units::Units;
pub use window::{Reference, Window};

/// What a perturbation does, in the notation of [`LeakyUnits`](crate::dynamics::LeakyUnits) and
/// [`LstmUnits`](crate::dynamics::LstmUnits). In the rate form, in which `x` below is the state `r`, currents and noise are within the
/// transfer function, as everything that drives units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The rates of units are held: `r_j[t] = rate` at the times within the window, whatever the state `x_j` does, which goes
    /// on by its own equation. So the outputs at these times and the units one step later get `rate`, and the session's
    /// rates have it. A window that starts with the trial includes the rate before the first step. In an LSTM what is held
    /// is what `h_j` sends; the session's states and the cell `c_j` go on. A rate of 0 silences.
    Clamp {
        /// The units.
        units: Units,
        /// Their rate.
        rate: f32,
    },
    /// A current is added to what drives units: `b_rec + current` in place of `b_rec` in the steps within the window. In an
    /// LSTM it is added to the candidate, `tanh(v W_c + b_c + current)`.
    Stimulate {
        /// The units.
        units: Units,
        /// The current, in units of the state.
        current: f32,
    },
    /// Gaussian noise is added to units in the steps within the window, besides the network's own: `√(2α) sd n[t]` to `x`,
    /// or `√(2/α) sd n[t]` within the transfer function of the rate form, with `n` independent for units, steps and trials. In an LSTM `sd n[t]` is added to the candidate before its `tanh`.
    Noise {
        /// The units.
        units: Units,
        /// The standard deviation `σ` of the noise.
        sd: f32,
    },
    /// The synapses from some units to others are multiplied by a factor in the steps within the window: `W_rec[to, from]`, or
    /// those weights of all gates of an LSTM. A factor of 0 cuts them.
    Recurrent {
        /// The sending units.
        from: Units,
        /// The receiving units.
        to: Units,
        /// The factor.
        factor: f32,
    },
    /// As [`Effect::Recurrent`], for the synapses from input channels to units: `W_in[to, channels]`.
    Input {
        /// The input channels.
        channels: Units,
        /// The receiving units.
        to: Units,
        /// The factor.
        factor: f32,
    },
    /// As [`Effect::Recurrent`], for the synapses from units to output channels: `W_out[channels, from]`.
    Output {
        /// The sending units.
        from: Units,
        /// The output channels.
        channels: Units,
        /// The factor.
        factor: f32,
    },
}

/// An effect on a network, and when it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perturbation {
    /// What happens.
    pub effect: Effect,
    /// When.
    pub window: Window,
}

impl Perturbation {
    pub(crate) fn is_noise(&self) -> bool {
        matches!(self.effect, Effect::Noise { .. })
    }

    /// Whether it is in the weights, and not in what is added to the inputs.
    pub(super) fn is_in_weights(&self) -> bool {
        !matches!(self.effect, Effect::Noise { .. } | Effect::Stimulate { .. })
    }

    /// An effect within a window.
    #[must_use]
    pub fn new(effect: Effect, window: impl Into<Window>) -> Self {
        Self { effect, window: window.into() }
    }
}
