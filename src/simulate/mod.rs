//! Running a network forward, without libtorch, also one that is perturbed.
//!
//! ```no_run
//! use psychrnn::prelude::*;
//! let batch = PerceptualDiscrimination::default().batch(500, Seed(2))?;
//! let simulator = Simulator::load("weights.npz")?;
//! let intact = simulator.run(&batch)?;
//! let lesioned = simulator.clone().silence(0..10, 500.0..800.0).run(&batch)?; // ten units silent for 300 ms
//! println!("{} correct, {} without them", intact.accuracy(), lesioned.accuracy());
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! | to have | write |
//! | --- | --- |
//! | a network from a file, or from weights and constants | [`Simulator::load`], [`Simulator::new`] |
//! | its states, rates, outputs and choices in trials | [`Simulator::run`], which gives a [`Session`] |
//! | trials in which each begins where the one before ended | [`Simulator::run_consecutively`] |
//! | trials that are drawn one by one, by what the network did in those before | [`Simulator::run_session`] |
//! | units silenced, held, stimulated or made noisy, synapses scaled, for a while | [`Simulator::silence`] and its like: a [`Perturbation`] is an [`Effect`] in a [`Window`] |
//! | other recurrent weights in each step | [`Simulator::recurrent_gain`] |
//! | one step at a time, for closed loops | [`Simulator::start`], [`Simulator::step`] |
//! | its linear dynamics about a state | [`Simulator::linearize`] |
//! | some units only, or outputs alone | [`Simulator::record`] |

mod consecutive;
mod exact;
mod perturb;
mod perturbations;
mod recording;
mod session;
mod step;
mod with_subject;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use ndarray::{Array2, Array3, Axis, s};
use serde::{Deserialize, Serialize};

pub use perturb::{Effect, Perturbation, Reference, Units, Window};
pub use recording::Recording;
pub(crate) use recording::numbered;
pub use session::{Session, Signal};
pub use step::{State, Stepped};

use crate::caught::caught_in;
use crate::dynamics::noise::Noise;
use crate::dynamics::parts;
use crate::dynamics::{Constants, Dynamics, Keep, Pool, Rows, Run, Want};
use crate::memory;
use crate::random::Seed;
use crate::setters::setters;
use crate::task::Batch;
use crate::weights::Weights;
use crate::{Error, Result, notebook};
use perturb::apply::{self, Held, Perturbed};

/// What travels with saved weights, so that they can be run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedDynamics {
    pub(crate) dynamics: Constants,
}

/// Runs a network on trials in plain arrays: the same equations and the same numbers as in training, without libtorch.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// let simulator = Simulator::load("weights.npz")?;
/// let session = simulator.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// println!("accuracy {}", session.accuracy());
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Simulator {
    weights: Weights,
    network: Dynamics,
    noise: bool,
    recurrent_gain: Option<Array3<f32>>,
    perturbations: Vec<Perturbation>,
    initial_noise: f32,
    recording: Recording,
    /// Memory of earlier runs, also of those of its clones.
    pool: Pool,
}

impl Simulator {
    /// The network with these effective weights and constants: a [`LeakyUnits`](crate::dynamics::LeakyUnits) for a leaky network, a
    /// [`LstmUnits`](crate::dynamics::LstmUnits) for an LSTM.
    ///
    /// # Errors
    /// If an array is missing, has the wrong shape or holds NaN, or if the constants make no sense.
    pub fn new(weights: &Weights, constants: impl Into<Constants>) -> Result<Self> {
        let constants = constants.into();
        let weights = constants.unsqueezed(weights).into_owned();
        Ok(Self {
            network: Dynamics::new(&weights, constants)?,
            weights,
            noise: true,
            recurrent_gain: None,
            perturbations: Vec::new(),
            initial_noise: 0.0,
            recording: Recording::default(),
            pool: Pool::default(),
        })
    }

    /// The network in a file that this library saved.
    ///
    /// # Errors
    /// If the file cannot be read. If it was written by PsychRNN or by hand, it does not say `dt`, `tau` and the
    /// transfer function: load it with [`Weights::load`] and name them in [`Simulator::new`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let weights = Weights::load(&path)?;
        match weights.config::<SavedDynamics>()? {
            Some(saved) => Self::new(&weights, saved.dynamics),
            None => Err(Error::file(
                path.as_ref(),
                "it does not say `dt`, `tau` and the transfer function: use Simulator::new(&Weights::load(path)?, LeakyUnits::new(dt, tau))",
            )),
        }
    }

    setters! {
        /// Whether recurrent noise is on; by default it is.
        noise: bool;
        /// Multiplies the recurrent weights at each step by `gain` `[n_steps, n_rec, n_rec]` (`[.., post, pre]`): 0 cuts a
        /// connection, 1 leaves it, any other number scales it. In an LSTM it acts on all gates. What units send that are held
        /// at a rate, see [`Effect::Clamp`], is not multiplied. Where the same factor holds for a while,
        /// [`Simulator::scale_recurrent`] is many times as fast.
        recurrent_gain: Array3<f32> => Some(recurrent_gain);
        /// The standard deviation of Gaussian noise on the initial state, drawn for each unit of each trial; by default 0. In
        /// an LSTM it is on the hidden state.
        initial_noise: f32;
    }

    /// What sessions keep of the units; by default states and rates of all. Only what is kept takes memory.
    #[must_use]
    pub fn record(mut self, recording: Recording) -> Self {
        self.recording = recording;
        self
    }

    /// The same simulator with memory that it shares with others.
    #[cfg(feature = "torch")]
    pub(crate) fn with_pool(mut self, pool: &Pool) -> Self {
        self.pool = pool.clone();
        self
    }

    /// The same network in steps of another size, in milliseconds: shorter than in training, to come closer to the
    /// continuous equation. The noise is scaled with it; the task must have the same `dt`. Errors there are of the order of
    /// `dt / tau`.
    ///
    /// # Errors
    /// If `dt` is not a positive number or longer than a time constant, and for an LSTM, which has none.
    pub fn dt(mut self, dt: f32) -> Result<Self> {
        self.network = self.network.in_steps_of(dt)?;
        Ok(self)
    }

    /// The constants of the dynamics.
    #[must_use]
    pub fn constants(&self) -> Constants {
        self.network.constants()
    }

    /// Runs the network on a batch of trials, of any number and length.
    ///
    /// # Errors
    /// If the batch has other channels or another `dt` than the network, if a perturbation names units, channels or times that
    /// are not there, if a setting makes no sense, or if there is not enough memory for what the session is to keep.
    pub fn run(&self, batch: &Batch) -> Result<Session> {
        let units = self.recording.among(self.network.sizes().1)?;
        let Run { states, rates, outputs, .. } = self.activity(batch, &self.recording, &units)?;
        Session::recorded(batch.clone(), states, rates, outputs, units)
    }

    /// Runs the network for its outputs `[n_batch, n_steps, n_out]` alone.
    pub(crate) fn outputs(&self, batch: &Batch) -> Result<Array3<f32>> {
        Ok(self.activity(batch, &Recording::outputs(), &[])?.outputs)
    }

    /// An error if there is not enough memory for so many runs at a time that keep outputs only, with more perturbations.
    pub(crate) fn check_outputs(&self, batch: &Batch, more: &[Perturbation], at_a_time: usize) -> Result<()> {
        self.check_memory(batch, &Recording::outputs(), more, at_a_time)
    }

    fn check_memory(
        &self,
        batch: &Batch,
        recording: &Recording,
        more: &[Perturbation],
        at_a_time: usize,
    ) -> Result<()> {
        let (_, n_rec, n_out) = self.network.sizes();
        let (n_trials, n_steps) = (batch.n_trials(), batch.n_steps());
        let n_units = recording.among(n_rec)?.len();
        let n_kept = n_units * (usize::from(recording.states) + usize::from(recording.rates));
        let cube = |n: usize| memory::floats(&[n_trials, n_steps, n]);
        // A session has a copy of the batch; noise that units share and that of perturbations is drawn for all steps.
        let copied = cube(batch.spec.n_in + 2 * batch.spec.n_out);
        let shared = self.network.constants().units().covariance().is_some();
        let perturbations = self.perturbations.iter().chain(more);
        let noises = usize::from(shared && self.noise) + perturbations.filter(|one| one.is_noise()).count();
        let gain = if self.recurrent_gain.is_some() { memory::floats(&[n_steps, n_rec, n_rec]) } else { 0 };
        let at_work = self.network.bytes_at_work(Keep::Nothing, n_trials, n_steps);
        // Trials in another order, and what they gave in theirs.
        let in_order = match self.perturbations.iter().chain(more).any(|one| one.window.is_relative()) {
            true => copied.saturating_add(cube(n_out + n_kept)),
            false => 0,
        };
        let needed = [cube(n_out), cube(n_kept), copied, in_order, cube(noises.saturating_mul(n_rec)), gain, at_work];
        let needed = needed.into_iter().fold(0, u64::saturating_add);
        let advice = match n_kept {
            0 => "run fewer trials at a time, or take a longer `dt`",
            _ => {
                "record fewer units, `record(Recording::rates(0..10))`, or none, `record(Recording::outputs())`; or run fewer trials at a \
                 time"
            }
        };
        let what = format!("running {n_trials} trials of {n_steps} steps, with {n_units} of {n_rec} units recorded,");
        memory::check(what, needed.saturating_mul(at_a_time as u64), advice)
    }

    /// What the network does on a batch, of the units that are recorded.
    fn activity(&self, batch: &Batch, recording: &Recording, units: &[usize]) -> Result<Run> {
        let (n_in, _, n_out) = self.network.sizes();
        batch.check()?;
        check_fit(&batch.spec, n_in, n_out, self.constants().dt(), Some(&self.constants()))?;
        self.check_memory(batch, recording, &[], 1)?;
        let [states, rates] = recording.rows(units);
        let want = Want { states, rates, keep: Keep::Nothing, ends: false };
        let network = self.started(batch.seed, &batch.numbers)?;
        caught_in("the transfer function", || self.ran(&network, batch, 0, &want, units))
    }

    /// What this network, with its initial states, does on a batch that fits it, whose first step is the step `first` of its trials.
    fn ran(&self, network: &Dynamics, batch: &Batch, first: usize, want: &Want, units: &[usize]) -> Result<Run> {
        if self.perturbations.is_empty() {
            let (noise, gain) = (self.noise_of(batch, first), self.recurrent_gain.as_ref().map(|gain| gain.view()));
            return network.run_with(&self.pool, batch.inputs.view(), noise, gain, want);
        }
        let windows = apply::windows(&self.perturbations, batch)?;
        let order = apply::ordered(&self.perturbations, &windows, batch.n_trials());
        if order.is_sorted() {
            return self.perturbed(network, batch, first, &windows, want, units);
        }
        let windows: Vec<Vec<_>> =
            windows.iter().map(|steps| order.iter().map(|&trial| steps[trial].clone()).collect()).collect();
        let mut network = network.clone();
        for initial in network.initial_mut().iter_mut().filter(|initial| initial.nrows() == order.len()) {
            *initial = initial.select(Axis(0), &order);
        }
        let run = self.perturbed(&network, &batch.rows(&order), first, &windows, want, units)?;
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &trial)| places[trial] = place);
        Ok(run.selected(&places))
    }

    /// What the perturbed network does. `windows` has the steps of each perturbation in each trial.
    fn perturbed(
        &self,
        network: &Dynamics,
        batch: &Batch,
        first: usize,
        windows: &[Vec<Range<i64>>],
        want: &Want,
        units: &[usize],
    ) -> Result<Run> {
        let perturbed = Perturbed::new(&self.perturbations, windows, &self.weights, network, batch, first)?;
        let (inputs, noise) = (perturbed.inputs.view(), self.noise_of(batch, first));
        let gain = self.recurrent_gain.as_ref().map(|gain| gain.view());
        let mut run = parts::run(&self.pool, &perturbed.parts, inputs, noise, gain, want)?;
        if want.rates != Rows::None {
            for Held { units: held, rate, steps } in &perturbed.held {
                for place in held.iter().filter_map(|unit| units.binary_search(unit).ok()) {
                    for (mut rates, steps) in run.rates.outer_iter_mut().zip(steps) {
                        rates.slice_mut(s![steps.clone(), place]).fill(*rate);
                    }
                }
            }
        }
        Ok(run)
    }

    /// The recurrent noise of these trials from a step on.
    fn noise_of(&self, batch: &Batch, first: usize) -> Noise {
        match self.noise {
            true => self.constants().noise_of(batch.seed, &batch.numbers, first),
            false => Noise::Off,
        }
    }
}

/// What comes before the first step.
impl Simulator {
    /// The network with the initial states of these trials.
    fn started(&self, seed: Seed, numbers: &[u64]) -> Result<Cow<'_, Dynamics>> {
        let sd = self.initial_noise;
        if !(sd >= 0.0 && sd.is_finite()) {
            return Err(Error::argument("initial_noise", "0 or a positive number", sd));
        }
        if sd == 0.0 {
            return Ok(Cow::Borrowed(&self.network));
        }
        let mut network = self.network.clone();
        let [initial, ..] = network.initial_mut() else { return Ok(Cow::Owned(network)) };
        let seed = seed.child("initial noise");
        // Each row has the stream of its trial, so that the noise does not depend on the batch that the trial is in.
        let mut noise = Array2::zeros((numbers.len(), initial.ncols()));
        for (mut row, &number) in noise.outer_iter_mut().zip(numbers) {
            let mut rng = seed.stream(number);
            row.mapv_inplace(|_: f32| rng.normal(0.0, sd));
        }
        *initial = noise + &*initial;
        Ok(Cow::Owned(network))
    }
}

/// An error if a task and a network do not fit each other, and a warning if the task has another time constant than the network.
pub(crate) fn check_fit(
    spec: &crate::task::TaskSpec,
    n_in: usize,
    n_out: usize,
    dt: f32,
    constants: Option<&Constants>,
) -> Result<()> {
    let fits = |name: &str, task: f32, network: f32| {
        if task == network {
            return Ok(());
        }
        Err(Error::argument(format!("{name} of the task"), format!("{network}, as in the network"), task))
    };
    fits("n_in", spec.n_in as f32, n_in as f32)?;
    fits("n_out", spec.n_out as f32, n_out as f32)?;
    fits("dt", spec.dt, dt)?;
    // Units that differ have not theirs from a task.
    if let Some(tau) = constants.and_then(|constants| constants.units().tau())
        && tau != spec.tau
    {
        let task = spec.tau;
        notebook::warn(&format!(
            "the task has a `tau` of {task} ms and the network one of {tau} ms, which it keeps: give the task the same, or the network \
             `.tau(&[{task:?}])` where it is built"
        ));
    }
    Ok(())
}
