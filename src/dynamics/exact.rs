//! The equations in `f64`, a state at a time and without noise, with their derivatives: what linear dynamics, fixed points and
//! Lyapunov exponents are made of.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::Transfer;
use super::wiring::Counts;

/// Weights in `f64`, as an equation has them.
#[derive(Clone, Debug)]
pub(crate) struct Arrays {
    pub(crate) counts: Counts,
    /// From the units, the constant 1 and the inputs to the sums, `[n_sums, n_rec + 1 + n_in]`.
    pub(crate) step: Array2<f64>,
    /// From the units and the constant 1 to the outputs, `[n_out, n_rec + 1]`.
    pub(crate) readout: Array2<f64>,
}

impl Arrays {
    /// The weights from unit to unit of the sums of this number, `[n_rec, n_rec]`.
    pub(crate) fn recurrent(&self, number: usize) -> ArrayView2<'_, f64> {
        self.step.slice(s![self.sums(number), ..self.counts.n_rec])
    }

    /// Those from the inputs, `[n_rec, n_in]`.
    pub(crate) fn inputs(&self, number: usize) -> ArrayView2<'_, f64> {
        self.step.slice(s![self.sums(number), self.counts.n_rec + 1..])
    }

    /// What the inputs and the constant 1 give to these sums, `[n_rec]`.
    pub(crate) fn drive(&self, number: usize, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.inputs(number).dot(&input) + self.step.slice(s![self.sums(number), self.counts.n_rec])
    }

    /// What comes to the outputs where units show these rates `[n_rec]`, before the output function.
    pub(crate) fn to_outputs(&self, rates: ArrayView1<'_, f64>) -> Array1<f64> {
        let n_rec = self.counts.n_rec;
        self.readout.slice(s![.., ..n_rec]).dot(&rates) + self.readout.column(n_rec)
    }

    fn sums(&self, number: usize) -> std::ops::Range<usize> {
        number * self.counts.n_rec..(number + 1) * self.counts.n_rec
    }
}

/// An equation with its weights.
///
/// A *state* is all that goes from step to step, `[n_state]`: `x` of a leaky network, or `r` in the rate form, `h` and after it `c` of an
/// LSTM. Its first `n_rec` numbers are those that sessions have. Fixed points are the zeros of a function of `n_rec` *unknowns* `x`, the
/// *residual*, and where the state stands still these tell all of it. They are the first numbers of the state, but for those of the rate
/// form, which are the currents.
pub(crate) trait Exact: Send + Sync {
    /// Its weights.
    fn arrays(&self) -> &Arrays;

    /// The same equation with other weights, as many.
    fn with(&self, arrays: Arrays) -> Arc<dyn Exact>;

    /// How many channels, units and outputs.
    fn counts(&self) -> Counts {
        self.arrays().counts
    }

    /// How many numbers a state has.
    fn n_state(&self) -> usize;

    /// The time step, in milliseconds.
    fn dt(&self) -> f64;

    /// The time constants of the units in milliseconds `[n_rec]`, if steps are those of a flow, whose Jacobian is `(J - 1) / dt`.
    fn taus(&self) -> Option<&Array1<f64>>;

    /// The longest time constant of a unit, in milliseconds; the time step if units have none.
    fn tau(&self) -> f64 {
        self.taus().map_or(self.dt(), |taus| taus.fold(0.0, |most, &tau| tau.max(most)))
    }

    /// The state a step later `[n_state]`.
    fn step(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64>;

    /// How it depends on the state, `[n_state, n_state]`.
    fn jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64>;

    /// How it depends on the input, `[n_state, n_in]`.
    fn input_jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64>;

    /// How the first numbers of a state move `[n_rec]`, per millisecond, where the others stand still.
    fn flow(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        let residual = self.residual(state.slice(s![..self.counts().n_rec]), input);
        match self.taus() {
            Some(taus) => residual / taus,
            None => residual / self.dt(),
        }
    }

    /// The Jacobian of the flow `[n_state, n_state]`, if steps are those of one.
    fn flow_jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Option<Array2<f64>> {
        let taus = self.taus()?.view().insert_axis(Axis(1));
        Some(self.residual_jacobian(state, input) / taus)
    }

    /// The step `A x + b` of a piecewise linear network in the region in which the transfer function has these slopes `[n_rec]`.
    fn step_in(&self, slopes: &Array1<f64>, input: ArrayView1<'_, f64>) -> Option<(Array2<f64>, Array1<f64>)> {
        let _ = (slopes, input);
        None
    }

    /// The outputs `[n_out]` in a state.
    fn outputs(&self, state: ArrayView1<'_, f64>) -> Array1<f64>;

    /// How they depend on the state, `[n_out, n_state]`.
    fn output_jacobian(&self, state: ArrayView1<'_, f64>) -> Array2<f64>;

    /// What is 0 where the state stands still, `[n_rec]`: `W f(x) + W_in u + b - x` of a leaky network.
    fn residual(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64>;

    /// How it depends on `x`, `[n_rec, n_rec]`.
    fn residual_jacobian(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64>;

    /// How it depends on the input, `[n_rec, n_in]`.
    fn residual_input_jacobian(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64>;

    /// The second derivatives of the residual's sum with these weights `[n_rec]`: `Σᵢ wᵢ ∇²Gᵢ`, `[n_rec, n_rec]`.
    fn residual_hessian(
        &self,
        x: ArrayView1<'_, f64>,
        input: ArrayView1<'_, f64>,
        weights: ArrayView1<'_, f64>,
    ) -> Array2<f64>;

    /// The unknowns `[n_rec]` of a state.
    fn unknowns(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        let _ = input;
        state.slice(s![..self.counts().n_rec]).to_owned()
    }

    /// The whole state `[n_state]` that stands still where the unknowns do so at `x`.
    fn state_at_rest(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64>;

    /// The transfer function and the weights `[n_rec, n_rec]` (`[post, pre]`), if the residual is `W f(x) + h - x`. Then its Jacobian
    /// `W diag(f') - 1` changes no faster than the slope does, it is linear where the slope is, and no `x` lies further out than
    /// rates can drive it.
    fn transfer(&self) -> Option<&Transfer> {
        None
    }

    /// Whether it is computed in single precision, as a transfer function of the user's own is.
    fn is_single(&self) -> bool {
        matches!(self.transfer(), Some(Transfer::Custom(_)))
    }

    /// See [`Exact::transfer`].
    fn recurrent(&self) -> Option<&Array2<f64>> {
        None
    }

    /// Whether all trajectories stay bounded whatever the weights, so that the indices of all fixed points add up to 1.
    fn is_bounded(&self) -> bool;
}
