//! Measuring a network between updates: its loss, error and metric, and which of its weights were the best.

use std::sync::Arc;

use ndarray::Axis;
use tch::Tensor;

use super::curriculum::Stage;
use super::report::Position;
use super::trainer::{CHECK_EVERY, CHECK_TRIALS};
use super::{BestBy, Better, Check, Curriculum, Goal, Loss, Metric, Trainer};
use crate::caught::caught_in;
use crate::network::{Activity, Network, Trials, run_from, to_tensor, without_gradients};
use crate::simulate::{Recording, Session};
use crate::task::{Batch, TrialSource, longest};
use crate::{Error, Result};

/// How many trials show whether what training depends on can be measured.
const PROBES: usize = 128;

/// What is trained on, stage by stage, and how well it is done is judged.
pub(super) struct Plan<'a> {
    pub(super) stages: Vec<(&'a dyn TrialSource, Option<Goal>)>,
    pub(super) metric: Arc<dyn Metric>,
    pub(super) every: usize,
    /// How many fresh trials a check has.
    pub(super) trials: usize,
    /// The trials of all checks, instead of fresh ones.
    pub(super) validation: Option<&'a Batch>,
}

impl<'a> Plan<'a> {
    /// A task, until the trainer's own goal.
    pub(super) fn of_task(trainer: &'a Trainer, task: &'a dyn TrialSource) -> Result<Self> {
        Ok(Self {
            stages: vec![(task, trainer.goal.clone())],
            metric: trainer.measured()?,
            every: trainer.check_every.unwrap_or(CHECK_EVERY),
            trials: trainer.check_trials.unwrap_or(CHECK_TRIALS),
            validation: trainer.validation.as_deref(),
        })
    }

    /// The stages of a curriculum, which says itself how they are checked.
    pub(super) fn of_curriculum(trainer: &Trainer, curriculum: &'a Curriculum) -> Result<Self> {
        caught_in("the metric", || curriculum.check())?;
        for (name, given, instead) in [
            ("until", trainer.goal.is_some(), "stages have goals of their own"),
            ("validation", trainer.validation.is_some(), "stages have trials of their own"),
            ("metric", trainer.metric.is_some(), "own `metric` is measured"),
            ("check_every", trainer.check_every.is_some(), "own `every` counts"),
            ("check_trials", trainer.check_trials.is_some(), "own `trials` count"),
        ] {
            if given {
                return Err(Error::argument(name, format!("left out with a curriculum, whose {instead}"), "given"));
            }
        }
        let stage = |stage: &'a Stage| (stage.source.as_ref(), Some(stage.goal.clone()));
        Ok(Self {
            stages: curriculum.stages.iter().map(stage).collect(),
            metric: curriculum.metric.clone(),
            every: curriculum.every,
            trials: curriculum.trials,
            validation: None,
        })
    }

    /// The steps of the longest trials that are usual.
    pub(super) fn n_steps(&self) -> Result<usize> {
        longest(self.stages.iter().map(|(source, _)| *source))
    }

    /// Whether there are checks at all: if anything depends on them, or is asked of them.
    pub(super) fn checks(&self, trainer: &Trainer) -> bool {
        let goal = self.stages.iter().any(|(_, goal)| goal.is_some());
        let asked = trainer.metric.is_some() || trainer.check_every.is_some() || trainer.check_trials.is_some();
        goal || asked || self.validation.is_some() || trainer.patience.is_some() || trainer.best_by == BestBy::Metric
    }

    /// Which numbers of the metric are better: by its type, or by what the goals say.
    fn better(&self) -> Option<Better> {
        let of_goals = || self.stages.iter().find_map(|(_, goal)| goal.as_ref()?.better());
        self.metric.better().or_else(of_goals)
    }

    /// An error if training depends on what cannot be measured on its trials, or if it is not known which numbers of it are better.
    pub(super) fn check_measurable(&self, trainer: &Trainer, network: &dyn Network) -> Result<()> {
        let by_metric = trainer.best_by == BestBy::Metric;
        if by_metric && self.better().is_none() {
            let expected = "the loss, or a metric of which it is known which numbers are better: give `metric` with \
                `larger_is_better(…)` or `smaller_is_better(…)`";
            return Err(Error::argument("best_by", expected, "a metric of your own"));
        }
        for (stage, (source, goal)) in self.stages.iter().enumerate() {
            if !by_metric && !goal.as_ref().is_some_and(Goal::is_about_metric) {
                continue;
            }
            let seed = trainer.seed.child("checks");
            let trials = match self.validation {
                Some(batch) => batch.select(&(0..batch.n_trials().min(PROBES)).collect::<Vec<_>>()),
                None => source.trials(0..PROBES as u64, seed)?,
            };
            // The validation trials are there: all of them are looked at.
            let all = self.validation.unwrap_or(&trials);
            self.measurable(network, all, trials.clone(), trainer.consecutive).map_err(|error| match error {
                Error::Argument { name, expected, got } if self.stages.len() > 1 => {
                    Error::Argument { name: format!("{name} in stage {stage} of the curriculum"), expected, got }
                }
                error => error,
            })?;
        }
        Ok(())
    }

    fn measurable(&self, network: &dyn Network, all: &Batch, few: Batch, consecutive: usize) -> Result<()> {
        self.metric.check(all)?;
        // What a metric of one's own needs only the metric knows. If it is no number for this network, it may become one: so it is
        // asked about a network that does what the targets say.
        let recording = if self.metric.uses_activity() { Recording::default() } else { Recording::outputs() };
        let mut session = session(network, &few, consecutive, recording)?;
        let is_number = |measured: &Result<f64>| measured.as_ref().is_ok_and(|value| !value.is_nan());
        if is_number(&self.metric.measure(&session)) {
            return Ok(());
        }
        session = Session::new(few.clone(), session.states, session.rates, few.targets)?;
        match self.metric.measure(&session) {
            Ok(value) if value.is_nan() => {
                let expected = "a number on the trials of the task, since training depends on it";
                Err(Error::argument("metric", expected, "NaN, even for outputs that are the targets"))
            }
            measured => measured.map(drop),
        }
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
        let session = session(network, batch, trainer.consecutive, recording)?;
        let value = self.metric.measure(&session)?;
        let loss = loss_of(trainer.loss.as_ref(), &session)?;
        let mut check =
            Check { update: training.updates, stage: *stage, value, loss, error: session.rms_error(), passed: false };
        if let (_, Some(goal)) = &self.stages[*stage] {
            let mut checks = training.checks_of(*stage).to_vec();
            checks.push(check);
            check.passed = goal.reached(&checks, self.better());
        }
        Ok(check)
    }

    /// Goes back to the last stage if it was passed by another goal, unless the checks that there are reach this one.
    pub(super) fn judge_again(&self, at: &mut Position) {
        at.stage = at.stage.min(self.stages.len() - 1);
        if at.stage + 1 == self.stages.len()
            && let Some((_, Some(goal))) = self.stages.last()
            && goal.reached(at.training.checks_of(at.stage), self.better())
        {
            at.stage += 1;
        }
    }

    /// Whether a check is better than the best one before it. Those of an earlier stage are about other trials.
    pub(super) fn is_better(&self, by: BestBy, check: &Check, best: Option<&Check>) -> bool {
        // NaN is no better than anything.
        let score = |check: &Check| match by {
            BestBy::Loss => -check.loss,
            BestBy::Metric if self.better() == Some(Better::Smaller) => -check.value,
            BestBy::Metric => check.value,
        };
        let best = best.filter(|best| best.stage == check.stage).map_or(f64::NEG_INFINITY, score);
        score(check) > best
    }
}

impl Trainer {
    /// The network on trials that are done as in training, [`Trainer::consecutive`] of them one after another. Each row of them begins with
    /// `init_state`.
    pub(crate) fn session(&self, network: &dyn Network, batch: &Batch) -> Result<Session> {
        match self.consecutive {
            1 => network.run(batch),
            consecutive => in_rows(network, batch, consecutive, Recording::default(), false),
        }
    }
}

/// The network on a batch, so many trials of which are done one after another. Where states are carried over they go on from those of
/// the rows in turn, but for sessions, which begin.
fn session(network: &dyn Network, batch: &Batch, consecutive: usize, recording: Recording) -> Result<Session> {
    if consecutive == 1 {
        return begun(network, batch, recording, true);
    }
    in_rows(network, batch, consecutive, recording, batch.spec.sessions.trials == 1)
}

/// The network on a batch, so many trials of which are a row.
fn in_rows(
    network: &dyn Network,
    batch: &Batch,
    consecutive: usize,
    recording: Recording,
    carried: bool,
) -> Result<Session> {
    let Session { states, rates, outputs, units, .. } =
        begun(network, &batch.joined(consecutive)?, recording, carried)?;
    let [states, rates, outputs] = [states, rates, outputs].map(|joined| batch.parted(consecutive, &joined));
    Session::recorded(batch.clone(), states, rates, outputs, units)
}

/// The network on a batch, from the states that are carried over if `carried` is said.
fn begun(network: &dyn Network, batch: &Batch, recording: Recording, carried: bool) -> Result<Session> {
    let Some((name, states)) = network.parameters().memory.carried.iter().next().filter(|_| carried) else {
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
    without_gradients(|| {
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
