//! What an update makes small, the loss of a batch with all penalties, and its gradients: by the kernel or on libtorch's graph.

use ndarray::{Array3, ArrayD, ArrayViewD, Axis, IxDyn};
use tch::{Kind, Tensor};

use super::{Backend, Trainer};
use crate::dynamics::{Constants, Dynamics, Pool, Run, Want};
use crate::network::{Activity, Network, Tensors, Trials, to_array, to_tensor};
use crate::task::Batch;
use crate::weights::Weights;
use crate::{Error, Result};

/// The loss of a batch, and what its gradients with respect to the parameters come from.
pub(super) struct Objective {
    /// The loss, penalties included.
    pub(super) value: f64,
    /// `Ω`, where it keeps gradients from vanishing.
    pub(super) omega: Option<f64>,
    /// The states in which the trials ended, `[n_batch, n_rec]`, where they are carried over.
    pub(super) ends: Option<ArrayD<f32>>,
    /// A number whose gradients they are.
    graph: Option<Tensor>,
    /// Gradients that are known, to be added to those.
    direct: Weights,
}

impl Objective {
    /// The objective of a network on a batch.
    pub(super) fn new(
        trainer: &Trainer,
        network: &dyn Network,
        batch: &Batch,
        (backend, device): (Backend, tch::Device),
        pool: &Pool,
    ) -> Result<Self> {
        let effective = network.effective()?;
        // The states that are carried over stand in the place of the initial one.
        let mut started = Tensors::new();
        effective.iter().for_each(|(name, weights)| started.insert(name, weights.shallow_clone()));
        for (name, states) in &network.parameters().memory.carried {
            started.insert(name, to_tensor(states)?.f_to_device(device)?);
        }
        match (backend, network.constants()) {
            (Backend::Kernel, Some(constants)) => {
                Self::by_kernel(trainer, network, constants, (&effective, &started), batch, pool)
            }
            _ => Self::on_libtorch(trainer, network, (&effective, &started), &Trials::new(batch)?.on(device)?),
        }
    }

    fn on_libtorch(
        trainer: &Trainer,
        network: &dyn Network,
        (effective, started): (&Tensors, &Tensors),
        trials: &Trials,
    ) -> Result<Self> {
        let activity = network.forward(started, trials)?;
        let loss = total_loss(trainer, effective, &activity, trials)?;
        let ends = match trainer.carry_state {
            true => Some(ends(&to_array(&activity.states)?.view(), &trials.lengths)),
            false => None,
        };
        Ok(Self { value: loss.f_double_value(&[])?, omega: None, ends, graph: Some(loss), direct: Weights::new() })
    }

    /// The kernel runs forward on the effective weights, and carries the gradients of outputs and states back through time.
    /// `Σ W_eff · dL/dW_eff` carries those of the weights back through the constraints.
    fn by_kernel(
        trainer: &Trainer,
        network: &dyn Network,
        constants: Constants,
        (effective, started): (&Tensors, &Tensors),
        batch: &Batch,
        pool: &Pool,
    ) -> Result<Self> {
        let mut arrays = Weights::new();
        for (name, weights) in started.iter() {
            arrays.insert(name, to_array(weights)?);
        }
        let noise = constants.noise_of(batch.seed, &batch.numbers, 0);
        let dynamics = Dynamics::new(&arrays, constants)?;
        let keep = dynamics.keep_within(trainer.bytes(), batch.n_trials(), batch.n_steps());
        let want = if trainer.uses_states() { Want::states(keep) } else { Want::outputs(keep) };
        let mut run = dynamics.run_with(pool, batch.inputs.view(), noise, None, &want)?;
        let ends = trainer.carry_state.then(|| ends(&run.states.view().into_dyn(), &batch.lengths));
        let states = (trainer.vanishing_gradient > 0.0).then(|| run.states.clone());
        let of_loss = OfLoss::new(trainer, network, effective, batch, &mut run)?;
        let d_states = of_loss.d_states.as_ref().map(|d_states| d_states.view());
        let (through_time, omega) = match states {
            None => (dynamics.backward(&run, of_loss.d_outputs.view(), d_states)?, None),
            Some(states) => {
                let back = dynamics.backward_with_adjoints(&run, of_loss.d_outputs.view(), d_states)?;
                kept_from_vanishing(trainer.vanishing_gradient, &dynamics, &states, back)?
            }
        };

        let carried = &network.parameters().memory.carried;
        let mut this = Self { value: of_loss.value, omega, ends, graph: None, direct: Weights::new() };
        for (name, weights) in effective.iter() {
            if !weights.requires_grad() {
                continue;
            }
            let shape: Vec<usize> = weights.size().iter().map(|&length| length as usize).collect();
            let mut gradient = match through_time.array(name) {
                // A vector may be a row or a column in the network.
                Ok(gradient) if !carried.contains_key(name) => gradient
                    .to_shape(shape)
                    .map_err(|_| Error::shape(name, "that of its gradient", gradient.shape()))?
                    .into_owned(),
                // Neither the run nor the loss itself depends on it.
                _ if of_loss.d_weights.array(name).is_err() => continue,
                _ => ArrayD::zeros(shape),
            };
            if let Ok(direct) = of_loss.d_weights.array(name) {
                gradient += direct;
            }
            // A parameter without a constraint is its own effective weight.
            if network.parameters().get(name).is_ok_and(|parameter| parameter.data_ptr() == weights.data_ptr()) {
                this.direct.insert(name, gradient);
            } else {
                let term = weights.f_mul(&to_tensor(&gradient)?)?.f_sum(Kind::Float)?;
                this.graph = Some(match this.graph {
                    Some(graph) => graph.f_add(&term)?,
                    None => term,
                });
            }
        }
        Ok(this)
    }

    /// The gradients for the trainable parameters in order; none for a parameter on which the loss does not depend.
    pub(super) fn gradients(&self, network: &dyn Network) -> Result<Vec<Option<ArrayD<f32>>>> {
        let trained: Vec<_> = network.parameters().iter().filter(|(_, parameter)| parameter.trainable).collect();
        let values: Vec<&Tensor> = trained.iter().map(|(_, parameter)| &parameter.value).collect();
        let mut through_constraints = match &self.graph {
            Some(graph) => Tensor::f_run_backward(&[graph], &values, false, false)?,
            None => Vec::new(),
        }
        .into_iter();
        let gradient = |(name, _)| {
            let pulled = through_constraints.next().filter(|gradient| gradient.defined());
            let direct = self.direct.array(name).ok().cloned();
            Ok(match (direct, pulled.map(|pulled| to_array(&pulled)).transpose()?) {
                (Some(direct), Some(pulled)) => Some(direct + pulled),
                (direct, pulled) => direct.or(pulled),
            })
        };
        trained.into_iter().map(gradient).collect()
    }
}

fn total_loss(trainer: &Trainer, weights: &Tensors, activity: &Activity, trials: &Trials) -> Result<Tensor> {
    let mut loss = trainer.loss.loss(activity, trials)?;
    for regularizer in &trainer.regularizers {
        loss = loss.f_add(&regularizer.penalty(weights, activity, trials)?)?;
    }
    Ok(loss)
}

/// The states `[n_batch, n_rec]` at the last step of each trial, from those of all steps `[n_batch, n_steps, n_rec]`.
fn ends(states: &ArrayViewD<'_, f32>, lengths: &[usize]) -> ArrayD<f32> {
    let mut ends = ArrayD::zeros(IxDyn(&[states.len_of(Axis(0)), states.len_of(Axis(2))]));
    for ((mut end, states), &length) in ends.outer_iter_mut().zip(states.outer_iter()).zip(lengths) {
        if let Some(last) = states.outer_iter().take(length).last() {
            end.assign(&last);
        }
    }
    ends
}

/// The gradients of the weights, with what keeps them from vanishing, and `Ω`.
fn kept_from_vanishing(
    strength: f64,
    dynamics: &Dynamics,
    states: &Array3<f32>,
    (mut gradients, adjoints): (Weights, Array3<f32>),
) -> Result<(Weights, Option<f64>)> {
    // PyCog's: below it a gradient counts as gone.
    const BOUND: f64 = 1e-20;
    let vanishing = dynamics.vanishing(states, &adjoints, BOUND)?;
    let mut d_w_rec = gradients.matrix("W_rec")?;
    d_w_rec.scaled_add(strength as f32, &vanishing.d_w_rec);
    gradients.insert("W_rec", d_w_rec);
    Ok((gradients, Some(vanishing.omega)))
}

/// The loss of a batch, penalties included, and its gradients with respect to what the kernel gave and was given.
struct OfLoss {
    value: f64,
    d_outputs: Array3<f32>,
    d_states: Option<Array3<f32>>,
    d_weights: Weights,
}

impl OfLoss {
    /// By the loss itself if it knows them, otherwise outputs, states and effective weights are leaves from which libtorch
    /// differentiates, whatever the user wrote. The states are taken from the run.
    fn new(
        trainer: &Trainer,
        network: &dyn Network,
        effective: &Tensors,
        batch: &Batch,
        run: &mut Run,
    ) -> Result<Self> {
        if trainer.regularizers.is_empty()
            && let Some((value, d_outputs)) = trainer.loss.with_gradient(run.outputs.view(), batch)
        {
            return Ok(Self { value, d_outputs, d_states: None, d_weights: Weights::new() });
        }
        let mut leaves = Tensors::new();
        for (name, weights) in effective.iter() {
            leaves.insert(name, weights.f_detach()?.f_set_requires_grad(true)?);
        }
        let leaf = |array: &Array3<f32>| -> Result<Tensor> { Ok(to_tensor(array)?.f_set_requires_grad(true)?) };
        let states = leaf(&std::mem::take(&mut run.states))?;
        let outputs = leaf(&run.outputs)?;
        let activity = Activity { rates: network.rates(&states)?, states, outputs };
        let loss = total_loss(trainer, &leaves, &activity, &Trials::new(batch)?)?;

        let mut inputs = vec![&activity.outputs, &activity.states];
        inputs.extend(leaves.iter().map(|(_, leaf)| leaf));
        let mut gradients = Tensor::f_run_backward(&[&loss], &inputs, false, false)?.into_iter().map(|gradient| {
            match gradient.defined() && gradient.numel() > 0 {
                true => to_array(&gradient).map(Some),
                false => Ok(None),
            }
        });
        let mut cube = || -> Result<Option<Array3<f32>>> {
            Ok(gradients.next().transpose()?.flatten().and_then(|array| array.into_dimensionality().ok()))
        };
        let d_outputs = cube()?.unwrap_or_else(|| Array3::zeros(run.outputs.dim()));
        let d_states = cube()?;
        let mut d_weights = Weights::new();
        for ((name, _), gradient) in effective.iter().zip(gradients) {
            if let Some(gradient) = gradient? {
                d_weights.insert(name, gradient);
            }
        }
        Ok(Self { value: loss.f_double_value(&[])?, d_outputs, d_states, d_weights })
    }
}
