//! What training makes small.

use std::fmt;

use ndarray::{Array3, ArrayView3, Axis};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::dynamics::Readout;
use crate::network::{Activity, Trials};
use crate::task::Batch;
use crate::{Error, Result, threads};

/// What training makes small. A closure of the same form is one:
///
/// ```
/// use psychrnn::network::{Activity, Trials};
/// use psychrnn::prelude::*;
/// let pull = |activity: &Activity, _: &Trials| Ok(activity.outputs.f_square()?.f_mean(psychrnn::tch::Kind::Float)?);
/// let trainer = Trainer::default().loss(pull);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no loss",
    note = "a loss is a closure `|activity: &Activity, trials: &Trials| Ok(tensor)`, with a `Result` of a tensor of one number, or a type with `Loss`"
)]
pub trait Loss: Send + Sync {
    /// The loss of a batch, a tensor with one number, differentiable.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor>;

    /// Whether it looks at states or rates; if not, they need not be handed to libtorch, which saves time.
    fn uses_states(&self) -> bool {
        true
    }

    /// Whether it fits outputs of this kind; called before a network is trained that has such a readout. By default it does.
    ///
    /// # Errors
    /// Says what would fit.
    fn check(&self, readout: Readout) -> Result<()> {
        let _ = readout;
        Ok(())
    }

    /// What it is, in words, by which a [checkpoint](super::Trainer::checkpoint) knows it again. By default not said.
    fn describe(&self) -> String {
        "one of your own".to_owned()
    }

    /// The loss of a batch and its gradient with respect to the outputs, both from the outputs `[n_batch, n_steps, n_out]`, where
    /// they are easily written down. The kernel then asks for these, which saves the time of libtorch's differentiation. By
    /// default there is nothing.
    fn with_gradient(&self, outputs: ArrayView3<'_, f32>, batch: &Batch) -> Option<(f64, Array3<f32>)> {
        let _ = (outputs, batch);
        None
    }
}

impl<F: Fn(&Activity, &Trials) -> Result<Tensor> + Send + Sync> Loss for F {
    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        self(activity, trials)
    }
}

impl fmt::Debug for dyn Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// The mean over trials, steps and outputs of `(mask · (output - target))²`, which is PsychRNN's loss. Steps that the
/// mask leaves out count in the mean; padding past a trial's end does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeanSquaredError {
    /// Whether to take `Σ mask · (output - target)² / Σ mask` instead, so that the size of the loss does not depend on
    /// how much of a trial is constrained.
    pub per_mask: bool,
}

impl Loss for MeanSquaredError {
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn uses_states(&self) -> bool {
        false
    }

    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        let error = activity.outputs.f_sub(&trials.targets)?;
        if self.per_mask {
            weighted(&error.f_square()?, trials, true)
        } else {
            mean(&error.f_mul(&trials.mask)?.f_square()?, trials)
        }
    }

    fn with_gradient(&self, outputs: ArrayView3<'_, f32>, batch: &Batch) -> Option<(f64, Array3<f32>)> {
        Some(if self.per_mask {
            by_element(outputs, batch, true, |z, y, mask| (mask * (z - y) * (z - y), 2.0 * mask * (z - y)))
        } else {
            by_element(outputs, batch, false, |z, y, mask| {
                let error = mask * (z - y);
                (error * error, 2.0 * mask * error)
            })
        })
    }
}

/// The binary cross-entropy `-(y ln p + (1 - y) ln(1 - p))` of targets `y` between 0 and 1, averaged over trials, steps and
/// outputs with the mask as weight.
///
/// By default the output itself is taken for the probability `p`, as it is under [`Readout::Sigmoid`], clipped to
/// `[1e-7, 1 - 1e-7]` and with 1e-7 added in the logarithms, which is PsychRNN's loss. An output beyond the clip has no gradient:
/// prefer `logits` where the outputs need not be probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BinaryCrossEntropy {
    /// Whether the outputs are logits: `p = sigmoid(output)`. The readout must be linear.
    pub logits: bool,
    /// Whether to divide by the sum of the mask instead of by the number of outputs.
    pub per_mask: bool,
}

/// The categorical cross-entropy `-Σ yₖ ln pₖ` of targets `y` that are the probabilities of the output channels, such as 1 for the
/// correct one and 0 for the others; averaged over trials, steps and outputs with the mask as weight.
///
/// By default the outputs themselves are taken for the probabilities `p`, as they are under [`Readout::Softmax`], with 1e-10 added
/// in the logarithm, which is PyCog's loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CategoricalCrossEntropy {
    /// Whether the outputs are logits: `p = softmax(outputs)`. The readout must be linear; then a probability that is 0 to single
    /// precision still has a gradient.
    pub logits: bool,
    /// Whether to divide by the sum of the mask instead of by the number of outputs; PyCog's way.
    pub per_mask: bool,
}

/// An error if logits are not linear.
fn check_logits(logits: bool, readout: Readout) -> Result<()> {
    match readout {
        Readout::Linear => Ok(()),
        _ if !logits => Ok(()),
        _ => Err(Error::argument("logits", format!("false, since the readout of the network is {readout}"), true)),
    }
}

impl Loss for CategoricalCrossEntropy {
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn uses_states(&self) -> bool {
        false
    }

    fn check(&self, readout: Readout) -> Result<()> {
        check_logits(self.logits, readout)?;
        if self.logits || readout == Readout::Softmax {
            return Ok(());
        }
        let expected = "MeanSquaredError or BinaryCrossEntropy for this network, or the network's readout softmax, \
                        or CategoricalCrossEntropy { logits: true, .. } with a linear one";
        Err(Error::argument("loss", expected, format!("CategoricalCrossEntropy, while the readout is {readout}")))
    }

    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        const EPSILON: f64 = 1e-10;
        let z = &activity.outputs;
        let log = if self.logits { z.f_log_softmax(-1, None)? } else { z.f_add_scalar(EPSILON)?.f_log()? };
        weighted(&log.f_mul(&trials.targets)?.f_neg()?, trials, self.per_mask)
    }

    fn with_gradient(&self, outputs: ArrayView3<'_, f32>, batch: &Batch) -> Option<(f64, Array3<f32>)> {
        let entropy = |p: f32, y: f32, mask: f32| {
            let p = p + 1e-10;
            (-mask * y * p.ln(), -mask * y / p)
        };
        (!self.logits).then(|| by_element(outputs, batch, self.per_mask, entropy))
    }
}

impl Loss for BinaryCrossEntropy {
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn uses_states(&self) -> bool {
        false
    }

    fn check(&self, readout: Readout) -> Result<()> {
        check_logits(self.logits, readout)
    }

    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        const EPSILON: f64 = 1e-7;
        let (z, y) = (&activity.outputs, &trials.targets);
        let entropy = if self.logits {
            z.f_softplus()?.f_sub(&z.f_mul(y)?)?
        } else {
            let p = z.f_clamp(EPSILON, 1.0 - EPSILON)?;
            let log = |x: &Tensor| x.f_add_scalar(EPSILON)?.f_log();
            let complement = |x: &Tensor| x.f_neg()?.f_add_scalar(1.0);
            let (yes, no) = (y.f_mul(&log(&p)?)?, complement(y)?.f_mul(&log(&complement(&p)?)?)?);
            yes.f_add(&no)?.f_neg()?
        };
        weighted(&entropy, trials, self.per_mask)
    }

    fn with_gradient(&self, outputs: ArrayView3<'_, f32>, batch: &Batch) -> Option<(f64, Array3<f32>)> {
        let logits = |z: f32, y, mask| {
            // ln(1 + exp(z)) that does not overflow.
            let entropy = z.max(0.0) + (-z.abs()).exp().ln_1p() - z * y;
            (mask * entropy, mask * ((1.0 + (-z).exp()).recip() - y))
        };
        self.logits.then(|| by_element(outputs, batch, self.per_mask, logits))
    }
}

/// A loss that is a sum over the elements of the outputs `z`, and its gradient: `element` gives a summand and its derivative
/// with respect to `z`, from `z`, target and mask.
fn by_element(
    outputs: ArrayView3<'_, f32>,
    batch: &Batch,
    per_mask: bool,
    element: impl Fn(f32, f32, f32) -> (f32, f32) + Sync,
) -> (f64, Array3<f32>) {
    const SUMS: usize = 16;
    /// Elements that a thread takes at a time, of a number that does not depend on that of threads.
    const CHUNK: usize = 8192;
    let denominator = match per_mask {
        true => f64::from(batch.mask.sum()).max(f64::from(f32::MIN_POSITIVE)),
        false => (batch.lengths.iter().sum::<usize>() * outputs.len_of(Axis(2))) as f64,
    };
    let factor = denominator.recip() as f32;
    let mut gradient = Array3::zeros(outputs.dim());
    let (outputs, targets, mask) =
        (outputs.as_standard_layout(), batch.targets.as_standard_layout(), batch.mask.as_standard_layout());
    let chunk_sum = |(gradient, [z, y, mask]): (&mut [f32], [&[f32]; 3])| {
        let mut sums = [0.0_f64; SUMS];
        let mut add = |gradient: &mut [f32], z: &[f32], y: &[f32], mask: &[f32]| {
            for ((((gradient, &z), &y), &mask), sum) in gradient.iter_mut().zip(z).zip(y).zip(mask).zip(&mut sums) {
                let (summand, slope) = element(z, y, mask);
                *sum += f64::from(summand);
                *gradient = factor * slope;
            }
        };
        // Several sums beside each other, of a number known beforehand, are vector code.
        let (gradients, last_gradients) = gradient.as_chunks_mut::<SUMS>();
        let [(z, last_z), (y, last_y), (masks, last_masks)] = [z, y, mask].map(|numbers| numbers.as_chunks::<SUMS>());
        for (((gradient, z), y), mask) in gradients.iter_mut().zip(z).zip(y).zip(masks) {
            add(gradient, z, y, mask);
        }
        add(last_gradients, last_z, last_y, last_masks);
        Ok(sums.iter().sum::<f64>())
    };
    // In standard layout there are slices.
    let numbers = [&outputs, &targets, &mask].map(|array| array.as_slice().unwrap_or_default());
    let chunks = gradient.as_slice_mut().unwrap_or_default().chunks_mut(CHUNK).enumerate().map(|(i, gradient)| {
        let range = i * CHUNK..i * CHUNK + gradient.len();
        (gradient, numbers.map(|numbers| &numbers[range.clone()]))
    });
    // Nothing in it can fail.
    let sums: Vec<f64> = threads::map(chunks.collect(), chunk_sum).unwrap_or_default();
    (sums.iter().sum::<f64>() / denominator, gradient)
}

/// The sum of `mask · loss`, divided by the number of outputs or by the sum of the mask.
fn weighted(loss: &Tensor, trials: &Trials, per_mask: bool) -> Result<Tensor> {
    let weighted = loss.f_mul(&trials.mask)?;
    if !per_mask {
        return mean(&weighted, trials);
    }
    // A batch without any constraint has loss 0, not 0 / 0.
    let total = trials.mask.f_sum(Kind::Float)?.f_clamp_min(f64::from(f32::MIN_POSITIVE))?;
    Ok(weighted.f_sum(Kind::Float)?.f_div(&total)?)
}

/// The mean over outputs, padding left out: there the mask has made the loss 0.
fn mean(loss: &Tensor, trials: &Trials) -> Result<Tensor> {
    let n_out = trials.targets.size().last().copied().unwrap_or(1);
    Ok(loss.f_sum(Kind::Float)?.f_div_scalar(trials.n_valid_steps() as f64 * n_out as f64)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::to_tensor;
    use crate::random::Seed;
    use crate::task::TaskSpec;
    use ndarray::{Array, s};

    #[test]
    fn gradients_that_a_loss_gives_are_those_of_libtorch() {
        let mut rng = Seed(1).stream(0);
        let mut cube = |low, high| Array::from_shape_simple_fn((7, 11, 3), || rng.uniform(low, high));
        let (outputs, targets, mask) = (cube(-3.0, 3.0), cube(0.0, 1.0), cube(0.0, 2.0).mapv(f32::floor));
        let spec = TaskSpec::new(1, 3).duration(110.0);
        let mut batch = Batch::from_arrays(&spec, Array3::zeros((7, 11, 1)), targets, mask).unwrap();
        // Two trials are shorter than the others.
        (batch.lengths[2], batch.lengths[5]) = (6, 9);
        batch.mask.slice_mut(s![2, 6.., ..]).fill(0.0);
        batch.mask.slice_mut(s![5, 9.., ..]).fill(0.0);
        let trials = Trials::new(&batch).unwrap();
        let losses: &[&dyn Loss] = &[
            &CategoricalCrossEntropy { logits: false, per_mask: true },
            &CategoricalCrossEntropy::default(),
            &MeanSquaredError::default(),
            &MeanSquaredError { per_mask: true },
            &BinaryCrossEntropy { logits: true, per_mask: false },
            &BinaryCrossEntropy { logits: true, per_mask: true },
        ];
        for (i, loss) in losses.iter().enumerate() {
            // The first two are of probabilities.
            let outputs = if i < 2 { outputs.mapv(|z: f32| 0.05 + z.abs() / 4.0) } else { outputs.clone() };
            let (value, gradient) = loss.with_gradient(outputs.view(), &batch).unwrap();
            let leaf = to_tensor(&outputs).unwrap().set_requires_grad(true);
            let empty = || Tensor::zeros([0], (Kind::Float, tch::Device::Cpu));
            let expected = loss
                .loss(&Activity { outputs: leaf.shallow_clone(), states: empty(), rates: empty() }, &trials)
                .unwrap();
            assert!((value - expected.double_value(&[])).abs() < 1e-5 * value, "loss {i}");
            let of_libtorch = Tensor::run_backward(&[&expected], &[&leaf], false, false).remove(0);
            let difference = (to_tensor(&gradient).unwrap() - &of_libtorch).abs().max().double_value(&[]);
            assert!(difference < 1e-6 * of_libtorch.abs().max().double_value(&[]), "loss {i}: {difference}");
        }
        assert!(BinaryCrossEntropy::default().with_gradient(outputs.view(), &batch).is_none());
    }
}
