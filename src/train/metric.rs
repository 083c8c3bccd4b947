//! How well a network does.

use std::fmt;

use crate::simulate::Session;

/// How well a network did on trials that it has not seen: a number, larger for better. A closure from a session to a number
/// is one.
pub trait Metric: Send + Sync {
    /// The number.
    fn measure(&self, session: &Session) -> f64;
}

impl<F: Fn(&Session) -> f64 + Send + Sync> Metric for F {
    fn measure(&self, session: &Session) -> f64 {
        self(session)
    }
}

impl fmt::Debug for dyn Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metric")
    }
}

/// The share of correct choices, [`Session::accuracy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn measure(&self, session: &Session) -> f64 {
        session.accuracy()
    }
}
