//! When PyCog's examples stop training.

use serde::{Deserialize, Serialize};

/// When a network has learned a task, as PyCog's examples state it: a measure on a validation set, which PyCog looks at every
/// 10,000 trials, and how good it has to be.
///
/// [`Session::measured_by`](crate::simulate::Session::measured_by) gives the measure.
///
/// ```
/// use psychrnn::tasks::RandomDots;
/// let criterion = RandomDots::fixed_duration().criterion();
/// assert!(!criterion.met(&[0.52, 0.71, 0.88, 0.9]));
/// assert!(criterion.met(&[0.52, 0.71, 0.88, 0.9, 0.91, 0.93, 0.94]));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The share of correct choices, averaged over the last validations, is above a bound.
    Accuracy {
        /// The bound.
        above: f64,
        /// Over how many validations it is averaged; over all as long as there are fewer.
        last: usize,
    },
    /// The share of correct choices in the worst condition of the last validation has reached a bound.
    WorstCondition {
        /// The columns whose values make a condition.
        columns: Vec<String>,
        /// The bound.
        at_least: f64,
    },
    /// The root of the mean squared error in the last validation is no larger than a bound.
    Error {
        /// The bound.
        at_most: f64,
    },
}

impl Criterion {
    /// Whether training may stop after validations with these measures, the last one last.
    #[must_use]
    pub fn met(&self, measures: &[f64]) -> bool {
        let Some(&latest) = measures.last() else { return false };
        match self {
            Self::Accuracy { above, last } => {
                let recent = &measures[measures.len().saturating_sub((*last).max(1))..];
                recent.iter().sum::<f64>() / recent.len() as f64 > *above
            }
            Self::WorstCondition { at_least, .. } => latest >= *at_least,
            Self::Error { at_most } => latest <= *at_most,
        }
    }
}
