//! From the weighted sums of rates to the outputs.

use std::fmt;

use ndarray::{Array1, Array2, Array3, ArrayView3, Axis};
use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::Transfer;
use super::kernel::lanes::dispatch;
use super::kernel::math;
use crate::{Error, Result};

/// The output function `g`: with the sums `a = W_out r + b_out` the outputs are `z = g(a)`.
///
/// A sigmoid goes with a binary cross-entropy, a softmax with a categorical one, and the others with a squared error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Readout {
    /// `a`.
    #[default]
    Linear,
    /// `max(a, 0)`.
    Rectified,
    /// `max(a, 0)ⁿ`; PyCog's `rectify_power` has `n = 2`.
    RectifiedPower {
        /// The power `n`, at least 1.
        power: f32,
    },
    /// `1 / (1 + exp(-a))`: each output the probability of its own yes.
    Sigmoid,
    /// `exp(aᵢ) / Σ exp(aⱼ)` over the output channels: together the probabilities of one choice.
    Softmax,
}

impl fmt::Display for Readout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear => f.write_str("linear"),
            Self::Rectified => f.write_str("rectified"),
            Self::RectifiedPower { power } => write!(f, "rectified to the power {power}"),
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::Softmax => f.write_str("softmax"),
        }
    }
}

impl Readout {
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::RectifiedPower { power } if !(power >= 1.0 && power.is_finite()) => {
                Err(Error::argument("power of the readout", "at least 1, or the slope at 0 is infinite", power))
            }
            _ => Ok(()),
        }
    }

    /// Turns the sums `[n_batch, n_steps, n_out]` into the outputs.
    pub(crate) fn apply(self, outputs: &mut Array3<f32>) {
        let n_out = outputs.len_of(Axis(2)).max(1);
        // What a run gives is in standard layout.
        let Some(numbers) = outputs.as_slice_mut() else { return };
        if self == Self::Softmax {
            for sums in numbers.chunks_exact_mut(n_out) {
                // The largest exponent is 0, so that nothing overflows.
                let largest = sums.iter().fold(f32::NEG_INFINITY, |largest, &a| largest.max(a));
                sums.iter_mut().for_each(|a| *a -= largest);
            }
        }
        dispatch(Apply { readout: self, numbers });
        if self == Self::Softmax {
            for exponentials in numbers.chunks_exact_mut(n_out) {
                let sum: f32 = exponentials.iter().sum();
                exponentials.iter_mut().for_each(|e| *e /= sum);
            }
        }
    }

    /// The outputs in `f64` from the sums `[n_out]`, and how they depend on these, `[n_out, n_out]`.
    pub(crate) fn exact(self, sums: &Array1<f64>) -> (Array1<f64>, Array2<f64>) {
        if self == Self::Softmax {
            let largest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let exponentials = sums.mapv(|a| (a - largest).exp());
            let z = &exponentials / exponentials.sum();
            let slopes =
                Array2::from_shape_fn((z.len(), z.len()), |(i, j)| z[i] * (f64::from(u8::from(i == j)) - z[j]));
            return (z, slopes);
        }
        let each = |a: f64| match self {
            Self::Linear | Self::Softmax => [a, 1.0],
            Self::Rectified => [a.max(0.0), f64::from(u8::from(a > 0.0))],
            Self::RectifiedPower { power } => {
                let [z, slope, _] = Transfer::RectifiedPower { power }.exact(a);
                [z, slope]
            }
            Self::Sigmoid => {
                let [z, slope, _] = Transfer::Sigmoid.exact(a);
                [z, slope]
            }
        };
        (sums.mapv(|a| each(a)[0]), Array2::from_diag(&sums.mapv(|a| each(a)[1])))
    }

    /// The gradients with respect to the sums, from the outputs and the gradients with respect to these.
    pub(super) fn backward(self, outputs: &Array3<f32>, d_outputs: ArrayView3<'_, f32>) -> Array3<f32> {
        let mut gradients = d_outputs.as_standard_layout().into_owned();
        let n_out = outputs.len_of(Axis(2)).max(1);
        let (Some(numbers), Some(z)) = (gradients.as_slice_mut(), outputs.as_slice()) else { return gradients };
        match self {
            Self::Softmax => {
                // zᵢ (dᵢ - Σ dⱼ zⱼ)
                for (d, z) in numbers.chunks_exact_mut(n_out).zip(z.chunks_exact(n_out)) {
                    let mean: f32 = d.iter().zip(z).map(|(d, z)| d * z).sum();
                    d.iter_mut().zip(z).for_each(|(d, z)| *d = z * (*d - mean));
                }
            }
            _ => dispatch(TimesSlopes { readout: self, outputs: z, gradients: numbers }),
        }
        gradients
    }
}

/// The functions of single numbers on many of them; of a softmax the exponentials.
struct Apply<'a> {
    readout: Readout,
    numbers: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        // No closures here: see `transfer`.
        macro_rules! each {
            ($a:ident => $value:expr) => {{
                let (vectors, rest) = S::as_mut_simd_f32s(self.numbers);
                for vector in vectors {
                    let $a = *vector;
                    *vector = $value;
                }
                let $a = simd.partial_load_f32s(rest);
                simd.partial_store_f32s(rest, $value);
            }};
        }
        match self.readout {
            Readout::Linear => {}
            Readout::Rectified => each!(a => simd.max_f32s(zero, a)),
            Readout::RectifiedPower { power } => each!(a => math::positive_power_and_slope(simd, a, power).0),
            Readout::Sigmoid => each!(a => math::sigmoid(simd, a)),
            Readout::Softmax => each!(a => math::exp(simd, a)),
        }
    }
}

/// Multiplies gradients by the slopes where the outputs are these.
struct TimesSlopes<'a> {
    readout: Readout,
    outputs: &'a [f32],
    gradients: &'a mut [f32],
}

impl WithSimd for TimesSlopes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        macro_rules! each {
            ($d:ident, $z:ident => $value:expr) => {{
                let (outputs, rest_of_outputs) = S::as_simd_f32s(self.outputs);
                let (gradients, rest) = S::as_mut_simd_f32s(self.gradients);
                for (gradient, &$z) in gradients.iter_mut().zip(outputs) {
                    let $d = *gradient;
                    *gradient = $value;
                }
                let ($d, $z) = (simd.partial_load_f32s(rest), simd.partial_load_f32s(rest_of_outputs));
                simd.partial_store_f32s(rest, $value);
            }};
        }
        match self.readout {
            Readout::Rectified => each!(d, z => simd.select_f32s(simd.greater_than_f32s(z, zero), d, zero)),
            Readout::RectifiedPower { power } => {
                // Of z = aⁿ the slope is n z^(1 - 1 / n).
                let n = simd.splat_f32s(power);
                each!(d, z => simd.mul_f32s(d, simd.mul_f32s(n, math::positive_power(simd, z, 1.0 - power.recip()))));
            }
            Readout::Sigmoid => each!(d, z => simd.mul_f32s(d, simd.negate_mul_add_e_f32s(z, z, z))),
            Readout::Linear | Readout::Softmax => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Readout; 5] = [
        Readout::Linear,
        Readout::Rectified,
        Readout::RectifiedPower { power: 2.5 },
        Readout::Sigmoid,
        Readout::Softmax,
    ];

    proptest! {
        #[test]
        fn gradients_are_differences(sums in proptest::collection::vec(-3.0_f32..3.0, 12), pull in proptest::collection::vec(-1.0_f32..1.0, 12)) {
            prop_assume!(sums.iter().all(|a| a.abs() > 0.05));
            let cube = |numbers: &[f32]| Array3::from_shape_vec((2, 2, 3), numbers.to_vec()).unwrap();
            for readout in ALL {
                let value = |sums: &[f32]| {
                    let mut outputs = cube(sums);
                    readout.apply(&mut outputs);
                    (outputs.iter().zip(&pull).map(|(z, p)| f64::from(z * p)).sum::<f64>(), outputs)
                };
                let gradients = readout.backward(&value(&sums).1, cube(&pull).view());
                for (i, gradient) in gradients.iter().enumerate() {
                    let moved = |by: f32| {
                        let mut sums = sums.clone();
                        sums[i] += by;
                        value(&sums).0
                    };
                    let difference = (moved(0.01) - moved(-0.01)) / 0.02;
                    prop_assert!((difference - f64::from(*gradient)).abs() < 2e-3, "{readout}: {difference} {gradient}");
                }
            }
        }
    }

    #[test]
    fn large_sums_give_probabilities() {
        for readout in [Readout::Sigmoid, Readout::Softmax] {
            let mut outputs = Array3::from_shape_vec((1, 2, 2), vec![1e30, -1e30, 500.0, 499.0]).unwrap();
            readout.apply(&mut outputs);
            assert!(outputs.iter().all(|z| (0.0..=1.0).contains(z)), "{outputs}");
        }
    }
}
