//! Measuring a network between updates: its loss, error and metric, and which of its weights were the best.

use ndarray::Axis;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::checkpoint::Position;
use super::{Check, Goal, Loss, Metric, Trainer};
use crate::network::{Activity, Network, Trials, run_from, to_tensor};
use crate::simulate::{Recording, Session};
use crate::task::{Batch, TrialSource};
use crate::{Error, Result};

/// By what the best weights are chosen among those that were checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BestBy {
    /// The smallest loss.
    #[default]
    Loss,
    /// The best metric.
    Metric,
}

/// What is trained on, stage by stage, and how well it is done is judged.
pub(super) struct Plan<'a> {
    pub(super) stages: Vec<(&'a dyn TrialSource, Option<Goal>)>,
    pub(super) metric: &'a dyn Metric,
    pub(super) every: usize,
    /// How many fresh trials a check has.
    pub(super) trials: usize,
    /// The trials of all checks, instead of fresh ones.
    pub(super) validation: Option<&'a Batch>,
}

impl Plan<'_> {
    /// Whether there are checks at all.
    pub(super) fn checks(&self, trainer: &Trainer) -> bool {
        let goal = self.stages.iter().any(|(_, goal)| goal.is_some());
        goal || self.validation.is_some() || trainer.patience.is_some()
    }

    /// Whether checks look at states or rates.
    pub(super) fn keeps_activity(&self, trainer: &Trainer) -> bool {
        self.metric.uses_activity() || trainer.loss.uses_states()
    }

    /// Measures the network on `batch` and judges it by the checks before this one.
    pub(super) fn check(
        &self,
        trainer: &Trainer,
        network: &dyn Network,
        batch: &Batch,
        at: &Position,
    ) -> Result<Check> {
        let Position { training, stage } = at;
        let recording = if self.keeps_activity(trainer) { Recording::default() } else { Recording::outputs() };
        let session = session(network, batch, recording)?;
        let value = self.metric.measure(&session)?;
        let loss = loss_of(trainer.loss.as_ref(), &session)?;
        let mut check =
            Check { update: training.updates, stage: *stage, value, loss, error: session.rms_error(), passed: false };
        if let (_, Some(goal)) = &self.stages[*stage] {
            let mut checks = training.checks_of(*stage).to_vec();
            checks.push(check);
            check.passed = goal.reached(&checks, self.metric.larger_is_better());
        }
        Ok(check)
    }

    /// Whether a check is better than the best one before it. Those of an earlier stage are about other trials.
    pub(super) fn is_better(&self, by: BestBy, check: &Check, best: Option<&Check>) -> bool {
        // NaN is no better than anything.
        let score = |check: &Check| match by {
            BestBy::Loss => -check.loss,
            BestBy::Metric if self.metric.larger_is_better() => check.value,
            BestBy::Metric => -check.value,
        };
        let best = best.filter(|best| best.stage == check.stage).map_or(f64::NEG_INFINITY, score);
        score(check) > best
    }
}

/// The network on a batch. Where states are carried over its trials go on from those of the rows in turn.
fn session(network: &dyn Network, batch: &Batch, recording: Recording) -> Result<Session> {
    let Some((name, states)) = network.parameters().memory.carried.iter().next() else {
        return run_from(network, batch, None, recording);
    };
    let n_rows = states.len_of(Axis(0));
    let rows: Vec<usize> = (0..batch.n_trials()).map(|trial| trial % n_rows).collect();
    let start = states
        .select(Axis(0), &rows)
        .into_dimensionality()
        .map_err(|_| Error::shape(name, "[n_batch, n_rec]", states.shape()))?;
    run_from(network, batch, Some((name, &start)), recording)
}

/// The loss of a session, without penalties.
fn loss_of(loss: &dyn Loss, session: &Session) -> Result<f64> {
    tch::no_grad(|| {
        // What the loss does not look at need not be handed to it.
        let states = |array| if loss.uses_states() { to_tensor(array) } else { Ok(Tensor::new()) };
        let activity = Activity {
            states: states(&session.states)?,
            rates: states(&session.rates)?,
            outputs: to_tensor(&session.outputs)?,
        };
        Ok(loss.loss(&activity, &Trials::new(&session.batch)?)?.f_double_value(&[])?)
    })
}
