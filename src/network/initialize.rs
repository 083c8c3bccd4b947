//! Where weights start.

use std::fmt;

use ndarray::{Array1, Array2, Axis};
use tch::{Kind, Tensor};

use super::constraints::Masks;
use crate::random::{Seed, TrialRng};
use crate::weights::Weights;
use crate::{Error, Result};

/// Draws the raw parameters of a recurrent network: `W_in`, `W_rec`, `W_out`, `b_rec`, `b_out`, `init_state`.
pub trait Initializer: fmt::Debug + Send + Sync {
    /// Draws the parameters of a network of this form.
    ///
    /// # Errors
    /// If the initializer's arguments make no sense for such a network.
    fn initialize(&self, form: &Form, seed: Seed) -> Result<Weights>;
}

/// What an initializer knows of the network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Form {
    /// Which input weights exist, `[n_rec, n_in]`.
    pub input: Array2<f32>,
    /// Which recurrent weights exist, `[n_rec, n_rec]`.
    pub recurrent: Array2<f32>,
    /// Which output weights exist, `[n_out, n_rec]`.
    pub output: Array2<f32>,
    /// The number of excitatory units, which come first, under Dale's principle.
    pub n_excitatory: Option<usize>,
    /// The share of excitatory units, under Dale's principle.
    pub dale_ratio: Option<f64>,
}

impl From<&Masks> for Form {
    fn from(masks: &Masks) -> Self {
        let Masks { input, recurrent, output, n_excitatory, dale_ratio } = masks.clone();
        Self { input, recurrent, output, n_excitatory, dale_ratio }
    }
}

/// PsychRNN's default. `W_rec` is Gaussian, its columns scaled so that excitation and inhibition balance under Dale's
/// principle, then the whole so that the largest absolute eigenvalue of the raw matrix (before masks and signs) is
/// `radius`. `W_in` and `W_out` are Glorot-Gaussian: an entry's standard deviation is `sqrt(2 / (fan_in + fan_out))`,
/// with the connections that the mask leaves in its row and column. Biases are 0; the initial state has mean 0.1 and
/// standard deviation 0.01.
///
/// Glorot X, Bengio Y (2010), Proceedings of AISTATS 9: 249.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianSpectralRadius {
    /// The spectral radius of the raw recurrent matrix; 1.1 by default.
    pub radius: f32,
}

impl Default for GaussianSpectralRadius {
    fn default() -> Self {
        Self { radius: 1.1 }
    }
}

impl Initializer for GaussianSpectralRadius {
    fn initialize(&self, form: &Form, seed: Seed) -> Result<Weights> {
        if !(self.radius > 0.0 && self.radius.is_finite()) {
            return Err(Error::argument("radius", "a positive number", self.radius));
        }
        let n_rec = form.recurrent.nrows();
        let stream = |name: &str| seed.child(name).stream(0);
        let mut w_rec = gaussian(form.recurrent.dim(), &mut stream("W_rec"));
        if let (Some(n_excitatory), Some(ratio)) = (form.n_excitatory, form.dale_ratio) {
            balance(&mut w_rec, &form.recurrent, n_excitatory, (ratio / (1.0 - ratio)) as f32);
        }
        let radius = spectral_radius(&w_rec)?;
        if radius > 0.0 {
            w_rec *= (f64::from(self.radius) / radius) as f32;
        }
        let mut state = stream("init_state");
        let mut weights = Weights::new();
        weights.insert("W_in", glorot(&form.input, &mut stream("W_in")));
        weights.insert("W_rec", w_rec);
        weights.insert("W_out", glorot(&form.output, &mut stream("W_out")));
        weights.insert("b_rec", Array1::<f32>::zeros(n_rec));
        weights.insert("b_out", Array1::<f32>::zeros(form.output.nrows()));
        weights.insert("init_state", Array2::from_shape_simple_fn((1, n_rec), || state.normal(0.1, 0.01)));
        Ok(weights)
    }
}

fn gaussian(shape: (usize, usize), rng: &mut TrialRng) -> Array2<f32> {
    Array2::from_shape_simple_fn(shape, || rng.normal(0.0, 1.0))
}

fn glorot(mask: &Array2<f32>, rng: &mut TrialRng) -> Array2<f32> {
    let (fan_in, fan_out) = (mask.sum_axis(Axis(1)), mask.sum_axis(Axis(0)));
    Array2::from_shape_fn(mask.dim(), |(row, column)| {
        let fan = fan_in[row] + fan_out[column];
        // A connection between two unconnected sides does not exist; its raw number is drawn all the same, so that the
        // other ones do not depend on the mask.
        let draw = rng.normal(0.0, 1.0);
        if fan > 0.0 { (2.0 / fan).sqrt() * draw } else { 0.0 }
    })
}

/// Scales the column of each unit by `v / ‖C_rec diag(v)‖` of its row, where `v` is 1 for excitatory units and
/// `inhibition`, the ratio of their numbers, for inhibitory ones: as PsychRNN does it.
fn balance(w_rec: &mut Array2<f32>, mask: &Array2<f32>, n_excitatory: usize, inhibition: f32) {
    let strength = |unit| if unit < n_excitatory { 1.0 } else { inhibition };
    for (unit, (mut column, row)) in w_rec.columns_mut().into_iter().zip(mask.rows()).enumerate() {
        let norm = row.iter().enumerate().map(|(pre, c)| (c * strength(pre)).powi(2)).sum::<f32>().sqrt();
        if norm > 0.0 {
            column *= strength(unit) / norm;
        }
    }
}

/// The largest absolute eigenvalue.
pub(crate) fn spectral_radius(matrix: &Array2<f32>) -> Result<f64> {
    let tensor = Tensor::try_from(matrix)?.f_to_kind(Kind::Double)?;
    Ok(tensor.f_linalg_eigvals()?.f_abs()?.f_max()?.f_double_value(&[])?)
}
