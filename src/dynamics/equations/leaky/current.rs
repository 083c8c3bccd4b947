//! The current form: the state is the current that drives a unit.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use pulp::Simd;

use crate::dynamics::equation::{After, Back, Before, Equation, First, RowCounts};
use crate::dynamics::exact::{Arrays, Exact};
use crate::dynamics::{Readout, Transfer};

/// The equation. Its state is `x`, its sums are those that drive `x`, and what it keeps are the slopes `f'(x)`, if they do not follow
/// from `f(x)`.
pub(super) struct Current {
    pub(super) transfer: Transfer,
    /// `1 - α` of each unit.
    pub(super) keep: Vec<f32>,
    pub(super) noise_sd: Vec<f32>,
}

impl Current {
    /// `f'(x)`, or that from which it follows.
    fn slopes<'a, V>(&self, shown: &'a [V], kept: &'a [V]) -> &'a [V] {
        if self.transfer.keeps_slopes() { kept } else { shown }
    }
}

impl Equation for Current {
    const ONTO_STATE: bool = true;

    fn rows(&self) -> RowCounts {
        let n_rec = self.keep.len();
        RowCounts { state: n_rec, sums: n_rec, kept: if self.transfer.keeps_slopes() { n_rec } else { 0 }, carried: 0 }
    }

    #[inline(always)]
    fn begin<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        self.after(simd, at);
    }

    #[inline(always)]
    fn before<S: Simd>(&self, simd: S, at: Before<'_, S::f32s>) {
        // No closures here nor below: see `transfer`.
        for (x, &keep) in at.state.iter_mut().zip(&self.keep) {
            *x = simd.mul_f32s(*x, simd.splat_f32s(keep));
        }
        if let Some(noise) = at.noise {
            for ((x, &n), &sd) in at.state.iter_mut().zip(noise).zip(&self.noise_sd) {
                *x = simd.mul_add_e_f32s(n, simd.splat_f32s(sd), *x);
            }
        }
    }

    #[inline(always)]
    fn after<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        if self.transfer.keeps_slopes() {
            self.transfer.rates_and_slopes(simd, at.state, at.shown, at.kept);
        } else {
            self.transfer.rates(simd, at.state, at.shown);
        }
    }

    #[inline(always)]
    fn back<S: Simd>(&self, simd: S, at: Back<'_, S::f32s>) {
        self.transfer.times_slopes(simd, self.slopes(at.shown, at.kept), at.d_shown);
        for (((delta, &later), &through), &keep) in at.d_sums.iter_mut().zip(at.later).zip(&*at.d_shown).zip(&self.keep)
        {
            *delta = simd.mul_add_e_f32s(later, simd.splat_f32s(keep), through);
        }
        if let Some(direct) = at.direct {
            for (delta, &direct) in at.d_sums.iter_mut().zip(direct) {
                *delta = simd.add_f32s(*delta, direct);
            }
        }
    }

    #[inline(always)]
    fn first<S: Simd>(&self, simd: S, at: First<'_, S::f32s>) {
        self.transfer.times_slopes(simd, self.slopes(at.shown, at.kept), at.d_shown);
        for (((delta, &later), &through), &keep) in
            at.d_state.iter_mut().zip(at.later).zip(&*at.d_shown).zip(&self.keep)
        {
            *delta = simd.mul_add_e_f32s(later, simd.splat_f32s(keep), through);
        }
    }
}

/// The equation in `f64`. Its residual is `G(x) = W f(x) + h - x` with `h = W_in u + b_rec`, and a step moves `x` by `α G`.
pub(super) struct ExactCurrent {
    pub(super) dt: f64,
    pub(super) taus: Array1<f64>,
    pub(super) transfer: Transfer,
    pub(super) readout: Readout,
    pub(super) recurrent: Array2<f64>,
    pub(super) arrays: Arrays,
}

impl ExactCurrent {
    pub(super) fn rates(&self, x: ArrayView1<'_, f64>) -> Array1<f64> {
        x.mapv(|x| self.transfer.exact(x)[0])
    }

    pub(super) fn slopes(&self, x: ArrayView1<'_, f64>) -> Array1<f64> {
        x.mapv(|x| self.transfer.exact(x)[1])
    }

    /// The same with other weights.
    pub(super) fn of(&self, arrays: Arrays) -> Self {
        let Self { dt, ref taus, ref transfer, readout, .. } = *self;
        let (taus, transfer, recurrent) = (taus.clone(), transfer.clone(), arrays.recurrent(0).to_owned());
        Self { dt, taus, transfer, readout, recurrent, arrays }
    }

    /// `α` of each unit, as a column.
    pub(super) fn alpha(&self) -> Array2<f64> {
        (self.dt / &self.taus).insert_axis(Axis(1))
    }
}

impl Exact for ExactCurrent {
    fn arrays(&self) -> &Arrays {
        &self.arrays
    }

    fn with(&self, arrays: Arrays) -> Arc<dyn Exact> {
        Arc::new(self.of(arrays))
    }

    fn n_state(&self) -> usize {
        self.taus.len()
    }

    fn dt(&self) -> f64 {
        self.dt
    }

    fn taus(&self) -> Option<&Array1<f64>> {
        Some(&self.taus)
    }

    fn step(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.residual(state, input) * self.dt / &self.taus + state
    }

    fn jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        Array2::<f64>::eye(self.taus.len()) + self.residual_jacobian(state, input) * self.alpha()
    }

    fn input_jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        self.residual_input_jacobian(state, input) * self.alpha()
    }

    fn outputs(&self, state: ArrayView1<'_, f64>) -> Array1<f64> {
        self.readout.exact(&self.arrays.to_outputs(self.rates(state).view())).0
    }

    fn output_jacobian(&self, state: ArrayView1<'_, f64>) -> Array2<f64> {
        let (_, slopes) = self.readout.exact(&self.arrays.to_outputs(self.rates(state).view()));
        slopes.dot(&self.arrays.readout.slice(s![.., ..state.len()])) * self.slopes(state)
    }

    fn residual(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.recurrent.dot(&self.rates(x)) + self.arrays.drive(0, input) - x
    }

    fn residual_jacobian(&self, x: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>) -> Array2<f64> {
        &self.recurrent * &self.slopes(x) - Array2::<f64>::eye(x.len())
    }

    fn residual_input_jacobian(&self, _: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>) -> Array2<f64> {
        self.arrays.inputs(0).to_owned()
    }

    fn residual_hessian(
        &self,
        x: ArrayView1<'_, f64>,
        _: ArrayView1<'_, f64>,
        weights: ArrayView1<'_, f64>,
    ) -> Array2<f64> {
        Array2::from_diag(&(self.recurrent.t().dot(&weights) * x.mapv(|x| self.transfer.exact(x)[2])))
    }

    fn state_at_rest(&self, x: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>) -> Array1<f64> {
        x.to_owned()
    }

    fn step_in(&self, slopes: &Array1<f64>, input: ArrayView1<'_, f64>) -> Option<(Array2<f64>, Array1<f64>)> {
        let driven = &self.recurrent * slopes - Array2::<f64>::eye(slopes.len());
        let drive = self.arrays.drive(0, input) * self.dt / &self.taus;
        Some((Array2::<f64>::eye(slopes.len()) + driven * self.alpha(), drive))
    }

    fn transfer(&self) -> Option<&Transfer> {
        Some(&self.transfer)
    }

    fn recurrent(&self) -> Option<&Array2<f64>> {
        Some(&self.recurrent)
    }

    fn is_bounded(&self) -> bool {
        matches!(self.transfer, Transfer::Tanh | Transfer::Sigmoid | Transfer::RectifiedTanh)
    }
}
