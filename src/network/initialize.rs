//! Where weights start.

use std::fmt;

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};
use tch::Kind;

use super::Connections;
use super::tensors::to_tensor;
use crate::random::{Seed, TrialRng};
use crate::setters::setters;
use crate::weights::Weights;
use crate::{Error, Result};

/// Draws the raw parameters of an [`Rnn`](super::Rnn): `W_in`, `W_rec`, `W_out`, `b_rec`, `b_out`, `init_state`. Write
/// your own for [`Rnn::with_initializer`](super::Rnn::with_initializer); [`InitialWeights`] is the usual one.
pub trait Initializer: fmt::Debug + Send + Sync {
    /// Draws the parameters of a network with these connections.
    ///
    /// # Errors
    /// If the initializer's arguments make no sense for such a network.
    fn initialize(&self, connections: &Connections, seed: Seed) -> Result<Weights>;
}

/// How a weight matrix is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Draw {
    /// All numbers from `low` to `high` equally likely; PsychRNN's `const_unif` has -0.1 and 0.1.
    Uniform {
        /// The lowest.
        low: f32,
        /// The highest.
        high: f32,
    },
    /// Gaussian with mean 0; PsychRNN's `const_gauss` has standard deviation 1.
    Gaussian {
        /// The standard deviation.
        sd: f32,
    },
    /// Uniform within `±sqrt(6 / (fan_in + fan_out))`, with the connections that the mask leaves in an entry's row and
    /// column. Glorot X, Bengio Y (2010), Proceedings of AISTATS 9: 249.
    GlorotUniform,
    /// Gaussian with standard deviation `sqrt(2 / (fan_in + fan_out))`, likewise.
    GlorotGaussian,
    /// Gaussian, balanced under Dale's principle, scaled to a spectral radius (largest absolute eigenvalue). Only for
    /// `W_rec`.
    SpectralRadius {
        /// The radius.
        radius: f32,
        /// Of which matrix.
        of: RadiusOf,
    },
    /// `scale` times the identity, balanced under Dale's principle. Only for `W_rec`. Le QV, Jaitly N, Hinton GE (2015),
    /// arXiv:1504.00941.
    ScaledIdentity {
        /// The number on the diagonal.
        scale: f32,
    },
}

/// The matrix whose spectral radius is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RadiusOf {
    /// The raw matrix, before masks and signs: PsychRNN's way. Under Dale's principle the effective radius then misses
    /// the target: about 0.9 for 1.1.
    #[default]
    Raw,
    /// The effective matrix, after masks and signs.
    Effective,
}

/// How the weights of an [`Rnn`](super::Rnn) are drawn. Biases are 0; the initial state has mean 0.1 and standard
/// deviation 0.01.
///
/// The default is PsychRNN's: `W_in` and `W_out` [`Draw::GlorotGaussian`], `W_rec` [`Draw::SpectralRadius`] 1.1 of the
/// raw matrix.
///
/// Under Dale's principle, `SpectralRadius` and `ScaledIdentity` balance excitation and inhibition as PsychRNN does: the
/// column of each unit is multiplied by `v / ‖C_rec diag(v)‖` of its row, with `v` 1 for excitatory and `r / (1 - r)` for
/// inhibitory units at `dale_ratio` `r`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitialWeights {
    /// `W_in`.
    pub input: Draw,
    /// `W_rec`.
    pub recurrent: Draw,
    /// `W_out`.
    pub output: Draw,
}

impl Default for InitialWeights {
    fn default() -> Self {
        let recurrent = Draw::SpectralRadius { radius: 1.1, of: RadiusOf::Raw };
        Self { input: Draw::GlorotGaussian, recurrent, output: Draw::GlorotGaussian }
    }
}

impl InitialWeights {
    /// All three matrices drawn in this way.
    #[must_use]
    pub fn all(draw: Draw) -> Self {
        Self { input: draw, recurrent: draw, output: draw }
    }

    setters! {
        /// `W_rec` drawn in this way.
        recurrent: Draw;
    }
}

impl Initializer for InitialWeights {
    fn initialize(&self, connections: &Connections, seed: Seed) -> Result<Weights> {
        let n_rec = connections.recurrent.nrows();
        let stream = |name: &str| seed.child(name).stream(0);
        let w_rec = match self.recurrent {
            Draw::SpectralRadius { radius, of } => spectral(radius, of, connections, &mut stream("W_rec"))?,
            Draw::ScaledIdentity { scale } => {
                if !scale.is_finite() {
                    return Err(Error::argument("scale", "a finite number", scale));
                }
                let mut identity = Array2::eye(n_rec) * scale;
                connections.balance(&mut identity)?;
                identity
            }
            draw => entries("W_rec", draw, &connections.recurrent, &mut stream("W_rec"))?,
        };
        let mut state = stream("init_state");
        let mut weights = Weights::new();
        weights.insert("W_in", entries("W_in", self.input, &connections.input, &mut stream("W_in"))?);
        weights.insert("W_rec", w_rec);
        weights.insert("W_out", entries("W_out", self.output, &connections.output, &mut stream("W_out"))?);
        weights.insert("b_rec", Array1::<f32>::zeros(n_rec));
        weights.insert("b_out", Array1::<f32>::zeros(connections.output.nrows()));
        weights.insert("init_state", Array2::from_shape_simple_fn((1, n_rec), || state.normal(0.1, 0.01)));
        Ok(weights)
    }
}

/// A matrix whose entries are drawn each by itself.
pub(super) fn entries(name: &str, draw: Draw, mask: &Array2<f32>, rng: &mut TrialRng) -> Result<Array2<f32>> {
    // A connection between two unconnected sides does not exist; its raw number is drawn all the same, so that the
    // other ones do not depend on it.
    let scale = |fan: f32, numerator: f32| if fan > 0.0 { (numerator / fan).sqrt() } else { 0.0 };
    let (rows, columns) = (mask.sum_axis(Axis(1)), mask.sum_axis(Axis(0)));
    let fan = |(row, column): (usize, usize)| rows[row] + columns[column];
    match draw {
        Draw::Uniform { low, high } if low.is_finite() && high.is_finite() && low <= high => {
            Ok(Array2::from_shape_simple_fn(mask.dim(), || rng.uniform(low, high)))
        }
        Draw::Uniform { low, high } => Err(Error::argument(
            format!("draw of {name}"),
            "uniform from a lower to a higher number",
            format!("{low} to {high}"),
        )),
        Draw::Gaussian { sd } if sd.is_finite() && sd >= 0.0 => {
            Ok(Array2::from_shape_simple_fn(mask.dim(), || rng.normal(0.0, sd)))
        }
        Draw::Gaussian { sd } => Err(Error::argument(format!("sd of {name}"), "0 or a positive number", sd)),
        Draw::GlorotUniform => Ok(Array2::from_shape_fn(mask.dim(), |at| scale(fan(at), 6.0) * rng.uniform(-1.0, 1.0))),
        Draw::GlorotGaussian => Ok(Array2::from_shape_fn(mask.dim(), |at| scale(fan(at), 2.0) * rng.normal(0.0, 1.0))),
        Draw::SpectralRadius { .. } | Draw::ScaledIdentity { .. } => Err(Error::argument(
            format!("draw of {name}"),
            "one for any matrix",
            format!("{draw:?}, which is for W_rec"),
        )),
    }
}

fn spectral(radius: f32, of: RadiusOf, connections: &Connections, rng: &mut TrialRng) -> Result<Array2<f32>> {
    let mut w_rec = Array2::from_shape_simple_fn(connections.recurrent.dim(), || rng.normal(0.0, 1.0));
    connections.balance(&mut w_rec)?;
    connections.scale_to_radius(&mut w_rec, radius, of)?;
    Ok(w_rec)
}

/// What an [`Initializer`] of your own may need.
impl Connections {
    /// Balances excitation and inhibition in a raw `W_rec`, see [`InitialWeights`]. Without Dale's principle it stays as it
    /// is.
    ///
    /// # Errors
    /// If it has another shape than the recurrent connections.
    pub fn balance(&self, w_rec: &mut Array2<f32>) -> Result<()> {
        self.check_recurrent(w_rec)?;
        let Some((ratio, n_excitatory)) = self.excitatory else { return Ok(()) };
        let strength = |unit: usize| if unit < n_excitatory { 1.0 } else { (ratio / (1.0 - ratio)) as f32 };
        for (unit, (mut column, row)) in w_rec.columns_mut().into_iter().zip(self.recurrent.rows()).enumerate() {
            let norm = row.iter().enumerate().map(|(pre, c)| (c * strength(pre)).powi(2)).sum::<f32>().sqrt();
            if norm > 0.0 {
                column *= strength(unit) / norm;
            }
        }
        Ok(())
    }

    /// Scales a raw `W_rec` so that it, or the effective matrix that it makes, has this spectral radius (largest absolute
    /// eigenvalue).
    ///
    /// # Errors
    /// If it has another shape than the recurrent connections, if `radius` is not positive, or if the radius of the matrix
    /// is 0, which no scale changes.
    pub fn scale_to_radius(&self, w_rec: &mut Array2<f32>, radius: f32, of: RadiusOf) -> Result<()> {
        self.check_recurrent(w_rec)?;
        if !(radius > 0.0 && radius.is_finite()) {
            return Err(Error::argument("radius", "a positive number", radius));
        }
        let measured = match of {
            RadiusOf::Raw => spectral_radius(w_rec)?,
            RadiusOf::Effective => {
                let mut effective = &*w_rec * &self.recurrent;
                if let Some((_, n_excitatory)) = self.excitatory {
                    effective.mapv_inplace(f32::abs);
                    for mut column in effective.columns_mut().into_iter().skip(n_excitatory) {
                        column *= -1.0;
                    }
                }
                spectral_radius(&effective)?
            }
        };
        // A matrix without cycles has radius 0, and no scale gives it another one.
        if measured > 1e-6 {
            *w_rec *= (f64::from(radius) / measured) as f32;
            Ok(())
        } else {
            let expected = "a graph with a cycle: without one the spectral radius is 0 whatever the weights; draw W_rec in another way";
            Err(Error::argument("recurrent connectivity", expected, "one without"))
        }
    }

    fn check_recurrent(&self, w_rec: &Array2<f32>) -> Result<()> {
        if w_rec.dim() == self.recurrent.dim() {
            return Ok(());
        }
        Err(Error::shape("W_rec", format!("[n_rec, n_rec] = {:?}", self.recurrent.shape()), w_rec.shape()))
    }
}

/// The largest absolute eigenvalue.
pub(crate) fn spectral_radius(matrix: &Array2<f32>) -> Result<f64> {
    let tensor = to_tensor(matrix)?.f_to_kind(Kind::Double)?;
    Ok(tensor.f_linalg_eigvals()?.f_abs()?.f_max()?.f_double_value(&[])?)
}
