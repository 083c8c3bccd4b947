//! The real Schur form: what eigenvalues and eigenvectors are read from.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2};
use num_complex::Complex64;

/// How often a block is tried before it is given up: it takes two or three.
const MOST_STEPS: usize = 100;

/// `B = Z T Zᵀ` of the balanced matrix `B`, where `Z` is orthogonal and `T` has blocks of 1 and, of complex pairs, of 2 on its diagonal and
/// zeros below.
pub(super) struct Schur {
    n: usize,
    /// `T`, row by row.
    t: Vec<f64>,
    /// The columns of `Z`, one after the other; empty if only eigenvalues are wanted.
    z: Vec<f64>,
    /// Which row of the matrix stands in each of `B`.
    order: Vec<usize>,
    /// What each of them was divided by.
    scales: Vec<f64>,
    /// The rows and columns that are not triangular from the start.
    middle: Range<usize>,
}

/// `1 - factor v vᵀ`, a reflection.
struct Reflection<const M: usize> {
    v: [f64; M],
    factor: f64,
}

impl<const M: usize> Reflection<M> {
    /// The one that leaves the first of these numbers alone, and what this becomes; `None` if the others are 0 already.
    fn onto_first(x: [f64; M]) -> Option<(Self, f64)> {
        let mut v = x;
        let (factor, first) = onto_first(&mut v)?;
        Some((Self { v, factor }, first))
    }

    /// Of rows that lie one after the other, from a column on.
    #[inline]
    fn rows(&self, rows: &mut [f64], n: usize, from: usize) {
        let Self { v, factor } = *self;
        let width = n - from;
        let mut rows = rows.chunks_exact_mut(n).map(|row| &mut row[from..]);
        let rows: [&mut [f64]; M] = std::array::from_fn(|_| &mut rows.next().unwrap_or_default()[..width]);
        (0..width).for_each(|j| {
            let sum = (0..M).map(|i| v[i] * rows[i][j]).sum::<f64>() * factor;
            (0..M).for_each(|i| rows[i][j] -= sum * v[i]);
        });
    }

    /// Of neighboring columns.
    #[inline]
    fn columns(&self, rows: &mut [f64], n: usize, first: usize) {
        for row in rows.chunks_exact_mut(n) {
            let row = &mut row[first..first + M];
            let sum = row.iter().zip(&self.v).map(|(value, v)| value * v).sum::<f64>() * self.factor;
            row.iter_mut().zip(&self.v).for_each(|(value, v)| *value -= sum * v);
        }
    }
}

impl Schur {
    /// That of this matrix; `None` if it is not finite.
    pub(super) fn of(matrix: ArrayView2<'_, f64>, with_vectors: bool) -> Option<Self> {
        if !matrix.iter().all(|value| value.is_finite()) {
            return None;
        }
        let n = matrix.nrows();
        let (order, middle) = isolated(matrix);
        let t = order.iter().flat_map(|&i| order.iter().map(move |&j| matrix[[i, j]])).collect();
        let z = if with_vectors { Array2::eye(n).into_raw_vec_and_offset().0 } else { Vec::new() };
        let mut schur = Self { n, t, z, order, scales: vec![1.0; n], middle };
        schur.balance();
        schur.reduce();
        schur.iterate()?;
        Some(schur)
    }

    /// Scales rows and columns by powers of 2, until both have about the same length: Parlett BN, Reinsch C (1969),
    /// doi:10.1007/BF02165404.
    fn balance(&mut self) {
        let (n, middle) = (self.n, self.middle.clone());
        loop {
            let mut changed = false;
            for i in middle.clone() {
                let others = || middle.clone().filter(|&j| j != i);
                let column: f64 = others().map(|j| self.t[j * n + i].abs()).sum();
                let row: f64 = others().map(|j| self.t[i * n + j].abs()).sum();
                if column == 0.0 || row == 0.0 {
                    continue;
                }
                let factor = ((row / column).log2() / 2.0).round().exp2();
                if column * factor + row / factor < 0.95 * (column + row) {
                    changed = true;
                    self.scales[i] *= factor;
                    self.t[i * n..][..n].iter_mut().for_each(|value| *value /= factor);
                    self.t[i..].iter_mut().step_by(n).for_each(|value| *value *= factor);
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// To Hessenberg form, by reflections.
    fn reduce(&mut self) {
        let n = self.n;
        let Some(last) = self.middle.end.checked_sub(2) else { return };
        let (mut v, mut sums) = (vec![0.0; n], vec![0.0; n]);
        for k in self.middle.start..last {
            let rows = k + 1..self.middle.end;
            let v = &mut v[..rows.len()];
            v.iter_mut().zip(rows.clone()).for_each(|(v, i)| *v = self.t[i * n + k]);
            let Some((factor, first)) = onto_first(v) else { continue };
            reflect_rows(&mut self.t[rows.start * n..rows.end * n], n, k, v, factor, &mut sums);
            self.t[rows.start * n + k] = first;
            rows.clone().skip(1).for_each(|i| self.t[i * n + k] = 0.0);
            for row in self.t[..rows.end * n].chunks_exact_mut(n) {
                let row = &mut row[rows.clone()];
                let sum = dot(row, v) * factor;
                row.iter_mut().zip(&*v).for_each(|(value, v)| *value -= sum * v);
            }
            if !self.z.is_empty() {
                reflect_rows(&mut self.z[rows.start * n..rows.end * n], n, 0, v, factor, &mut sums);
            }
        }
    }

    /// Steps of QR, with two shifts at a time (Francis 1961), until no block is larger than 2; `None` if they come to no end.
    fn iterate(&mut self) -> Option<()> {
        let n = self.n;
        let size = self.t.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let mut end = self.middle.end;
        let mut tries = 0;
        while end > self.middle.start {
            // Where the last block begins that hangs together.
            let mut start = end - 1;
            while start > self.middle.start {
                let near = self.t[(start - 1) * (n + 1)].abs() + self.t[start * (n + 1)].abs();
                let near = if near == 0.0 { size } else { near };
                if self.t[start * n + start - 1].abs() <= f64::EPSILON * near {
                    self.t[start * n + start - 1] = 0.0;
                    break;
                }
                start -= 1;
            }
            match end - start {
                1 => (end, tries) = (end - 1, 0),
                2 => {
                    self.part(start);
                    (end, tries) = (end - 2, 0);
                }
                _ => {
                    tries += 1;
                    if tries > MOST_STEPS {
                        return None;
                    }
                    self.francis(start, end, tries % 10 == 0);
                }
            }
        }
        Some(())
    }

    /// One step in the block of these rows.
    fn francis(&mut self, start: usize, end: usize, is_stuck: bool) {
        let n = self.n;
        let at = |i: usize, j: usize| self.t[i * n + j];
        // The shifts are the eigenvalues of the last two rows, or others where these go round in circles.
        let [mut a, mut b, mut c, mut d] = self.block(end - 2);
        if is_stuck {
            let off = c.abs() + at(end - 2, end - 3).abs();
            (a, b, c, d) = (d + 0.75 * off, -0.4375 * off, off, d + 0.75 * off);
        }
        // The first column of the product of both shifted matrices, over its subdiagonal.
        let h = self.block(start);
        let across = ((a - h[0]) * (d - h[0]) - b * c) / h[2] + h[1];
        let mut x = [across, h[0] + h[3] - a - d, at(start + 2, start + 1)];
        for k in start..end - 2 {
            if let Some((reflection, first)) = Reflection::onto_first(x) {
                if k > start {
                    [first, 0.0, 0.0].into_iter().zip(k..).for_each(|(value, row)| self.t[row * n + k - 1] = value);
                }
                self.reflect(&reflection, k, end.min(k + 4));
            }
            let below = |i: usize| if i < end { self.t[i * n + k] } else { 0.0 };
            x = [below(k + 1), below(k + 2), below(k + 3)];
        }
        let k = end - 2;
        if let Some((reflection, first)) = Reflection::onto_first([x[0], x[1]]) {
            (self.t[k * n + k - 1], self.t[(k + 1) * n + k - 1]) = (first, 0.0);
            self.reflect(&reflection, k, end);
        }
    }

    /// Makes the block of 2 at this row triangular, if its eigenvalues are real.
    fn part(&mut self, k: usize) {
        let n = self.n;
        let [a, b, c, d] = self.block(k);
        let half = (a - d) / 2.0;
        let discriminant = half * half + b * c;
        if c == 0.0 || discriminant < 0.0 {
            return;
        }
        // An eigenvector of the block, turned onto the first axis.
        let away = half + discriminant.sqrt().copysign(half);
        if let Some((reflection, _)) = Reflection::onto_first([away, c]) {
            self.reflect(&reflection, k, k + 2);
        }
        self.t[(k + 1) * n + k] = 0.0;
    }

    /// Reflects the rows from this one on, right of the columns before, and the same columns, down to a row.
    fn reflect<const M: usize>(&mut self, reflection: &Reflection<M>, k: usize, down_to: usize) {
        let n = self.n;
        reflection.rows(&mut self.t[k * n..(k + M) * n], n, k);
        reflection.columns(&mut self.t[..down_to * n], n, k);
        if !self.z.is_empty() {
            reflection.rows(&mut self.z[k * n..(k + M) * n], n, 0);
        }
    }

    /// The two by two numbers from this place of the diagonal on, row by row.
    fn block(&self, k: usize) -> [f64; 4] {
        let at = k * self.n + k;
        [self.t[at], self.t[at + 1], self.t[at + self.n], self.t[at + self.n + 1]]
    }

    /// Whether a block of 2 begins at this row.
    fn is_pair(&self, k: usize) -> bool {
        k + 1 < self.n && self.t[(k + 1) * self.n + k] != 0.0
    }

    /// The eigenvalues, in the order of the diagonal.
    pub(super) fn values(&self) -> Vec<Complex64> {
        let mut values = Vec::with_capacity(self.n);
        while values.len() < self.n {
            let k = values.len();
            if self.is_pair(k) {
                let [a, b, c, d] = self.block(k);
                let half = (a - d) / 2.0;
                let value = Complex64::new(d + half, (half * half + b * c).abs().sqrt());
                values.extend([value, value.conj()]);
            } else {
                values.push(self.t[k * (self.n + 1)].into());
            }
        }
        values
    }

    /// The eigenvectors `[n, n]`, of pairs the real and the imaginary part of the first.
    pub(super) fn vectors(&self, values: &[Complex64]) -> Array2<f64> {
        let n = self.n;
        let size = self.t.iter().fold(1e-100_f64, |most, value| most.max(value.abs()));
        // Those of T, a row each.
        let mut of_t = Array2::zeros((n, n));
        let mut x = vec![Complex64::default(); n];
        for (j, &value) in values.iter().enumerate().filter(|(_, value)| value.im >= 0.0) {
            let mut known = j;
            x[j] = 1.0.into();
            let is_pair = value.im > 0.0;
            if is_pair {
                let [_, _, c, d] = self.block(j);
                (x[j], x[j + 1]) = ((value - d) / c, 1.0.into());
            }
            let end = if is_pair { j + 2 } else { j + 1 };
            while known > 0 {
                let i = known - 1;
                let sum = |row: usize, x: &[Complex64]| -> Complex64 {
                    let row = &self.t[row * n + known..row * n + end];
                    row.iter().zip(&x[known..end]).map(|(t, x)| x * t).sum()
                };
                if i > 0 && self.is_pair(i - 1) {
                    let [a, b, c, d] = self.block(i - 1);
                    let (p, q) = (-sum(i - 1, &x), -sum(i, &x));
                    let determinant = nonzero((a - value) * (d - value) - b * c, size * size);
                    x[i - 1] = ((d - value) * p - q * b) / determinant;
                    x[i] = ((a - value) * q - p * c) / determinant;
                    known -= 2;
                } else {
                    x[i] = -sum(i, &x) / nonzero(self.t[i * (n + 1)] - value, size);
                    known -= 1;
                }
                let largest = x[known..i + 1].iter().map(|x| x.norm()).fold(0.0, f64::max);
                if largest > 1e100 {
                    x[known..end].iter_mut().for_each(|x| *x /= largest);
                }
            }
            for i in 0..end {
                of_t[[j, i]] = x[i].re;
                if is_pair {
                    of_t[[j + 1, i]] = x[i].im;
                }
            }
        }
        let z = ArrayView2::from_shape((n, n), &self.z);
        let turned = z.map_or_else(|_| of_t.clone(), |z| of_t.dot(&z));
        let mut vectors = Array2::zeros((n, n));
        for (i, (&row, &scale)) in self.order.iter().zip(&self.scales).enumerate() {
            vectors.row_mut(row).assign(&(&turned.column(i) * scale));
        }
        vectors
    }
}

/// The number, or one that is nearly zero in its place.
fn nonzero(value: Complex64, size: f64) -> Complex64 {
    let least = f64::EPSILON * size;
    if value.norm() < least { least.into() } else { value }
}

/// Makes of numbers, not all 0 after the first, the `v` (with 1 in front) of the reflection `1 - factor v vᵀ` that leaves only the first of them
/// other than 0; gives `factor`, and what the first becomes.
fn onto_first(x: &mut [f64]) -> Option<(f64, f64)> {
    let scale = x.iter().skip(1).fold(0.0_f64, |most, x| most.max(x.abs()));
    if scale == 0.0 {
        return None;
    }
    let scale = scale.max(x[0].abs());
    let length = x.iter().map(|x| (x / scale) * (x / scale)).sum::<f64>().sqrt() * scale;
    let first = -length.copysign(x[0]);
    let (factor, by) = ((first - x[0]) / first, x[0] - first);
    x.iter_mut().for_each(|x| *x /= by);
    x[0] = 1.0;
    Some((factor, first))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    ArrayView1::from(a).dot(&ArrayView1::from(b))
}

/// Reflects rows that lie one after the other, from a column on.
fn reflect_rows(rows: &mut [f64], n: usize, from: usize, v: &[f64], factor: f64, sums: &mut [f64]) {
    let sums = &mut sums[from..n];
    sums.fill(0.0);
    for (row, v) in rows.chunks_exact(n).zip(v) {
        sums.iter_mut().zip(&row[from..]).for_each(|(sum, value)| *sum += v * value);
    }
    for (row, v) in rows.chunks_exact_mut(n).zip(v) {
        let by = factor * v;
        row[from..].iter_mut().zip(&*sums).for_each(|(value, sum)| *value -= by * sum);
    }
}

/// An order of rows and columns in which the matrix is block triangular: first those that no other enters or that enter no other, and the
/// rest in the middle.
fn isolated(matrix: ArrayView2<'_, f64>) -> (Vec<usize>, Range<usize>) {
    let mut middle: Vec<usize> = (0..matrix.nrows()).collect();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    loop {
        let alone = |by_row: bool| {
            let zero = |i: usize, j: usize| i == j || matrix[if by_row { [i, j] } else { [j, i] }] == 0.0;
            middle.iter().position(|&i| middle.iter().all(|&j| zero(i, j)))
        };
        if let Some(at) = alone(true) {
            last.push(middle.remove(at));
        } else if let Some(at) = alone(false) {
            first.push(middle.remove(at));
        } else {
            break;
        }
    }
    let range = first.len()..first.len() + middle.len();
    first.extend(middle);
    first.extend(last.into_iter().rev());
    (first, range)
}
