//! The map from raw parameters to effective weights, and its inverse.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::Tensors;
use crate::weights::Weights;
use crate::{Error, Result};

/// Biological constraints on the weights of a recurrent network.
///
/// With masks `C` and, under Dale's principle, the signs `D` of the units (`+1` excitatory, `-1` inhibitory):
///
/// ```text
/// W_rec = W'_rec ∘ C_rec          or, under Dale, |W'_rec ∘ C_rec| diag(D)
/// W_in  = W'_in  ∘ C_in                           |W'_in  ∘ C_in|
/// W_out = W'_out ∘ C_out                          |W'_out ∘ C_out| diag(D = +1)
/// ```
///
/// where the primed matrices are what the optimizer changes. Inputs are excitatory, and inhibitory units do not project
/// out. Song HF, Yang GR, Wang XJ (2016), doi:10.1371/journal.pcbi.1004792; the map is that of PsychRNN.
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
    /// Whether a unit may connect to itself.
    pub no_autapses: bool,
}

/// Constraints worked out for a network of known size.
#[derive(Clone, Debug)]
pub(super) struct Masks {
    pub(super) input: Array2<f32>,
    pub(super) recurrent: Array2<f32>,
    pub(super) output: Array2<f32>,
    /// The number of excitatory units, under Dale's principle.
    pub(super) n_excitatory: Option<usize>,
    pub(super) dale_ratio: Option<f64>,
}

impl Constraints {
    pub(super) fn masks(&self, n_in: usize, n_rec: usize, n_out: usize) -> Result<Masks> {
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
        let mut recurrent = mask("recurrent connectivity", &self.recurrent, (n_rec, n_rec), "[n_rec, n_rec]")?;
        if self.no_autapses {
            recurrent.diag_mut().fill(0.0);
        }
        let n_excitatory = match self.dale_ratio {
            None => None,
            Some(ratio) if ratio > 0.0 && ratio <= 1.0 => {
                let n_excitatory = (ratio * n_rec as f64) as usize;
                if n_excitatory == 0 {
                    let expected =
                        format!("large enough for one excitatory unit of {n_rec}: inhibitory units do not project out");
                    return Err(Error::argument("dale_ratio", expected, ratio));
                }
                Some(n_excitatory)
            }
            Some(ratio) => {
                let expected = "above 0 and at most 1: without excitatory units nothing projects to the output";
                return Err(Error::argument("dale_ratio", expected, ratio));
            }
        };
        Ok(Masks {
            input: mask("input connectivity", &self.input, (n_rec, n_in), "[n_rec, n_in]")?,
            recurrent,
            output: mask("output connectivity", &self.output, (n_out, n_rec), "[n_out, n_rec]")?,
            n_excitatory,
            dale_ratio: self.dale_ratio,
        })
    }
}

impl Masks {
    /// The factors that turn raw into effective weights: masks, with the signs of the presynaptic units under Dale.
    fn factors(&self) -> [(&'static str, Array2<f32>); 3] {
        let signed = |mask: &Array2<f32>, inhibitory: f32| {
            let mut factors = mask.clone();
            for (unit, mut column) in factors.columns_mut().into_iter().enumerate() {
                if self.n_excitatory.is_some_and(|n| unit >= n) {
                    column *= inhibitory;
                }
            }
            factors
        };
        [("W_in", self.input.clone()), ("W_rec", signed(&self.recurrent, -1.0)), ("W_out", signed(&self.output, 0.0))]
    }

    /// The factors as tensors, made once for a network.
    pub(super) fn tensors(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        for (name, factors) in self.factors() {
            tensors.insert(name, Tensor::try_from(factors)?);
        }
        Ok(tensors)
    }

    /// The effective weights; differentiable.
    pub(super) fn effective(&self, raw: &Tensors, factors: &Tensors) -> Result<Tensors> {
        let mut effective = Tensors::new();
        for (name, tensor) in raw.iter() {
            let weights = match factors.get(name) {
                Err(_) => tensor.shallow_clone(),
                Ok(factors) if self.n_excitatory.is_some() => tensor.f_abs()?.f_mul(factors)?,
                Ok(factors) => tensor.f_mul(factors)?,
            };
            effective.insert(name, weights);
        }
        Ok(effective)
    }

    /// Raw parameters that have these effective weights.
    pub(super) fn invert(&self, effective: &Weights) -> Result<Weights> {
        let mut raw = effective.clone();
        for (name, factors) in self.factors() {
            let weights = effective.matrix(name)?;
            if weights.dim() != factors.dim() {
                return Err(Error::shape(name, format!("{:?}", factors.shape()), weights.shape()));
            }
            check_obeys(name, weights.view(), factors.view(), self.n_excitatory.is_some())?;
            raw.insert(name, if self.n_excitatory.is_some() { weights.mapv(f32::abs) } else { weights });
        }
        Ok(raw)
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
