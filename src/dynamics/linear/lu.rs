//! Triangular factors.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};

/// How many columns are eliminated before the others are told of it, in one product of matrices.
const PANEL: usize = 16;

/// A real square matrix as a product of triangular ones, `P A = L U`, with partial pivoting.
#[derive(Clone, Debug)]
pub(crate) struct Lu {
    /// `U`, and below the diagonal `L`, whose own diagonal is 1.
    factors: Array2<f64>,
    /// Which row of the matrix stands in each.
    rows: Vec<usize>,
    /// The sign of the determinant.
    sign: i8,
}

impl Lu {
    /// `None` if the matrix is singular, or not finite.
    pub(crate) fn of(matrix: Array2<f64>) -> Option<Self> {
        let n = matrix.nrows();
        // Row by row, whatever the order was.
        let factors = if matrix.is_standard_layout() { matrix } else { matrix.as_standard_layout().into_owned() };
        let mut lu = Self { factors, rows: (0..n).collect(), sign: 1 };
        for first in (0..n).step_by(PANEL) {
            let end = n.min(first + PANEL);
            lu.eliminate(first, end)?;
            let (upper, lower) = lu.factors.view_mut().split_at(Axis(0), end);
            let (panel, mut right) = upper.slice_move(s![first.., first..]).split_at(Axis(1), end - first);
            forward(panel.view(), &mut right);
            let (below, mut rest) = lower.slice_move(s![.., first..]).split_at(Axis(1), end - first);
            general_mat_mul(-1.0, &below, &right, 1.0, &mut rest);
        }
        Some(lu)
    }

    /// Eliminates these columns, without a word to those right of them.
    fn eliminate(&mut self, first: usize, end: usize) -> Option<()> {
        let n = self.rows.len();
        let all = self.factors.as_slice_mut()?;
        for k in first..end {
            // The first of the largest; a NaN is larger than all.
            let size = |row: usize| all[row * n + k].abs();
            let at = (k..n).rev().max_by(|&a, &b| size(a).total_cmp(&size(b)))?;
            let pivot = all[at * n + k];
            if pivot == 0.0 || !pivot.is_finite() {
                return None;
            }
            self.sign *= if pivot < 0.0 { -1 } else { 1 };
            let (upper, lower) = all.split_at_mut((k + 1) * n);
            let row = &mut upper[k * n..];
            if at != k {
                row.swap_with_slice(&mut lower[(at - k - 1) * n..][..n]);
                self.rows.swap(k, at);
                self.sign = -self.sign;
            }
            for below in lower.chunks_exact_mut(n) {
                let factor = below[k] / pivot;
                below[k] = factor;
                for (to, from) in below[k + 1..end].iter_mut().zip(&row[k + 1..end]) {
                    *to -= factor * from;
                }
            }
        }
        Some(())
    }

    /// The sign of the determinant, 1 or -1.
    pub(crate) fn sign(&self) -> i8 {
        self.sign
    }

    /// The `x` `[n]` of `A x = b`.
    pub(crate) fn solve(&self, b: ArrayView1<'_, f64>) -> Array1<f64> {
        let mut x: Array1<f64> = self.rows.iter().map(|&row| b[row]).collect();
        for i in 1..x.len() {
            x[i] -= self.factors.slice(s![i, ..i]).dot(&x.slice(s![..i]));
        }
        for i in (0..x.len()).rev() {
            x[i] = (x[i] - self.factors.slice(s![i, i + 1..]).dot(&x.slice(s![i + 1..]))) / self.factors[[i, i]];
        }
        x
    }

    /// The `X` `[n, m]` of `A X = B`.
    pub(crate) fn solve_all(&self, b: ArrayView2<'_, f64>) -> Array2<f64> {
        let n = self.rows.len();
        let mut x = b.select(Axis(0), &self.rows);
        for first in (0..n).step_by(PANEL) {
            let end = n.min(first + PANEL);
            let (known, rest) = x.view_mut().split_at(Axis(0), first);
            let mut now = rest.slice_move(s![..end - first, ..]);
            general_mat_mul(-1.0, &self.factors.slice(s![first..end, ..first]), &known, 1.0, &mut now);
            forward(self.factors.slice(s![first..end, first..end]), &mut now);
        }
        for first in (0..n).step_by(PANEL).rev() {
            let end = n.min(first + PANEL);
            let (rest, known) = x.view_mut().split_at(Axis(0), end);
            let mut now = rest.slice_move(s![first.., ..]);
            general_mat_mul(-1.0, &self.factors.slice(s![first..end, end..]), &known, 1.0, &mut now);
            backward(self.factors.slice(s![first..end, first..end]), &mut now);
        }
        x
    }

    /// `A⁻¹`.
    pub(crate) fn inverse(&self) -> Array2<f64> {
        self.solve_all(Array2::eye(self.rows.len()).view())
    }
}

/// `X = L⁻¹ X` of the lower triangle, whose diagonal is 1.
fn forward(lower: ArrayView2<'_, f64>, x: &mut ArrayViewMut2<'_, f64>) {
    for i in 1..x.nrows() {
        let (known, mut rest) = x.view_mut().split_at(Axis(0), i);
        let mut now = rest.row_mut(0);
        for (known, &factor) in known.outer_iter().zip(lower.row(i)) {
            now.scaled_add(-factor, &known);
        }
    }
}

/// `X = U⁻¹ X` of the upper triangle.
fn backward(upper: ArrayView2<'_, f64>, x: &mut ArrayViewMut2<'_, f64>) {
    for i in (0..x.nrows()).rev() {
        let (mut rest, known) = x.view_mut().split_at(Axis(0), i + 1);
        let mut now = rest.row_mut(i);
        for (known, &factor) in known.outer_iter().zip(upper.slice(s![i, i + 1..])) {
            now.scaled_add(-factor, &known);
        }
        now /= upper[[i, i]];
    }
}
