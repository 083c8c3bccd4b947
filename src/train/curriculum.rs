//! Training in stages.

use std::sync::Arc;

use super::trainer::{CHECK_EVERY, CHECK_TRIALS};
use super::{Accuracy, Goal, Metric};
use crate::setters::setters;
use crate::task::TrialSource;
use crate::{Error, Result};

/// Tasks to be learned one after the other by the same network: the next begins when the goal of the present one is reached, and
/// training ends after the last.
///
/// Defaults: accuracy, measured every 10 updates on 128 fresh trials.
///
/// ```
/// use psychrnn::prelude::*;
/// let at = |coherence: f32| PerceptualDiscrimination::default().coherences(&[coherence]);
/// let curriculum = Curriculum::new().stage(at(0.7), 0.9).stage(at(0.3), 0.9).stage(at(0.1), 0.9).every(5).trials(500);
/// ```
#[derive(Clone, Debug)]
pub struct Curriculum {
    pub(super) stages: Vec<Stage>,
    pub(super) metric: Arc<dyn Metric>,
    pub(super) every: usize,
    pub(super) trials: usize,
}

/// One stage: trials, and how well they are to be done.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) source: Arc<dyn TrialSource>,
    pub(super) goal: Goal,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "until {:?}", self.goal)
    }
}

impl Default for Curriculum {
    fn default() -> Self {
        Self { stages: Vec::new(), metric: Arc::new(Accuracy), every: CHECK_EVERY, trials: CHECK_TRIALS }
    }
}

impl Curriculum {
    /// No stages yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stage, which ends when this goal is reached: a number for the metric to reach, `Goal::at_least` or `Goal::at_most` of
    /// one of your own, or a function of the checks of the stage.
    #[must_use]
    pub fn stage(mut self, task: impl TrialSource + 'static, goal: impl Into<Goal>) -> Self {
        self.stages.push(Stage { source: Arc::new(task), goal: goal.into() });
        self
    }

    setters! {
        /// What is measured.
        metric: impl Metric + 'static => Arc::new(metric);
        /// After how many updates it is measured.
        every: usize;
        /// On how many fresh trials it is measured.
        trials: usize;
    }

    /// Whether the stages make sense together.
    ///
    /// # Errors
    /// If there is none, if they differ in channels or time step, or if an argument makes no sense.
    pub fn check(&self) -> Result<()> {
        let Some(first) = self.stages.first() else {
            return Err(Error::argument("curriculum", "of at least one stage", "empty"));
        };
        if self.every == 0 || self.trials == 0 {
            let got = format!("{} and {}", self.every, self.trials);
            return Err(Error::argument("every and trials of the curriculum", "at least 1", got));
        }
        let first = first.source.spec()?;
        for (i, stage) in self.stages.iter().enumerate() {
            let spec = stage.source.spec()?;
            spec.check()?;
            if (spec.n_in, spec.n_out, spec.dt) != (first.n_in, first.n_out, first.dt) {
                let sizes =
                    |spec: &crate::task::TaskSpec| format!("n_in {}, n_out {}, dt {}", spec.n_in, spec.n_out, spec.dt);
                let name = format!("stage {i} of the curriculum");
                return Err(Error::argument(name, format!("like the first: {}", sizes(&first)), sizes(&spec)));
            }
            let name = format!("goal of stage {i}");
            if let Goal::Criterion(_) = &stage.goal {
                let expected = "a bound on the metric of the curriculum, which is the same in all stages";
                return Err(Error::argument(name, expected, format!("{:?}", stage.goal)));
            }
            stage.goal.check(&name, self.metric.as_ref())?;
        }
        Ok(())
    }
}
