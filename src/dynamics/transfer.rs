//! Transfer functions: from a unit's state to its rate.

use std::fmt;
use std::sync::Arc;

use pulp::{Scalar, Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::lanes::dispatch;
use super::math;
use crate::weights::{Weights, plain};
use crate::{Error, Result};

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
    /// `max(x, 0)ⁿ`; PyCog's `rectify_power` has `n = 2`.
    RectifiedPower {
        /// The power `n`, at least 1.
        power: f32,
    },
    /// `max(tanh(x), 0)`.
    RectifiedTanh,
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
        let mut rate = [0.0];
        self.rates(Scalar, &[x], &mut rate);
        rate[0]
    }

    /// An error if a constant of the function makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::RectifiedPower { power } if !(*power >= 1.0 && power.is_finite()) => Err(Error::argument(
                "power of the transfer function",
                "at least 1, or the slope at 0 is infinite",
                power,
            )),
            _ => Ok(()),
        }
    }

    /// `f'(x)`; 0 at a kink, as of [`Transfer::Relu`].
    #[must_use]
    pub fn slope(&self, x: f32) -> f32 {
        if self.keeps_slopes() {
            let mut slope = [0.0];
            self.slopes(Scalar, &[x], &mut slope);
            slope[0]
        } else {
            let mut slope = [1.0];
            self.times_slopes(Scalar, &[self.rate(x)], &mut slope);
            slope[0]
        }
    }

    /// `f(x)` of each of many states, written into `rates`; of as many as both have.
    pub fn rates_into(&self, states: &[f32], rates: &mut [f32]) {
        struct Rates<'a>(&'a Transfer, &'a [f32], &'a mut [f32]);
        impl WithSimd for Rates<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                let ((states, last), (rates, last_rates)) = (S::as_simd_f32s(self.1), S::as_mut_simd_f32s(self.2));
                self.0.rates(simd, states, rates);
                self.0.rates(Scalar, last, last_rates);
            }
        }
        let n = states.len().min(rates.len());
        dispatch(Rates(self, &states[..n], &mut rates[..n]));
    }

    /// The rates of many states.
    #[inline(always)]
    pub(super) fn rates<S: Simd>(&self, simd: S, states: &[S::f32s], rates: &mut [S::f32s]) {
        match self {
            Self::Relu => each(rates, states, |x| simd.max_f32s(simd.splat_f32s(0.0), x)),
            Self::Tanh => each(rates, states, |x| math::tanh(simd, x)),
            Self::Sigmoid => each(rates, states, |x| math::sigmoid(simd, x)),
            Self::Softplus => each(rates, states, |x| math::softplus(simd, x)),
            Self::Linear => rates.copy_from_slice(states),
            Self::RectifiedPower { power } => each(rates, states, |x| math::positive_power(simd, x, *power)),
            Self::RectifiedTanh => each(rates, states, |x| math::tanh(simd, simd.max_f32s(simd.splat_f32s(0.0), x))),
            Self::Custom(custom) => custom.each(states, rates, |(rate, _)| rate.as_ref()),
        }
    }

    /// Whether the slope does not follow from the rate alone, or not precisely, so that it must be kept.
    pub(super) fn keeps_slopes(&self) -> bool {
        matches!(self, Self::Softplus | Self::RectifiedPower { .. } | Self::Custom(_))
    }

    /// The slopes at many states, for a function that keeps them.
    #[inline(always)]
    pub(super) fn slopes<S: Simd>(&self, simd: S, states: &[S::f32s], slopes: &mut [S::f32s]) {
        match self {
            Self::Custom(custom) => custom.each(states, slopes, |(_, slope)| slope.as_ref()),
            Self::RectifiedPower { power } => {
                let n = simd.splat_f32s(*power);
                each(slopes, states, |x| simd.mul_f32s(n, math::positive_power(simd, x, *power - 1.0)));
            }
            _ => each(slopes, states, |x| math::sigmoid(simd, x)),
        }
    }

    /// Multiplies numbers by the slopes at states that have these rates, or, for a function that keeps them, by these slopes.
    #[inline(always)]
    pub(super) fn times_slopes<S: Simd>(&self, simd: S, rates_or_slopes: &[S::f32s], numbers: &mut [S::f32s]) {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let of_relu = |n, r| simd.select_f32s(simd.greater_than_f32s(r, zero), n, zero);
        match self {
            Self::Relu => each_pair(numbers, rates_or_slopes, of_relu),
            Self::Tanh => {
                each_pair(numbers, rates_or_slopes, |n, r| simd.mul_f32s(n, simd.negate_mul_add_e_f32s(r, r, one)))
            }
            Self::Sigmoid => {
                each_pair(numbers, rates_or_slopes, |n, r| simd.mul_f32s(n, simd.negate_mul_add_e_f32s(r, r, r)))
            }
            Self::RectifiedTanh => each_pair(numbers, rates_or_slopes, |n, r| {
                of_relu(simd.mul_f32s(n, simd.negate_mul_add_e_f32s(r, r, one)), r)
            }),
            Self::Linear => {}
            Self::Softplus | Self::RectifiedPower { .. } | Self::Custom(_) => {
                each_pair(numbers, rates_or_slopes, |n, r| simd.mul_f32s(n, r))
            }
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

type Function = Arc<dyn Fn(f32) -> f32 + Send + Sync>;

/// A transfer function of the user's own.
#[derive(Clone, Serialize, Deserialize)]
pub struct CustomTransfer {
    name: String,
    #[serde(skip)]
    functions: Option<(Function, Function)>,
}

impl fmt::Debug for CustomTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl CustomTransfer {
    /// One of the two functions of each number.
    fn each<V: pulp::bytemuck::Pod>(
        &self,
        from: &[V],
        to: &mut [V],
        which: impl Fn(&(Function, Function)) -> &(dyn Fn(f32) -> f32 + Send + Sync),
    ) {
        let (from, to) = (pulp::bytemuck::cast_slice::<V, f32>(from), pulp::bytemuck::cast_slice_mut::<V, f32>(to));
        match &self.functions {
            Some(functions) => {
                let f = which(functions);
                to.iter_mut().zip(from).for_each(|(to, &x)| *to = f(x));
            }
            None => to.fill(f32::NAN),
        }
    }
}

/// Functions cannot be compared: the same name is taken for the same function.
impl PartialEq for CustomTransfer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Replaces each of many vectors by a function of it and of another.
#[inline(always)]
fn each_pair<V: Copy>(numbers: &mut [V], others: &[V], f: impl Fn(V, V) -> V) {
    numbers.iter_mut().zip(others).for_each(|(number, &other)| *number = f(*number, other));
}

/// Writes a function of each of many vectors.
#[inline(always)]
fn each<V: Copy>(to: &mut [V], from: &[V], f: impl Fn(V) -> V) {
    to.iter_mut().zip(from).for_each(|(to, &x)| *to = f(x));
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Linear => "linear",
            Self::RectifiedPower { power } => return write!(f, "rectified to the power {power}"),
            Self::RectifiedTanh => "rectified tanh",
            Self::Custom(custom) => &custom.name,
        })
    }
}

/// With which transfer function weights were trained.
impl Weights {
    /// Says with which transfer function the weights are used, in place of what their file says.
    pub fn set_transfer(&mut self, transfer: &Transfer) {
        self.transfer = serde_json::to_value(transfer).ok().map(|json| plain(&json));
    }

    /// The transfer function with which they were trained, if it is one of ours.
    pub(crate) fn known_transfer(&self) -> Option<Transfer> {
        let text = self.transfer.as_deref()?;
        let by_name = serde_json::from_value(text.into());
        by_name.or_else(|_| serde_json::from_str(text)).ok()
    }

    /// An error if the weights were trained with another transfer function than this one, or with one that is not known while this
    /// one is what networks have that name none.
    pub(crate) fn check_transfer(&self, transfer: &Transfer) -> Result<()> {
        let Some(name) = &self.transfer else { return Ok(()) };
        match self.known_transfer() {
            Some(trained) if trained != *transfer => {
                let expected = format!(
                    "{trained}, with which the weights were trained, as `.transfer(…)` sets it (`weights.set_transfer` if the file is wrong)"
                );
                Err(Error::argument("transfer", expected, transfer))
            }
            None if *transfer == Transfer::default() => {
                let expected = "named, since the file of the weights has one that cannot be read: say which by `.transfer(Transfer::Tanh)`, \
                     or by `weights.set_transfer(&Transfer::Relu)` if it was that";
                Err(Error::argument("transfer", expected, format!("`{name}` there")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all() -> [Transfer; 8] {
        let power = Transfer::custom("power", |x| x.max(0.0).powf(1.5), |x| 1.5 * x.max(0.0).sqrt());
        let rectified = Transfer::RectifiedPower { power: 2.0 };
        let [a, b, c, d, e] = [Transfer::Relu, Transfer::Tanh, Transfer::Sigmoid, Transfer::Softplus, Transfer::Linear];
        [a, b, c, d, e, Transfer::RectifiedTanh, rectified, power]
    }

    proptest! {
        #[test]
        fn slopes_are_the_derivatives(x in -8.0_f32..8.0) {
            prop_assume!(x.abs() > 0.1);
            for f in all() {
                let h = 1e-2;
                let difference = (f.rate(x + h) - f.rate(x - h)) / (2.0 * h);
                prop_assert!((difference - f.slope(x)).abs() < 2e-3 * (1.0 + f.slope(x).abs()), "{f} at {x}: {difference} {}", f.slope(x));
            }
        }
    }

    #[test]
    fn many_rates_are_those_of_each() {
        let states: Vec<f32> = (0..77).map(|i| (i as f32 - 38.0) / 7.0).collect();
        for f in all() {
            let mut rates = vec![0.0; 77];
            f.rates_into(&states, &mut rates);
            for (x, rate) in states.iter().zip(rates) {
                assert!((rate - f.rate(*x)).abs() <= 2e-6 * rate.abs(), "{f} at {x}: {rate}");
            }
        }
    }

    #[test]
    fn large_states_give_finite_rates() {
        for f in &all()[..6] {
            for x in [-1e30, -200.0, 0.0, 200.0, 1e30] {
                assert!(f.rate(x).is_finite() && f.slope(x).is_finite(), "{f} at {x}");
            }
        }
        assert_eq!(Transfer::Softplus.rate(200.0), 200.0);
        // A square overflows where it must, and has no slope below 0, whatever its power.
        for power in [1.0, 1.5, 2.0] {
            let f = Transfer::RectifiedPower { power };
            for x in [-1e30, -200.0, -0.0, 0.0, 1e-15, 200.0, 1e15] {
                let (rate, slope) = (f64::from(f32::max(x, 0.0)).powf(power.into()), f.slope(x));
                assert!((f64::from(f.rate(x)) - rate).abs() <= 1e-5 * rate, "{f} at {x}");
                assert!(slope.is_finite() && (x > 0.0 || slope == 0.0), "{f} at {x}: {slope}");
            }
        }
    }

    #[test]
    fn a_file_keeps_the_name_of_a_function_and_not_the_function() {
        let json = serde_json::to_string(&all()).unwrap();
        let read: [Transfer; 8] = serde_json::from_str(&json).unwrap();
        assert_eq!(read, all());
        assert_eq!(read.each_ref().map(|f| f.missing()), [None, None, None, None, None, None, None, Some("power")]);
    }
}
