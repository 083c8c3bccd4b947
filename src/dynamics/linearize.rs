//! How a network moves about a state: its linear dynamics.

use linfa_linalg::eigh::EigValsh;
use ndarray::{Array1, Array2, ArrayView1};
use num_complex::Complex64;

use super::exact::Exact;
use super::linear::{Eigen, Lu, eigenvalues, norm};
use super::modes::{Eigenvalue, Mode, Modes, NEUTRAL};
use crate::{Error, Result};

/// The linear dynamics of a network about a state: near it, a step `F` without noise is
///
/// ```text
/// F(x, u) ≈ F(x₀, u₀) + J (x - x₀) + B (u - u₀),   z(x) ≈ z(x₀) + C (x - x₀)
/// ```
///
/// Of a leaky network `J = 1 + dt A` and `B = dt diag(1/τ) W_in` with the Jacobian `A = diag(1/τ) (W_rec diag f'(x₀) - 1)` of its flow, and
/// `C = g' W_out diag f'(x₀)`; in the rate form `A = diag(1/τ) (diag f' W_rec - 1)` and `B = dt diag(f'/τ) W_in` with `f'` at the currents
/// `W_rec r₀ + W_in u₀ + b_rec`, and `C = g' W_out`. An LSTM, whose state is `h` and after it `c`, has no flow. It is most useful where the state stands still,
/// at a fixed point, but may be taken anywhere. Computed in `f64` from the formulas of the derivatives; of a transfer function of
/// your own they are as precise as its `f32` slopes.
///
/// ```
/// use ndarray::array;
/// use psychrnn::prelude::*;
/// let mut weights = Weights::new();
/// weights.insert("W_in", array![[1.0], [0.0]]);
/// weights.insert("W_rec", array![[0.9, 0.0], [0.0, 0.0]]); // the first unit drives itself
/// weights.insert("W_out", array![[0.0, 1.0]]);
/// weights.insert("b_rec", array![0.0, 0.0]);
/// weights.insert("b_out", array![0.0]);
/// weights.insert("init_state", array![[0.0, 0.0]]);
/// let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 100.0).transfer(Transfer::Tanh))?;
/// let modes = simulator.linearize(&[0.0, 0.0], &[0.0])?.modes()?;
/// assert!((modes.modes[0].eigenvalue.time_constant - 1000.0).abs() < 1e-3); // ten times that of a unit alone
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Linearization {
    /// The state `x₀` `[n_state]`.
    pub state: Array1<f64>,
    /// The input `u₀` `[n_in]`.
    pub input: Array1<f64>,
    /// The state a step later, `F(x₀, u₀)`, `[n_state]`.
    pub next: Array1<f64>,
    /// The outputs in the state, `[n_out]`.
    pub outputs: Array1<f64>,
    /// How a step depends on the state: `J`, `[n_state, n_state]`.
    pub jacobian: Array2<f64>,
    /// The Jacobian `A` of the flow, `[n_state, n_state]`, per millisecond; none if steps are not those of a flow.
    pub flow_jacobian: Option<Array2<f64>>,
    /// How a step depends on the input: `B`, `[n_state, n_in]`.
    pub input_jacobian: Array2<f64>,
    /// How the outputs depend on the state: `C`, `[n_out, n_state]`.
    pub output_jacobian: Array2<f64>,
    /// The time step, in milliseconds.
    pub dt: f64,
    /// The longest time constant of a unit, in milliseconds; the time step if units have none.
    pub tau: f64,
}

impl Linearization {
    /// That of this equation; an error if it is not finite.
    pub(crate) fn of(exact: &dyn Exact, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Result<Self> {
        let linear = Self {
            state: state.to_owned(),
            input: input.to_owned(),
            next: exact.step(state, input),
            outputs: exact.outputs(state),
            jacobian: exact.jacobian(state, input),
            flow_jacobian: exact.flow_jacobian(state, input),
            input_jacobian: exact.input_jacobian(state, input),
            output_jacobian: exact.output_jacobian(state),
            dt: exact.dt(),
            tau: exact.tau(),
        };
        let matrices = [&linear.jacobian, &linear.input_jacobian, &linear.output_jacobian];
        let numbers = matrices.into_iter().flatten().chain(&linear.next).chain(&linear.outputs);
        if let Some(&value) = numbers.into_iter().find(|number| !number.is_finite()) {
            return Err(Error::NotFinite {
                name: "step of the network".into(),
                value,
                at: "or near this state".into(),
            });
        }
        Ok(linear)
    }

    /// What the modes are those of: the Jacobian of the flow, or of a step.
    fn matrix(&self) -> &Array2<f64> {
        self.flow_jacobian.as_ref().unwrap_or(&self.jacobian)
    }

    /// `(J - 1) / dt`, that of the flow if there is one.
    fn per_time(&self) -> Array2<f64> {
        let of_steps = || (&self.jacobian - &Array2::<f64>::eye(self.state.len())) / self.dt;
        self.flow_jacobian.clone().unwrap_or_else(of_steps)
    }

    fn eigenvalue(&self, value: Complex64) -> Eigenvalue {
        match self.flow_jacobian {
            Some(_) => Eigenvalue::of_flow(value, self.dt),
            None => Eigenvalue::of_map(value, self.dt),
        }
    }

    /// The eigenvalues alone, in the order of [`Linearization::modes`], which take twice as long.
    ///
    /// # Errors
    /// If they cannot be computed.
    pub fn eigenvalues(&self) -> Result<Vec<Eigenvalue>> {
        let values = eigenvalues(self.matrix().view()).ok_or_else(none_found)?;
        let mut values: Vec<Eigenvalue> = values.into_iter().map(|value| self.eigenvalue(value)).collect();
        values.sort_by(|a, b| b.size().total_cmp(&a.size()));
        Ok(values)
    }

    /// The modes: directions in which the state moves by itself, each at its own rate. Those that grow fastest, or decay slowest, come
    /// first; of a complex pair the one that rotates forward first.
    ///
    /// # Errors
    /// If they cannot be computed.
    pub fn modes(&self) -> Result<Modes> {
        let Eigen { values, right, left } = Eigen::of(self.matrix().view()).ok_or_else(none_found)?;
        let squares: f64 = values.iter().map(Complex64::norm_sqr).sum();
        let all: f64 = self.matrix().iter().map(|value| value * value).sum();
        let mut modes = Vec::with_capacity(values.len());
        for (i, &value) in values.iter().enumerate() {
            let (mut right, mut left) = (right.column(i).to_owned(), left.row(i).to_owned());
            // The largest entry, the first of those if there are several, is made real and positive.
            let largest = right.iter().fold(Complex64::default(), |a, b| if b.norm() > a.norm() { *b } else { a });
            let turn = largest / largest.norm();
            right.mapv_inplace(|part| part / turn);
            left.mapv_inplace(|part| part * turn);
            let condition = left.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            modes.push(Mode {
                eigenvalue: self.eigenvalue(value),
                condition: if condition.is_nan() { f64::INFINITY } else { condition },
                input_load: left.dot(&self.input_jacobian.mapv(Complex64::from)) / self.dt,
                output_load: self.output_jacobian.mapv(Complex64::from).dot(&right),
                right,
                left,
            });
        }
        modes.sort_by(|a, b| b.eigenvalue.size().total_cmp(&a.eigenvalue.size()));
        Ok(Modes {
            modes,
            non_normality: if all > 0.0 { (all - squares).max(0.0).sqrt() / all.sqrt() } else { 0.0 },
            fastest_growth: self.fastest_growth()?,
            tau: self.tau,
        })
    }

    fn fastest_growth(&self) -> Result<f64> {
        let Some(flow) = &self.flow_jacobian else { return Ok(norm(self.jacobian.view()).ln() / self.dt) };
        let symmetric = (flow + &flow.t()) / 2.0;
        let values = symmetric.eigvalsh().map_err(|_| none_found())?;
        Ok(values.fold(f64::NEG_INFINITY, |most, &value| most.max(value)))
    }

    /// How the state that stands still moves with the input, `dx*/du = (1 - J)⁻¹ B`, `[n_state, n_in]`; none if a mode stays as it is, as along a
    /// line of fixed points.
    #[must_use]
    pub fn steady_gain(&self) -> Option<Array2<f64>> {
        // A mode that stays does not make the matrix singular to the last bit.
        let stays = |one: &Eigenvalue| (1.0 - one.map).norm() * self.tau / self.dt < NEUTRAL;
        if self.eigenvalues().ok()?.iter().any(stays) {
            return None;
        }
        // Both sides per time: precise where steps are small.
        let lu = Lu::of(-self.per_time())?;
        Some(lu.solve_all((&self.input_jacobian / self.dt).view()))
    }

    /// How the outputs there move with the input, `dz*/du = C dx*/du`, `[n_out, n_in]`; none where [`Linearization::steady_gain`] is.
    #[must_use]
    pub fn steady_output_gain(&self) -> Option<Array2<f64>> {
        Some(self.output_jacobian.dot(&self.steady_gain()?))
    }

    /// The states `[n_steps, n_state]` through which the linear dynamics go from a state `[n_state]`, on inputs `[n_steps, n_in]`: the first
    /// is that after one step.
    ///
    /// # Errors
    /// If the arrays have other shapes.
    pub fn predict<'a>(&self, state: impl Into<ArrayView1<'a, f64>>, inputs: &Array2<f64>) -> Result<Array2<f64>> {
        let state = state.into();
        checked("state", "n_state", state, self.state.len())?;
        if inputs.ncols() != self.input.len() {
            let expected = format!("[n_steps, n_in = {}]", self.input.len());
            return Err(Error::shape("inputs", expected, inputs.shape()));
        }
        let mut away = &state - &self.state;
        let moved = &self.next - &self.state;
        let mut states = Array2::zeros((inputs.nrows(), self.state.len()));
        for (mut to, input) in states.outer_iter_mut().zip(inputs.outer_iter()) {
            away = self.jacobian.dot(&away) + self.input_jacobian.dot(&(&input - &self.input)) + &moved;
            to.assign(&(&away + &self.state));
        }
        Ok(states)
    }

    /// How far the linear dynamics are from a trajectory `[n_times, n_state]` that the network went on inputs `[n_times, n_in]` (those that led
    /// to each state), when they go from each of its states as many steps: the distances `[n_times - steps]`.
    ///
    /// # Errors
    /// If the arrays have other shapes, or if the trajectory has no state so many steps after its first.
    pub fn prediction_errors(&self, states: &Array2<f64>, inputs: &Array2<f64>, steps: usize) -> Result<Array1<f64>> {
        let n_times = states.nrows();
        if inputs.nrows() != n_times {
            return Err(Error::shape("inputs", format!("[n_times = {n_times}, n_in]"), inputs.shape()));
        }
        if steps == 0 || steps >= n_times {
            let expected = format!("at least 1 and less than the {n_times} times of the trajectory");
            return Err(Error::argument("steps", expected, steps));
        }
        let distance = |first: usize| {
            let inputs = inputs.slice(ndarray::s![first + 1..=first + steps, ..]).to_owned();
            let predicted = self.predict(states.row(first), &inputs)?;
            let error = &predicted.row(steps - 1) - &states.row(first + steps);
            Ok(error.dot(&error).sqrt())
        };
        (0..n_times - steps).map(distance).collect()
    }
}

/// An error if an array is not that long, or not finite.
pub(crate) fn checked(name: &str, axis: &str, array: ArrayView1<'_, f64>, n: usize) -> Result<()> {
    if array.len() != n {
        return Err(Error::shape(name, format!("[{axis} = {n}]"), array.shape()));
    }
    match array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some((at, &value)) => Err(Error::NotFinite { name: name.into(), value, at: format!("[{at}]") }),
        None => Ok(()),
    }
}

fn none_found() -> Error {
    Error::argument("Jacobian", "one whose eigenvalues can be computed", "one on which the QR algorithm gave up")
}
