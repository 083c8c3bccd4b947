//! The map from raw parameters to effective weights, and its inverse.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use ndarray::{Array2, ArrayView2, Axis, Zip, concatenate};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::Tensors;
use super::tensors::to_tensor;
use crate::connectivity::Areas;
use crate::dynamics::GATES;
use crate::random::Seed;
use crate::weights::Weights;
use crate::{Error, Result};

/// Biological constraints on the weights of a recurrent network.
///
/// With masks `C` and, under Dale's principle, the signs `D` of the units (`+1` excitatory, `-1` inhibitory):
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
/// A weight in [`fixed`](Self::fixed) is there with its value whatever the masks say, and training leaves it.
///
/// In an LSTM the masks act on the weights of all gates; Dale's principle is refused there, since gates multiply what
/// they get, so that a unit has no sign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Constraints {
    /// Which input weights exist, `[n_rec, n_in]`, 1 or 0; all by default.
    pub input: Option<Array2<f32>>,
    /// Which recurrent weights exist, `[n_rec, n_rec]` (`[post, pre]`), 1 or 0; all by default.
    pub recurrent: Option<Array2<f32>>,
    /// Which output weights exist, `[n_out, n_rec]`, 1 or 0; all by default.
    pub output: Option<Array2<f32>>,
    /// The share of excitatory units, which come first; `None` for no Dale's principle.
    pub dale_ratio: Option<f64>,
    /// How weights are kept from changing their sign under Dale's principle.
    pub dale: Dale,
    /// Whether inhibitory units project out under Dale's principle, with negative weights: PyCog's way. In PsychRNN they do not.
    pub inhibitory_outputs: bool,
    /// Whether units may not connect to themselves.
    pub no_autapses: bool,
    /// The areas of the network, which tell which weights exist and which units are excitatory. Where masks are given too, a weight
    /// exists if both let it.
    pub areas: Option<Areas>,
    /// Effective weights that are fixed, by the name of their matrix, `W_in`, `W_rec` or `W_out`: each entry that is not 0. PyCog's
    /// `Cfixed`.
    pub fixed: BTreeMap<String, Array2<f32>>,
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
    /// Which input weights exist, `[n_rec, n_in]`, 1 or 0.
    pub input: Array2<f32>,
    /// Which recurrent weights exist, `[n_rec, n_rec]`, 1 or 0.
    pub recurrent: Array2<f32>,
    /// Which output weights exist, `[n_out, n_rec]`, 1 or 0.
    pub output: Array2<f32>,
    /// Under Dale's principle, the share of excitatory units and their number; they come first.
    pub excitatory: Option<(f64, usize)>,
    /// Effective weights that are fixed, by the name of their matrix: each entry that is not 0.
    pub fixed: BTreeMap<String, Array2<f32>>,
    constraints: (Dale, bool),
}

impl Constraints {
    /// The share of excitatory units, as given or as of the areas.
    pub(crate) fn share_excitatory(&self) -> Option<f64> {
        self.dale_ratio.or_else(|| self.areas.as_ref()?.dale_ratio())
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
            Some(mask) => match mask.iter().find(|&&entry| entry != 0.0 && entry != 1.0) {
                Some(entry) => Err(Error::argument(name, "a matrix of 0 and 1", format!("{entry} somewhere"))),
                None => Ok(mask.clone()),
            },
        };
        let mut input = mask("input connectivity", &self.input, (n_rec, n_in), "[n_rec, n_in]")?;
        let mut recurrent = mask("recurrent connectivity", &self.recurrent, (n_rec, n_rec), "[n_rec, n_rec]")?;
        let mut output = mask("output connectivity", &self.output, (n_out, n_rec), "[n_out, n_rec]")?;
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
        if self.no_autapses {
            recurrent.diag_mut().fill(0.0);
        }
        let excitatory = match self.share_excitatory() {
            None => None,
            Some(ratio) if ratio > 0.0 && ratio <= 1.0 => {
                let n = (ratio * n_rec as f64) as usize;
                if n == 0 {
                    let expected =
                        format!("large enough for one excitatory unit of {n_rec}: inhibitory units do not project out");
                    return Err(Error::argument("dale_ratio", expected, ratio));
                }
                Some((ratio, n))
            }
            Some(ratio) => {
                let expected = "above 0 and at most 1: without excitatory units nothing projects to the output";
                return Err(Error::argument("dale_ratio", expected, ratio));
            }
        };
        for (name, values) in &self.fixed {
            let mask = match name.as_str() {
                "W_in" => &mut input,
                "W_rec" => &mut recurrent,
                "W_out" => &mut output,
                _ => {
                    return Err(Error::argument("fixed weights", "those of W_in, W_rec or W_out", format!("{name:?}")));
                }
            };
            let name = format!("fixed weights of {name}");
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
        Ok(Connections { input, recurrent, output, excitatory, fixed: self.fixed.clone(), constraints })
    }
}

/// The constraint map of a network: for each constrained parameter the factors (masks, with the signs of the
/// presynaptic units under Dale's principle) that make it effective.
#[derive(Debug)]
pub(super) struct ConstraintMap {
    arrays: IndexMap<String, Array2<f32>>,
    tensors: Tensors,
    dale: Option<Dale>,
    fixed: BTreeMap<String, Array2<f32>>,
}

impl ConstraintMap {
    pub(super) fn rnn(connections: &Connections) -> Result<Self> {
        let signed = |mask: &Array2<f32>, inhibitory: f32| {
            let mut factors = mask.clone();
            if let Some((_, n_excitatory)) = connections.excitatory {
                for mut column in factors.columns_mut().into_iter().skip(n_excitatory) {
                    column *= inhibitory;
                }
            }
            factors
        };
        let factors = [
            ("W_in".to_owned(), connections.input.clone()),
            ("W_rec".to_owned(), signed(&connections.recurrent, -1.0)),
            ("W_out".to_owned(), signed(&connections.output, connections.sign_of_inhibitory_outputs())),
        ];
        let dale = connections.excitatory.map(|_| connections.constraints.0);
        Self::new(factors.into(), dale, connections.fixed.clone())
    }

    pub(super) fn lstm(connections: &Connections) -> Result<Self> {
        if connections.excitatory.is_some() {
            let expected = "left out for an LSTM: its gates multiply what they get, so that a unit has no sign";
            return Err(Error::argument("dale_ratio", expected, "given"));
        }
        if !connections.fixed.is_empty() {
            let expected =
                "left out for an LSTM, whose gates have matrices of their own (use `fix` on W_f, W_i, W_c or W_o)";
            return Err(Error::argument("fixed weights", expected, "given"));
        }
        let gate = concatenate![Axis(0), connections.recurrent.t(), connections.input.t()];
        let mut factors: IndexMap<_, _> = GATES.iter().map(|name| (format!("W_{name}"), gate.clone())).collect();
        factors.insert("W_out".to_owned(), connections.output.clone());
        Self::new(factors, None, BTreeMap::new())
    }

    fn new(
        arrays: IndexMap<String, Array2<f32>>,
        dale: Option<Dale>,
        fixed: BTreeMap<String, Array2<f32>>,
    ) -> Result<Self> {
        let mut tensors = Tensors::new();
        for (name, factors) in &arrays {
            if let Some(values) = fixed.get(name) {
                check_obeys(&format!("fixed weights of {name}"), values.view(), factors.view(), dale.is_some())?;
            }
            // A parameter that nothing constrains is its own effective weight.
            if dale.is_some() || factors.iter().any(|&factor| factor != 1.0) {
                tensors.insert(name, to_tensor(factors)?);
            }
        }
        Ok(Self { arrays, tensors, dale, fixed })
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

    /// Raw parameters to start from, of those that were drawn: the fixed weights have their values, and rectification leaves none
    /// of the others at 0.
    pub(super) fn start(&self, mut raw: Weights) -> Result<Weights> {
        for (name, factors) in &self.arrays {
            let fixed = self.fixed.get(name);
            if fixed.is_none() && self.dale != Some(Dale::Rectified) {
                continue;
            }
            let mut weights = raw.matrix(name)?;
            if weights.dim() != factors.dim() {
                return Err(Error::shape(name, format!("{:?}", factors.shape()), weights.shape()));
            }
            if self.dale == Some(Dale::Rectified) {
                weights.mapv_inplace(f32::abs);
            }
            if let Some(values) = fixed {
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
            if let Some(values) = self.fixed.get(name) {
                check_fixed(name, weights.view(), values.view())?;
            }
            raw.insert(name, if self.dale.is_some() { weights.mapv(f32::abs) } else { weights });
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

/// An error that names the first fixed weight that has another value.
fn check_fixed(name: &str, weights: ArrayView2<'_, f32>, values: ArrayView2<'_, f32>) -> Result<()> {
    let mut pairs = weights.indexed_iter().zip(values);
    match pairs.find(|((_, weight), value)| **value != 0.0 && weight != value) {
        None => Ok(()),
        Some((((row, column), weight), value)) => {
            Err(Error::argument(format!("{name}[{row}, {column}]"), format!("{value}, at which it is fixed"), weight))
        }
    }
}

/// An error that names the first weight that the constraints forbid.
fn check_obeys(name: &str, weights: ArrayView2<'_, f32>, factors: ArrayView2<'_, f32>, dale: bool) -> Result<()> {
    for (((row, column), &weight), &factor) in weights.indexed_iter().zip(factors) {
        let expected = if factor == 0.0 && weight != 0.0 {
            "0, since the constraints leave out this connection"
        } else if dale && weight * factor < 0.0 {
            "of the sign that Dale's principle gives its presynaptic unit"
        } else {
            continue;
        };
        return Err(Error::argument(format!("{name}[{row}, {column}]"), expected, weight));
    }
    Ok(())
}
