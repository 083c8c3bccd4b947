//! Eigenvalues and eigenvectors of a matrix that is triangular but for blocks of 2 on its diagonal, each that of a complex pair.

use ndarray::{Array2, s};
use num_complex::Complex64;

/// Such a matrix `[n, n]`, row by row.
pub(super) struct Triangular {
    pub(super) n: usize,
    pub(super) t: Vec<f64>,
}

/// The two by two numbers from this place of the diagonal on, row by row.
pub(super) fn block(t: &[f64], n: usize, k: usize) -> [f64; 4] {
    let at = k * n + k;
    [t[at], t[at + 1], t[at + n], t[at + n + 1]]
}

impl Triangular {
    /// Whether a block of 2 begins at this row.
    fn is_pair(&self, k: usize) -> bool {
        k + 1 < self.n && self.t[(k + 1) * self.n + k] != 0.0
    }

    /// The eigenvalues, in the order of the diagonal; of a pair that above the real axis first.
    pub(super) fn values(&self) -> Vec<Complex64> {
        let mut values = Vec::with_capacity(self.n);
        while values.len() < self.n {
            let k = values.len();
            if self.is_pair(k) {
                let [a, b, c, d] = block(&self.t, self.n, k);
                let half = (a - d) / 2.0;
                let value = Complex64::new(d + half, (half * half + b * c).abs().sqrt());
                values.extend([value, value.conj()]);
            } else {
                values.push(self.t[k * (self.n + 1)].into());
            }
        }
        values
    }

    /// The right eigenvectors, a row each, `[n, n]`; of pairs the real and the imaginary part of that of the eigenvalue above the real axis.
    pub(super) fn right(&self) -> Array2<f64> {
        self.vectors(-1.0)
    }

    /// The left ones, likewise: those of the transposed matrix, which is triangular when both of its axes are turned round.
    pub(super) fn left(&self) -> Array2<f64> {
        let n = self.n;
        let turned = (0..n * n).map(|place| self.t[(n - 1 - place % n) * n + n - 1 - place / n]).collect();
        let turned = Self { n, t: turned };
        let mut left = turned.vectors(1.0).slice_move(s![..;-1, ..;-1]);
        // The parts of pairs have changed places.
        for k in (0..n).filter(|&k| self.is_pair(k)) {
            let (mut upper, mut lower) = left.view_mut().split_at(ndarray::Axis(0), k + 1);
            ndarray::Zip::from(upper.row_mut(k)).and(lower.row_mut(0)).for_each(std::mem::swap);
        }
        left
    }

    /// By substitution from the block of each eigenvalue upward. Where another eigenvalue is the same, it is taken to be apart by the least that
    /// there is, on this side: for left eigenvectors the other one, so that both are those of one matrix.
    fn vectors(&self, side: f64) -> Array2<f64> {
        let n = self.n;
        let size = self.t.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let least = side * f64::EPSILON * if size > 0.0 { size } else { 1.0 };
        let apart = |value: Complex64, least: f64| if value.norm() < least.abs() { least.into() } else { value };
        let mut vectors = Array2::zeros((n, n));
        let mut x = vec![Complex64::default(); n];
        for (j, value) in self.values().into_iter().enumerate().filter(|(_, value)| value.im >= 0.0) {
            let end = if value.im > 0.0 { j + 2 } else { j + 1 };
            x[end - 1] = 1.0.into();
            if value.im > 0.0 {
                let [_, _, c, d] = block(&self.t, n, j);
                x[j] = (value - d) / c;
            }
            let mut known = j;
            while known > 0 {
                let i = known - 1;
                let sum = |row: usize, x: &[Complex64]| -> Complex64 {
                    let row = &self.t[row * n + known..row * n + end];
                    row.iter().zip(&x[known..end]).map(|(t, x)| x * t).sum()
                };
                if i > 0 && self.is_pair(i - 1) {
                    let [a, b, c, d] = block(&self.t, n, i - 1);
                    let mut upper = [a - value, b.into(), -sum(i - 1, &x)];
                    let mut lower = [c.into(), d - value, -sum(i, &x)];
                    if lower[0].norm() > upper[0].norm() {
                        std::mem::swap(&mut upper, &mut lower);
                    }
                    let factor = lower[0] / upper[0];
                    x[i] = (lower[2] - factor * upper[2]) / apart(lower[1] - factor * upper[1], least);
                    x[i - 1] = (upper[2] - upper[1] * x[i]) / upper[0];
                    known -= 2;
                } else {
                    x[i] = -sum(i, &x) / apart(self.t[i * (n + 1)] - value, least);
                    known -= 1;
                }
                let largest = x[known..=i].iter().map(|x| x.norm()).fold(0.0, f64::max);
                if largest > 1e100 {
                    x[known..end].iter_mut().for_each(|x| *x /= largest);
                }
            }
            for (i, x) in x[..end].iter().enumerate() {
                vectors[[j, i]] = x.re;
                if value.im > 0.0 {
                    vectors[[j + 1, i]] = x.im;
                }
            }
        }
        vectors
    }
}
