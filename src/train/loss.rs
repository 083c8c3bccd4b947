//! What training makes small.

use std::fmt;

use tch::{Kind, Tensor};

use crate::Result;
use crate::network::{Activity, Trials};

/// What training makes small. Write your own with `tch`.
pub trait Loss: fmt::Debug + Send + Sync {
    /// The loss of a batch, a tensor with one number, differentiable.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor>;
}

/// The mean over trials, steps and outputs of `(mask · (output - target))²`, which is PsychRNN's loss. Steps that the
/// mask leaves out count in the mean; padding past a trial's end does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanSquaredError;

impl Loss for MeanSquaredError {
    fn loss(&self, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        let error = activity.outputs.f_sub(&trials.targets)?.f_mul(&trials.mask)?;
        // The mask is 0 in padding, so that the sum needs no other care.
        let sum = error.f_square()?.f_sum(Kind::Float)?;
        let n_out = trials.targets.size().last().copied().unwrap_or(1);
        Ok(sum.f_div_scalar(trials.n_valid_steps() as f64 * n_out as f64)?)
    }
}
