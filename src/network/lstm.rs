//! Long short-term memory, trainable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ndarray::{Array1, Array2, ArrayD, Dimension};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::constraints::{ConstraintMap, Given};
use super::initialize::entries;
use super::rnn::hold;
use super::tensors::read_out;
use super::{Activity, Constraints, Draw, Network, Parameters, Sizes, Tensors, Trials, check_memory};
use crate::dynamics::{Cell, CellOutput, Constants, Dynamics, GATES, Pool, Readout};
use crate::random::Seed;
use crate::setters::setters;
use crate::simulate::{Session, Simulator, check_fit};
use crate::task::{Batch, TrialSource};
use crate::weights::Weights;
use crate::{Error, Result};

/// How an [`Lstm`] is built. Defaults: 50 units, `h = o · tanh(c)`, no constraints, everything trainable, seed 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LstmConfig {
    /// The number of units.
    pub units: usize,
    /// What the cell gives to its output gate.
    pub output: CellOutput,
    /// The output function.
    pub readout: Readout,
    /// The masks on the connections, which act on all gates; see [`Constraints`].
    pub constraints: Constraints,
    /// The parameters that training leaves as they are.
    pub frozen: BTreeSet<String>,
    /// Entries of parameters that training leaves as they are: 1 for these, 0 for the others.
    pub fixed: BTreeMap<String, ArrayD<f32>>,
    /// The seed of the initial weights.
    pub seed: Seed,
    /// What was set, also to its default: the rest is left open where weights are loaded.
    #[doc(hidden)]
    #[serde(skip)]
    pub given: Given,
}

impl Default for LstmConfig {
    fn default() -> Self {
        Self {
            units: 50,
            output: CellOutput::Tanh,
            readout: Readout::Linear,
            constraints: Constraints::default(),
            frozen: BTreeSet::new(),
            fixed: BTreeMap::new(),
            seed: Seed(0),
            given: Given::default(),
        }
    }
}

impl LstmConfig {
    /// The LSTM that PsychRNN has: `h = o · sigmoid(c)`, and all biases start at 1.
    #[must_use]
    pub fn psychrnn() -> Self {
        Self { output: CellOutput::Sigmoid, ..Self::default() }
    }

    /// The number of units.
    #[must_use]
    pub fn units(mut self, units: usize) -> Self {
        self.units = units;
        self.given.add("units");
        self
    }

    /// The output function `g` in `z = g(W_out h + b_out)`; by default linear.
    #[must_use]
    pub fn readout(mut self, readout: Readout) -> Self {
        self.readout = readout;
        self.given.add("readout");
        self
    }

    setters! {
        /// The masks on the connections.
        constraints: Constraints;
    }

    /// Leaves a parameter as it is in training.
    #[must_use]
    pub fn freeze(mut self, parameter: &str) -> Self {
        self.frozen.insert(parameter.to_owned());
        self
    }

    /// Leaves those entries of a parameter as they are in training where `entries` is 1; elsewhere it is 0.
    #[must_use]
    pub fn fix<D: Dimension>(mut self, parameter: &str, entries: ndarray::Array<f32, D>) -> Self {
        self.fixed.insert(parameter.to_owned(), entries.into_dyn());
        self
    }

    setters! {
        /// The seed of the initial weights.
        seed: impl Into<Seed> => seed.into();
    }
}

impl LstmConfig {
    /// Takes what is left open from weights that were loaded, and what this library saved with them.
    fn filled(mut self, weights: &Weights, saved: Option<(Cell, Self)>) -> Result<Self> {
        let (default, given) = (Self::default(), self.given.clone());
        // PsychRNN's files alone say whether Dale's principle holds, and their cells give sigmoid(c).
        let trained = match &saved {
            Some((cell, _)) => Some(cell.output),
            None => weights.dale_ratio().map(|_| CellOutput::Sigmoid),
        };
        if let Some(trained) = trained {
            given.fill("output", &mut self.output, trained);
            if self.output != trained {
                let expected = format!("{trained:?}, with which the weights were trained");
                return Err(Error::argument("output", expected, format!("{:?}", self.output)));
            }
        }
        let n_rec = weights.array("W_f")?.shape().last().copied().unwrap_or(1);
        given.fill_default("units", &mut self.units, default.units, n_rec);
        let constraints = saved.map(|(cell, saved)| {
            given.fill("readout", &mut self.readout, cell.readout);
            if self.frozen.is_empty() && self.fixed.is_empty() {
                (self.frozen, self.fixed) = (saved.frozen, saved.fixed);
            }
            given.fill_default("seed", &mut self.seed, default.seed, saved.seed);
            saved.constraints
        });
        self.constraints.fill(&given, weights, constraints)?;
        Ok(self)
    }
}

/// What an [`Lstm`] left with its weights, if they are those of one.
fn saved(weights: &Weights) -> Result<Option<(Cell, LstmConfig)>> {
    #[derive(Deserialize)]
    struct OfLstm {
        #[serde(rename = "lstm")]
        _lstm: serde::de::IgnoredAny,
    }
    match weights.config::<Saved>() {
        Ok(Some(Saved { dynamics: Constants::Lstm(cell), lstm })) => Ok(Some((cell, lstm))),
        // As of an Rnn.
        Err(error) if weights.config::<OfLstm>().is_ok() => Err(error),
        _ => Ok(None),
    }
}

/// The LSTM network, with the equations of [`LstmRnn`](crate::dynamics::LstmRnn).
///
/// Initial weights: gates Gaussian with standard deviation 0.1, `W_out` Glorot-Gaussian, the initial states Gaussian with
/// standard deviation 0.1. The biases of the forget gates are 1 and all others 0; with
/// [`CellOutput::Sigmoid`] the biases of all gates are 1, as in PsychRNN.
///
/// PsychRNN gives each trial of the batch a trainable initial state of its own, so that only batches of that size can be
/// run. Here there is one for the network, unless the weights given to [`Lstm::with_weights`] have more.
#[derive(Debug)]
pub struct Lstm {
    config: LstmConfig,
    cell: Cell,
    sizes: Sizes,
    constraints: ConstraintMap,
    parameters: Parameters,
    /// Memory of its runs.
    pool: Pool,
}

/// What travels with the weights of an [`Lstm`].
#[derive(Serialize, Deserialize)]
struct Saved {
    dynamics: Constants,
    lstm: LstmConfig,
}

impl Lstm {
    /// A network for a task, with fresh weights. The task gives channels and `dt`.
    ///
    /// # Errors
    /// If the task or the configuration makes no sense, if one contradicts the other, or if there is not enough memory for so many
    /// units.
    pub fn new(task: &dyn TrialSource, mut config: LstmConfig) -> Result<Self> {
        let spec = task.spec()?;
        spec.check()?;
        config.constraints.follow(config.seed);
        if config.units == 0 {
            return Err(Error::argument("units", "at least 1", 0));
        }
        check_memory(GATES.len(), spec.n_in, config.units, spec.n_out)?;
        let connections = config.constraints.connections(spec.n_in, config.units, spec.n_out)?;
        let constraints = ConstraintMap::lstm(&connections)?;
        let seed = config.seed.child("initial weights");
        let stream = |name: &str| seed.child(name).stream(0);
        let gaussian = |rows: usize, name: &str| {
            let mut rng = stream(name);
            Array2::from_shape_simple_fn((rows, config.units), || rng.normal(0.0, 0.1))
        };
        let mut raw = Weights::new();
        for gate in GATES {
            let name = format!("W_{gate}");
            raw.insert(&name, gaussian(config.units + spec.n_in, &name));
            let one = gate == "f" || config.output == CellOutput::Sigmoid;
            raw.insert(&format!("b_{gate}"), Array1::from_elem(config.units, f32::from(u8::from(one))));
        }
        raw.insert("W_out", entries("W_out", Draw::GlorotGaussian, &connections.output, &mut stream("W_out"))?);
        raw.insert("b_out", Array1::<f32>::zeros(spec.n_out));
        raw.insert("init_hidden", gaussian(1, "init_hidden"));
        raw.insert("init_cell", gaussian(1, "init_cell"));
        let cell = Cell { dt: spec.dt, output: config.output, readout: config.readout };
        Self::assemble(config, cell, constraints, &raw)
    }

    /// A network for a task, with these effective weights. The constraints are inverted. What the configuration leaves open is as it
    /// was when the weights were saved; [`Weights::unconstrained`] takes constraints away.
    ///
    /// # Errors
    /// If the weights do not fit the task, or if the constraints forbid them.
    pub fn with_weights(task: &dyn TrialSource, config: LstmConfig, weights: &Weights) -> Result<Self> {
        let spec = task.spec()?;
        let weights = &*weights.unsqueezed();
        let mut config = config.filled(weights, saved(weights)?)?;
        config.constraints.follow(config.seed);
        let cell = Cell { dt: spec.dt, output: config.output, readout: config.readout };
        let network = Self::from_effective(config, cell, weights)?;
        check_fit(&spec, network.sizes.n_in, network.sizes.n_out, cell.dt, None)?;
        Ok(network)
    }

    /// The network in a file that [`Network::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read or does not hold such a network.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let weights = Weights::load(&path)?;
        match saved(&weights)? {
            Some((cell, lstm)) => Self::from_effective(lstm, cell, &weights.unsqueezed()),
            None => Err(Error::file(
                path.as_ref(),
                "it does not hold an Lstm of this library: use Lstm::with_weights(&task, config, &Weights::load(path)?)",
            )),
        }
    }

    /// How the network was built.
    #[must_use]
    pub fn config(&self) -> &LstmConfig {
        &self.config
    }

    fn from_effective(config: LstmConfig, cell: Cell, weights: &Weights) -> Result<Self> {
        let (n_in, n_rec, n_out) = Dynamics::new(weights, cell)?.sizes();
        if n_rec != config.units {
            return Err(Error::argument("units", format!("{n_rec}, as in the weights"), config.units));
        }
        check_memory(GATES.len(), n_in, n_rec, n_out)?;
        let constraints = ConstraintMap::lstm(&config.constraints.connections(n_in, n_rec, n_out)?)?;
        let raw = constraints.invert(weights)?;
        Self::assemble(config, cell, constraints, &raw)
    }

    fn assemble(config: LstmConfig, cell: Cell, constraints: ConstraintMap, raw: &Weights) -> Result<Self> {
        // The plain network checks the arrays against each other.
        let (n_in, n_rec, n_out) = Dynamics::new(raw, cell)?.sizes();
        let mut parameters = Parameters::new();
        for gate in GATES {
            parameters.insert(&format!("W_{gate}"), &raw.matrix(&format!("W_{gate}"))?)?;
        }
        for gate in GATES {
            parameters.insert(&format!("b_{gate}"), &raw.vector(&format!("b_{gate}"))?)?;
        }
        parameters.insert("W_out", &raw.matrix("W_out")?)?;
        parameters.insert("b_out", &raw.vector("b_out")?)?;
        for name in ["init_hidden", "init_cell"] {
            parameters.insert(name, &raw.rows(name, n_rec)?)?;
        }
        hold(&mut parameters, &config.frozen, &config.fixed)?;
        let sizes = Sizes { n_in, n_rec, n_out, dt: cell.dt };
        Ok(Self { config, cell, sizes, constraints, parameters, pool: Pool::default() })
    }
}

impl Network for Lstm {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    fn effective(&self) -> Result<Tensors> {
        self.constraints.effective(&self.parameters.tensors())
    }

    fn move_to(&mut self, device: tch::Device) -> Result<()> {
        self.constraints.move_to(device)?;
        self.parameters.move_to(device)
    }

    fn constants(&self) -> Option<Constants> {
        Some(self.cell.into())
    }

    fn simulator(&self) -> Result<Simulator> {
        Ok(Simulator::new(&self.weights()?, self.cell)?.with_pool(&self.pool))
    }

    fn annotate(&self, weights: &mut Weights) -> Result<()> {
        weights.set_config(&Saved { dynamics: self.cell.into(), lstm: self.config.clone() })
    }

    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let n_rec = self.config.units as i64;
        let all = |prefix: &str, axis: i64| -> Result<Tensor> {
            let gates: Vec<&Tensor> =
                GATES.iter().map(|gate| weights.get(&format!("{prefix}_{gate}"))).collect::<Result<_>>()?;
            Ok(Tensor::f_cat(&gates, axis)?)
        };
        let gates = all("W", 1)?;
        let (w_hidden, w_input) = (gates.f_narrow(0, 0, n_rec)?, gates.f_narrow(0, n_rec, self.sizes.n_in as i64)?);
        let drive = trials.inputs.f_matmul(&w_input)?.f_add(&all("b", 0)?)?;
        let start =
            |name: &str| -> Result<Tensor> { Ok(weights.get(name)?.f_expand([trials.dim().0 as i64, n_rec], false)?) };
        let (mut h, mut c) = (start("init_hidden")?, start("init_cell")?);
        let mut states = Vec::new();
        for drive in drive.f_unbind(1)? {
            let gates = drive.f_addmm(&h, &w_hidden)?.f_chunk(4, 1)?;
            let [forget, input, candidate, output] = &gates[..] else {
                return Err(Error::Torch("the gates of an LSTM did not split in four".into()));
            };
            c = c.f_mul(&forget.f_sigmoid()?)?.f_add(&input.f_sigmoid()?.f_mul(&candidate.f_tanh()?)?)?;
            let cell = match self.cell.output {
                CellOutput::Tanh => c.f_tanh()?,
                CellOutput::Sigmoid => c.f_sigmoid()?,
            };
            h = output.f_sigmoid()?.f_mul(&cell)?;
            states.push(h.shallow_clone());
        }
        let states = Tensor::f_stack(&states, 1)?;
        let sums = states.f_matmul(&weights.get("W_out")?.f_tr()?)?.f_add(weights.get("b_out")?)?;
        Ok(Activity { rates: states.shallow_clone(), states, outputs: read_out(self.cell.readout, &sums)? })
    }

    fn set_weights(&mut self, weights: &Weights) -> Result<()> {
        let raw = self.constraints.invert(&weights.unsqueezed())?;
        self.parameters.replace(&raw)
    }

    fn run(&self, batch: &Batch) -> Result<Session> {
        self.simulator()?.run(batch)
    }
}
