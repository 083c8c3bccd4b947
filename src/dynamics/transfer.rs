//! Transfer functions: from a unit's state to its rate.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The transfer function `f`: a unit with state `x` has rate `f(x)`.
///
/// ```
/// use psychrnn::dynamics::Transfer;
/// assert_eq!(Transfer::Relu.rate(-1.0), 0.0);
/// assert_eq!(Transfer::Tanh.slope(0.0), 1.0);
/// let square = Transfer::custom("rectified square", |x| x.max(0.0).powi(2), |x| 2.0 * x.max(0.0));
/// assert_eq!(square.rate(3.0), 9.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// A function of the user's own, see [`Transfer::custom`]. A file keeps its name only.
    Custom(CustomTransfer),
}

impl Transfer {
    /// A function of your own: its name, `f` and its derivative `f'`.
    pub fn custom(
        name: &str,
        rate: impl Fn(f32) -> f32 + Send + Sync + 'static,
        slope: impl Fn(f32) -> f32 + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(CustomTransfer { name: name.to_owned(), functions: Some((Arc::new(rate), Arc::new(slope))) })
    }

    /// `f(x)`.
    #[must_use]
    pub fn rate(&self, x: f32) -> f32 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            // Written so that neither branch overflows.
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Linear => x,
            Self::Custom(custom) => custom.functions.as_ref().map_or(f32::NAN, |(rate, _)| rate(x)),
        }
    }

    /// `f'(x)`; 0 at the kink of [`Transfer::Relu`].
    #[must_use]
    pub fn slope(&self, x: f32) -> f32 {
        match self {
            Self::Relu => f32::from(u8::from(x > 0.0)),
            Self::Tanh => 1.0 - x.tanh().powi(2),
            Self::Sigmoid => sigmoid(x) * sigmoid(-x),
            Self::Softplus => sigmoid(x),
            Self::Linear => 1.0,
            Self::Custom(custom) => custom.functions.as_ref().map_or(f32::NAN, |(_, slope)| slope(x)),
        }
    }

    /// The rates of many states.
    pub(super) fn rates(&self, states: &[f32], rates: &mut [f32]) {
        // Chosen once for all, so that the loops over simple functions become vector code.
        fn each(states: &[f32], rates: &mut [f32], f: impl Fn(f32) -> f32) {
            rates.iter_mut().zip(states).for_each(|(rate, &x)| *rate = f(x));
        }
        match self {
            Self::Relu => each(states, rates, |x| x.max(0.0)),
            Self::Linear => rates.copy_from_slice(states),
            _ => each(states, rates, |x| self.rate(x)),
        }
    }

    /// The slopes at many states, whose rates are known.
    pub(super) fn slopes(&self, states: &[f32], rates: &[f32], slopes: &mut [f32]) {
        fn each(from: &[f32], slopes: &mut [f32], f: impl Fn(f32) -> f32) {
            slopes.iter_mut().zip(from).for_each(|(slope, &x)| *slope = f(x));
        }
        match self {
            Self::Relu => each(states, slopes, |x| if x > 0.0 { 1.0 } else { 0.0 }),
            Self::Linear => slopes.fill(1.0),
            // The rate is there already, and the slope follows from it without another exponential.
            Self::Tanh => each(rates, slopes, |rate| 1.0 - rate * rate),
            Self::Sigmoid => each(rates, slopes, |rate| rate * (1.0 - rate)),
            Self::Softplus => each(rates, slopes, |rate| 1.0 - (-rate).exp()),
            Self::Custom(_) => each(states, slopes, |x| self.slope(x)),
        }
    }

    /// A function of which only the name is known here.
    #[cfg(feature = "torch")]
    pub(crate) fn named(name: &str) -> Self {
        Self::Custom(CustomTransfer { name: name.to_owned(), functions: None })
    }

    /// The name of a function of the user's own that was read from a file and is not there: it must be given again.
    pub(crate) fn missing(&self) -> Option<&str> {
        match self {
            Self::Custom(custom) if custom.functions.is_none() => Some(&custom.name),
            _ => None,
        }
    }
}

type Scalar = Arc<dyn Fn(f32) -> f32 + Send + Sync>;

/// A transfer function of the user's own.
#[derive(Clone, Serialize, Deserialize)]
pub struct CustomTransfer {
    name: String,
    #[serde(skip)]
    functions: Option<(Scalar, Scalar)>,
}

impl fmt::Debug for CustomTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Functions cannot be compared: the same name is taken for the same function.
impl PartialEq for CustomTransfer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

pub(crate) fn sigmoid(x: f32) -> f32 {
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
            Self::Custom(custom) => &custom.name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all() -> [Transfer; 6] {
        let power = Transfer::custom("power", |x| x.max(0.0).powf(1.5), |x| 1.5 * x.max(0.0).sqrt());
        [Transfer::Relu, Transfer::Tanh, Transfer::Sigmoid, Transfer::Softplus, Transfer::Linear, power]
    }

    proptest! {
        #[test]
        fn slopes_are_the_derivatives(x in -8.0_f32..8.0) {
            prop_assume!(x.abs() > 0.02);
            for f in all() {
                let h = 1e-2;
                let difference = (f.rate(x + h) - f.rate(x - h)) / (2.0 * h);
                prop_assert!((difference - f.slope(x)).abs() < 2e-3, "{f} at {x}: {difference} {}", f.slope(x));
            }
        }
    }

    #[test]
    fn large_states_give_finite_rates() {
        for f in &all()[..5] {
            for x in [-1e30, -200.0, 0.0, 200.0, 1e30] {
                assert!(f.rate(x).is_finite() && f.slope(x).is_finite(), "{f} at {x}");
            }
        }
        assert_eq!(Transfer::Softplus.rate(200.0), 200.0);
    }

    #[test]
    fn a_file_keeps_the_name_of_a_function_and_not_the_function() {
        let json = serde_json::to_string(&all()).unwrap();
        let read: [Transfer; 6] = serde_json::from_str(&json).unwrap();
        assert_eq!(read, all());
        assert_eq!(read.each_ref().map(|f| f.missing()), [None, None, None, None, None, Some("power")]);
    }
}
