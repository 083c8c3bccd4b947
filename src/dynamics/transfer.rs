//! Transfer functions: from a unit's state to its rate.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The transfer function `f`: a unit with state `x` has rate `f(x)`.
///
/// ```
/// use psychrnn::dynamics::Transfer;
/// assert_eq!(Transfer::Relu.rate(-1.0), 0.0);
/// assert_eq!(Transfer::Tanh.slope(0.0), 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Transfer {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// `tanh(x)`.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x`.
    Linear,
}

impl Transfer {
    /// `f(x)`.
    #[must_use]
    pub fn rate(self, x: f32) -> f32 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            // Written so that neither branch overflows.
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Linear => x,
        }
    }

    /// `f'(x)`; 0 at the kink of [`Transfer::Relu`].
    #[must_use]
    pub fn slope(self, x: f32) -> f32 {
        match self {
            Self::Relu => f32::from(u8::from(x > 0.0)),
            Self::Tanh => 1.0 - x.tanh().powi(2),
            Self::Sigmoid => sigmoid(x) * sigmoid(-x),
            Self::Softplus => sigmoid(x),
            Self::Linear => 1.0,
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Linear => "linear",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Transfer; 5] =
        [Transfer::Relu, Transfer::Tanh, Transfer::Sigmoid, Transfer::Softplus, Transfer::Linear];

    proptest! {
        #[test]
        fn slopes_are_the_derivatives(x in -8.0_f32..8.0) {
            prop_assume!(x.abs() > 0.02);
            for f in ALL {
                let h = 1e-2;
                let difference = (f.rate(x + h) - f.rate(x - h)) / (2.0 * h);
                prop_assert!((difference - f.slope(x)).abs() < 1e-3, "{f} at {x}: {difference} {}", f.slope(x));
            }
        }
    }

    #[test]
    fn large_states_give_finite_rates() {
        for f in ALL {
            for x in [-1e30, -200.0, 0.0, 200.0, 1e30] {
                assert!(f.rate(x).is_finite() && f.slope(x).is_finite(), "{f} at {x}");
            }
        }
        assert_eq!(Transfer::Softplus.rate(200.0), 200.0);
    }
}
