//! When a network has learned.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::Check;
use crate::task::models::Criterion;
use crate::{Error, Result};

/// When a network has learned, judged after each check: what [`Trainer::until`](super::Trainer::until) takes.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::models::Criterion;
/// // The metric has reached a number.
/// Trainer::default().until(0.9);
/// // PyCog's: the accuracy of the last five checks together; the error.
/// Trainer::default().until(Criterion::Accuracy { above: 0.85, last: 5 });
/// Trainer::default().until(Criterion::Error { at_most: 0.05 });
/// // Anything else: here the loss has halved.
/// Trainer::default().until(Goal::custom(|checks| checks[checks.len() - 1].loss < 0.5 * checks[0].loss));
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Goal {
    /// The metric is at least this, or at most, if less is better.
    Metric(f64),
    /// One of PyCog's, which also is the metric.
    Criterion(Criterion),
    /// A function of your own, of all checks up to now; in a curriculum those of the present stage. There is at least one.
    #[serde(skip_deserializing, serialize_with = "own")]
    Custom(Arc<CustomGoal>),
}

type CustomGoal = dyn Fn(&[Check]) -> bool + Send + Sync;

fn own<S: Serializer>(_: &Arc<CustomGoal>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("one of your own")
}

impl fmt::Debug for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric(threshold) => write!(f, "metric of {threshold}"),
            Self::Criterion(criterion) => criterion.fmt(f),
            Self::Custom(_) => f.write_str("one of your own"),
        }
    }
}

impl From<f64> for Goal {
    fn from(threshold: f64) -> Self {
        Self::Metric(threshold)
    }
}

impl From<Criterion> for Goal {
    fn from(criterion: Criterion) -> Self {
        Self::Criterion(criterion)
    }
}

impl Goal {
    /// A function of your own, from all checks up to now, the last one last, to whether the network has learned.
    pub fn custom(reached: impl Fn(&[Check]) -> bool + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(reached))
    }

    pub(super) fn check(&self) -> Result<()> {
        let bound = match self {
            Self::Metric(bound)
            | Self::Criterion(
                Criterion::Accuracy { above: bound, .. }
                | Criterion::WorstCondition { at_least: bound, .. }
                | Criterion::Error { at_most: bound },
            ) => *bound,
            Self::Custom(_) => 0.0,
        };
        if bound.is_nan() { Err(Error::argument("until", "a number", bound)) } else { Ok(()) }
    }

    /// Whether it is reached with these checks, all of one stage.
    pub(super) fn reached(&self, checks: &[Check], larger_is_better: bool) -> bool {
        let Some(latest) = checks.last() else { return false };
        match self {
            Self::Metric(threshold) if larger_is_better => latest.value >= *threshold,
            Self::Metric(threshold) => latest.value <= *threshold,
            Self::Criterion(criterion) => criterion.met(&checks.iter().map(|check| check.value).collect::<Vec<_>>()),
            Self::Custom(reached) => reached(checks),
        }
    }
}
