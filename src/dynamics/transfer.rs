//! Transfer functions: from a unit's state to its rate.

use std::fmt;
use std::sync::Arc;

use pulp::{Scalar, Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::kernel::lanes::dispatch;
use super::kernel::math;
use crate::weights::{Weights, plain};
use crate::{Error, Result};

// These are macros since a closure that is not inlined is compiled without vector code, an order of magnitude slower.

/// Writes an expression of each of many vectors.
macro_rules! each {
    ($from:expr, $to:expr, $x:ident => $value:expr) => {
        for (to, &$x) in $to.iter_mut().zip($from) {
            *to = $value;
        }
    };
}

/// Writes two expressions of each of many vectors.
macro_rules! each_pair {
    ($from:expr, $first:expr, $second:expr, $x:ident => $values:expr) => {
        for ((first, second), &$x) in $first.iter_mut().zip($second.iter_mut()).zip($from) {
            (*first, *second) = $values;
        }
    };
}

/// How far apart the slopes of a function of the user's own are compared.
const CUSTOM_STEP: f64 = 1e-3;

/// `1 / (1 + exp(-x))` in `f64`.
pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

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
    ///
    /// It is called number by number, while the functions of this enum are computed for whole vector registers: with a `tanh` of your
    /// own an update of 50 units takes about 7 times as long as with [`Transfer::Tanh`].
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
            let (mut rate, mut slope) = ([0.0], [0.0]);
            self.rates_and_slopes(Scalar, &[x], &mut rate, &mut slope);
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
                // As a vector, so that a number does not depend on how many others there are.
                let mut rates = [simd.splat_f32s(0.0)];
                self.0.rates(simd, &[simd.partial_load_f32s(last)], &mut rates);
                simd.partial_store_f32s(last_rates, rates[0]);
            }
        }
        let n = states.len().min(rates.len());
        dispatch(Rates(self, &states[..n], &mut rates[..n]));
    }

    /// The rates of many states.
    #[inline(always)]
    pub(super) fn rates<S: Simd>(&self, simd: S, states: &[S::f32s], rates: &mut [S::f32s]) {
        let zero = simd.splat_f32s(0.0);
        match self {
            Self::Relu => each!(states, rates, x => simd.max_f32s(zero, x)),
            Self::Tanh => each!(states, rates, x => math::tanh(simd, x)),
            Self::Sigmoid => each!(states, rates, x => math::sigmoid(simd, x)),
            Self::Softplus => each!(states, rates, x => math::softplus_and_slope(simd, x).0),
            Self::Linear => rates.copy_from_slice(states),
            Self::RectifiedPower { power } => {
                each!(states, rates, x => math::positive_power_and_slope(simd, x, *power).0);
            }
            Self::RectifiedTanh => each!(states, rates, x => math::tanh(simd, simd.max_f32s(zero, x))),
            Self::Custom(custom) => custom.rates(states, rates),
        }
    }

    /// Whether the slope does not follow from the rate alone, or not precisely, so that it must be kept.
    pub(super) fn keeps_slopes(&self) -> bool {
        matches!(self, Self::Softplus | Self::RectifiedPower { .. } | Self::Custom(_))
    }

    /// The rates and the slopes at many states, for a function that keeps slopes: both have most of their arithmetic in common.
    #[inline(always)]
    pub(super) fn rates_and_slopes<S: Simd>(
        &self,
        simd: S,
        states: &[S::f32s],
        rates: &mut [S::f32s],
        slopes: &mut [S::f32s],
    ) {
        match self {
            Self::Softplus => each_pair!(states, rates, slopes, x => math::softplus_and_slope(simd, x)),
            Self::RectifiedPower { power } => {
                each_pair!(states, rates, slopes, x => math::positive_power_and_slope(simd, x, *power));
            }
            Self::Custom(custom) => {
                custom.rates(states, rates);
                custom.slopes(states, slopes);
            }
            _ => self.rates(simd, states, rates),
        }
    }

    /// Multiplies numbers by the slopes at states that have these rates, or, for a function that keeps them, by these slopes.
    #[inline(always)]
    pub(super) fn times_slopes<S: Simd>(&self, simd: S, rates_or_slopes: &[S::f32s], numbers: &mut [S::f32s]) {
        let one = simd.splat_f32s(1.0);
        macro_rules! each_product {
            ($number:ident, $rate:ident => $value:expr) => {
                for ($number, &$rate) in numbers.iter_mut().zip(rates_or_slopes) {
                    *$number = $value;
                }
            };
        }
        match self {
            Self::Relu => each_product!(n, r => if_positive(simd, r, *n)),
            Self::Tanh => each_product!(n, r => simd.mul_f32s(*n, simd.negate_mul_add_e_f32s(r, r, one))),
            Self::Sigmoid => each_product!(n, r => simd.mul_f32s(*n, simd.negate_mul_add_e_f32s(r, r, r))),
            Self::RectifiedTanh => {
                each_product!(n, r => if_positive(simd, r, simd.mul_f32s(*n, simd.negate_mul_add_e_f32s(r, r, one))));
            }
            Self::Linear => {}
            Self::Softplus | Self::RectifiedPower { .. } | Self::Custom(_) => {
                each_product!(n, slope => simd.mul_f32s(*n, slope));
            }
        }
    }

    /// `f(x)`, `f'(x)` and `f''(x)` in `f64`, at a kink as [`Transfer::slope`]. A function of the user's own is called in `f32`, and its
    /// curvature is a difference of its slopes.
    pub(crate) fn exact(&self, x: f64) -> [f64; 3] {
        let positive = f64::from(u8::from(x > 0.0));
        match self {
            Self::Relu => [x.max(0.0), positive, 0.0],
            Self::Tanh => {
                // Precise where 1 - r² is not.
                let (r, slope) = (x.tanh(), x.cosh().powi(-2));
                [r, slope, -2.0 * r * slope]
            }
            Self::Sigmoid => {
                let r = logistic(x);
                let slope = r * logistic(-x);
                [r, slope, slope * (logistic(-x) - r)]
            }
            Self::Softplus => {
                let slope = logistic(x);
                [x.max(0.0) + (-x.abs()).exp().ln_1p(), slope, slope * logistic(-x)]
            }
            Self::Linear => [x, 1.0, 0.0],
            Self::RectifiedPower { power } => {
                let n = f64::from(*power);
                let to = |n: f64| if x > 0.0 { x.powf(n) } else { 0.0 };
                [to(n), n * to(n - 1.0), if n == 1.0 { 0.0 } else { n * (n - 1.0) * to(n - 2.0) }]
            }
            Self::RectifiedTanh => Self::Tanh.exact(x).map(|value| positive * value),
            Self::Custom(_) => {
                let [before, slope, after] =
                    [-1.0, 0.0, 1.0].map(|by| f64::from(self.slope((x + by * CUSTOM_STEP) as f32)));
                [f64::from(self.rate(x as f32)), slope, (after - before) / (2.0 * CUSTOM_STEP)]
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
    fn rates<V: pulp::bytemuck::Pod>(&self, states: &[V], rates: &mut [V]) {
        each_number(self.functions.as_ref().map(|(rate, _)| rate.as_ref()), states, rates);
    }

    fn slopes<V: pulp::bytemuck::Pod>(&self, states: &[V], slopes: &mut [V]) {
        each_number(self.functions.as_ref().map(|(_, slope)| slope.as_ref()), states, slopes);
    }
}

/// A function of each number; NaN if it is not there.
fn each_number<V: pulp::bytemuck::Pod>(
    function: Option<&(dyn Fn(f32) -> f32 + Send + Sync)>,
    from: &[V],
    to: &mut [V],
) {
    let (from, to) = (pulp::bytemuck::cast_slice::<V, f32>(from), pulp::bytemuck::cast_slice_mut::<V, f32>(to));
    match function {
        Some(function) => to.iter_mut().zip(from).for_each(|(to, &x)| *to = function(x)),
        None => to.fill(f32::NAN),
    }
}

/// Functions cannot be compared: the same name is taken for the same function.
impl PartialEq for CustomTransfer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The numbers where these are positive, 0 elsewhere.
#[inline(always)]
fn if_positive<S: Simd>(simd: S, these: S::f32s, numbers: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.greater_than_f32s(these, zero), numbers, zero)
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
