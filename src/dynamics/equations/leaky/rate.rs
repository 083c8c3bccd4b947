//! The rate form: the state is the rate of a unit.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use pulp::Simd;

use super::current::ExactCurrent;
use crate::dynamics::Transfer;
use crate::dynamics::equation::{After, Back, Before, Equation, First, RowCounts};
use crate::dynamics::exact::{Arrays, Exact};

/// The equation. Its state is `r`, which units show and send; its sums are the currents, which begin with the noise. What it leaves in the
/// place of the sums is `f` of them, unless the slope does not follow from it: then it keeps `f'`.
pub(super) struct Rate {
    pub(super) transfer: Transfer,
    /// `1 - α` and `α` of each unit.
    pub(super) keep: Vec<f32>,
    pub(super) alpha: Vec<f32>,
    pub(super) noise_sd: Vec<f32>,
}

impl Equation for Rate {
    const ONTO_STATE: bool = false;
    const BEGINS_SUMS: bool = true;

    fn rows(&self) -> RowCounts {
        let n_rec = self.keep.len();
        let kept = if self.transfer.keeps_slopes() { n_rec } else { 0 };
        RowCounts { state: n_rec, sums: n_rec, kept, carried: n_rec }
    }

    #[inline(always)]
    fn begin<S: Simd>(&self, _: S, at: After<'_, S::f32s>) {
        at.shown.copy_from_slice(at.state);
    }

    #[inline(always)]
    fn before<S: Simd>(&self, simd: S, at: Before<'_, S::f32s>) {
        // No closures here nor below: see `transfer`.
        for (r, &keep) in at.state.iter_mut().zip(&self.keep) {
            *r = simd.mul_f32s(*r, simd.splat_f32s(keep));
        }
        match at.noise {
            Some(noise) => {
                for ((sum, &n), &sd) in at.sums.iter_mut().zip(noise).zip(&self.noise_sd) {
                    *sum = simd.mul_f32s(n, simd.splat_f32s(sd));
                }
            }
            None => at.sums.fill(simd.splat_f32s(0.0)),
        }
    }

    #[inline(always)]
    fn after<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        if self.transfer.keeps_slopes() {
            self.transfer.rates_and_slopes(simd, at.sums, at.shown, at.kept);
        } else {
            self.transfer.rates(simd, at.sums, at.shown);
            at.sums.copy_from_slice(at.shown);
        }
        for ((r, shown), &alpha) in at.state.iter_mut().zip(&mut *at.shown).zip(&self.alpha) {
            *r = simd.mul_add_e_f32s(*shown, simd.splat_f32s(alpha), *r);
            *shown = *r;
        }
    }

    /// With `λ[t] = dL/dr[t]`, which is what the loss, the outputs and the next step say of it, and the leak: `δ[t] = α f'(s[t]) λ[t]` of the sums,
    /// and `(1 - α) λ[t]` goes on to the step before.
    #[inline(always)]
    fn back<S: Simd>(&self, simd: S, at: Back<'_, S::f32s>) {
        if let Some(direct) = at.direct {
            for (d_shown, &direct) in at.d_shown.iter_mut().zip(direct) {
                *d_shown = simd.add_f32s(*d_shown, direct);
            }
        }
        let leaks = self.keep.iter().zip(&self.alpha);
        for (((delta, carried), &d_shown), (&keep, &alpha)) in
            at.d_sums.iter_mut().zip(&mut *at.carried).zip(&*at.d_shown).zip(leaks)
        {
            let lambda = simd.add_f32s(d_shown, *carried);
            *delta = simd.mul_f32s(lambda, simd.splat_f32s(alpha));
            *carried = simd.mul_f32s(lambda, simd.splat_f32s(keep));
        }
        let slopes = if self.transfer.keeps_slopes() { at.kept } else { at.sums };
        self.transfer.times_slopes(simd, slopes, at.d_sums);
    }

    #[inline(always)]
    fn first<S: Simd>(&self, simd: S, at: First<'_, S::f32s>) {
        for ((d_state, &d_shown), &carried) in at.d_state.iter_mut().zip(&*at.d_shown).zip(at.carried) {
            *d_state = simd.add_f32s(d_shown, carried);
        }
    }
}

/// The equation in `f64`. What stands still is told by the currents `x = W r + h`, with `h = W_in u + b_rec`: their residual is that of the
/// current form, `G(x) = W f(x) + h - x`, and `r = f(x)` where it is 0. So fixed points of both forms are found in the same way.
pub(super) struct ExactRate(pub(super) ExactCurrent);

impl ExactRate {
    /// `dr/dt` times `τ`: `f(W r + h) - r`.
    fn driven(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.0.rates(self.unknowns(r, input).view()) - r
    }

    /// `f'(W r + h)`, as a column.
    fn slopes(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        self.0.slopes(self.unknowns(r, input).view()).insert_axis(Axis(1))
    }

    /// How [`ExactRate::driven`] depends on `r`.
    fn driven_jacobian(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        &self.0.recurrent * &self.slopes(r, input) - Array2::<f64>::eye(r.len())
    }
}

impl Exact for ExactRate {
    fn arrays(&self) -> &Arrays {
        &self.0.arrays
    }

    fn with(&self, arrays: Arrays) -> Arc<dyn Exact> {
        Arc::new(Self(self.0.of(arrays)))
    }

    fn n_state(&self) -> usize {
        self.0.n_state()
    }

    fn dt(&self) -> f64 {
        self.0.dt
    }

    fn taus(&self) -> Option<&Array1<f64>> {
        Some(&self.0.taus)
    }

    fn step(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.driven(r, input) * self.0.dt / &self.0.taus + r
    }

    fn jacobian(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        Array2::<f64>::eye(r.len()) + self.driven_jacobian(r, input) * self.0.alpha()
    }

    fn input_jacobian(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        &self.0.arrays.inputs(0) * &(self.slopes(r, input) * self.0.alpha())
    }

    fn flow(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.driven(r, input) / &self.0.taus
    }

    fn flow_jacobian(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Option<Array2<f64>> {
        Some(self.driven_jacobian(r, input) / self.0.taus.view().insert_axis(Axis(1)))
    }

    fn outputs(&self, r: ArrayView1<'_, f64>) -> Array1<f64> {
        self.0.readout.exact(&self.0.arrays.to_outputs(r)).0
    }

    fn output_jacobian(&self, r: ArrayView1<'_, f64>) -> Array2<f64> {
        let (_, slopes) = self.0.readout.exact(&self.0.arrays.to_outputs(r));
        slopes.dot(&self.0.arrays.readout.slice(ndarray::s![.., ..r.len()]))
    }

    fn residual(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.0.residual(x, input)
    }

    fn residual_jacobian(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        self.0.residual_jacobian(x, input)
    }

    fn residual_input_jacobian(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        self.0.residual_input_jacobian(x, input)
    }

    fn residual_hessian(
        &self,
        x: ArrayView1<'_, f64>,
        input: ArrayView1<'_, f64>,
        weights: ArrayView1<'_, f64>,
    ) -> Array2<f64> {
        self.0.residual_hessian(x, input, weights)
    }

    fn unknowns(&self, r: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.0.recurrent.dot(&r) + self.0.arrays.drive(0, input)
    }

    fn state_at_rest(&self, x: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>) -> Array1<f64> {
        self.0.rates(x)
    }

    fn step_in(&self, slopes: &Array1<f64>, input: ArrayView1<'_, f64>) -> Option<(Array2<f64>, Array1<f64>)> {
        let by = slopes.view().insert_axis(Axis(1));
        let driven = &self.0.recurrent * &by - Array2::<f64>::eye(slopes.len());
        let drive = self.0.arrays.drive(0, input) * slopes * self.0.dt / &self.0.taus;
        Some((Array2::<f64>::eye(slopes.len()) + driven * self.0.alpha(), drive))
    }

    fn transfer(&self) -> Option<&Transfer> {
        self.0.transfer()
    }

    fn recurrent(&self) -> Option<&Array2<f64>> {
        self.0.recurrent()
    }

    fn is_bounded(&self) -> bool {
        self.0.is_bounded()
    }
}
