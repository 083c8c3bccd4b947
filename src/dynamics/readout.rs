//! From the weighted sums of rates to the outputs.

use std::fmt;

use ndarray::{Array3, ArrayView1, ArrayView3, ArrayViewMut1, Axis};
use serde::{Deserialize, Serialize};

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
        match self {
            Self::Linear => {}
            Self::Rectified => outputs.mapv_inplace(|a| a.max(0.0)),
            Self::RectifiedPower { power } => outputs.mapv_inplace(|a| a.max(0.0).powf(power)),
            Self::Sigmoid => outputs.mapv_inplace(|a| (1.0 + (-a).exp()).recip()),
            Self::Softmax => outputs.lanes_mut(Axis(2)).into_iter().for_each(softmax),
        }
    }

    /// The gradients with respect to the sums, from the outputs and the gradients with respect to these.
    pub(super) fn backward(self, outputs: &Array3<f32>, d_outputs: ArrayView3<'_, f32>) -> Array3<f32> {
        let mut gradients = d_outputs.as_standard_layout().into_owned();
        let each = |gradients: &mut Array3<f32>, slope: &dyn Fn(f32) -> f32| {
            gradients.zip_mut_with(outputs, |gradient, &z| *gradient *= slope(z));
        };
        match self {
            Self::Linear => {}
            Self::Rectified => each(&mut gradients, &|z| f32::from(u8::from(z > 0.0))),
            Self::RectifiedPower { power } => each(&mut gradients, &|z| match z > 0.0 {
                true => power * z.powf(1.0 - power.recip()),
                false => 0.0,
            }),
            Self::Sigmoid => each(&mut gradients, &|z| z * (1.0 - z)),
            Self::Softmax => {
                let lanes = gradients.lanes_mut(Axis(2)).into_iter().zip(outputs.lanes(Axis(2)));
                lanes.for_each(|(gradients, z)| through_softmax(gradients, z));
            }
        }
        gradients
    }
}

fn softmax(mut lane: ArrayViewMut1<'_, f32>) {
    // The largest exponent is 0, so that nothing overflows.
    let largest = lane.fold(f32::NEG_INFINITY, |largest, &a| largest.max(a));
    lane.mapv_inplace(|a| (a - largest).exp());
    let sum = lane.sum();
    lane.mapv_inplace(|e| e / sum);
}

/// `zᵢ (dᵢ - Σ dⱼ zⱼ)`.
fn through_softmax(mut gradients: ArrayViewMut1<'_, f32>, z: ArrayView1<'_, f32>) {
    let mean: f32 = gradients.iter().zip(z).map(|(d, z)| d * z).sum();
    gradients.zip_mut_with(&z, |d, &z| *d = z * (*d - mean));
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
