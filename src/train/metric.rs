//! How well a network does.

use std::fmt;

use crate::Result;
use crate::simulate::Session;
use crate::task::models::Criterion;

/// How well a network did on trials that it is not trained on: a number, larger for better unless it says otherwise. A closure
/// from a session to a number is one.
pub trait Metric: Send + Sync {
    /// The number.
    ///
    /// # Errors
    /// If the trials are not of the kind that it is about.
    fn measure(&self, session: &Session) -> Result<f64>;

    /// Whether a larger number is better.
    fn larger_is_better(&self) -> bool {
        true
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

impl<F: Fn(&Session) -> f64 + Send + Sync> Metric for F {
    fn measure(&self, session: &Session) -> Result<f64> {
        Ok(self(session))
    }
}

impl fmt::Debug for dyn Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// The share of correct choices, [`Session::accuracy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn measure(&self, session: &Session) -> Result<f64> {
        Ok(session.accuracy())
    }

    fn uses_activity(&self) -> bool {
        false
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

    fn larger_is_better(&self) -> bool {
        !matches!(self, Self::Error { .. })
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }
}
