//! What training makes small.

use std::fmt;

use tch::{Kind, Tensor};

use crate::Result;
use crate::network::{Activity, Trials};

/// What training makes small. A closure of the same form is one:
///
/// ```
/// use psychrnn::network::{Activity, Trials};
/// use psychrnn::prelude::*;
/// let pull = |activity: &Activity, _: &Trials| Ok(activity.outputs.f_square()?.f_mean(psychrnn::tch::Kind::Float)?);
/// let trainer = Trainer::default().loss(pull);
/// ```
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
}

impl<F: Fn(&Activity, &Trials) -> Result<Tensor> + Send + Sync> Loss for F {
    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        self(activity, trials)
    }
}

impl fmt::Debug for dyn Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("loss")
    }
}

/// The mean over trials, steps and outputs of `(mask · (output - target))²`, which is PsychRNN's loss. Steps that the
/// mask leaves out count in the mean; padding past a trial's end does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanSquaredError {
    /// Whether to take `Σ mask · (output - target)² / Σ mask` instead, so that the size of the loss does not depend on
    /// how much of a trial is constrained.
    pub per_mask: bool,
}

impl Loss for MeanSquaredError {
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
}

/// The binary cross-entropy `-(y ln p + (1 - y) ln(1 - p))` of targets `y` between 0 and 1, averaged over trials, steps and
/// outputs with the mask as weight.
///
/// By default the output itself is taken for the probability `p`, clipped to `[1e-7, 1 - 1e-7]` and with 1e-7 added in the
/// logarithms, which is PsychRNN's loss. An output beyond the clip has no gradient: prefer `logits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinaryCrossEntropy {
    /// Whether the outputs are logits: `p = sigmoid(output)`.
    pub logits: bool,
    /// Whether to divide by the sum of the mask instead of by the number of outputs.
    pub per_mask: bool,
}

impl Loss for BinaryCrossEntropy {
    fn uses_states(&self) -> bool {
        false
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
