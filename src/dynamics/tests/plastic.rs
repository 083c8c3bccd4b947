//! Units that send something else than they show, with slow variables: depressing and facilitating synapses. It holds what the loop does
//! for such equations to finite differences.

use ndarray::Array2;
use pulp::Simd;

use super::differences::{N, N_BATCH, holds};
use super::random;
use crate::dynamics::equation::{After, Back, Before, Equation, First, RowCounts};

const KEEP: f32 = 0.7;
/// `U`, `dt / tau_f`, `dt / tau_d`, and the step in seconds.
const BASE: f32 = 0.3;
const UP: f32 = 0.1;
const DOWN: f32 = 0.2;
const H: f32 = 0.15;

/// With `r = tanh(x)`, and `u`, `d` of the step before on the right:
///
/// ```text
/// u[t] = u + UP (U - u) + H U (1 - u) r     d[t] = d + DOWN (1 - d) - H u d r     s[t] = u[t] d[t] r[t-1]
/// ```
struct Plastic;

/// What is sent, and the slow variables that it comes from.
struct Moved<V> {
    u: V,
    d: V,
}

#[inline(always)]
fn moved<S: Simd>(simd: S, u: S::f32s, d: S::f32s, r: S::f32s) -> Moved<S::f32s> {
    let number = |x: f32| simd.splat_f32s(x);
    let one = number(1.0);
    let to_base = simd.mul_f32s(number(UP), simd.sub_f32s(number(BASE), u));
    let by_rate = simd.mul_f32s(simd.mul_f32s(number(H * BASE), simd.sub_f32s(one, u)), r);
    let recovered = simd.mul_f32s(number(DOWN), simd.sub_f32s(one, d));
    let used = simd.mul_f32s(simd.mul_f32s(number(H), u), simd.mul_f32s(d, r));
    Moved { u: simd.add_f32s(u, simd.add_f32s(to_base, by_rate)), d: simd.add_f32s(d, simd.sub_f32s(recovered, used)) }
}

/// From the adjoints after a state to that of its `x`, without the loss itself; `carried` becomes those of `u` and `d`.
#[inline(always)]
fn through<S: Simd>(simd: S, at: [&[S::f32s]; 5], carried: &mut [S::f32s], d_x: &mut [S::f32s]) {
    let [d_shown, d_sent, later, shown, kept] = at;
    let number = |x: f32| simd.splat_f32s(x);
    let (mul, add, sub) = (|a, b| simd.mul_f32s(a, b), |a, b| simd.add_f32s(a, b), |a, b| simd.sub_f32s(a, b));
    for unit in 0..N {
        let (u, d, r, ds) = (kept[unit], kept[N + unit], shown[unit], d_sent[unit]);
        let Moved { u: u1, d: d1 } = moved(simd, u, d, r);
        let du = add(carried[unit], mul(mul(d1, r), ds));
        let dd = add(carried[N + unit], mul(mul(u1, r), ds));
        let by_u = mul(mul(number(H * BASE), sub(number(1.0), u)), du);
        let by_d = mul(mul(number(H), mul(u, d)), dd);
        let d_rate = sub(add(add(d_shown[unit], mul(mul(u1, d1), ds)), by_u), by_d);
        let slope = sub(number(1.0), mul(r, r));
        d_x[unit] = add(mul(number(KEEP), later[unit]), mul(slope, d_rate));
        let keep_u = sub(number(1.0 - UP), mul(number(H * BASE), r));
        let keep_d = sub(number(1.0 - DOWN), mul(mul(number(H), u), r));
        carried[unit] = sub(mul(keep_u, du), mul(mul(mul(number(H), d), r), dd));
        carried[N + unit] = mul(keep_d, dd);
    }
}

impl Equation for Plastic {
    const ONTO_STATE: bool = true;
    const SENDS: bool = true;

    fn rows(&self) -> RowCounts {
        RowCounts { state: 3 * N, sums: N, kept: 2 * N, carried: 2 * N }
    }

    fn begin<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        self.after(simd, at);
    }

    fn before<S: Simd>(&self, simd: S, at: Before<'_, S::f32s>) {
        for unit in 0..N {
            let Moved { u, d } = moved(simd, at.state[N + unit], at.state[2 * N + unit], at.shown[unit]);
            (at.state[N + unit], at.state[2 * N + unit]) = (u, d);
            at.sent[unit] = simd.mul_f32s(simd.mul_f32s(u, d), at.shown[unit]);
            at.state[unit] = simd.mul_f32s(at.state[unit], simd.splat_f32s(KEEP));
        }
    }

    fn after<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        for unit in 0..N {
            at.shown[unit] = crate::dynamics::kernel::math::tanh(simd, at.state[unit]);
        }
        at.kept.copy_from_slice(&at.state[N..]);
    }

    fn back<S: Simd>(&self, simd: S, at: Back<'_, S::f32s>) {
        through(simd, [at.d_shown, at.d_sent, at.later, at.shown, at.kept], at.carried, at.d_sums);
        if let Some(direct) = at.direct {
            at.d_sums.iter_mut().zip(direct).for_each(|(delta, &direct)| *delta = simd.add_f32s(*delta, direct));
        }
    }

    fn first<S: Simd>(&self, simd: S, at: First<'_, S::f32s>) {
        let (d_x, d_slow) = at.d_state.split_at_mut(N);
        d_slow.copy_from_slice(at.carried);
        through(simd, [at.d_shown, at.d_sent, at.later, at.shown, at.kept], d_slow, d_x);
    }
}

#[test]
fn what_is_sent_has_its_own_way_back() {
    holds(&Plastic, &[random((N_BATCH, N), 0.5, 3), Array2::from_elem((1, N), 0.4), Array2::from_elem((1, N), 0.8)]);
}
