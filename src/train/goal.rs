//! When a network has learned.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{Better, Check, Metric};
use crate::task::Criterion;
use crate::{Error, Result};

/// When a network has learned, judged after each check: what [`Trainer::until`](super::Trainer::until) takes.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::Criterion;
/// // The metric, accuracy by default, has reached a number.
/// Trainer::default().until(0.9);
/// // One of your own is at least, or at most, a number.
/// Trainer::default().metric(|session: &Session| session.rms_error()).until(Goal::at_most(0.05));
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
    /// The metric is at least this, or at most, if smaller numbers are better. It must be known which are.
    Metric(f64),
    /// The metric is at least this.
    AtLeast(f64),
    /// The metric is at most this.
    AtMost(f64),
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
            Self::AtLeast(bound) => write!(f, "metric of at least {bound}"),
            Self::AtMost(bound) => write!(f, "metric of at most {bound}"),
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

impl From<i32> for Goal {
    fn from(threshold: i32) -> Self {
        Self::Metric(threshold.into())
    }
}

impl From<Criterion> for Goal {
    fn from(criterion: Criterion) -> Self {
        Self::Criterion(criterion)
    }
}

impl Goal {
    /// The metric is at least this.
    #[must_use]
    pub fn at_least(bound: f64) -> Self {
        Self::AtLeast(bound)
    }

    /// The metric is at most this.
    #[must_use]
    pub fn at_most(bound: f64) -> Self {
        Self::AtMost(bound)
    }

    /// A function of your own, from all checks up to now, the last one last, to whether the network has learned.
    pub fn custom(reached: impl Fn(&[Check]) -> bool + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(reached))
    }

    /// Whether it can be reached by this metric. `name` is that of the argument.
    pub(super) fn check(&self, name: &str, metric: &dyn Metric) -> Result<()> {
        let refused = |expected: String, got: f64| Err(Error::argument(name, expected, got));
        let (low, high) = metric.range();
        let within = |bound: f64| bound.is_finite() && (low..=high).contains(&bound);
        let possible = match (low.is_finite(), high.is_finite()) {
            (true, true) => format!("from {low} to {high}, as the metric is (90 % is 0.9)"),
            (true, false) => format!("at least {low}, as the metric is"),
            (false, true) => format!("at most {high}, as the metric is"),
            (false, false) => "a number".to_owned(),
        };
        match self {
            Self::Metric(bound) | Self::AtLeast(bound) | Self::AtMost(bound) if !within(*bound) => {
                refused(possible, *bound)
            }
            Self::Metric(bound) if metric.better().is_none() => {
                let expected = format!(
                    "`Goal::at_least({bound})` or `Goal::at_most({bound})`, since of a metric of your own it is not known which numbers \
                     are better"
                );
                refused(expected, *bound)
            }
            Self::AtLeast(bound) if metric.better() == Some(Better::Smaller) => refused(
                "an upper bound, `Goal::at_most`, since smaller numbers of the metric are better".into(),
                *bound,
            ),
            Self::AtMost(bound) if metric.better() == Some(Better::Larger) => {
                refused("a lower bound, `Goal::at_least`, since larger numbers of the metric are better".into(), *bound)
            }
            Self::Criterion(Criterion::Accuracy { last: 0, .. }) => {
                Err(Error::argument(name, "about the `last` checks, at least 1", 0))
            }
            // It is to be above the bound.
            Self::Criterion(Criterion::Accuracy { above, .. }) if !(0.0..1.0).contains(above) => {
                refused("an accuracy from 0 to below 1 (90 % is 0.9)".into(), *above)
            }
            Self::Criterion(
                Criterion::Accuracy { above: bound, .. }
                | Criterion::WorstCondition { at_least: bound, .. }
                | Criterion::Error { at_most: bound },
            ) if !within(*bound) => refused(possible, *bound),
            _ => Ok(()),
        }
    }

    /// Which numbers of the metric are better, if the goal says so.
    pub(super) fn better(&self) -> Option<Better> {
        match self {
            Self::AtLeast(_) => Some(Better::Larger),
            Self::AtMost(_) => Some(Better::Smaller),
            Self::Metric(_) | Self::Criterion(_) | Self::Custom(_) => None,
        }
    }

    /// Whether it looks at the metric.
    pub(super) fn is_about_metric(&self) -> bool {
        !matches!(self, Self::Custom(_))
    }

    /// Whether it is reached with these checks, all of one stage.
    pub(super) fn reached(&self, checks: &[Check], better: Option<Better>) -> bool {
        let Some(latest) = checks.last() else { return false };
        match (self, better) {
            (Self::AtLeast(bound), _) | (Self::Metric(bound), Some(Better::Larger)) => latest.value >= *bound,
            (Self::AtMost(bound), _) | (Self::Metric(bound), Some(Better::Smaller)) => latest.value <= *bound,
            // Refused before training.
            (Self::Metric(_), None) => false,
            (Self::Criterion(criterion), _) => {
                criterion.met(&checks.iter().map(|check| check.value).collect::<Vec<_>>())
            }
            (Self::Custom(reached), _) => reached(checks),
        }
    }
}
