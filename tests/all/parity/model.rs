//! The network of a case: raw parameters, constraints, inputs.

use ndarray::{Array1, Array2, Array3, ArrayD, Axis, s};
use psychrnn::network::{Activity, Connections, Constraints, Initializer, Trials};
use psychrnn::prelude::*;
use psychrnn::tch::Tensor;

use super::fixture::{Case, Outcome};

/// An initializer that gives these raw parameters.
#[derive(Debug)]
pub(crate) struct Given(pub(crate) Weights);

impl Initializer for Given {
    fn initialize(&self, _: &Connections, _: Seed) -> Result<Weights> {
        Ok(self.0.clone())
    }
}

/// The network of a case.
pub(crate) enum Model {
    Rnn(Box<Rnn>),
    Lstm(Box<Lstm>),
}

/// The parameters of the leaky network, and of the LSTM.
const RNN: [&str; 6] = ["W_in", "W_rec", "W_out", "b_rec", "b_out", "init_state"];
const LSTM: [&str; 12] =
    ["W_f", "W_i", "W_c", "W_o", "b_f", "b_i", "b_c", "b_o", "W_out", "b_out", "init_hidden", "init_cell"];

impl Model {
    /// The network that PsychRNN ran or trained in a case.
    pub(crate) fn of(case: &Case, batch: &Batch) -> Outcome<Self> {
        if sources("W_f").iter().any(|name| case.has(name)) {
            let weights = raw(case, &LSTM)?;
            let mut config = LstmConfig::psychrnn().units(weights.matrix("W_out")?.ncols());
            for name in case.named("fixed_") {
                config = config.freeze_entries(&name, case.input::<ndarray::IxDyn>(&format!("fixed_{name}"))?);
            }
            for name in LSTM.iter().filter(|name| case.has(&format!("{name}_const"))) {
                config = config.freeze(name);
            }
            Ok(Self::Lstm(Lstm::with_weights(batch, config, &weights)?.into()))
        } else {
            let raw = raw(case, &RNN)?;
            Ok(Self::Rnn(Rnn::with_initializer(batch, rnn_config(case)?, &Given(raw))?.into()))
        }
    }

    pub(crate) fn network(&self) -> &dyn Network {
        match self {
            Self::Rnn(network) => network.as_ref(),
            Self::Lstm(network) => network.as_ref(),
        }
    }

    pub(crate) fn network_mut(&mut self) -> &mut dyn Network {
        match self {
            Self::Rnn(network) => network.as_mut(),
            Self::Lstm(network) => network.as_mut(),
        }
    }

    pub(crate) fn simulator(&self) -> Result<Simulator> {
        match self {
            Self::Rnn(network) => network.simulator(),
            Self::Lstm(network) => network.simulator(),
        }
    }
}

/// Under which names a raw parameter may stand in a file.
fn sources(parameter: &str) -> [String; 6] {
    [
        format!("{parameter}_raw"),
        format!("raw_{parameter}"),
        format!("steps_{parameter}"),
        format!("{parameter}_const"),
        format!("entry_{parameter}"),
        parameter.to_owned(),
    ]
}

/// The raw parameters with which the case begins.
fn raw(case: &Case, parameters: &[&str]) -> Outcome<Weights> {
    let mut weights = Weights::new();
    for &name in parameters {
        let steps = format!("steps_{name}");
        let mut array: ArrayD<f32> = match case.has(&steps) {
            // The first of a trajectory is where it starts.
            true => case.input::<ndarray::IxDyn>(&steps)?.index_axis_move(Axis(0), 0),
            false => case.first_input(&sources(name))?,
        };
        if name.starts_with("init_") && case.info.group.contains("simulator") {
            // PsychRNN's simulator starts every trial where the first one starts.
            array.slice_axis_inplace(Axis(0), (..1).into());
        }
        weights.insert(name, array);
    }
    Ok(weights)
}

/// The name of an array that a file of PsychRNN's holds, in whichever way the case has it.
pub(crate) fn stored(case: &Case, name: &str) -> Option<String> {
    [name.to_owned(), format!("entry_{name}")].into_iter().find(|name| case.has(name))
}

/// How PsychRNN's network was built, in our words.
pub(crate) fn rnn_config(case: &Case) -> Outcome<RnnConfig> {
    let b_rec: Array1<f32> = match case.has("steps_b_rec") {
        true => case.input::<ndarray::Ix2>("steps_b_rec")?.index_axis_move(Axis(0), 0),
        false => case.first_input(&sources("b_rec"))?.into_dimensionality()?,
    };
    let n_rec = b_rec.len();
    let mut config = RnnConfig::default().units(n_rec).transfer(transfer(case)?);
    config = config.noise(case.number("rec_noise").unwrap_or(0.0) as f32);
    if case.has("tau") {
        config = config.tau(&case.input::<ndarray::Ix1>("tau")?.to_vec());
    }
    if let Some(name) = stored(case, "input_connectivity") {
        config = config.input_connectivity(case.input(&name)?);
    }
    if let Some(name) = stored(case, "output_connectivity") {
        config = config.output_connectivity(case.input(&name)?);
    }
    if let Some(name) = stored(case, "rec_connectivity") {
        let mut mask: Array2<f32> = case.input(&name)?;
        if case.param("autapses").and_then(serde_json::Value::as_bool) == Some(false) {
            // PsychRNN stores what is left. Our own option must take the diagonal out again.
            mask.diag_mut().fill(1.0);
            config = config.autapses(false);
        }
        config = config.recurrent_connectivity(mask);
    }
    if let Some(ratio) = dale_ratio(case, n_rec)? {
        config = config.dale_ratio(ratio);
    }
    for name in case.named("fixed_") {
        config = config.freeze_entries(&name, case.input::<ndarray::IxDyn>(&format!("fixed_{name}"))?);
    }
    for name in RNN.iter().filter(|name| case.has(&format!("{name}_const"))) {
        config = config.freeze(name);
    }
    Ok(config)
}

/// The transfer function that a case names.
pub(crate) fn transfer(case: &Case) -> Outcome<Transfer> {
    match case.param("transfer_function") {
        None => Ok(Transfer::Relu),
        Some(name) => Ok(serde_json::from_value(name.clone())?),
    }
}

/// The share of excitatory units, from the parameters of the case or else from the signs that PsychRNN stored.
fn dale_ratio(case: &Case, n_rec: usize) -> Outcome<Option<f64>> {
    if let Some(ratio) = case.number("dale_ratio") {
        return Ok(Some(ratio));
    }
    let Some(name) = stored(case, "Dale_rec") else { return Ok(None) };
    let signs: Array2<f32> = case.input(&name)?;
    let n_excitatory = signs.diag().iter().filter(|&&sign| sign > 0.0).count();
    // The half keeps the product with the number of units on this side of the next whole number.
    Ok((n_excitatory < n_rec).then_some((n_excitatory as f64 + 0.5) / n_rec as f64))
}

/// The inputs of a case, with its targets and mask if it has them.
pub(crate) fn batch(case: &Case, n_out: usize) -> Outcome<Batch> {
    let inputs: Array3<f32> = case.input("inputs")?;
    let (n_batch, n_steps, n_in) = inputs.dim();
    let zeros = || Array3::zeros((n_batch, n_steps, n_out));
    let part = |name: &str| if case.has(name) { case.input(name) } else { Ok(zeros()) };
    let (targets, mask) = (part("targets")?, part("mask")?);
    let dt = case.number_or_size("dt")? as f32;
    let tau = case.number("tau").map_or_else(|| case.number_or_size("tau"), Ok);
    // Where each unit has a time constant of its own, that of the task is not used.
    let tau = if case.has("tau") { f64::from(dt) } else { tau? } as f32;
    let spec = TaskSpec::new(n_in, n_out).dt(dt).tau(tau).duration(dt * n_steps as f32);
    Ok(Batch::from_arrays(&spec, inputs, targets, mask)?)
}

/// The number of outputs of a case's network.
pub(crate) fn n_out(case: &Case) -> Outcome<usize> {
    let b_out = case.first_input(&sources("b_out"))?;
    Ok(b_out.shape().last().copied().unwrap_or(1))
}

/// The trials of a case, with the noise that PsychRNN drew if it drew any.
pub(crate) fn trials(case: &Case, batch: &Batch) -> Outcome<Trials> {
    let trials = Trials::new(batch)?;
    Ok(match noise(case)? {
        Some(noise) => trials.with_noise(&noise)?,
        None => trials,
    })
}

/// The noise that PsychRNN drew, trial first.
pub(crate) fn noise(case: &Case) -> Outcome<Option<Array3<f32>>> {
    if !case.has("noise") {
        return Ok(None);
    }
    let noise: Array3<f32> = case.input("noise")?;
    Ok(Some(noise.permuted_axes([1, 0, 2]).as_standard_layout().into_owned()))
}

/// A tensor as an array.
pub(crate) fn array(tensor: &Tensor) -> Outcome<ArrayD<f32>> {
    Ok((&tensor.detach().contiguous()).try_into()?)
}

/// What a network does on libtorch.
pub(crate) fn by_libtorch(network: &dyn Network, trials: &Trials) -> Outcome<Activity> {
    Ok(psychrnn::tch::no_grad(|| network.forward(&network.effective()?, trials))?)
}

/// What the constraints of a network do to weights that are all 1: the masks, and the signs of Dale's principle.
pub(crate) fn check_constraints(case: &Case, batch: &Batch, config: &RnnConfig) -> Outcome {
    let (n_in, n_rec, n_out) = (batch.spec.n_in, config.units, batch.spec.n_out);
    let mut ones = Weights::new();
    ones.insert("W_in", Array2::ones((n_rec, n_in)));
    ones.insert("W_rec", Array2::ones((n_rec, n_rec)));
    ones.insert("W_out", Array2::ones((n_out, n_rec)));
    ones.insert("b_rec", Array1::zeros(n_rec));
    ones.insert("b_out", Array1::zeros(n_out));
    ones.insert("init_state", Array2::zeros((1, n_rec)));
    let effective = |constraints: Constraints| {
        let mut config = RnnConfig::default().units(n_rec);
        config.constraints = constraints;
        Rnn::with_initializer(batch, config, &Given(ones.clone()))?.weights()
    };
    let masked = effective(Constraints { dale_ratio: None, ..config.constraints.clone() })?;
    for (mask, weights) in [("input", "W_in"), ("rec", "W_rec"), ("output", "W_out")] {
        if let Some(name) = stored(case, &format!("{mask}_connectivity")) {
            case.compare(&name, "constraints", masked.array(weights)?)?;
        }
    }
    let dale = Constraints { dale_ratio: config.constraints.dale_ratio, ..Constraints::default() };
    let signed = effective(dale)?;
    for (signs, weights) in [("Dale_rec", "W_rec"), ("Dale_out", "W_out")] {
        if let Some(name) = stored(case, signs) {
            let signs = signed.matrix(weights)?.slice(s![0, ..]).to_owned();
            case.compare(&name, "constraints", &Array2::from_diag(&signs))?;
        }
    }
    if let Some(n) = case.number("n_excitatory") {
        let ours = signed.matrix("W_rec")?.row(0).iter().filter(|&&sign| sign > 0.0).count();
        if ours as f64 != n {
            return Err(format!("{ours} excitatory units, but PsychRNN has {n}").into());
        }
    }
    Ok(())
}
