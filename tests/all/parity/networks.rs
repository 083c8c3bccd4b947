//! Cases with a network: effective weights, activity, losses, penalties, gradients, training.

use std::sync::Arc;

use ndarray::{Array3, ArrayD};
use psychrnn::dynamics::Dynamics;
use psychrnn::network::{Activity, Tensors, Trials};
use psychrnn::prelude::*;
use psychrnn::tch::{Kind, Tensor};
use psychrnn::train::{Epsilon, Loss, Optimizer, Regularizer};

use super::fixture::{Case, Outcome, stack};
use super::model::{Model, array, batch, by_libtorch, check_constraints, n_out, noise, rnn_config, trials};

/// Compares whatever a case with a network holds.
pub(crate) fn check(case: &Case) -> Outcome {
    let batch = batch(case, n_out(case)?)?;
    let mut model = Model::of(case, &batch)?;
    if let Model::Rnn(network) = &model {
        check_constraints(case, &batch, &rnn_config(case)?)?;
        check_effective(case, &batch, network)?;
    }
    check_activity(case, &batch, &model)?;
    check_perturbed(case, &batch, &model)?;
    check_penalties(case, &batch, &model)?;
    if case.has("loss") {
        check_gradients(case, &batch, &mut model)?;
    }
    if case.has("losses") {
        check_training(case, &batch, &mut model)?;
    }
    Ok(())
}

/// The effective weights, and the way back from them.
fn check_effective(case: &Case, batch: &Batch, network: &Rnn) -> Outcome {
    let ours = network.weights()?;
    let again = Rnn::with_weights(batch, network.config().clone(), &ours)?.weights()?;
    for name in ["W_in", "W_rec", "W_out"] {
        let theirs = [format!("{name}_eff"), format!("entry_{name}")];
        for theirs in theirs.iter().filter(|name| case.has(name)) {
            case.compare(theirs, "constraints", ours.array(name)?)?;
            case.compare(theirs, "constraints inverted", again.array(name)?)?;
        }
    }
    Ok(())
}

/// States and outputs, on libtorch and by the kernel.
fn check_activity(case: &Case, batch: &Batch, model: &Model) -> Outcome {
    let activity = by_libtorch(model.network(), &trials(case, batch)?)?;
    let (states, outputs) = match noise(case)? {
        None => {
            let session = model.simulator()?.run(batch)?;
            (session.states, session.outputs)
        }
        Some(noise) => {
            let kernel = Dynamics::new(&model.network().weights()?, model.simulator()?.constants())?;
            kernel.forward(batch.inputs.view(), Some(noise.view()), None)?
        }
    };
    for (name, libtorch, kernel) in [("states", &activity.states, &states), ("outputs", &activity.outputs, &outputs)] {
        for theirs in [name.to_owned(), format!("{name}_reloaded")].iter().filter(|name| case.has(name)) {
            case.compare(theirs, "libtorch", &array(libtorch)?)?;
            case.compare(theirs, "kernel", kernel)?;
        }
    }
    Ok(())
}

/// States and outputs with recurrent weights that change from step to step.
fn check_perturbed(case: &Case, batch: &Batch, model: &Model) -> Outcome {
    for how in case.named("t_connectivity_") {
        let gain: Array3<f32> = case.input(&format!("t_connectivity_{how}"))?;
        let session = model.simulator()?.recurrent_gain(gain).run(batch)?;
        case.compare(&format!("states_{how}"), "kernel", &session.states)?;
        case.compare(&format!("outputs_{how}"), "kernel", &session.outputs)?;
    }
    Ok(())
}

/// PsychRNN's penalty of that name.
fn penalty(name: &str, strength: f64) -> Outcome<Arc<dyn Regularizer>> {
    let weights = |part: &str| format!("W_{part}");
    Ok(match name.split_once('_') {
        Some(("L1", part @ ("in" | "rec" | "out"))) => Arc::new(L1Weights::new(&weights(part), strength)),
        Some(("L2", part @ ("in" | "rec" | "out"))) => Arc::new(L2Weights::new(&weights(part), strength)),
        Some(("L2", "firing_rate")) => Arc::new(L2Rates::new(strength)),
        _ => return Err(format!("there is no penalty {name}").into()),
    })
}

/// The penalties that a case names, with their strengths.
fn penalties(case: &Case, param: &str) -> Outcome<Vec<(String, Arc<dyn Regularizer>)>> {
    let Some(strengths) = case.param(param).and_then(|value| value.as_object()) else { return Ok(Vec::new()) };
    let with_name = |(name, strength): (&String, &serde_json::Value)| {
        let strength = strength.as_f64().ok_or("a strength is not a number")?;
        Ok((name.clone(), penalty(name, strength)?))
    };
    strengths.iter().map(with_name).collect()
}

/// Each penalty by itself, and all of them together.
fn check_penalties(case: &Case, batch: &Batch, model: &Model) -> Outcome {
    let trials = trials(case, batch)?;
    let weights = model.network().effective()?;
    let activity = by_libtorch(model.network(), &trials)?;
    let mut all = 0.0;
    for (name, penalty) in penalties(case, "coefficients")? {
        let ours = penalty.penalty(&weights, &activity, &trials)?.double_value(&[]);
        case.compare_scalar(&format!("reg_{name}"), "libtorch", ours)?;
        all += ours;
    }
    if case.has("reg_all") {
        case.compare_scalar("reg_all", "libtorch", all)?;
    }
    Ok(())
}

/// The loss that a case names.
fn loss(case: &Case) -> Outcome<Arc<dyn Loss>> {
    match case.text("loss_function") {
        None | Some("mean_squared_error") => Ok(Arc::new(MeanSquaredError::default())),
        Some("binary_cross_entropy") => Ok(Arc::new(BinaryCrossEntropy::default())),
        Some(other) => Err(format!("there is no loss {other}").into()),
    }
}

/// Arrays by the names of the parameters.
type Named = Vec<(String, ArrayD<f32>)>;

/// What PsychRNN makes small: the loss and its penalties.
struct Objective {
    loss: Arc<dyn Loss>,
    penalties: Vec<Arc<dyn Regularizer>>,
}

impl Objective {
    fn of(case: &Case) -> Outcome<Self> {
        let penalties = penalties(case, "reg")?.into_iter().map(|(_, penalty)| penalty).collect();
        Ok(Self { loss: loss(case)?, penalties })
    }

    /// A trainer that makes one update with this batch.
    fn trainer(&self, batch: &Batch) -> Trainer {
        let shared = self.loss.clone();
        let mut trainer = Trainer::default().updates(1).batch_size(batch.n_trials()).silent();
        trainer = trainer.loss(move |activity: &Activity, trials: &Trials| shared.loss(activity, trials));
        for shared in &self.penalties {
            let shared = shared.clone();
            trainer = trainer.regularizer(move |weights: &Tensors, activity: &Activity, trials: &Trials| {
                shared.penalty(weights, activity, trials)
            });
        }
        trainer
    }

    /// The loss, and the penalties together.
    fn value(&self, network: &dyn Network, trials: &Trials) -> Result<(Tensor, Tensor)> {
        let weights = network.effective()?;
        let activity = network.forward(&weights, trials)?;
        let mut penalty = Tensor::zeros([], (Kind::Float, psychrnn::tch::Device::Cpu));
        for one in &self.penalties {
            penalty += one.penalty(&weights, &activity, trials)?;
        }
        Ok((self.loss.loss(&activity, trials)?, penalty))
    }

    /// The value of loss and penalties together, and its gradient for each parameter that is trained; zeros where the value
    /// does not depend on it.
    fn gradients(&self, network: &dyn Network, trials: &Trials) -> Outcome<(f64, Named)> {
        let (loss, penalty) = self.value(network, trials)?;
        let total = loss + penalty;
        let trained: Vec<_> = network.parameters().iter().filter(|(_, parameter)| parameter.trainable).collect();
        let values: Vec<&Tensor> = trained.iter().map(|(_, parameter)| &parameter.value).collect();
        let gradients = Tensor::f_run_backward(&[&total], &values, false, false)?;
        let mut named = Vec::new();
        for ((name, parameter), gradient) in trained.iter().zip(gradients) {
            let gradient = if gradient.defined() { gradient } else { parameter.value.zeros_like() };
            named.push(((*name).to_owned(), array(&gradient)?));
        }
        Ok((total.double_value(&[]), named))
    }
}

/// The loss, the penalties and their gradients.
fn check_gradients(case: &Case, batch: &Batch, model: &mut Model) -> Outcome {
    let (network, trials) = (model.network(), trials(case, batch)?);
    let objective = Objective::of(case)?;
    let (loss, penalty) = objective.value(network, &trials)?;
    let (total, gradients) = objective.gradients(network, &trials)?;
    case.compare_scalar("loss", "libtorch", loss.double_value(&[]))?;
    case.compare_scalar("reg", "libtorch", penalty.double_value(&[]))?;
    case.compare_scalar("reg_loss", "libtorch", total)?;
    for (name, gradient) in &gradients {
        case.compare(&format!("grad_{name}"), "libtorch", gradient)?;
    }
    // PsychRNN's networks have variables that nothing depends on.
    let idle = case.param("no_gradient").and_then(|names| names.as_array()).into_iter().flatten();
    for idle in idle.filter_map(|name| name.as_str()) {
        if gradients.iter().any(|(name, gradient)| name == idle && gradient.iter().any(|&slope| slope != 0.0)) {
            return Err(format!("{idle} has a gradient, but not in PsychRNN").into());
        }
    }
    // Gradient descent at rate 1 shows the gradients that the trainer took, in whichever way it did.
    let before = parameters(network)?;
    let trainer = objective.trainer(batch).optimizer(Sgd::default()).learning_rate(1.0).clip(Clip::None);
    let loss = trainer.train(model.network_mut(), batch)?.losses[0];
    case.compare_scalar("reg_loss", "trainer", loss)?;
    for ((name, before), (_, after)) in before.iter().zip(parameters(model.network())?) {
        if gradients.iter().any(|(trained, _)| trained == name) {
            case.compare(&format!("grad_{name}"), "trainer", &(before - after))?;
        }
    }
    Ok(())
}

/// The optimizer that a case names.
fn optimizer(case: &Case) -> Outcome<Optimizer> {
    let number = |name: &str| case.number(name).ok_or_else(|| format!("the case does not say `{name}`"));
    match case.text("optimizer") {
        Some("adam") => Ok(Adam {
            beta1: number("beta1")?,
            beta2: number("beta2")?,
            epsilon: number("epsilon")?,
            placement: Epsilon::Uncorrected,
        }
        .into()),
        Some("sgd") => Ok(Sgd::default().into()),
        other => Err(format!("there is no optimizer {other:?}").into()),
    }
}

/// The raw parameters of a network.
fn parameters(network: &dyn Network) -> Outcome<Named> {
    network.parameters().iter().map(|(name, parameter)| Ok((name.to_owned(), array(&parameter.value)?))).collect()
}

/// One update after the other: raw parameters, gradients and losses.
fn check_training(case: &Case, batch: &Batch, model: &mut Model) -> Outcome {
    let number = |name: &str| case.number(name).ok_or_else(|| format!("the case does not say `{name}`"));
    let trials = trials(case, batch)?;
    let objective = Objective::of(case)?;
    let clip = match case.param("clip_grads").and_then(|value| value.as_bool()) {
        // PsychRNN clips at 1 and knows no other norm.
        Some(true) => Clip::PerParameter(1.0),
        _ => Clip::None,
    };
    let trainer =
        objective.trainer(batch).optimizer(optimizer(case)?).learning_rate(number("learning_rate")?).clip(clip);
    let (mut losses, mut recorded) = (Vec::new(), Vec::new());
    let (mut steps, mut slopes) = (Vec::new(), Vec::new());
    for update in 0..=number("n_updates")? as usize {
        if update > 0 {
            recorded.extend(trainer.train(model.network_mut(), batch)?.losses);
        }
        let (loss, gradients) = objective.gradients(model.network(), &trials)?;
        losses.push(loss);
        slopes.push(gradients);
        steps.push(parameters(model.network())?);
    }
    check_norms(case, &slopes[0])?;
    case.compare_wide("losses", "libtorch", ArrayD::from_shape_vec(vec![losses.len()], losses.clone())?)?;
    // The trainer tells the loss before each update, PsychRNN the one after it.
    recorded.extend(losses.last());
    case.compare_wide("losses", "trainer", ArrayD::from_shape_vec(vec![recorded.len()], recorded)?)?;
    let trajectory = |of: &[Named], i: usize| stack(&of.iter().map(|named| named[i].1.clone()).collect::<Vec<_>>());
    for (i, (name, _)) in steps[0].iter().enumerate() {
        let constant = format!("{name}_const");
        if case.has(&constant) {
            for step in &steps {
                case.compare(&constant, "trainer", &step[i].1)?;
            }
        } else {
            case.compare(&format!("steps_{name}"), "trainer", &trajectory(&steps, i)?)?;
        }
    }
    for (i, (name, _)) in slopes[0].iter().enumerate() {
        case.compare(&format!("grads_{name}"), "libtorch", &trajectory(&slopes, i)?)?;
    }
    Ok(())
}

/// The norms of the first gradients, which the index tells.
fn check_norms(case: &Case, gradients: &[(String, ArrayD<f32>)]) -> Outcome {
    for (name, gradient) in gradients {
        let norm = gradient.iter().map(|&slope| f64::from(slope).powi(2)).sum::<f64>().sqrt();
        let Some(&theirs) = case.info.initial_gradient_norms.get(name) else { continue };
        if (norm - theirs).abs() > case.tolerated(theirs) {
            return Err(format!("the first gradient of {name} has norm {norm}, but in PsychRNN {theirs}").into());
        }
    }
    Ok(())
}
