//! The rotation that makes one matrix most like another.

use std::collections::VecDeque;

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, Axis};
use num_complex::Complex64;

use super::matching::matching;
use crate::dynamics::linear::{Eigen, Lu, orthonormal, random_orthonormal};
use crate::random::TrialRng;

/// Steps of one descent, of which most take some tens.
const STEPS: usize = 2000;
/// The earlier steps from which a descent guesses the curvature.
const MEMORY: usize = 10;

/// A rotation or reflection `C` with `‖A - C B Cᵀ‖` at a minimum.
pub(super) struct Aligned {
    pub(super) rotation: Array2<f64>,
    pub(super) distance: f64,
}

/// The squared Frobenius norm.
fn square(a: &Array2<f64>) -> f64 {
    a.iter().map(|x| x * x).sum()
}

/// The minimum that is reached from a rotation, by a quasi-Newton method (L-BFGS) on the group of rotations: steps are `C ← Q C` with
/// `Q = (1 - Ω/2)⁻¹ (1 + Ω/2)` for skew-symmetric `Ω`, and the gradient with respect to `Ω` of `‖A - B̃‖² / 2`, where `B̃ = C B Cᵀ`,
/// is `(Pᵀ - P) / 2` with `P = A B̃ᵀ + Aᵀ B̃`.
pub(super) fn descend(a: &Array2<f64>, b: &Array2<f64>, start: Array2<f64>) -> Aligned {
    let n = a.nrows();
    let moved = |c: &Array2<f64>| c.dot(b).dot(&c.t());
    let gradient = |b: &Array2<f64>| {
        let p = a.dot(&b.t()) + a.t().dot(b);
        (&p.t() - &p) / 2.0
    };
    let mut rotation = start;
    let mut turned = moved(&rotation);
    let mut value = square(&(a - &turned)) / 2.0;
    let mut slope = gradient(&turned);
    let mut earlier: VecDeque<(Array2<f64>, Array2<f64>, f64)> = VecDeque::new();
    let size = square(a).max(square(b));
    for _ in 0..STEPS {
        if square(&slope) <= (1e-14 * size).powi(2) {
            break;
        }
        let mut step = -quasi_newton(&slope, &earlier);
        let mut along = product(&slope, &step);
        if along >= 0.0 {
            earlier.clear();
            (step, along) = (-&slope / size, -square(&slope) / size);
        }
        // The longest of ever shorter steps that goes down as far as the slope promises.
        let mut taken = None;
        let mut length = 1.0_f64.min(1.0 / square(&step).sqrt());
        while length > 1e-10 {
            let half = &step * (length / 2.0);
            let eye = Array2::<f64>::eye(n);
            let Some(lu) = Lu::of(&eye - &half) else { break };
            let q = lu.solve_all((&eye + &half).view());
            let b_next = q.dot(&turned).dot(&q.t());
            let next = square(&(a - &b_next)) / 2.0;
            if next <= value + 1e-4 * length * along {
                taken = Some((q, b_next, next));
                break;
            }
            length /= 2.0;
        }
        let Some((q, b_next, next)) = taken else {
            // Nothing is gained any more; what was guessed of the curvature may be why.
            if earlier.is_empty() {
                break;
            }
            earlier.clear();
            continue;
        };
        let slope_next = gradient(&b_next);
        let (went, bent) = (step * length, &slope_next - &slope);
        let curved = product(&went, &bent);
        if curved > 1e-12 * (square(&went) * square(&bent)).sqrt() {
            earlier.push_back((went, bent, curved));
            if earlier.len() > MEMORY {
                earlier.pop_front();
            }
        }
        rotation = q.dot(&rotation);
        let gained = value - next;
        (turned, value, slope) = (b_next, next, slope_next);
        if gained <= f64::EPSILON * value {
            break;
        }
    }
    // Of many products, a little less than orthogonal.
    if let Some((q, r)) = orthonormal(rotation.view()) {
        rotation = q * &r.diag().mapv(f64::signum);
    }
    let distance = square(&(a - &moved(&rotation))).sqrt();
    Aligned { rotation, distance }
}

fn product(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The slope times the inverse of the curvature that earlier steps showed.
fn quasi_newton(slope: &Array2<f64>, earlier: &VecDeque<(Array2<f64>, Array2<f64>, f64)>) -> Array2<f64> {
    let mut direction = slope.clone();
    let mut shares = Vec::with_capacity(earlier.len());
    for (went, bent, curved) in earlier.iter().rev() {
        let share = product(went, &direction) / curved;
        direction.scaled_add(-share, bent);
        shares.push(share);
    }
    if let Some((_, bent, curved)) = earlier.back() {
        direction *= curved / square(bent);
    }
    for ((went, bent, curved), share) in earlier.iter().zip(shares.into_iter().rev()) {
        let back = product(bent, &direction) / curved;
        direction.scaled_add(share - back, went);
    }
    direction
}

/// A rotation (a reflection if `reflected`) of which all are equally likely.
pub(super) fn random(n: usize, reflected: bool, rng: &mut TrialRng) -> Option<Array2<f64>> {
    let mut q = random_orthonormal((n, n), rng)?;
    if (Lu::of(q.clone())?.sign() < 0) != reflected {
        q.column_mut(0).mapv_inplace(|x| -x);
    }
    Some(q)
}

/// The rotation that lays the invariant subspaces of `B` upon those of `A`, eigenvalue by eigenvalue: exact for two matrices that are
/// rotations of each other, and for normal ones. `None` if they cannot be told.
pub(super) fn spectral(a: &Array2<f64>, b: &Array2<f64>) -> Option<Array2<f64>> {
    let (of_a, of_b) = (Eigen::of(a.view())?, Eigen::of(b.view())?);
    let values = |eigen: &Eigen| eigen.values.to_vec();
    let matched = matching(&costs(&values(&of_a), &values(&of_b)));
    let mut order: Vec<usize> = (0..of_a.values.len()).collect();
    // Pairs stay together, that above the real axis first.
    let key = |i: &usize| (-of_a.values[*i].norm(), -of_a.values[*i].re);
    order.sort_by(|i, j| {
        let (x, y) = (key(i), key(j));
        x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)).then(of_a.values[*j].im.total_cmp(&of_a.values[*i].im))
    });
    let basis_a = schur_basis(&of_a, &order)?;
    let basis_b = schur_basis(&of_b, &order.iter().map(|&i| matched[i]).collect::<Vec<_>>())?;
    // Each vector of a basis may be turned round: the signs that make most entries of the two forms agree.
    let form = |a: &Array2<f64>, q: &Array2<f64>| q.t().dot(a).dot(q);
    let agree = form(a, &basis_a) * form(b, &basis_b);
    let agree = &agree + &agree.t();
    let (_, vectors) = agree.eigh().ok()?.sort_eig_desc();
    let mut signs: Array1<f64> = vectors.column(0).mapv(|x| if x < 0.0 { -1.0 } else { 1.0 });
    let mut better = true;
    while better {
        better = false;
        for i in 0..signs.len() {
            let others = agree.row(i).dot(&signs) - agree[[i, i]] * signs[i];
            if signs[i] * others < -1e-12 {
                signs[i] = -signs[i];
                better = true;
            }
        }
    }
    Some((basis_a * &signs).dot(&basis_b.t()))
}

/// How far apart eigenvalues are, squared.
pub(super) fn costs(a: &[Complex64], b: &[Complex64]) -> Array2<f64> {
    Array2::from_shape_fn((a.len(), b.len()), |(i, j)| (a[i] - b[j]).norm_sqr())
}

/// An orthonormal basis of which the first `k` vectors span the first `k` eigenvectors.
fn schur_basis(eigen: &Eigen, order: &[usize]) -> Option<Array2<f64>> {
    let mut real = Array2::zeros(eigen.right.dim());
    for (mut column, &i) in real.columns_mut().into_iter().zip(order) {
        let part = |z: &Complex64| if eigen.values[i].im < 0.0 { z.im } else { z.re };
        column.assign(&eigen.right.index_axis(Axis(1), i).mapv(|z| part(&z)));
    }
    let (q, _) = orthonormal(real.view())?;
    q.iter().all(|x| x.is_finite()).then_some(q)
}
