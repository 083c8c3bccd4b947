//! What is done to a network while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

use indexmap::IndexMap;
use ndarray::{Array2, Array3, Axis, concatenate, s};
use serde::{Deserialize, Serialize};

use super::Simulator;
use crate::dynamics::parts::Parts;
use crate::dynamics::{Constants, Dynamics, GATES, standard_normal};
use crate::number::decimal;
use crate::task::time::check_window;
use crate::task::{Batch, Epochs};
use crate::weights::Weights;
use crate::{Error, Result};

/// Some units, or some channels, counted from 0: a number, a range, a list, or `..` for all.
///
/// ```
/// use psychrnn::simulate::Units;
/// assert_eq!(Units::from(0..3), Units::from([0, 1, 2]));
/// assert_ne!(Units::from(..), Units::from(0));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// All that there are.
    All,
    /// Those from a number on and below another.
    Range(Range<usize>),
    /// Those with these numbers.
    These(Vec<usize>),
}

/// A range is the same as the list of its numbers.
impl PartialEq for Units {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) => true,
            (Self::Range(a), Self::Range(b)) => a == b || (a.is_empty() && b.is_empty()),
            (Self::These(a), Self::These(b)) => a == b,
            (Self::Range(range), Self::These(list)) | (Self::These(list), Self::Range(range)) => {
                list.len() == range.len() && list.iter().copied().eq(range.clone())
            }
            _ => false,
        }
    }
}

impl Eq for Units {}

impl Units {
    /// Their numbers among `n`; an error that names them if one is not among them.
    pub(super) fn among(&self, n: usize, name: &str) -> Result<Vec<usize>> {
        match self {
            Self::All => Ok((0..n).collect()),
            Self::Range(units) if units.is_empty() => Err(Error::argument(name, "at least one", "none")),
            Self::Range(units) if units.end > n => {
                let expected = format!("below {n}, as many as there are");
                Err(Error::argument(name, expected, format!("{} to {}", units.start, units.end - 1)))
            }
            Self::Range(units) => Ok(units.clone().collect()),
            Self::These(units) if units.is_empty() => Err(Error::argument(name, "at least one", "none")),
            Self::These(units) => match units.iter().find(|&&unit| unit >= n) {
                Some(unit) => Err(Error::argument(name, format!("below {n}, as many as there are"), unit)),
                None => Ok(units.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()),
            },
        }
    }
}

impl From<usize> for Units {
    fn from(unit: usize) -> Self {
        Self::These(vec![unit])
    }
}

impl From<Range<usize>> for Units {
    fn from(units: Range<usize>) -> Self {
        // Not as a list: a range may be longer than memory.
        Self::Range(units)
    }
}

impl From<RangeFull> for Units {
    fn from(_: RangeFull) -> Self {
        Self::All
    }
}

impl From<Vec<usize>> for Units {
    fn from(units: Vec<usize>) -> Self {
        Self::These(units)
    }
}

impl From<&[usize]> for Units {
    fn from(units: &[usize]) -> Self {
        Self::These(units.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Units {
    fn from(units: [usize; N]) -> Self {
        Self::These(units.to_vec())
    }
}

/// A stretch of time in each trial, in milliseconds from its start, the end excluded: `500.0..800.0`, `500.0..`, or `..` for
/// the whole trial. [`Window::during`] and [`Window::after`] make one that goes by an epoch of each trial.
///
/// ```
/// use psychrnn::simulate::Window;
/// let windows = [Window::during("stimulus"), Window::after("stimulus", 0.0..200.0), Window::after("go", -100.0..)];
/// assert_eq!(windows[1].to_string(), "0..200 ms after the start of \"stimulus\"");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Where it starts; `None` for the start of the trial.
    pub start: Option<f64>,
    /// Where it ends; `None` for the end of the trial.
    pub end: Option<f64>,
    /// From when its times are counted.
    #[serde(default, skip_serializing_if = "Reference::is_trial")]
    pub reference: Reference,
}

/// From when the times of a [`Window`] are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// From the start of the trial.
    #[default]
    Trial,
    /// From the start of an epoch of each trial. In trials without it the window is empty.
    After(String),
    /// Likewise, and the window is only as long as the epoch.
    During(String),
}

impl Reference {
    fn is_trial(&self) -> bool {
        *self == Self::Trial
    }
}

impl From<(Option<f64>, Option<f64>)> for Window {
    fn from((start, end): (Option<f64>, Option<f64>)) -> Self {
        Self { start, end, reference: Reference::Trial }
    }
}

impl From<RangeFull> for Window {
    fn from(_: RangeFull) -> Self {
        (None, None).into()
    }
}

impl From<Range<f64>> for Window {
    fn from(window: Range<f64>) -> Self {
        (Some(window.start), Some(window.end)).into()
    }
}

impl From<RangeFrom<f64>> for Window {
    fn from(window: RangeFrom<f64>) -> Self {
        (Some(window.start), None).into()
    }
}

impl From<RangeTo<f64>> for Window {
    fn from(window: RangeTo<f64>) -> Self {
        (None, Some(window.end)).into()
    }
}

/// As it is written.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: Option<f64>| time.map_or(String::new(), |time| time.to_string());
        let times = format!("{}..{}", time(self.start), time(self.end));
        match &self.reference {
            Reference::Trial => write!(f, "{times} ms"),
            Reference::After(epoch) => write!(f, "{times} ms after the start of \"{epoch}\""),
            Reference::During(epoch) if times == ".." => write!(f, "during \"{epoch}\""),
            Reference::During(epoch) => write!(f, "during \"{epoch}\", {times} ms after its start"),
        }
    }
}

impl From<Range<i32>> for Window {
    fn from(window: Range<i32>) -> Self {
        Self::from(f64::from(window.start)..f64::from(window.end))
    }
}

impl From<RangeFrom<i32>> for Window {
    fn from(window: RangeFrom<i32>) -> Self {
        Self::from(f64::from(window.start)..)
    }
}

impl From<RangeTo<i32>> for Window {
    fn from(window: RangeTo<i32>) -> Self {
        Self::from(..f64::from(window.end))
    }
}

impl Window {
    /// As long as an epoch lasts, in each trial that has it: `silence(0..10, Window::during("stimulus"))`.
    #[must_use]
    pub fn during(epoch: &str) -> Self {
        Self { reference: Reference::During(epoch.to_owned()), ..(..).into() }
    }

    /// Times in milliseconds from the start of an epoch of each trial that has it, negative ones before it: `after("stimulus",
    /// 0.0..200.0)`, or `after("stimulus", 100.0..)` until the trial ends.
    #[must_use]
    pub fn after(epoch: &str, times: impl Into<Self>) -> Self {
        let times = times.into();
        // Times that go by an epoch themselves are no times after this one.
        let start = if times.reference.is_trial() { times.start } else { Some(f64::NAN) };
        Self { start, end: times.end, reference: Reference::After(epoch.to_owned()) }
    }

    /// Whether it goes by an epoch, which may start at another time in each trial.
    pub(super) fn is_relative(&self) -> bool {
        !self.reference.is_trial()
    }

    /// The steps of each trial whose times lie within, where step -1 is the state before the first; of none in a trial without the
    /// epoch.
    ///
    /// # Errors
    /// If no trial has the epoch, or a step within.
    fn steps(&self, batch: &Batch) -> Result<Vec<Range<i64>>> {
        let (clock, n_steps) = (batch.clock(), batch.n_steps() as i64);
        let from = if matches!(self.reference, Reference::After(_)) { self.start } else { self.start.or(Some(0.0)) };
        if let (Some(start), Some(end)) = (from, self.end) {
            check_window("window", start, end, batch.spec.dt)?;
        }
        // From when times are counted, and when the window ends at the latest.
        let trials: Vec<Option<(f64, Option<f64>)>> = match &self.reference {
            Reference::Trial => vec![Some((0.0, None)); batch.n_trials()],
            Reference::After(epoch) => batch.starts(epoch)?.into_iter().map(|start| Some((start?, None))).collect(),
            Reference::During(epoch) => {
                batch.starts(epoch)?;
                let times = |epochs: &Epochs| {
                    let epoch = epochs.get(epoch)?;
                    Some((decimal(epoch.start), Some(decimal(epoch.end))))
                };
                batch.epochs.iter().map(times).collect()
            }
        };
        let of_trial = |from: Option<(f64, Option<f64>)>| {
            let Some((zero, latest)) = from else { return 0..0 };
            let (start, end) = (self.start.map(|start| zero + start), self.end.map(|end| zero + end));
            let start = match latest {
                Some(_) => Some(start.map_or(zero, |start| start.max(zero))),
                None => start,
            };
            let end = end.into_iter().chain(latest).reduce(f64::min);
            let first = start.map_or(-1, |start| if start <= 0.0 { -1 } else { clock.step(start) });
            let end = end.map_or(n_steps, |end| clock.step(end)).min(n_steps);
            // What is there before the first step only is not there at all.
            if first.max(0) < end { first..end } else { 0..0 }
        };
        let nan = [self.start, self.end].iter().flatten().any(|time| time.is_nan());
        let steps: Vec<Range<i64>> = trials.into_iter().map(of_trial).collect();
        if nan || steps.iter().all(|steps| steps.is_empty()) {
            let (dt, longest) = (batch.spec.dt, clock.time(n_steps));
            let expected = format!("a stretch with a step of {dt} ms, within the {longest} ms of the longest trial");
            return Err(Error::argument("window", expected, self));
        }
        Ok(steps)
    }
}

/// What a perturbation does, in the notation of [`LeakyRnn`](crate::dynamics::LeakyRnn) and
/// [`LstmRnn`](crate::dynamics::LstmRnn).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The rates of units are held: `r_j[t] = rate` at the times within the window, whatever the state `x_j` does, which goes
    /// on by its own equation. So the outputs at these times and the units one step later get `rate`, and the session's
    /// rates have it. A window that starts with the trial includes the rate before the first step. In an LSTM what is held
    /// is what `h_j` sends; the session's states and the cell `c_j` go on. A rate of 0 silences.
    Clamp {
        /// The units.
        units: Units,
        /// Their rate.
        rate: f32,
    },
    /// A current is added to what drives units: `b_rec + current` in place of `b_rec` in the steps within the window. In an
    /// LSTM it is added to the candidate, `tanh(v W_c + b_c + current)`.
    Stimulate {
        /// The units.
        units: Units,
        /// The current, in units of the state.
        current: f32,
    },
    /// Gaussian noise is added to units in the steps within the window, besides the network's own: `√(2α) sd n[t]` to `x`,
    /// with `n` independent for units, steps and trials. In an LSTM `sd n[t]` is added to the candidate before its `tanh`.
    Noise {
        /// The units.
        units: Units,
        /// The standard deviation `σ` of the noise.
        sd: f32,
    },
    /// The synapses from some units to others are multiplied by a factor in the steps within the window: `W_rec[to, from]`, or
    /// those weights of all gates of an LSTM. A factor of 0 cuts them.
    Recurrent {
        /// The sending units.
        from: Units,
        /// The receiving units.
        to: Units,
        /// The factor.
        factor: f32,
    },
    /// As [`Effect::Recurrent`], for the synapses from input channels to units: `W_in[to, channels]`.
    Input {
        /// The input channels.
        channels: Units,
        /// The receiving units.
        to: Units,
        /// The factor.
        factor: f32,
    },
    /// As [`Effect::Recurrent`], for the synapses from units to output channels: `W_out[channels, from]`.
    Output {
        /// The sending units.
        from: Units,
        /// The output channels.
        channels: Units,
        /// The factor.
        factor: f32,
    },
}

/// An effect on a network, and when it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perturbation {
    /// What happens.
    pub effect: Effect,
    /// When.
    pub window: Window,
}

impl Perturbation {
    pub(crate) fn is_noise(&self) -> bool {
        matches!(self.effect, Effect::Noise { .. })
    }

    /// Whether it is in the weights, and not in what is added to the inputs.
    fn is_in_weights(&self) -> bool {
        !matches!(self.effect, Effect::Noise { .. } | Effect::Stimulate { .. })
    }

    /// An effect within a window.
    #[must_use]
    pub fn new(effect: Effect, window: impl Into<Window>) -> Self {
        Self { effect, window: window.into() }
    }
}

/// Perturbations. Several can be given; they act together. Factors on the same synapse multiply, currents and noise add up,
/// and of several rates at which a unit is held the last one given counts. What they name is checked when the network runs.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// # let batch = PerceptualDiscrimination::default().batch(500, Seed(2))?;
/// let simulator = Simulator::load("weights.npz")?;
/// simulator.clone().silence(0..10, 500.0..800.0).run(&batch)?;                // units 0 to 9 for 300 ms
/// simulator.clone().scale_recurrent(40..50, .., 0.5, ..).run(&batch)?;        // half the inhibition, in all trials
/// simulator.clone().stimulate([3, 7], 0.2, 500.0..).add_noise(.., 0.1, ..).run(&batch)?;
/// simulator.silence(0..10, Window::after("stimulus", 0.0..200.0)).run(&batch)?; // whenever it starts in a trial
/// # Ok::<(), psychrnn::Error>(())
/// ```
impl Simulator {
    /// Adds a perturbation.
    #[must_use]
    pub fn perturb(mut self, perturbation: Perturbation) -> Self {
        self.perturbations.push(perturbation);
        self
    }

    /// Holds the rates of units at 0, see [`Effect::Clamp`].
    #[must_use]
    pub fn silence(self, units: impl Into<Units>, window: impl Into<Window>) -> Self {
        self.clamp(units, 0.0, window)
    }

    /// Holds the rates of units at a value, see [`Effect::Clamp`].
    #[must_use]
    pub fn clamp(self, units: impl Into<Units>, rate: f32, window: impl Into<Window>) -> Self {
        self.perturb(Perturbation::new(Effect::Clamp { units: units.into(), rate }, window))
    }

    /// Adds a current to what drives units, see [`Effect::Stimulate`].
    #[must_use]
    pub fn stimulate(self, units: impl Into<Units>, current: f32, window: impl Into<Window>) -> Self {
        self.perturb(Perturbation::new(Effect::Stimulate { units: units.into(), current }, window))
    }

    /// Adds noise to units, see [`Effect::Noise`].
    #[must_use]
    pub fn add_noise(self, units: impl Into<Units>, sd: f32, window: impl Into<Window>) -> Self {
        self.perturb(Perturbation::new(Effect::Noise { units: units.into(), sd }, window))
    }

    /// Multiplies the synapses from some units to others by a factor, see [`Effect::Recurrent`].
    #[must_use]
    pub fn scale_recurrent(
        self,
        from: impl Into<Units>,
        to: impl Into<Units>,
        factor: f32,
        window: impl Into<Window>,
    ) -> Self {
        self.perturb(Perturbation::new(Effect::Recurrent { from: from.into(), to: to.into(), factor }, window))
    }

    /// Multiplies the synapses from input channels to units by a factor, see [`Effect::Input`].
    #[must_use]
    pub fn scale_input(
        self,
        channels: impl Into<Units>,
        to: impl Into<Units>,
        factor: f32,
        window: impl Into<Window>,
    ) -> Self {
        self.perturb(Perturbation::new(Effect::Input { channels: channels.into(), to: to.into(), factor }, window))
    }

    /// Multiplies the synapses from units to output channels by a factor, see [`Effect::Output`].
    #[must_use]
    pub fn scale_output(
        self,
        from: impl Into<Units>,
        channels: impl Into<Units>,
        factor: f32,
        window: impl Into<Window>,
    ) -> Self {
        self.perturb(Perturbation::new(Effect::Output { from: from.into(), channels: channels.into(), factor }, window))
    }
}

/// The steps of each perturbation in each trial of a batch.
pub(super) fn windows(perturbations: &[Perturbation], batch: &Batch) -> Result<Vec<Vec<Range<i64>>>> {
    perturbations.iter().map(|one| one.window.steps(batch)).collect()
}

/// The trials in an order in which neighbors have the same weights at the same time, as nearly as may be.
pub(super) fn ordered(perturbations: &[Perturbation], windows: &[Vec<Range<i64>>], n_trials: usize) -> Vec<usize> {
    let in_weights: Vec<_> = perturbations.iter().zip(windows).filter(|(one, _)| one.is_in_weights()).collect();
    let times = |trial: usize| in_weights.iter().map(move |(_, steps)| (steps[trial].start, steps[trial].end));
    let mut order: Vec<usize> = (0..n_trials).collect();
    order.sort_by(|&a, &b| times(a).cmp(times(b)));
    order
}

/// A network and its perturbations, made ready for a batch.
pub(super) struct Perturbed {
    /// Where an effect is there the perturbed network is a network with other weights.
    pub(super) parts: Parts,
    /// The inputs, and after them a channel for each unit that gets a current: `[n_batch, n_steps, n_in + n_currents]`.
    pub(super) inputs: Array3<f32>,
    pub(super) held: Vec<Held>,
}

/// Units that are held at a rate.
pub(super) struct Held {
    pub(super) units: Vec<usize>,
    pub(super) rate: f32,
    /// In each trial.
    pub(super) steps: Vec<Range<usize>>,
}

/// Whether an effect is there in a step, and whether it was there before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct There {
    now: bool,
    before: bool,
}

/// An effect with its numbers checked, and its steps.
struct Checked<'a> {
    effect: &'a Effect,
    units: Vec<usize>,
    /// What is at the other end of a synapse.
    others: Vec<usize>,
    /// In each trial.
    steps: &'a [Range<i64>],
}

impl<'a> Checked<'a> {
    fn new(
        perturbation: &'a Perturbation,
        steps: &'a [Range<i64>],
        (n_in, n_rec, n_out): (usize, usize, usize),
    ) -> Result<Self> {
        let effect = &perturbation.effect;
        let (name, value) = match effect {
            Effect::Clamp { rate, .. } => ("rate", *rate),
            Effect::Stimulate { current, .. } => ("current", *current),
            Effect::Noise { sd, .. } => ("sd", *sd),
            Effect::Recurrent { factor, .. } | Effect::Input { factor, .. } | Effect::Output { factor, .. } => {
                ("factor", *factor)
            }
        };
        if !value.is_finite() || (name == "sd" && value < 0.0) {
            let expected = if name == "sd" { "0 or a positive number" } else { "a finite number" };
            return Err(Error::argument(name, expected, value));
        }
        let (units, others) = match effect {
            Effect::Clamp { units, .. } | Effect::Stimulate { units, .. } | Effect::Noise { units, .. } => {
                (units.among(n_rec, "units")?, Vec::new())
            }
            Effect::Recurrent { from, to, .. } => (from.among(n_rec, "from")?, to.among(n_rec, "to")?),
            Effect::Input { channels, to, .. } => (channels.among(n_in, "channels")?, to.among(n_rec, "to")?),
            Effect::Output { from, channels, .. } => (from.among(n_rec, "from")?, channels.among(n_out, "channels")?),
        };
        Ok(Self { effect, units, others, steps })
    }
}

impl Checked<'_> {
    /// The steps in which it is there in a trial; step -1, which is before the first, left out.
    fn steps_of(&self, trial: usize) -> Range<usize> {
        let steps = &self.steps[trial];
        steps.start.max(0) as usize..steps.end as usize
    }
}

impl Perturbed {
    /// `windows` has the steps of each perturbation in each trial.
    pub(super) fn new(
        perturbations: &[Perturbation],
        windows: &[Vec<Range<i64>>],
        weights: &Weights,
        network: &Dynamics,
        batch: &Batch,
    ) -> Result<Self> {
        let checked: Vec<Checked<'_>> = perturbations
            .iter()
            .zip(windows)
            .map(|(perturbation, steps)| Checked::new(perturbation, steps, network.sizes()))
            .collect::<Result<_>>()?;
        let constants = network.constants();
        let (units, currents) = currents(&checked, &constants, network.sizes().1, batch)?;
        let wired = wired(weights, &constants, &units)?;
        let inputs = match units.is_empty() {
            true => batch.inputs.clone(),
            false => concatenate![Axis(2), batch.inputs, currents].as_standard_layout().into_owned(),
        };
        let (different, makes) = which(&checked, batch.n_trials(), batch.n_steps());
        let changed = |there: &Vec<There>| {
            let mut weights = wired.clone();
            scale(&mut weights, &constants, &checked, there)?;
            hold(&mut weights, &constants, &checked, there)?;
            Dynamics::new(&weights, constants.clone())
        };
        let mut networks = different.iter().map(changed).collect::<Result<Vec<_>>>()?;
        if let Some(first) = networks.first_mut() {
            first.initial_mut().clone_from(network.initial());
        }
        let held = |one: &Checked<'_>| match one.effect {
            Effect::Clamp { rate, .. } => {
                let steps = (0..batch.n_trials()).map(|trial| one.steps_of(trial)).collect();
                Some(Held { units: one.units.clone(), rate: *rate, steps })
            }
            _ => None,
        };
        let held = checked.iter().filter_map(held).collect();
        Ok(Self { parts: Parts { networks, makes }, inputs, held })
    }
}

/// What there is of the effects in the weights, all that differ, and which of these there is in each step of each trial `[n_batch, n_steps]`.
fn which(checked: &[Checked<'_>], n_trials: usize, n_steps: usize) -> (Vec<Vec<There>>, Array2<u32>) {
    let mut different: IndexMap<Vec<There>, u32> = IndexMap::new();
    let mut makes = Array2::zeros((n_trials, n_steps));
    for trial in 0..n_trials {
        // Only where something begins or ends there is something else than before it, or a step later.
        let steps = checked.iter().map(|one| &one.steps[trial]);
        let mut changes: Vec<i64> =
            steps.flat_map(|steps| [steps.start, steps.end]).flat_map(|at| [at, at + 1]).collect();
        changes.extend([0, n_steps as i64]);
        changes.retain(|at| (0..=n_steps as i64).contains(at));
        changes.sort_unstable();
        changes.dedup();
        for stretch in changes.windows(2) {
            let there = checked.iter().map(|one| {
                let is_there = |step: i64| one.steps[trial].contains(&step);
                match one.effect {
                    Effect::Stimulate { .. } | Effect::Noise { .. } => There { now: false, before: false },
                    // What a unit sent arrives a step later.
                    Effect::Clamp { .. } => There { now: is_there(stretch[0]), before: is_there(stretch[0] - 1) },
                    _ => There { now: is_there(stretch[0]), before: false },
                }
            });
            let there = there.collect();
            let next = different.len() as u32;
            let network = *different.entry(there).or_insert(next);
            makes.slice_mut(s![trial, stretch[0] as usize..stretch[1] as usize]).fill(network);
        }
    }
    (different.into_keys().collect(), makes)
}

/// The units that get a current, and their currents `[n_batch, n_steps, n_units]`.
fn currents(
    checked: &[Checked<'_>],
    constants: &Constants,
    n_rec: usize,
    batch: &Batch,
) -> Result<(Vec<usize>, Array3<f32>)> {
    let driven = |one: &&Checked<'_>| matches!(one.effect, Effect::Stimulate { .. } | Effect::Noise { .. });
    let mut units: Vec<usize> = checked.iter().filter(driven).flat_map(|one| one.units.clone()).collect();
    units.sort_unstable();
    units.dedup();
    let mut currents = Array3::zeros((batch.n_trials(), batch.n_steps(), units.len()));
    for (number, one) in checked.iter().enumerate() {
        let places = units.iter().enumerate().filter(|(_, unit)| one.units.contains(unit));
        let trials = || (0..batch.n_trials()).map(|trial| (trial, one.steps_of(trial)));
        match one.effect {
            Effect::Stimulate { current, .. } => {
                for ((place, _), (trial, steps)) in places.flat_map(|place| trials().map(move |trial| (place, trial))) {
                    currents.slice_mut(s![trial, steps, place]).map_inplace(|to| *to += current);
                }
            }
            Effect::Noise { sd, .. } => {
                let seed = batch.seed.child(&format!("perturbation {number}"));
                let noise = standard_normal(seed, &batch.numbers, batch.n_steps(), n_rec);
                let alpha = match constants {
                    Constants::Leaky(leak) => Some(leak.alpha(n_rec)?),
                    Constants::Lstm(_) => None,
                };
                for (place, &unit) in places {
                    // A step multiplies what drives a leaky unit by α.
                    let sd = alpha.as_ref().map_or(*sd, |alpha| (2.0 / alpha[unit]).sqrt() * sd);
                    for (trial, steps) in trials() {
                        let noise = noise.slice(s![trial, steps.clone(), unit]);
                        currents.slice_mut(s![trial, steps, place]).scaled_add(sd, &noise);
                    }
                }
            }
            _ => {}
        }
    }
    Ok((units, currents))
}

/// The weights with an input channel more, of weight 1, for each of these units.
fn wired(weights: &Weights, constants: &Constants, units: &[usize]) -> Result<Weights> {
    let mut wired = weights.clone();
    match constants {
        Constants::Leaky(_) => {
            let w_in = weights.matrix("W_in")?;
            let more =
                Array2::from_shape_fn((w_in.nrows(), units.len()), |(unit, i)| f32::from(u8::from(unit == units[i])));
            wired.insert("W_in", concatenate![Axis(1), w_in, more]);
        }
        Constants::Lstm(_) => {
            for gate in GATES {
                let name = format!("W_{gate}");
                let w = weights.matrix(&name)?;
                let driven = |unit, i: usize| gate == "c" && unit == units[i];
                let more =
                    Array2::from_shape_fn((units.len(), w.ncols()), |(i, unit)| f32::from(u8::from(driven(unit, i))));
                wired.insert(&name, concatenate![Axis(0), w, more]);
            }
        }
    }
    Ok(wired)
}

/// Multiplies the synapses by the factors that are there.
fn scale(weights: &mut Weights, constants: &Constants, checked: &[Checked<'_>], there: &[There]) -> Result<()> {
    let n_rec = weights.matrix("W_out")?.ncols();
    for (one, _) in checked.iter().zip(there).filter(|(_, there)| there.now) {
        let pairs = || one.units.iter().flat_map(|&from| one.others.iter().map(move |&to| (from, to)));
        let mut times = |name: &str, factor: f32, place: &dyn Fn((usize, usize)) -> [usize; 2]| -> Result<()> {
            let mut w = weights.matrix(name)?;
            pairs().for_each(|pair| w[place(pair)] *= factor);
            weights.insert(name, w);
            Ok(())
        };
        match (one.effect, constants) {
            (Effect::Output { factor, .. }, _) => times("W_out", *factor, &|(from, to)| [to, from])?,
            (Effect::Recurrent { factor, .. }, Constants::Leaky(_)) => {
                times("W_rec", *factor, &|(from, to)| [to, from])?;
            }
            (Effect::Input { factor, .. }, Constants::Leaky(_)) => times("W_in", *factor, &|(from, to)| [to, from])?,
            (Effect::Recurrent { factor, .. }, Constants::Lstm(_)) => {
                for gate in GATES {
                    times(&format!("W_{gate}"), *factor, &|(from, to)| [from, to])?;
                }
            }
            (Effect::Input { factor, .. }, Constants::Lstm(_)) => {
                for gate in GATES {
                    times(&format!("W_{gate}"), *factor, &|(from, to)| [n_rec + from, to])?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Replaces what units send by the rates at which they are held: their columns move, times the rate, into the biases.
fn hold(weights: &mut Weights, constants: &Constants, checked: &[Checked<'_>], there: &[There]) -> Result<()> {
    let held = |is_there: fn(&There) -> bool| {
        let mut held = BTreeMap::new();
        for (one, _) in checked.iter().zip(there).filter(|(_, there)| is_there(there)) {
            if let Effect::Clamp { rate, .. } = one.effect {
                held.extend(one.units.iter().map(|&unit| (unit, *rate)));
            }
        }
        held
    };
    let mut move_columns = |w_name: &str, b_name: &str, held: &BTreeMap<usize, f32>, axis: Axis| -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        let (mut w, mut b) = (weights.matrix(w_name)?, weights.vector(b_name)?);
        for (&unit, &rate) in held {
            let mut column = w.index_axis_mut(axis, unit);
            b.scaled_add(rate, &column);
            column.fill(0.0);
        }
        weights.insert(w_name, w);
        weights.insert(b_name, b);
        Ok(())
    };
    // The outputs get the rates of this step, the units those of the step before.
    move_columns("W_out", "b_out", &held(|there| there.now), Axis(1))?;
    let before = held(|there| there.before);
    match constants {
        Constants::Leaky(_) => move_columns("W_rec", "b_rec", &before, Axis(1)),
        Constants::Lstm(_) => {
            GATES.iter().try_for_each(|gate| move_columns(&format!("W_{gate}"), &format!("b_{gate}"), &before, Axis(0)))
        }
    }
}
