//! How it is done: a perturbed network is one with other weights, and with inputs more for currents.

use std::collections::BTreeMap;
use std::ops::Range;

use indexmap::IndexMap;
use ndarray::{Array2, Array3, Axis, concatenate, s};

use super::{Effect, Perturbation};
use crate::dynamics::parts::Parts;
use crate::dynamics::wiring::{Source, Target, Wiring};
use crate::dynamics::{Constants, Dynamics, standard_normal_from};
use crate::task::Batch;
use crate::weights::Weights;
use crate::{Error, Result};

/// The steps of each perturbation in each trial of a batch.
pub(in crate::simulate) fn windows(perturbations: &[Perturbation], batch: &Batch) -> Result<Vec<Vec<Range<i64>>>> {
    perturbations.iter().map(|one| one.window.steps(batch)).collect()
}

/// The trials in an order in which neighbors have the same weights at the same time, as nearly as may be.
pub(in crate::simulate) fn ordered(
    perturbations: &[Perturbation],
    windows: &[Vec<Range<i64>>],
    n_trials: usize,
) -> Vec<usize> {
    let in_weights: Vec<_> = perturbations.iter().zip(windows).filter(|(one, _)| one.is_in_weights()).collect();
    let times = |trial: usize| in_weights.iter().map(move |(_, steps)| (steps[trial].start, steps[trial].end));
    let mut order: Vec<usize> = (0..n_trials).collect();
    order.sort_by(|&a, &b| times(a).cmp(times(b)));
    order
}

/// A network and its perturbations, made ready for a batch.
pub(in crate::simulate) struct Perturbed {
    /// Where an effect is there the perturbed network is a network with other weights.
    pub(in crate::simulate) parts: Parts,
    /// The inputs, and after them a channel for each unit that gets a current: `[n_batch, n_steps, n_in + n_currents]`.
    pub(in crate::simulate) inputs: Array3<f32>,
    pub(in crate::simulate) held: Vec<Held>,
}

/// Units that are held at a rate.
pub(in crate::simulate) struct Held {
    pub(in crate::simulate) units: Vec<usize>,
    pub(in crate::simulate) rate: f32,
    /// In each trial.
    pub(in crate::simulate) steps: Vec<Range<usize>>,
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
    /// `windows` has the steps of each perturbation in each trial; the first step of the batch is the step `first` of its trials.
    pub(in crate::simulate) fn new(
        perturbations: &[Perturbation],
        windows: &[Vec<Range<i64>>],
        weights: &Weights,
        network: &Dynamics,
        batch: &Batch,
        first: usize,
    ) -> Result<Self> {
        let checked: Vec<Checked<'_>> = perturbations
            .iter()
            .zip(windows)
            .map(|(perturbation, steps)| Checked::new(perturbation, steps, network.sizes()))
            .collect::<Result<_>>()?;
        let constants = network.constants();
        let wiring = constants.units().wiring(network.sizes().1);
        let (units, currents) = currents(&checked, &constants, network.sizes().1, batch, first)?;
        let wired = wired(weights, &wiring, constants.units().driven(), &units)?;
        let inputs = match units.is_empty() {
            true => batch.inputs.clone(),
            false => concatenate![Axis(2), batch.inputs, currents].as_standard_layout().into_owned(),
        };
        let (different, makes) = which(&checked, batch.n_trials(), batch.n_steps());
        let changed = |there: &Vec<There>| {
            let mut weights = wired.clone();
            scale(&mut weights, &wiring, &checked, there)?;
            hold(&mut weights, &wiring, &checked, there)?;
            Dynamics::new(&weights, constants.clone())
        };
        let mut networks = different.iter().map(changed).collect::<Result<Vec<_>>>()?;
        if let Some(first) = networks.first_mut() {
            first.initial_mut().clone_from_slice(network.initial());
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

/// The weights of a network whose perturbations last all the time; what currents add is left out.
pub(in crate::simulate) fn lasting(
    perturbations: &[Perturbation],
    weights: &Weights,
    network: &Dynamics,
) -> Result<Weights> {
    let checked =
        perturbations.iter().map(|one| Checked::new(one, &[], network.sizes())).collect::<Result<Vec<_>>>()?;
    let wiring = network.constants().units().wiring(network.sizes().1);
    let there = vec![There { now: true, before: true }; checked.len()];
    let mut weights = weights.clone();
    scale(&mut weights, &wiring, &checked, &there)?;
    hold(&mut weights, &wiring, &checked, &there)?;
    Ok(weights)
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
    first: usize,
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
                let noise = standard_normal_from(first, seed, &batch.numbers, batch.n_steps(), n_rec);
                let as_current = constants.units().noise_as_current(n_rec)?;
                for (place, &unit) in places {
                    let sd = as_current[unit] * sd;
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

/// The weights with an input channel more, of weight 1, for each of these units: to the sums that a current drives.
fn wired(weights: &Weights, wiring: &Wiring, driven: usize, units: &[usize]) -> Result<Weights> {
    let mut wired = weights.clone();
    for wire in wiring.iter().filter(|wire| wire.from == Source::Inputs) {
        let array = wired.matrix(wire.name)?;
        let is_driven = |unit: usize, i: usize| wire.to == Target::Sums(driven) && unit == units[i];
        let shape = (weights.matrix("W_out")?.ncols(), units.len());
        let more = Array2::from_shape_fn(shape, |(unit, i)| f32::from(u8::from(is_driven(unit, i))));
        wired.insert(wire.name, wire.with_more(&array, &more)?);
    }
    Ok(wired)
}

/// Multiplies the synapses by the factors that are there.
fn scale(weights: &mut Weights, wiring: &Wiring, checked: &[Checked<'_>], there: &[There]) -> Result<()> {
    for (one, _) in checked.iter().zip(there).filter(|(_, there)| there.now) {
        let (from, to_outputs, factor) = match one.effect {
            Effect::Recurrent { factor, .. } => (Source::Units, false, *factor),
            Effect::Input { factor, .. } => (Source::Inputs, false, *factor),
            Effect::Output { factor, .. } => (Source::Units, true, *factor),
            _ => continue,
        };
        for wire in wiring.iter().filter(|wire| wire.from == from && (wire.to == Target::Outputs) == to_outputs) {
            let mut array = weights.matrix(wire.name)?;
            for (&pre, &post) in one.units.iter().flat_map(|pre| one.others.iter().map(move |post| (pre, post))) {
                array[wire.at(post, pre)] *= factor;
            }
            weights.insert(wire.name, array);
        }
    }
    Ok(())
}

/// Replaces what units send by the rates at which they are held: their weights move, times the rate, into the biases.
fn hold(weights: &mut Weights, wiring: &Wiring, checked: &[Checked<'_>], there: &[There]) -> Result<()> {
    let held = |is_there: fn(&There) -> bool| {
        let mut held = BTreeMap::new();
        for (one, _) in checked.iter().zip(there).filter(|(_, there)| is_there(there)) {
            if let Effect::Clamp { rate, .. } = one.effect {
                held.extend(one.units.iter().map(|&unit| (unit, *rate)));
            }
        }
        held
    };
    // The outputs get the rates of this step, the units those of the step before.
    let (now, before) = (held(|there| there.now), held(|there| there.before));
    for wire in wiring.iter().filter(|wire| wire.from == Source::Units) {
        let held = if wire.to == Target::Outputs { &now } else { &before };
        let Some(bias) = wiring.bias_of(wire).filter(|_| !held.is_empty()) else { continue };
        let (mut array, mut biases) = (weights.matrix(wire.name)?, weights.vector(bias.name)?);
        let n_rec = weights.matrix("W_out")?.ncols();
        for (&unit, &rate) in held {
            let mut of_units = wire.view_mut(&mut array, n_rec);
            let mut column = of_units.column_mut(unit);
            biases.scaled_add(rate, &column);
            column.fill(0.0);
        }
        weights.insert(wire.name, array);
        weights.insert(bias.name, biases);
    }
    Ok(())
}
