//! How well a network does.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::simulate::Session;
use crate::task::{Batch, Criterion};
use crate::{Error, Result};

/// How well a network did on trials that it is not trained on: a number. A closure from a session to a number, or to a `Result`
/// of one, is one; [`larger_is_better`] and [`smaller_is_better`] say what its numbers mean.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no metric",
    note = "a metric is a closure from a session to a number, `|session: &Session| session.rms_error()`, or a type with `Metric`"
)]
pub trait Metric: Send + Sync {
    /// The number.
    ///
    /// # Errors
    /// If the trials are not of the kind that it is about.
    fn measure(&self, session: &Session) -> Result<f64>;

    /// Which numbers are better. By default it is not known, as of a plain closure: then a goal says `at_least` or `at_most`.
    fn better(&self) -> Option<Better> {
        None
    }

    /// The smallest and the largest number that there can be. A goal beyond them is refused.
    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    /// Whether it can be measured on trials like these, whatever the network does; asked before training that depends on it. By
    /// default it can.
    ///
    /// # Errors
    /// Says what the trials lack.
    fn check(&self, trials: &Batch) -> Result<()> {
        let _ = trials;
        Ok(())
    }

    /// Whether it looks at states or rates, and not only at outputs and trials; otherwise a check does not keep them. By default it
    /// may.
    fn uses_activity(&self) -> bool {
        true
    }

    /// What it is, in words, by which a [checkpoint](super::Trainer::checkpoint) knows it again. By default not said.
    fn describe(&self) -> String {
        "one of your own".to_owned()
    }
}

/// Which numbers of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Larger ones, as of an accuracy.
    Larger,
    /// Smaller ones, as of an error.
    Smaller,
}

/// What a metric's closure may give: a number, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "a metric's closure gives a number or a `Result` of one, and this one gives `{Self}`",
    note = "end it with a number, such as `session.rms_error()`"
)]
pub trait Measured {
    /// The number.
    ///
    /// # Errors
    /// That of the closure.
    fn measured(self) -> Result<f64>;
}

macro_rules! measured {
    ($($number:ty),+) => {$(
        impl Measured for $number {
            fn measured(self) -> Result<f64> {
                Ok(self as f64)
            }
        }
    )+};
}
measured!(f64, f32, usize, u64, u32, i64, i32);

impl<T: Measured> Measured for Result<T> {
    fn measured(self) -> Result<f64> {
        self.and_then(Measured::measured)
    }
}

impl<F: Fn(&Session) -> T + Send + Sync, T: Measured> Metric for F {
    fn measure(&self, session: &Session) -> Result<f64> {
        self(session).measured()
    }
}

impl fmt::Debug for dyn Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// A metric of your own of which it is known which numbers are better, of [`larger_is_better`] or [`smaller_is_better`].
#[derive(Clone, Copy)]
pub struct Directed<F> {
    measure: F,
    better: Better,
}

impl<F> fmt::Debug for Directed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of your own, {:?} is better", self.better)
    }
}

impl<F: Fn(&Session) -> T + Send + Sync, T: Measured> Metric for Directed<F> {
    fn measure(&self, session: &Session) -> Result<f64> {
        (self.measure)(session).measured()
    }

    fn better(&self) -> Option<Better> {
        Some(self.better)
    }
}

/// A metric of your own whose larger numbers are better.
///
/// ```
/// use psychrnn::prelude::*;
/// let worst = larger_is_better(|session| session.worst_accuracy(["coherence"]));
/// let trainer = Trainer::default().metric(worst).until(0.85);
/// ```
pub fn larger_is_better<F: Fn(&Session) -> T + Send + Sync, T: Measured>(measure: F) -> Directed<F> {
    Directed { measure, better: Better::Larger }
}

/// A metric of your own whose smaller numbers are better.
///
/// ```
/// use psychrnn::prelude::*;
/// let trainer = Trainer::default().metric(smaller_is_better(|session| session.rms_error())).until(0.05);
/// ```
pub fn smaller_is_better<F: Fn(&Session) -> T + Send + Sync, T: Measured>(measure: F) -> Directed<F> {
    Directed { measure, better: Better::Smaller }
}

/// The share of correct choices, [`Session::accuracy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn measure(&self, session: &Session) -> Result<f64> {
        Ok(session.share_correct())
    }

    fn uses_activity(&self) -> bool {
        false
    }

    fn better(&self) -> Option<Better> {
        Some(Better::Larger)
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn check(&self, trials: &Batch) -> Result<()> {
        trials.check_choices()
    }

    fn describe(&self) -> String {
        "accuracy".to_owned()
    }
}

/// What the criterion looks at, [`Session::measured_by`].
impl Metric for Criterion {
    fn measure(&self, session: &Session) -> Result<f64> {
        session.measured_by(self)
    }

    fn uses_activity(&self) -> bool {
        false
    }

    fn better(&self) -> Option<Better> {
        Some(if matches!(self, Self::Error { .. }) { Better::Smaller } else { Better::Larger })
    }

    fn range(&self) -> (f64, f64) {
        (0.0, if matches!(self, Self::Error { .. }) { f64::INFINITY } else { 1.0 })
    }

    fn check(&self, trials: &Batch) -> Result<()> {
        match self {
            Self::Error { .. } if trials.mask.iter().all(|&mask| mask == 0.0) => {
                Err(Error::argument("mask", "above 0 in some steps, since an error is asked for", "0 everywhere"))
            }
            Self::Error { .. } => Ok(()),
            Self::Accuracy { .. } | Self::WorstCondition { .. } => Accuracy.check(trials),
        }
    }

    /// What is measured; what is enough of it is the goal.
    fn describe(&self) -> String {
        match self {
            Self::Accuracy { .. } => Accuracy.describe(),
            Self::WorstCondition { columns, .. } => {
                format!("accuracy in the worst condition of {}", columns.join(", "))
            }
            Self::Error { .. } => "error".to_owned(),
        }
    }
}
