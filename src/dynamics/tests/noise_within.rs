//! Units whose noise is within their transfer function: sums that lie beside the state, and do not begin at 0.

use pulp::Simd;

use super::differences::{Arrays, N, N_BATCH, holds, noise, run};
use super::random;
use crate::dynamics::block::Keep;
use crate::dynamics::equation::{After, Back, Before, Equation, First, RowCounts};
use crate::dynamics::kernel::math;

const SD: f32 = 0.3;

/// `r[t] = tanh(W r[t-1] + W_in u[t] + b + SD n[t])`
struct NoiseWithin;

/// The adjoint of `tanh`'s argument, from its value.
#[inline(always)]
fn through<S: Simd>(simd: S, value: S::f32s, adjoint: S::f32s) -> S::f32s {
    simd.mul_f32s(adjoint, simd.negate_mul_add_e_f32s(value, value, simd.splat_f32s(1.0)))
}

impl Equation for NoiseWithin {
    const ONTO_STATE: bool = false;
    const BEGINS_SUMS: bool = true;

    fn rows(&self) -> RowCounts {
        RowCounts { state: N, sums: N, kept: 0, carried: 0 }
    }

    fn begin<S: Simd>(&self, _: S, at: After<'_, S::f32s>) {
        at.shown.copy_from_slice(at.state);
    }

    fn before<S: Simd>(&self, simd: S, at: Before<'_, S::f32s>) {
        for unit in 0..N {
            let noise = at.noise.map_or(simd.splat_f32s(0.0), |noise| noise[unit]);
            at.sums[unit] = simd.mul_f32s(noise, simd.splat_f32s(SD));
        }
    }

    fn after<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        for unit in 0..N {
            at.state[unit] = math::tanh(simd, at.sums[unit]);
        }
        at.shown.copy_from_slice(at.state);
    }

    fn back<S: Simd>(&self, simd: S, at: Back<'_, S::f32s>) {
        for unit in 0..N {
            let direct = at.direct.map_or(simd.splat_f32s(0.0), |direct| direct[unit]);
            at.d_sums[unit] = through(simd, at.shown[unit], simd.add_f32s(at.d_shown[unit], direct));
        }
    }

    fn first<S: Simd>(&self, _: S, at: First<'_, S::f32s>) {
        at.d_state.copy_from_slice(at.d_shown);
    }
}

#[test]
fn sums_begin_where_the_equation_says() {
    let initial = [random((N_BATCH, N), 0.5, 3)];
    holds(&NoiseWithin, &initial);
    // Of the noise alone.
    let mut arrays = Arrays::new(&initial);
    arrays.step.fill(0.0);
    for keep in [Keep::All, Keep::Nothing] {
        let states = run(&NoiseWithin, &arrays, keep).states;
        for (state, n) in states.iter().zip(&noise()) {
            assert!((state - (SD * n).tanh()).abs() < 1e-6, "{state} {n}");
        }
    }
}
