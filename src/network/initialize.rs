//! Where weights start.

use std::fmt;

use ndarray::{Array1, Array2, Axis, Zip};
use rand_distr::{Distribution, Gamma, LogNormal};
use serde::{Deserialize, Serialize};
use tch::Kind;

use super::Connections;
use super::tensors::to_tensor;
use crate::dynamics::linear::random_orthonormal;
use crate::random::{Seed, TrialRng};
use crate::setters::setters;
use crate::weights::Weights;
use crate::{Error, Result};

/// Draws the raw parameters of an [`Rnn`](super::Rnn): `W_in`, `W_rec`, `W_out`, `b_rec`, `b_out`, `init_state`. Write
/// your own for [`Rnn::with_initializer`](super::Rnn::with_initializer); [`InitialWeights`] is the usual one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` draws no initial weights",
    note = "implement `Initializer` by `initialize`, and derive `Debug`"
)]
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
    /// From a gamma distribution, all positive: PyCog's way under Dale's principle, with shape 2 and mean 0.1.
    Gamma {
        /// The shape `k`; the standard deviation is `mean / √k`.
        shape: f32,
        /// The mean.
        mean: f32,
    },
    /// From a log-normal distribution, all positive; PyCog's has mean 0.5 and variance 0.1.
    LogNormal {
        /// The mean of the weights, not of their logarithms.
        mean: f32,
        /// The standard deviation of the weights.
        sd: f32,
    },
    /// Gaussian with standard deviation `gain / √n`, with the `n` connections that the mask leaves in an entry's row: how many a unit or an
    /// output gets. Yang's `W_in` has gain 1.
    FanInGaussian {
        /// The gain.
        gain: f32,
    },
    /// `scale` times a random orthogonal matrix, all of which are equally likely; of a matrix that is not square rows, or columns, that are
    /// orthonormal. Saxe AM, McClelland JL, Ganguli S (2014), arXiv:1312.6120.
    Orthogonal {
        /// The length of each row or column.
        scale: f32,
    },
    /// `scale` times the identity. Only for `W_rec`. Le QV, Jaitly N, Hinton GE (2015), arXiv:1504.00941.
    ScaledIdentity {
        /// The number on the diagonal.
        scale: f32,
    },
}

/// How excitation and inhibition are balanced in a raw `W_rec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Not at all.
    #[default]
    None,
    /// PsychRNN's way: under Dale's principle the column of each unit is multiplied by `v / ‖C_rec diag(v)‖` of its row, with `v`
    /// 1 for excitatory and `r / (1 - r)` for inhibitory units at `dale_ratio` `r`.
    Columns,
    /// PyCog's way: in each row the weights from inhibitory units are multiplied by the number of excitatory connections over that
    /// of inhibitory ones, so that both are equally strong together, and then each row by the inverse of the norm of these
    /// factors. PyCog does not scale the variance of a log-normal distribution with it; here all weights are scaled alike.
    Rows,
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

/// How the weights of an [`Rnn`](super::Rnn) are drawn. Biases are 0.
///
/// The default is PsychRNN's: `W_in` and `W_out` [`Draw::GlorotGaussian`], `W_rec` [`Draw::Gaussian`] with standard deviation 1,
/// balanced by [`Balance::Columns`] and scaled to a spectral radius of 1.1 of the raw matrix, an initial state with mean 0.1 and standard
/// deviation 0.01. [`InitialWeights::pycog`] has PyCog's, [`InitialWeights::yang`] those of Yang's networks.
///
/// ```
/// use psychrnn::prelude::*;
/// let strong = Draw::Gamma { shape: 2.0, mean: 0.3 };
/// let initial = InitialWeights::pycog().inhibitory(strong).radius(1.2, RadiusOf::Effective);
/// let config = RnnConfig::default().dale_ratio(0.8).dale(Dale::Rectified).initial(initial);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitialWeights {
    /// `W_in`.
    pub input: Draw,
    /// `W_rec`.
    pub recurrent: Draw,
    /// The columns of inhibitory units in `W_rec`, if they are drawn in another way.
    pub inhibitory: Option<Draw>,
    /// `W_out`.
    pub output: Draw,
    /// How `W_rec` is balanced.
    pub balance: Balance,
    /// The spectral radius (largest absolute eigenvalue) to which `W_rec` is scaled at last, and of which matrix it is; in a specification
    /// `"none"` leaves it.
    pub radius: Option<(f32, RadiusOf)>,
    /// The mean and the standard deviation of the initial state, which is Gaussian.
    pub state: (f32, f32),
}

/// PsychRNN's initial state.
fn usual_state() -> (f32, f32) {
    (0.1, 0.01)
}

impl Default for InitialWeights {
    fn default() -> Self {
        Self {
            recurrent: Draw::Gaussian { sd: 1.0 },
            balance: Balance::Columns,
            radius: Some((1.1, RadiusOf::Raw)),
            ..Self::all(Draw::GlorotGaussian)
        }
    }
}

impl InitialWeights {
    /// All three matrices drawn in this way, `W_rec` neither balanced nor scaled.
    #[must_use]
    pub fn all(draw: Draw) -> Self {
        let (balance, state) = (Balance::None, usual_state());
        Self { input: draw, recurrent: draw, inhibitory: None, output: draw, balance, radius: None, state }
    }

    /// PyCog's under Dale's principle: `W_in` and `W_out` uniform from -0.1 to 0.1, `W_rec` [`Draw::Gamma`] with shape 2 and mean 0.1,
    /// balanced by [`Balance::Rows`] and scaled to a spectral radius of 1.5 of the effective matrix.
    ///
    /// Without Dale's principle PyCog has `.recurrent(Draw::Gaussian { sd: 1.0 }).radius(1.1, RadiusOf::Effective)`.
    #[must_use]
    pub fn pycog() -> Self {
        Self {
            recurrent: Draw::Gamma { shape: 2.0, mean: 0.1 },
            balance: Balance::Rows,
            radius: Some((1.5, RadiusOf::Effective)),
            ..Self::all(Draw::Uniform { low: -0.1, high: 0.1 })
        }
    }

    /// Those of the networks of Yang GR et al. (2019), doi:10.1038/s41593-018-0310-2: `W_in` [`Draw::FanInGaussian`] with gain 1, `W_rec`
    /// half of the identity, `W_out` [`Draw::GlorotUniform`], an initial state of 0, which theirs keep:
    /// [`freeze("init_state")`](super::RnnConfig::freeze). Their code also has `.recurrent(Draw::Orthogonal { scale: 0.5 })`, with a scale of
    /// 1 for a tanh and of 0.01 for a rectified square.
    #[must_use]
    pub fn yang() -> Self {
        Self {
            input: Draw::FanInGaussian { gain: 1.0 },
            recurrent: Draw::ScaledIdentity { scale: 0.5 },
            ..Self::all(Draw::GlorotUniform).state(0.0, 0.0)
        }
    }

    /// `W_rec` drawn in this way, neither balanced nor scaled.
    #[must_use]
    pub fn recurrent(mut self, draw: Draw) -> Self {
        (self.recurrent, self.inhibitory, self.balance, self.radius) = (draw, None, Balance::None, None);
        self
    }

    setters! {
        /// The columns of inhibitory units in `W_rec` drawn in this way.
        inhibitory: Draw => Some(inhibitory);
        /// How `W_rec` is balanced.
        balance: Balance;
    }

    /// The mean and the standard deviation of the initial state.
    #[must_use]
    pub fn state(mut self, mean: f32, sd: f32) -> Self {
        self.state = (mean, sd);
        self
    }

    /// The spectral radius to which `W_rec` is scaled.
    #[must_use]
    pub fn radius(mut self, radius: f32, of: RadiusOf) -> Self {
        self.radius = Some((radius, of));
        self
    }
}

impl Initializer for InitialWeights {
    fn initialize(&self, connections: &Connections, seed: Seed) -> Result<Weights> {
        let n_rec = connections.recurrent.nrows();
        let stream = |name: &str| seed.child(name).stream(0);
        let mut w_rec = entries("W_rec", self.recurrent, &connections.recurrent, &mut stream("W_rec"))?;
        match (self.inhibitory, &connections.signs) {
            (None, _) => {}
            (Some(draw), Some(signs)) => {
                let drawn = entries("W_rec", draw, &connections.recurrent, &mut stream("W_rec of inhibitory units"))?;
                for unit in (0..n_rec).filter(|&unit| signs.inhibits(unit)) {
                    w_rec.column_mut(unit).assign(&drawn.column(unit));
                }
            }
            (Some(_), None) => {
                let expected = "left out without Dale's principle: there are no inhibitory units";
                return Err(Error::argument("inhibitory", expected, "given"));
            }
        }
        match self.balance {
            Balance::None => {}
            Balance::Columns => connections.balance(&mut w_rec)?,
            Balance::Rows => connections.balance_rows(&mut w_rec),
        }
        if let Some((radius, of)) = self.radius {
            connections.scale_to_radius(&mut w_rec, radius, of)?;
        }
        let (mean, sd) = self.state;
        if !(mean.is_finite() && sd >= 0.0 && sd.is_finite()) {
            let expected = "a finite mean and a standard deviation of 0 or more";
            return Err(Error::argument("initial state", expected, format!("{mean} and {sd}")));
        }
        let mut state = stream("init_state");
        let mut weights = Weights::new();
        weights.insert("W_in", entries("W_in", self.input, &connections.input, &mut stream("W_in"))?);
        weights.insert("W_rec", w_rec);
        weights.insert("W_out", entries("W_out", self.output, &connections.output, &mut stream("W_out"))?);
        weights.insert("b_rec", Array1::<f32>::zeros(n_rec));
        weights.insert("b_out", Array1::<f32>::zeros(connections.output.nrows()));
        weights.insert("init_state", Array2::from_shape_simple_fn((1, n_rec), || state.normal(mean, sd)));
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
        Draw::FanInGaussian { gain } => match gain.is_finite() {
            true => {
                Ok(Array2::from_shape_fn(mask.dim(), |(row, _)| gain * scale(rows[row], 1.0) * rng.normal(0.0, 1.0)))
            }
            false => Err(Error::argument(format!("gain of {name}"), "a finite number", gain)),
        },
        Draw::Orthogonal { scale } if scale.is_finite() => {
            let (n_rows, n_columns) = mask.dim();
            let columns = random_orthonormal((n_rows.max(n_columns), n_rows.min(n_columns)), rng).ok_or_else(|| {
                Error::argument(format!("draw of {name}"), "a matrix with a QR decomposition", "one without")
            })?;
            let matrix = if n_rows < n_columns { columns.reversed_axes() } else { columns };
            Ok(matrix.mapv(|entry| scale * entry as f32).as_standard_layout().into_owned())
        }
        Draw::Orthogonal { scale } => Err(Error::argument(format!("scale of {name}"), "a finite number", scale)),
        Draw::Gamma { shape, mean } => match Gamma::new(shape, mean / shape) {
            Ok(gamma) if shape.is_finite() && mean.is_finite() => {
                Ok(Array2::from_shape_simple_fn(mask.dim(), || gamma.sample(rng)))
            }
            _ => Err(positive(name, draw)),
        },
        Draw::LogNormal { mean, sd } => {
            let variance = (sd / mean).powi(2).ln_1p();
            match LogNormal::new(mean.ln() - variance / 2.0, variance.sqrt()) {
                Ok(normal) if mean > 0.0 && sd > 0.0 && mean.is_finite() && variance.is_finite() => {
                    Ok(Array2::from_shape_simple_fn(mask.dim(), || normal.sample(rng)))
                }
                _ => Err(positive(name, draw)),
            }
        }
        Draw::ScaledIdentity { scale } if name == "W_rec" => match scale.is_finite() {
            true => Ok(Array2::eye(mask.nrows()) * scale),
            false => Err(Error::argument("scale", "a finite number", scale)),
        },
        Draw::ScaledIdentity { .. } => Err(Error::argument(
            format!("draw of {name}"),
            "one for any matrix",
            format!("{draw:?}, which is for W_rec"),
        )),
    }
}

fn positive(name: &str, draw: Draw) -> Error {
    Error::argument(format!("draw of {name}"), "a distribution with positive numbers", format!("{draw:?}"))
}

/// What an [`Initializer`] of your own may need.
impl Connections {
    /// Balances excitation and inhibition in a raw `W_rec` by [`Balance::Columns`]. Without Dale's principle it stays as it is.
    ///
    /// # Errors
    /// If it has another shape than the recurrent connections.
    pub fn balance(&self, w_rec: &mut Array2<f32>) -> Result<()> {
        self.check_recurrent(w_rec)?;
        let Some(signs) = &self.signs else { return Ok(()) };
        // Without excitatory units there is nothing to balance inhibition with.
        let of_inhibitory = if signs.ratio > 0.0 { (signs.ratio / (1.0 - signs.ratio)) as f32 } else { 1.0 };
        let strength = |unit: usize| if signs.inhibits(unit) { of_inhibitory } else { 1.0 };
        for (unit, (mut column, row)) in w_rec.columns_mut().into_iter().zip(self.recurrent.rows()).enumerate() {
            let norm = row.iter().enumerate().map(|(pre, c)| (c * strength(pre)).powi(2)).sum::<f32>().sqrt();
            if norm > 0.0 {
                column *= strength(unit) / norm;
            }
        }
        Ok(())
    }

    /// Multiplies the rows of a raw `W_rec`, see [`Balance::Rows`].
    fn balance_rows(&self, w_rec: &mut Array2<f32>) {
        let inhibits = |unit: usize| self.signs.as_ref().is_some_and(|signs| signs.inhibits(unit));
        for (mut weights, exist) in w_rec.rows_mut().into_iter().zip(self.recurrent.rows()) {
            let number = |inhibitory| -> f32 {
                exist.indexed_iter().filter(|(unit, _)| inhibits(*unit) == inhibitory).map(|(_, exists)| exists).sum()
            };
            let (excitatory, inhibitory) = (number(false), number(true));
            let ratio = if excitatory > 0.0 && inhibitory > 0.0 { excitatory / inhibitory } else { 1.0 };
            weights.indexed_iter_mut().filter(|(unit, _)| inhibits(*unit)).for_each(|(_, weight)| *weight *= ratio);
            let norm = (excitatory + ratio * ratio * inhibitory).sqrt();
            if norm > 0.0 {
                weights /= norm;
            }
        }
    }

    /// Scales a raw `W_rec` so that it, or the effective matrix that it makes, has this spectral radius (largest absolute
    /// eigenvalue). Held weights, which are part of the effective matrix, stay as they are.
    ///
    /// # Errors
    /// If it has another shape than the recurrent connections, if `radius` is not positive, if the radius of the matrix
    /// is 0, which no scale changes, or if the held weights alone have a larger one.
    pub fn scale_to_radius(&self, w_rec: &mut Array2<f32>, radius: f32, of: RadiusOf) -> Result<()> {
        self.check_recurrent(w_rec)?;
        if !(radius > 0.0 && radius.is_finite()) {
            return Err(Error::argument("radius", "a positive number", radius));
        }
        let held = self.held.get("W_rec").filter(|_| of == RadiusOf::Effective);
        // Next to held weights the radius does not grow with the scale alone: what is missing becomes less in each round.
        for _ in 0..200 {
            let measured = match of {
                RadiusOf::Raw => spectral_radius(w_rec)?,
                RadiusOf::Effective => spectral_radius(&self.effective(w_rec))?,
            };
            // A matrix without cycles has radius 0, and no scale gives it another one.
            if measured <= 1e-6 {
                let expected = "a graph with a cycle: without one the spectral radius is 0 whatever the weights; draw W_rec in another way";
                return Err(Error::argument("recurrent_connectivity", expected, "one without"));
            }
            let scale = f64::from(radius) / measured;
            *w_rec *= scale as f32;
            if held.is_none() || (scale - 1.0).abs() < 1e-6 {
                return Ok(());
            }
        }
        let expected = "larger than that of the held weights alone, and one that the others can change";
        Err(Error::argument("radius", expected, radius))
    }

    /// The effective matrix that a raw `W_rec` makes.
    fn effective(&self, w_rec: &Array2<f32>) -> Array2<f32> {
        let mut effective = w_rec * &self.recurrent;
        if let Some(signs) = &self.signs {
            effective.mapv_inplace(f32::abs);
            effective *= &signs.of_units;
        }
        if let Some(held) = self.held.get("W_rec") {
            Zip::from(&mut effective).and(held).for_each(|weight, &value| {
                if value != 0.0 {
                    *weight = value;
                }
            });
        }
        effective
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
