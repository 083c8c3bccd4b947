//! The map from raw parameters to effective weights, and its inverse.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use ndarray::{Array1, Array2, ArrayView2, Zip};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::Tensors;
use super::tensors::to_tensor;
use crate::areas::Areas;
use crate::dynamics::Constants;
use crate::dynamics::wiring::{Source, Target};
use crate::random::Seed;
use crate::weights::Weights;
use crate::{Error, Result};

/// Biological constraints on the weights of a recurrent network.
///
/// With masks `C` (1 for a weight that exists, 0 for one that does not, and a factor for any number between) and, under Dale's principle, the signs `D` of the units (`+1` excitatory, `-1` inhibitory):
///
/// ```text
/// W_rec = W'_rec ∘ C_rec          or, under Dale, [W'_rec ∘ C_rec] diag(D)
/// W_in  = W'_in  ∘ C_in                           [W'_in  ∘ C_in]
/// W_out = W'_out ∘ C_out                          [W'_out ∘ C_out] diag(D = +1)
/// ```
///
/// where the primed matrices are what the optimizer changes, and `[W']` is `|W'|` or `max(W', 0)`, see [`Dale`]. Inputs are
/// excitatory, and inhibitory units do not project out, unless [`inhibitory_outputs`](Self::inhibitory_outputs) lets them: then
/// `W_out` has `D` too. Song HF, Yang GR, Wang XJ (2016), doi:10.1371/journal.pcbi.1004792; the defaults are those of PsychRNN.
///
/// A weight in [`hold_at`](Self::hold_at) is there with its value whatever the masks say, and training leaves it.
///
/// In an LSTM the masks act on the weights of all gates; Dale's principle is refused there, since gates multiply what
/// they get, so that a unit has no sign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Constraints {
    /// Which input weights exist, `[n_rec, n_in]`, 0 to 1; all by default.
    #[serde(alias = "input")]
    pub input_connectivity: Option<Array2<f32>>,
    /// Which recurrent weights exist, `[n_rec, n_rec]` (`[post, pre]`), 0 to 1; all by default.
    #[serde(alias = "recurrent")]
    pub recurrent_connectivity: Option<Array2<f32>>,
    /// Which output weights exist, `[n_out, n_rec]`, 0 to 1; all by default.
    #[serde(alias = "output")]
    pub output_connectivity: Option<Array2<f32>>,
    /// The share of excitatory units, which come first; by default Dale's principle does not hold.
    pub dale_ratio: Option<f64>,
    /// The sign of each unit under Dale's principle, 1 for an excitatory and -1 for an inhibitory one, where not the first ones are
    /// excitatory; in place of `dale_ratio`.
    pub signs: Option<Vec<f32>>,
    /// How weights are kept from changing their sign under Dale's principle.
    pub dale: Dale,
    /// Whether inhibitory units project out under Dale's principle, with negative weights: PyCog's way. In PsychRNN they do not.
    pub inhibitory_outputs: bool,
    /// Whether units may connect to themselves; by default they may.
    pub autapses: bool,
    /// The areas of the network, which tell which weights exist and which units are excitatory. Where masks are given too, a weight
    /// exists if both let it.
    pub areas: Option<Areas>,
    /// Effective weights that are held at values, by the name of their matrix, `W_in`, `W_rec` or `W_out`: each entry that is not 0.
    /// PyCog's `Cfixed`. PsychRNN's `fixed_weights` is another thing, see [`RnnConfig::freeze_entries`](super::RnnConfig::freeze_entries).
    #[serde(alias = "fixed", alias = "held")]
    pub hold_at: BTreeMap<String, Array2<f32>>,
}

/// None: every weight exists, and may have any sign.
impl Default for Constraints {
    fn default() -> Self {
        Self {
            input_connectivity: None,
            recurrent_connectivity: None,
            output_connectivity: None,
            dale_ratio: None,
            signs: None,
            dale: Dale::default(),
            inhibitory_outputs: false,
            autapses: true,
            areas: None,
            hold_at: BTreeMap::new(),
        }
    }
}

/// How weights are kept from changing their sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dale {
    /// By their absolute value: a weight that training would carry through 0 grows again. PsychRNN's way.
    #[default]
    Absolute,
    /// By rectification: a weight that training carries to 0 stays there, and the network becomes sparse. PyCog's default. Weights
    /// start with the size that was drawn, so that none of them is 0 from the start.
    Rectified,
}

/// The connections of a network: what its constraints leave, worked out for its size.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connections {
    /// Which input weights exist, `[n_rec, n_in]`, 0 to 1.
    pub input: Array2<f32>,
    /// Which recurrent weights exist, `[n_rec, n_rec]`, 0 to 1.
    pub recurrent: Array2<f32>,
    /// Which output weights exist, `[n_out, n_rec]`, 0 to 1.
    pub output: Array2<f32>,
    /// Under Dale's principle, the signs of the units.
    pub signs: Option<Signs>,
    /// Effective weights that are held at values, by the name of their matrix: each entry that is not 0.
    pub held: BTreeMap<String, Array2<f32>>,
    constraints: (Dale, bool),
}

/// The signs of units under Dale's principle.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Signs {
    /// The sign of each unit, 1 or -1.
    pub of_units: Array1<f32>,
    /// The share of excitatory units, as it was given.
    pub ratio: f64,
    /// Whether the excitatory units come first, as many as the share says.
    pub by_ratio: bool,
}

impl Signs {
    /// Whether a unit is inhibitory.
    #[must_use]
    pub fn inhibits(&self, unit: usize) -> bool {
        self.of_units.get(unit).is_some_and(|&sign| sign < 0.0)
    }
}

impl Constraints {
    /// The share of excitatory units, as given or as of the areas or signs.
    pub(crate) fn share_excitatory(&self) -> Option<f64> {
        let of_signs = |signs: &Vec<f32>| signs.iter().filter(|&&sign| sign > 0.0).count() as f64 / signs.len() as f64;
        let given = self.dale_ratio.or_else(|| self.areas.as_ref()?.dale_ratio());
        given.or_else(|| self.signs.as_ref().map(of_signs))
    }

    /// The sign of each unit, if Dale's principle holds.
    fn signs(&self, n_rec: usize) -> Result<Option<Signs>> {
        let Some(ratio) = self.share_excitatory() else { return Ok(None) };
        if let Some(signs) = &self.signs {
            if self.dale_ratio.is_some() || self.areas.as_ref().is_some_and(|areas| areas.dale_ratio().is_some()) {
                let expected = "left out where a share of excitatory units is given, or the other way around";
                return Err(Error::argument("signs", expected, "given"));
            }
            if signs.len() != n_rec {
                return Err(Error::shape("signs", format!("[n_rec = {n_rec}]"), &[signs.len()]));
            }
            if let Some(sign) = signs.iter().find(|sign| sign.abs() != 1.0) {
                return Err(Error::argument("signs", "1 for an excitatory and -1 for an inhibitory unit", sign));
            }
            if ratio == 0.0 && !self.inhibitory_outputs {
                let expected =
                    "1 for some units: inhibitory ones do not project out, unless `inhibitory_outputs` lets them";
                return Err(Error::argument("signs", expected, "-1 for all"));
            }
            let of_units = Array1::from(signs.clone());
            return Ok(Some(Signs { of_units, ratio, by_ratio: false }));
        }
        if !(ratio > 0.0 && ratio <= 1.0) {
            let expected = "above 0 and at most 1: without excitatory units nothing projects to the output";
            return Err(Error::argument("dale_ratio", expected, ratio));
        }
        let n = (ratio * n_rec as f64) as usize;
        if n == 0 {
            let expected =
                format!("large enough for one excitatory unit of {n_rec}: inhibitory units do not project out");
            return Err(Error::argument("dale_ratio", expected, ratio));
        }
        let of_units = (0..n_rec).map(|unit| if unit < n { 1.0 } else { -1.0 }).collect();
        Ok(Some(Signs { of_units, ratio, by_ratio: true }))
    }

    /// Areas whose seed is not set take that of their network.
    pub(super) fn follow(&mut self, seed: Seed) {
        if let Some(areas) = &mut self.areas {
            areas.follow(seed);
        }
    }

    pub(super) fn connections(&self, n_in: usize, n_rec: usize, n_out: usize) -> Result<Connections> {
        let mask = |name: &str, given: &Option<Array2<f32>>, shape: (usize, usize), meaning: &str| match given {
            None => Ok(Array2::ones(shape)),
            Some(mask) if mask.dim() != shape => {
                Err(Error::shape(name, format!("{meaning} = [{}, {}]", shape.0, shape.1), mask.shape()))
            }
            Some(mask) => match mask.iter().find(|entry| !(0.0..=1.0).contains(*entry)) {
                Some(entry) => {
                    let expected = "a matrix of 1 (a weight exists), 0 (it does not) and factors between: for signs there is `signs`";
                    Err(Error::argument(name, expected, format!("{entry} somewhere")))
                }
                None => Ok(mask.clone()),
            },
        };
        let mut input = mask("input_connectivity", &self.input_connectivity, (n_rec, n_in), "[n_rec, n_in]")?;
        let mut recurrent =
            mask("recurrent_connectivity", &self.recurrent_connectivity, (n_rec, n_rec), "[n_rec, n_rec]")?;
        let mut output = mask("output_connectivity", &self.output_connectivity, (n_out, n_rec), "[n_out, n_rec]")?;
        if let Some(areas) = &self.areas {
            if areas.n_units() != n_rec {
                return Err(Error::argument("units", format!("{}, as in the areas", areas.n_units()), n_rec));
            }
            if let Some(ratio) = self.dale_ratio {
                let expected = "left out with areas, which tell their excitatory units by `excitatory`";
                return Err(Error::argument("dale_ratio", expected, ratio));
            }
            let masks = areas.masks(n_in, n_out)?;
            input *= &masks.input;
            recurrent *= &masks.recurrent;
            output *= &masks.output;
        }
        if !self.autapses {
            recurrent.diag_mut().fill(0.0);
        }
        let signs = self.signs(n_rec)?;
        for (name, values) in &self.hold_at {
            let mask = match name.as_str() {
                "W_in" => &mut input,
                "W_rec" => &mut recurrent,
                "W_out" => &mut output,
                _ => {
                    return Err(Error::argument("held weights", "those of W_in, W_rec or W_out", format!("{name:?}")));
                }
            };
            let name = format!("held weights of {name}");
            if values.dim() != mask.dim() {
                return Err(Error::shape(name, format!("{:?}", mask.shape()), values.shape()));
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(Error::argument(name, "finite", value));
            }
            Zip::from(mask).and(values).for_each(|exists, &value| {
                if value != 0.0 {
                    *exists = 1.0;
                }
            });
        }
        let constraints = (self.dale, self.inhibitory_outputs);
        Ok(Connections { input, recurrent, output, signs, held: self.hold_at.clone(), constraints })
    }
}

/// What a configuration says by itself, where its value alone does not tell: a setter was called for these.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct Given(BTreeSet<&'static str>);

/// It does not change what a configuration builds.
impl PartialEq for Given {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Given {
    pub(super) fn add(&mut self, name: &'static str) {
        self.0.insert(name);
    }

    /// Puts what a file has in the place of a value that is left open: one that is the default, and was not set.
    pub(super) fn fill<T: PartialEq + Default>(&self, name: &str, value: &mut T, of_file: T) {
        self.fill_default(name, value, T::default(), of_file);
    }

    /// As [`Given::fill`], with this default.
    pub(super) fn fill_default<T: PartialEq>(&self, name: &str, value: &mut T, default: T, of_file: T) {
        if *value == default && !self.0.contains(name) {
            *value = of_file;
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// The arrays of PsychRNN's files that are masks.
const MASKS: [&str; 3] = ["input_connectivity", "rec_connectivity", "output_connectivity"];

/// What weights bring with them.
impl Constraints {
    /// Takes what is left open from weights that were loaded: from the configuration among them, if this library saved them, or from the
    /// arrays in which PsychRNN has masks and signs.
    pub(super) fn fill(&mut self, given: &Given, weights: &Weights, saved: Option<Self>) -> Result<()> {
        let saved = match saved {
            Some(saved) => {
                saved.check_same(weights)?;
                saved
            }
            None => Self::of_arrays(weights)?,
        };
        let has_signs = self.dale_ratio.is_some() || self.signs.is_some() || self.share_excitatory().is_some();
        let told = saved.share_excitatory().is_some() || saved.signs.is_some() || weights.dale_ratio().is_some();
        if let Some(why) = weights.why_skipped("dale_ratio").filter(|_| !has_signs && !told) {
            let expected = "named, since the file has one that was not read: say it by `.dale_ratio(0.8)`, or by `weights.set_dale_ratio(None)` if \
                 Dale's principle does not hold";
            return Err(Error::argument("dale_ratio", expected, format!("left open ({why})")));
        }
        if !has_signs {
            (self.dale_ratio, self.signs) = (saved.dale_ratio, saved.signs);
        }
        for (mask, of_file) in [
            (&mut self.input_connectivity, saved.input_connectivity),
            (&mut self.recurrent_connectivity, saved.recurrent_connectivity),
            (&mut self.output_connectivity, saved.output_connectivity),
        ] {
            *mask = mask.take().or(of_file);
        }
        self.areas = self.areas.take().or(saved.areas);
        if self.hold_at.is_empty() {
            self.hold_at = saved.hold_at;
        }
        given.fill("dale", &mut self.dale, saved.dale);
        given.fill("inhibitory_outputs", &mut self.inhibitory_outputs, saved.inhibitory_outputs);
        given.fill_default("autapses", &mut self.autapses, true, saved.autapses);
        Ok(())
    }

    /// The constraints that PsychRNN's arrays tell: masks, of which autapses are a part, and Dale's principle.
    fn of_arrays(weights: &Weights) -> Result<Self> {
        let mut found = Self::default();
        for (name, mask) in MASKS.into_iter().zip([
            &mut found.input_connectivity,
            &mut found.recurrent_connectivity,
            &mut found.output_connectivity,
        ]) {
            *mask = optional(weights, name)?.filter(|mask| mask.iter().any(|&factor| factor != 1.0));
        }
        let signs = optional(weights, "Dale_rec")?.map(|signs| signs.diag().to_owned());
        let ratio = weights.dale_ratio().flatten();
        let holds = ratio.is_some() || signs.as_ref().is_some_and(|signs| signs.iter().any(|&sign| sign < 0.0));
        match signs.filter(|_| holds) {
            None => found.dale_ratio = ratio,
            Some(signs) => {
                let by_ratio = Self { dale_ratio: ratio, ..Self::default() }.signs(signs.len())?;
                match by_ratio.is_some_and(|by_ratio| by_ratio.of_units == signs) {
                    true => found.dale_ratio = ratio,
                    false => found.signs = Some(signs.to_vec()),
                }
                let outputs = optional(weights, "Dale_out")?;
                found.inhibitory_outputs = outputs.is_some_and(|outputs| outputs.diag().iter().any(|&sign| sign < 0.0));
            }
        }
        Ok(found)
    }

    /// An error if a file's configuration and its arrays tell different constraints.
    pub(super) fn check_same(&self, weights: &Weights) -> Result<()> {
        let advice = "as the configuration in the file says; `unconstrained()` takes both away";
        if let Some(ratio) = weights.dale_ratio()
            && self.signs.is_none()
            && ratio != self.share_excitatory()
        {
            let words = |ratio: Option<f64>| ratio.map_or("none".to_owned(), |ratio| ratio.to_string());
            let expected = format!("{}, {advice}", words(self.share_excitatory()));
            return Err(Error::argument("dale_ratio of the weights", expected, words(ratio)));
        }
        let masks = MASKS.into_iter().map(|name| optional(weights, name)).collect::<Result<Vec<_>>>()?;
        if let [Some(input), Some(recurrent), Some(output)] = &masks[..] {
            let connections = self.connections(input.ncols(), recurrent.nrows(), output.nrows())?;
            let ours = [&connections.input, &connections.recurrent, &connections.output];
            for ((name, ours), theirs) in MASKS.into_iter().zip(ours).zip([input, recurrent, output]) {
                if ours != theirs {
                    return Err(Error::argument(name, advice, "another one"));
                }
            }
        }
        Ok(())
    }
}

/// A matrix, if there is one of that name.
fn optional(weights: &Weights, name: &str) -> Result<Option<Array2<f32>>> {
    weights.names().any(|known| known == name).then(|| weights.matrix(name)).transpose()
}

/// The constraint map of a network: for each constrained parameter the factors (masks, with the signs of the
/// presynaptic units under Dale's principle) that make it effective.
#[derive(Debug)]
pub(super) struct ConstraintMap {
    arrays: IndexMap<String, Array2<f32>>,
    tensors: Tensors,
    dale: Option<Dale>,
    held: BTreeMap<String, Array2<f32>>,
}

impl ConstraintMap {
    /// That of a network with these constants.
    pub(super) fn new(constants: &Constants, connections: &Connections) -> Result<Self> {
        let units = constants.units();
        if let Some(why) = units.unsigned().filter(|_| connections.signs.is_some()) {
            let expected = format!(
                "left out for {}: {why}, so that a unit has no sign (`unconstrained()` takes it from weights that were loaded)",
                units.name()
            );
            return Err(Error::argument("dale_ratio", expected, "given"));
        }
        let wiring = units.wiring(connections.recurrent.nrows());
        let masks = wiring.joined(|wire| {
            let (mask, inhibitory) = match (wire.from, wire.to) {
                (Source::Inputs, _) => (&connections.input, 1.0),
                (_, Target::Outputs) => (&connections.output, connections.sign_of_inhibitory_outputs()),
                _ => (&connections.recurrent, -1.0),
            };
            let mut factors = mask.clone();
            if let Some(signs) = connections.signs.as_ref().filter(|_| wire.from == Source::Units) {
                for (unit, mut column) in factors.columns_mut().into_iter().enumerate() {
                    column *= if signs.inhibits(unit) { inhibitory } else { 1.0 };
                }
            }
            factors
        });
        if let Some(name) = connections.held.keys().find(|name| !masks.contains_key(name.as_str())) {
            let names = masks.keys().copied().collect::<Vec<_>>().join(", ");
            let expected =
                format!("left out for {}, whose weights are {names} (use `freeze_entries` on these)", units.name());
            return Err(Error::argument("held weights", expected, format!("those of {name}")));
        }
        let arrays: IndexMap<String, _> = masks.into_iter().map(|(name, mask)| (name.to_owned(), mask)).collect();
        let dale = connections.signs.as_ref().map(|_| connections.constraints.0);
        let held = connections.held.clone();
        let mut tensors = Tensors::new();
        for (name, factors) in &arrays {
            if let Some(values) = held.get(name) {
                check_obeys(&format!("held weights of {name}"), values.view(), factors.view(), dale.is_some())?;
            }
            // A parameter that nothing constrains is its own effective weight.
            if dale.is_some() || factors.iter().any(|&factor| factor != 1.0) {
                tensors.insert(name, to_tensor(factors)?);
            }
        }
        Ok(Self { arrays, tensors, dale, held })
    }

    pub(super) fn move_to(&mut self, device: tch::Device) -> Result<()> {
        self.tensors.move_to(device)
    }

    /// The effective weights; differentiable.
    pub(super) fn effective(&self, raw: &Tensors) -> Result<Tensors> {
        let mut effective = Tensors::new();
        for (name, tensor) in raw.iter() {
            let weights: Tensor = match self.tensors.get(name) {
                Err(_) => tensor.shallow_clone(),
                Ok(factors) => match self.dale {
                    Some(Dale::Absolute) => tensor.f_abs()?.f_mul(factors)?,
                    Some(Dale::Rectified) => tensor.f_relu()?.f_mul(factors)?,
                    None => tensor.f_mul(factors)?,
                },
            };
            effective.insert(name, weights);
        }
        Ok(effective)
    }

    /// Raw parameters to start from, of those that were drawn: held weights have their values, and rectification leaves none
    /// of the others at 0.
    pub(super) fn start(&self, mut raw: Weights) -> Result<Weights> {
        for (name, factors) in &self.arrays {
            let held = self.held.get(name);
            if held.is_none() && self.dale != Some(Dale::Rectified) {
                continue;
            }
            let mut weights = raw.matrix(name)?;
            if weights.dim() != factors.dim() {
                return Err(Error::shape(name, format!("{:?}", factors.shape()), weights.shape()));
            }
            if self.dale == Some(Dale::Rectified) {
                weights.mapv_inplace(f32::abs);
            }
            if let Some(values) = held {
                Zip::from(&mut weights).and(values).for_each(|weight, &value| {
                    if value != 0.0 {
                        *weight = if self.dale.is_some() { value.abs() } else { value };
                    }
                });
            }
            raw.insert(name, weights);
        }
        Ok(raw)
    }

    /// Raw parameters that have these effective weights.
    pub(super) fn invert(&self, effective: &Weights) -> Result<Weights> {
        let mut raw = effective.clone();
        for (name, factors) in &self.arrays {
            let weights = effective.matrix(name)?;
            if weights.dim() != factors.dim() {
                return Err(Error::shape(name, format!("{:?}", factors.shape()), weights.shape()));
            }
            check_obeys(name, weights.view(), factors.view(), self.dale.is_some())?;
            if let Some(values) = self.held.get(name) {
                check_held(name, weights.view(), values.view())?;
            }
            let raw_of = |weight: f32, factor: f32| {
                let weight = if self.dale.is_some() { weight.abs() } else { weight };
                // Exactly what it was where the factor is 1.
                if factor == 0.0 { weight } else { weight / factor.abs() }
            };
            raw.insert(name, Zip::from(&weights).and(factors).map_collect(|&weight, &factor| raw_of(weight, factor)));
        }
        Ok(raw)
    }
}

impl Connections {
    /// What the output weights of inhibitory units are multiplied with.
    pub(super) fn sign_of_inhibitory_outputs(&self) -> f32 {
        if self.constraints.1 { -1.0 } else { 0.0 }
    }
}

/// An error that names the first weight that has another value than it is held at.
fn check_held(name: &str, weights: ArrayView2<'_, f32>, values: ArrayView2<'_, f32>) -> Result<()> {
    let mut pairs = weights.indexed_iter().zip(values);
    match pairs.find(|((_, weight), value)| **value != 0.0 && weight != value) {
        None => Ok(()),
        Some((((row, column), weight), value)) => {
            Err(Error::argument(format!("{name}[{row}, {column}]"), format!("{value}, at which it is held"), weight))
        }
    }
}

/// An error that names the first weight that the constraints forbid.
fn check_obeys(name: &str, weights: ArrayView2<'_, f32>, factors: ArrayView2<'_, f32>, dale: bool) -> Result<()> {
    for (((row, column), &weight), &factor) in weights.indexed_iter().zip(factors) {
        let expected = if factor == 0.0 && weight != 0.0 {
            "0, since the constraints leave out this connection (`unconstrained()` takes those away that the weights came with)"
        } else if dale && weight * factor < 0.0 {
            "of the sign that Dale's principle gives its presynaptic unit (`unconstrained()` takes away constraints that the weights came with)"
        } else {
            continue;
        };
        return Err(Error::argument(format!("{name}[{row}, {column}]"), expected, weight));
    }
    Ok(())
}
