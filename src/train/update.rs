//! One update: the step that the optimizer takes down the gradients of a batch.

use std::collections::BTreeMap;

use ndarray::{ArrayD, Zip};

use super::objective::Objective;
use super::{Backend, Trainer, Training};
use crate::dynamics::Pool;
use crate::network::{Network, to_array, to_tensor};
use crate::task::Batch;
use crate::{Error, Result};

/// The norm of a gradient from which on it points nowhere: training has exploded. PyCog's bound.
const EXPLODED: f64 = 1e10;

/// Does the updates of a run.
pub(super) struct Updater<'a> {
    trainer: &'a Trainer,
    backend: Backend,
    device: tch::Device,
    pool: Pool,
    /// The last weights whose loss was a number.
    good: BTreeMap<String, ArrayD<f32>>,
}

/// What is told of an update.
pub(super) struct Updated {
    /// The loss before it, penalties included.
    pub(super) loss: f64,
    /// `Ω`, where it keeps gradients from vanishing.
    pub(super) omega: Option<f64>,
}

impl<'a> Updater<'a> {
    pub(super) fn new(trainer: &'a Trainer, backend: Backend, device: tch::Device) -> Self {
        Self { trainer, backend, device, pool: Pool::default(), good: BTreeMap::new() }
    }

    /// One update, by the number that it has in the run.
    pub(super) fn update(&mut self, network: &mut dyn Network, batch: &Batch, update: usize) -> Result<Updated> {
        let trainer = self.trainer;
        let joined = (trainer.consecutive > 1).then(|| batch.joined(trainer.consecutive)).transpose()?;
        let batch = joined.as_ref().unwrap_or(batch);
        let mut objective = Objective::new(trainer, network, batch, (self.backend, self.device), &self.pool)?;
        if !objective.value.is_finite() {
            return Err(diverged(update, "the loss", objective.value));
        }
        if let Some(&state) = objective.ends.iter().flatten().find(|state| !state.is_finite()) {
            return Err(diverged(update, "a state", state.into()));
        }
        let gradients = self.gradients(network, &objective, update)?;
        let rate = trainer.learning_rate * trainer.schedule.factor(network.parameters().memory.total)?;
        let initial_state = network.initial_state();
        let (parameters, memory) = network.parameters_mut().split_mut();
        memory.updates += 1;
        if let (Some(name), Some(ends)) = (initial_state, objective.ends.take()) {
            memory.carried.insert(name.to_owned(), ends);
        }
        self.good.clear();
        for ((name, parameter), gradient) in parameters.filter(|(_, parameter)| parameter.trainable).zip(&gradients) {
            let Some(gradient) = gradient else { continue };
            let before = to_array(&parameter.value)?;
            let mut after = before.clone();
            trainer.optimizer.step(memory, name, &mut after, gradient, rate);
            if let Some(frozen) = &parameter.frozen_entries {
                // Weight decay moves entries without a gradient, too.
                Zip::from(&mut after).and(frozen).and(&before).for_each(|after, &frozen, &before| {
                    if frozen {
                        *after = before;
                    }
                });
            }
            self.good.insert(name.to_owned(), before);
            if let Some(&weight) = after.iter().find(|weight| !weight.is_finite()) {
                return Err(diverged(update, format!("a weight of {name}"), weight.into()));
            }
            let after = to_tensor(&after)?;
            tch::no_grad(|| parameter.value.f_copy_(&after))?;
        }
        Ok(Updated { loss: objective.value, omega: objective.omega })
    }

    /// The gradients that the optimizer gets. Fixed entries are left out before clipping, as in PsychRNN.
    fn gradients(
        &self,
        network: &dyn Network,
        objective: &Objective,
        update: usize,
    ) -> Result<Vec<Option<ArrayD<f32>>>> {
        let mut gradients = objective.gradients(network)?;
        let trained = network.parameters().iter().filter(|(_, parameter)| parameter.trainable);
        let mut norms = Vec::new();
        for ((name, parameter), gradient) in trained.zip(&mut gradients) {
            let Some(gradient) = gradient else {
                norms.push(0.0);
                continue;
            };
            if let Some(frozen) = &parameter.frozen_entries {
                Zip::from(&mut *gradient).and(frozen).for_each(|gradient, &frozen| {
                    if frozen {
                        *gradient = 0.0;
                    }
                });
            }
            let norm = gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
            if norm.is_nan() || norm > EXPLODED {
                return Err(diverged(update, format!("the norm of the gradient of {name}"), norm));
            }
            norms.push(norm);
        }
        self.trainer.clip.apply(&mut gradients, &norms);
        Ok(gradients)
    }

    /// After an explosion: back to the weights from before the last step, which is what exploded. The optimizer remembers that step,
    /// so it is to start afresh.
    pub(super) fn retreat(&self, error: Error, network: &mut dyn Network, training: &Training) -> Error {
        let Error::Diverged { update, what, value, .. } = error else { return error };
        let parameters = network.parameters_mut();
        parameters.memory.optimizer.clear();
        match parameters.set_values(&self.good) {
            Ok(()) => {
                Error::Diverged { update, what, value, best: training.best.map(|best| best.update), checkpoint: None }
            }
            Err(error) => error,
        }
    }
}

fn diverged(update: usize, what: impl Into<String>, value: f64) -> Error {
    Error::Diverged { update, what: what.into(), value, best: None, checkpoint: None }
}
