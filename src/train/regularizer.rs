//! What training makes small besides the loss.

use std::fmt;

use tch::{Kind, Tensor};

use crate::network::{Activity, Tensors, Trials};
use crate::{Error, Result};

/// A penalty that is added to the loss. A closure of the same form is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no regularizer",
    note = "a regularizer is a closure `|weights: &Tensors, activity: &Activity, trials: &Trials| Ok(tensor)`, with a `Result` of a tensor of one number, or a type with `Regularizer`"
)]
pub trait Regularizer: Send + Sync {
    /// The penalty, a tensor with one number, differentiable. `weights` are the effective ones.
    ///
    /// # Errors
    /// What libtorch refuses, or if there are no weights of the name that the penalty is about.
    fn penalty(&self, weights: &Tensors, activity: &Activity, trials: &Trials) -> Result<Tensor>;

    /// Whether it looks at states or rates; if not, they need not be handed to libtorch, which saves time.
    fn uses_states(&self) -> bool {
        true
    }

    /// What it is, in words, by which a [checkpoint](super::Trainer::checkpoint) knows it again. By default not said.
    fn describe(&self) -> String {
        "one of your own".to_owned()
    }

    /// Whether its own arguments make sense; called before training.
    ///
    /// # Errors
    /// Names the argument that does not.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether it can do anything to these effective weights, which require gradients where training changes them; called before
    /// training. By default it can.
    ///
    /// # Errors
    /// Says what they lack.
    fn check_weights(&self, weights: &Tensors) -> Result<()> {
        let _ = weights;
        Ok(())
    }
}

impl<F: Fn(&Tensors, &Activity, &Trials) -> Result<Tensor> + Send + Sync> Regularizer for F {
    fn penalty(&self, weights: &Tensors, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        self(weights, activity, trials)
    }
}

impl fmt::Debug for dyn Regularizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// `strength` times the mean of `|W|` over all entries of an effective weight matrix, the absent ones included.
///
/// PsychRNN's documentation writes a norm, a sum; its code takes the mean, and so does this.
#[derive(Clone, Debug, PartialEq)]
pub struct L1Weights {
    weights: String,
    strength: f64,
}

/// `strength` times the mean of `W²` over all entries of an effective weight matrix, the absent ones included; a mean, as
/// in [`L1Weights`].
#[derive(Clone, Debug, PartialEq)]
pub struct L2Weights {
    weights: String,
    strength: f64,
}

/// `strength` times the mean of the squared rates over trials, steps and units; padding past a trial's end does not
/// count. PsychRNN's `L2_firing_rate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2Rates {
    strength: f64,
}

impl L2Rates {
    /// With this strength.
    #[must_use]
    pub fn new(strength: f64) -> Self {
        Self { strength }
    }
}

fn check_strength(strength: f64) -> Result<()> {
    if strength >= 0.0 && strength.is_finite() {
        Ok(())
    } else {
        Err(Error::argument("strength of a regularizer", "0 or a positive number", strength))
    }
}

/// An error unless there are weights of that name, and training changes them.
fn check_trained(name: &str, weights: &Tensors) -> Result<()> {
    match weights.get(name)?.requires_grad() {
        true => Ok(()),
        false => Err(Error::argument("regularizer", "one of weights that training changes", format!("one of {name}"))),
    }
}

/// Writes what the penalties on weights have in common: all but what is taken of each entry.
macro_rules! of_weights {
    ($($name:ident: $of_each:ident;)+) => {$(
        impl $name {
            /// On the weights of that name, `W_in`, `W_rec` or `W_out`.
            #[must_use]
            pub fn new(weights: &str, strength: f64) -> Self {
                Self { weights: weights.to_owned(), strength }
            }
        }

        impl Regularizer for $name {
            fn describe(&self) -> String {
                format!("{self:?}")
            }
            fn uses_states(&self) -> bool {
                false
            }
            fn penalty(&self, weights: &Tensors, _: &Activity, _: &Trials) -> Result<Tensor> {
                Ok(weights.get(&self.weights)?.$of_each()?.f_mean(Kind::Float)?.f_mul_scalar(self.strength)?)
            }
            fn check(&self) -> Result<()> {
                check_strength(self.strength)
            }
            fn check_weights(&self, weights: &Tensors) -> Result<()> {
                check_trained(&self.weights, weights)
            }
        }
    )+};
}
of_weights! {
    L1Weights: f_abs;
    L2Weights: f_square;
}

impl Regularizer for L2Rates {
    fn describe(&self) -> String {
        format!("{self:?}")
    }
    fn penalty(&self, _: &Tensors, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        let n_rec = activity.rates.size().last().copied().unwrap_or(1);
        let mut squares = activity.rates.f_square()?;
        if let Some(valid) = trials.valid()? {
            squares = squares.f_mul(&valid)?;
        }
        let count = trials.n_valid_steps() as f64 * n_rec as f64;
        Ok(squares.f_sum(Kind::Float)?.f_mul_scalar(self.strength / count)?)
    }
    fn check(&self) -> Result<()> {
        check_strength(self.strength)
    }
}
