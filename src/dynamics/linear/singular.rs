//! Singular values and vectors of any real matrix.

use linfa_linalg::qr::QR;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, Axis, Zip, s};

use crate::random::TrialRng;

/// More sweeps than any matrix takes.
const SWEEPS: usize = 60;

/// `A = U diag(σ) Vᵀ`, the largest `σ` first.
pub(crate) struct Svd {
    /// `[n_rows, n]`, orthonormal columns, also those of singular values that are 0; `n` is the smaller of the two sides.
    pub(crate) u: Array2<f64>,
    /// `[n]`
    pub(crate) values: Array1<f64>,
    /// `[n, n_columns]`, orthonormal rows.
    pub(crate) vt: Array2<f64>,
}

impl Svd {
    /// The singular values and vectors by one-sided Jacobi rotations, after a QR decomposition: columns of `R` are rotated against each
    /// other until all are orthogonal. It finds small singular values as accurately as large ones. That of linfa-linalg 0.2.1
    /// gives other vectors for some matrices of deficient rank, without a word. `None` if the matrix is empty or not finite.
    pub(crate) fn of(a: ArrayView2<'_, f64>) -> Option<Self> {
        if a.is_empty() || !a.iter().all(|value| value.is_finite()) {
            return None;
        }
        if a.nrows() < a.ncols() {
            let Self { u, values, vt } = Self::of(a.t())?;
            return Some(Self { u: vt.reversed_axes(), values, vt: u.reversed_axes() });
        }
        let n = a.ncols();
        let (q, r) = orthonormal(a)?;
        // Rows here are the columns of R, next to each other in memory.
        let (mut columns, mut vt) = (r.reversed_axes().as_standard_layout().into_owned(), Array2::eye(n));
        for _ in 0..SWEEPS {
            let mut rotated = false;
            for first in 0..n {
                for second in first + 1..n {
                    rotated |= turn(&mut columns, &mut vt, first, second);
                }
            }
            if !rotated {
                break;
            }
        }
        let lengths = columns.map_axis(Axis(1), |column| column.dot(&column).sqrt());
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| lengths[b].total_cmp(&lengths[a]));
        // The decomposition of what is orthogonal already gives it length 1, and to columns of 0 what is orthogonal to all others.
        let (mut u, r) = orthonormal(columns.select(Axis(0), &order).t())?;
        for (mut column, &length) in u.columns_mut().into_iter().zip(r.diag()) {
            column *= if length < 0.0 { -1.0 } else { 1.0 };
        }
        Some(Self { u: q.dot(&u), values: lengths.select(Axis(0), &order), vt: vt.select(Axis(0), &order) })
    }
}

/// The rotation of two columns after which they are orthogonal; false if they are already.
fn turn(columns: &mut Array2<f64>, vt: &mut Array2<f64>, first: usize, second: usize) -> bool {
    let (x, y) = (columns.row(first), columns.row(second));
    let (xx, yy, xy) = (x.dot(&x), y.dot(&y), x.dot(&y));
    if xy.abs() <= f64::EPSILON * (xx * yy).sqrt() {
        return false;
    }
    let zeta = (yy - xx) / (2.0 * xy);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let rotate = |x: ArrayViewMut1<'_, f64>, y: ArrayViewMut1<'_, f64>| {
        Zip::from(x).and(y).for_each(|x, y| {
            let (was_x, was_y) = (*x, *y);
            *x = cosine * (was_x - tangent * was_y);
            *y = cosine * (tangent * was_x + was_y);
        });
    };
    for matrix in [columns, vt] {
        let (x, y) = matrix.multi_slice_mut((s![first, ..], s![second, ..]));
        rotate(x, y);
    }
    true
}

/// The QR decomposition of a matrix of as many rows as columns or more: orthonormal columns, and how they make the matrix.
pub(crate) fn orthonormal(a: ArrayView2<'_, f64>) -> Option<(Array2<f64>, Array2<f64>)> {
    Some(a.qr().ok()?.into_decomp())
}

/// Orthonormal columns, of as many rows or more, drawn so that all are equally likely (by Haar's measure): the signs of `R` taken over to `Q`.
/// Stewart GW (1980), SIAM Journal on Numerical Analysis 17: 403.
pub(crate) fn random_orthonormal(shape: (usize, usize), rng: &mut TrialRng) -> Option<Array2<f64>> {
    let normal = Array2::from_shape_simple_fn(shape, || f64::from(rng.normal(0.0, 1.0)));
    let (q, r) = orthonormal(normal.view())?;
    Some(q * &r.diag().mapv(f64::signum))
}

#[cfg(test)]
mod tests {
    use linfa_linalg::svd::SVD;

    use super::*;
    use crate::random::Seed;

    fn largest(a: &Array2<f64>) -> f64 {
        a.fold(0.0, |most, x| most.max(x.abs()))
    }

    /// If it fails for linfa-linalg alone, look whether its decomposition can take the place of this one.
    #[test]
    fn it_is_exact_for_any_rank_where_that_of_linfa_is_not() {
        let mut rng = Seed(1).stream(0);
        let mut wrong = 0;
        for case in 0..3000 {
            let n = 1 + case % 12;
            let (m, rank) = (1 + (n + case % 7) % 14, 1 + (case / 12) % n);
            let mut normal =
                |shape: (usize, usize)| Array2::from_shape_simple_fn(shape, || f64::from(rng.normal(0.0, 1.0)));
            let a = normal((m, rank)).dot(&normal((rank, n)));
            let Svd { u, values, vt } = Svd::of(a.view()).unwrap();
            let eye = Array2::<f64>::eye(m.min(n));
            assert!(largest(&((&u * &values).dot(&vt) - &a)) < 1e-12 * (1.0 + values[0]), "{m} x {n}, rank {rank}");
            assert!(largest(&(u.t().dot(&u) - &eye)) < 1e-12 && largest(&(vt.dot(&vt.t()) - &eye)) < 1e-12);
            assert!(values.windows(2).into_iter().all(|pair| pair[0] >= pair[1]));
            let (u, values, vt) = a.svd(true, true).unwrap();
            wrong += usize::from(largest(&((u.unwrap() * &values).dot(&vt.unwrap()) - &a)) > 1e-6);
        }
        assert!(wrong > 0);
    }

    #[test]
    fn small_singular_values_are_as_accurate_as_large_ones() {
        let a = ndarray::array![[1.0, 1.0], [1e-12, 0.0], [0.0, 1e-12]];
        let values = Svd::of(a.view()).unwrap().values;
        assert!((values[1] / 1e-12 - 1.0).abs() < 1e-10 && (values[0] - 2.0_f64.sqrt()).abs() < 1e-15, "{values}");
        assert_eq!(Svd::of(Array2::zeros((3, 2)).view()).unwrap().values, ndarray::array![0.0, 0.0]);
    }
}
