//! Long short-term memory, trainable.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array1, Array2, ArrayD};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::dynamics::{CellOutput, Constants, LstmUnits, Readout};
use crate::network::constraints::{Connections, Given};
use crate::network::initialize::entries;
use crate::network::recurrent::{Config, shared};
use crate::network::tensors::read_out;
use crate::network::{Activity, Constraints, Draw, Recurrent, Tensors, Trials};
use crate::random::Seed;
use crate::task::TaskSpec;
use crate::weights::Weights;
use crate::{Error, Result};

/// The gates, in the order of their sums: forget, input, candidate, output.
const GATES: [&str; 4] = ["f", "i", "c", "o"];

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
    #[serde(alias = "frozen")]
    pub freeze: BTreeSet<String>,
    /// Entries of parameters that training leaves as they are: 1 for these, 0 for the others.
    #[serde(alias = "fixed")]
    pub freeze_entries: BTreeMap<String, ArrayD<f32>>,
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
            freeze: BTreeSet::new(),
            freeze_entries: BTreeMap::new(),
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
}

shared!(LstmConfig, "h");

/// The LSTM network, with the equations of [`LstmUnits`](crate::dynamics::LstmUnits).
///
/// It is made by [`new`](Recurrent::new) and [`from_spec`](Recurrent::from_spec) with fresh weights, by
/// [`with_weights`](Recurrent::with_weights) and [`load`](Recurrent::load) with those that there are; what can be done with it are the
/// methods of [`Network`](crate::network::Network).
///
/// Initial weights: gates Gaussian with standard deviation 0.1, `W_out` Glorot-Gaussian, the initial states Gaussian with
/// standard deviation 0.1. The biases of the forget gates are 1 and all others 0; with
/// [`CellOutput::Sigmoid`] the biases of all gates are 1, as in PsychRNN.
///
/// PsychRNN gives each trial of the batch a trainable initial state of its own, so that only batches of that size can be
/// run. Here there is one for the network, unless the weights given to [`Lstm::with_weights`] have more.
pub type Lstm = Recurrent<LstmConfig>;

/// An [`Lstm`] has no other constants.
fn lstm(constants: &Constants) -> Result<&LstmUnits> {
    match constants {
        Constants::Lstm(units) => Ok(units),
        other => Err(Error::argument("constants", "those of an LSTM", format!("{other:?}"))),
    }
}

impl Config for LstmConfig {
    const NAME: &'static str = "Lstm";
    const KEY: &'static str = "lstm";
    shared!(of LstmConfig);

    fn constants(&self, spec: &TaskSpec) -> Constants {
        LstmUnits { dt: spec.dt, output: self.output, readout: self.readout }.into()
    }

    fn is_of(constants: &Constants) -> bool {
        lstm(constants).is_ok()
    }

    fn draw(&self, connections: &Connections) -> Result<Weights> {
        let (n_rec, n_in) = connections.input.dim();
        let seed = self.seed.child("initial weights");
        let stream = |name: &str| seed.child(name).stream(0);
        let gaussian = |rows: usize, name: &str| {
            let mut rng = stream(name);
            Array2::from_shape_simple_fn((rows, n_rec), || rng.normal(0.0, 0.1))
        };
        let mut raw = Weights::new();
        for gate in GATES {
            let name = format!("W_{gate}");
            raw.insert(&name, gaussian(n_rec + n_in, &name));
            let one = gate == "f" || self.output == CellOutput::Sigmoid;
            raw.insert(&format!("b_{gate}"), Array1::from_elem(n_rec, f32::from(u8::from(one))));
        }
        raw.insert("W_out", entries("W_out", Draw::GlorotGaussian, &connections.output, &mut stream("W_out"))?);
        raw.insert("b_out", Array1::<f32>::zeros(connections.output.nrows()));
        raw.insert("init_hidden", gaussian(1, "init_hidden"));
        raw.insert("init_cell", gaussian(1, "init_cell"));
        Ok(raw)
    }

    fn fill(&mut self, _: &TaskSpec, weights: &mut Weights, saved: Option<(&Constants, &Self)>) -> Result<()> {
        // PsychRNN's files alone say whether Dale's principle holds, and their cells give sigmoid(c).
        let trained = match saved {
            Some((constants, _)) => Some(lstm(constants)?.output),
            None => weights.dale_ratio().map(|_| CellOutput::Sigmoid),
        };
        if let Some(trained) = trained {
            self.given.clone().fill("output", &mut self.output, trained);
            if self.output != trained {
                let expected = format!("{trained:?}, with which the weights were trained");
                return Err(Error::argument("output", expected, format!("{:?}", self.output)));
            }
        }
        Ok(())
    }

    fn forward(network: &Lstm, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let units = lstm(&network.constants)?;
        let n_rec = network.config.units as i64;
        let all = |prefix: &str, axis: i64| -> Result<Tensor> {
            let gates: Vec<&Tensor> =
                GATES.iter().map(|gate| weights.get(&format!("{prefix}_{gate}"))).collect::<Result<_>>()?;
            Ok(Tensor::f_cat(&gates, axis)?)
        };
        let gates = all("W", 1)?;
        let (w_hidden, w_input) = (gates.f_narrow(0, 0, n_rec)?, gates.f_narrow(0, n_rec, network.sizes.n_in as i64)?);
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
            let cell = match units.output {
                CellOutput::Tanh => c.f_tanh()?,
                CellOutput::Sigmoid => c.f_sigmoid()?,
            };
            h = output.f_sigmoid()?.f_mul(&cell)?;
            states.push(h.shallow_clone());
        }
        let states = Tensor::f_stack(&states, 1)?;
        let sums = states.f_matmul(&weights.get("W_out")?.f_tr()?)?.f_add(weights.get("b_out")?)?;
        Ok(Activity { rates: states.shallow_clone(), states, outputs: read_out(units.readout, &sums)? })
    }
}
