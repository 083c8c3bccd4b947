//! Optimizers, as a few tensor operations on named state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{Error, Result};

/// Adam, Kingma DP, Ba J (2015), arXiv:1412.6980, with the bias corrections of its Algorithm 1:
///
/// ```text
/// m = β₁ m + (1 - β₁) g,   v = β₂ v + (1 - β₂) g²
/// w = w - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adam {
    /// The learning rate `η`; 0.001 by default.
    pub learning_rate: f64,
    /// The decay `β₁` of the mean of gradients; 0.9 by default.
    pub beta1: f64,
    /// The decay `β₂` of the mean of squared gradients; 0.999 by default.
    pub beta2: f64,
    /// `ε`; 1e-8 by default.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// What an optimizer remembers: the number of steps taken, and for each parameter its moments, by name
/// (`W_rec/m`, `W_rec/v`).
#[derive(Debug, Default)]
pub struct OptimizerState {
    /// The steps taken.
    pub steps: u32,
    /// The moments.
    pub moments: BTreeMap<String, Tensor>,
}

impl OptimizerState {
    fn moment(&mut self, name: &str, like: &Tensor) -> Result<&mut Tensor> {
        match self.moments.entry(name.to_owned()) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => Ok(entry.insert(like.f_zeros_like()?)),
        }
    }
}

impl Adam {
    /// Whether the arguments make sense.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn check(&self) -> Result<()> {
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::argument("learning_rate", "a positive number", self.learning_rate));
        }
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::argument(name, "at least 0 and below 1", beta));
            }
        }
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            return Err(Error::argument("epsilon", "0 or a small positive number", self.epsilon));
        }
        Ok(())
    }

    /// One step: changes each parameter, in place, by its gradient.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn step<'a>(
        &self,
        state: &mut OptimizerState,
        parameters: impl IntoIterator<Item = (&'a str, &'a mut Tensor, &'a Tensor)>,
    ) -> Result<()> {
        state.steps += 1;
        let correction = |beta: f64| 1.0 - beta.powi(state.steps as i32);
        let (correction1, correction2) = (correction(self.beta1), correction(self.beta2));
        tch::no_grad(|| {
            for (name, value, gradient) in parameters {
                let m = state.moment(&format!("{name}/m"), value)?;
                let _ = m.f_mul_scalar_(self.beta1)?.f_add_(&gradient.f_mul_scalar(1.0 - self.beta1)?)?;
                let m = m.shallow_clone();
                let v = state.moment(&format!("{name}/v"), value)?;
                let _ = v.f_mul_scalar_(self.beta2)?.f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - self.beta2)?)?;
                let scale = v.f_div_scalar(correction2)?.f_sqrt()?.f_add_scalar(self.epsilon)?;
                let step = m.f_div(&scale)?.f_mul_scalar(-self.learning_rate / correction1)?;
                let _ = value.f_add_(&step)?;
            }
            Ok(())
        })
    }
}
