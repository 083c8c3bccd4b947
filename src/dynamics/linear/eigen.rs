//! Eigenvalues and eigenvectors.

use ndarray::{Array1, Array2, ArrayView2, Zip, s};
use num_complex::Complex64;

use super::Lu;
use super::schur::{Schur, Side};

/// From this condition number on eigenvectors are told from others by rounding alone: an eigenvalue has none of its own.
const DEFECTIVE: f64 = 0.25 / f64::EPSILON;
/// What a matrix may make of a left eigenvector besides a multiple of it, relative to both.
const OFF: f64 = 1e-6;

/// The eigenvalues of a real matrix with their right and left eigenvectors, in no order but that complex ones come in pairs, that above the
/// real axis first.
#[derive(Clone, Debug)]
pub(crate) struct Eigen {
    /// The eigenvalues, `[n]`.
    pub(crate) values: Array1<Complex64>,
    /// The right eigenvectors, of length 1, as columns, `[n, n]`.
    pub(crate) right: Array2<Complex64>,
    /// The left ones, as rows, `[n, n]`, each of which gives 1 with its right one and 0 with others. NaN where an eigenvalue has none of its
    /// own, as in a Jordan block.
    pub(crate) left: Array2<Complex64>,
}

/// The eigenvalues of a real matrix; `None` if it is not finite.
pub(crate) fn eigenvalues(matrix: ArrayView2<'_, f64>) -> Option<Vec<Complex64>> {
    let unit = unit(matrix)?;
    let (_, triangular) = Schur::of((&matrix / unit).view(), false)?;
    Some(triangular.values().into_iter().map(|value| value * unit).collect())
}

/// A power of 2 of which the largest number of the matrix is a small multiple, so that no product is too large or too small to be a number;
/// `None` if the matrix is not finite.
fn unit(matrix: ArrayView2<'_, f64>) -> Option<f64> {
    let largest = matrix.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let all = matrix.iter().all(|value| value.is_finite());
    all.then(|| if largest >= f64::MIN_POSITIVE { largest.log2().floor().exp2() } else { 1.0 })
}

impl Eigen {
    /// Those of this matrix; `None` if it is not finite.
    pub(crate) fn of(matrix: ArrayView2<'_, f64>) -> Option<Self> {
        let (n, unit) = (matrix.nrows(), unit(matrix)?);
        let scaled = &matrix / unit;
        let (schur, triangular) = Schur::of(scaled.view(), true)?;
        let values = triangular.values();
        // A real vector is one row, a pair is two, its real and its imaginary part.
        let pairs = || values.iter().enumerate().filter(|(_, value)| value.im >= 0.0);
        let pairs = || pairs().map(|(i, value)| (i, value.im > 0.0));
        let of_length_1 = |mut parts: Array2<f64>| {
            for (i, is_pair) in pairs() {
                let mut parts = parts.slice_mut(s![i..=i + usize::from(is_pair), ..]);
                let largest = parts.iter().fold(0.0_f64, |most, part| most.max(part.abs()));
                parts /= largest;
                let length = parts.iter().map(|part| part * part).sum::<f64>().sqrt();
                parts /= length;
            }
            parts
        };
        let (rights, lefts) = (of_length_1(triangular.right()), of_length_1(triangular.left()));
        // Where eigenvalues coincide the left vectors are any of theirs: mixed so that each goes with its right one. Those of eigenvalues
        // without one of their own, which go with none, come out immense.
        let both = lefts.dot(&rights.t());
        let apart = |along: f64| if along.abs() < f64::EPSILON { f64::EPSILON } else { along };
        let lu = Lu::of(both.clone()).or_else(|| {
            let mut both = both;
            both.diag_mut().mapv_inplace(apart);
            Lu::of(both)
        });
        let lefts = lu.map(|lu| lu.solve_all(lefts.view()));
        let lefts = lefts.unwrap_or_else(|| Array2::from_elem((n, n), f64::NAN));
        let rights = schur.turned_back(&rights, Side::Right);
        let lefts = schur.turned_back(&lefts, Side::Left).reversed_axes();
        let stretched = lefts.dot(&scaled);
        let size = scaled.iter().map(|value| value * value).sum::<f64>().sqrt();
        let (mut right, mut left) = (Array2::zeros((n, n)), Array2::zeros((n, n)));
        for (i, is_pair) in pairs() {
            let zero = Array1::<f64>::zeros(n);
            let complex = |re: &f64, im: &f64| Complex64::new(*re, *im);
            let im = if is_pair { rights.column(i + 1) } else { zero.view() };
            let mut r = Zip::from(rights.column(i)).and(im).map_collect(complex);
            let length = r.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            r.mapv_inplace(|part| part / length);
            // With l r = 1 and l r̄ = 0.
            let share = if is_pair { 0.5 * length } else { length };
            let of_row = |parts: &Array2<f64>| -> Array1<Complex64> {
                let im = if is_pair { parts.row(i + 1) } else { zero.view() };
                Zip::from(parts.row(i)).and(im).map_collect(|re, im| complex(re, &-im) * share)
            };
            let mut l = of_row(&lefts);
            let norm = |vector: &Array1<Complex64>| vector.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            let (condition, off) = (norm(&l), norm(&(of_row(&stretched) - &l * values[i])));
            let is_one = condition < DEFECTIVE && off <= OFF * condition * size;
            if !is_one {
                l.fill(Complex64::new(f64::NAN, f64::NAN));
            }
            if is_pair {
                right.column_mut(i + 1).assign(&r.mapv(|r| r.conj()));
                left.row_mut(i + 1).assign(&l.mapv(|l| l.conj()));
            }
            right.column_mut(i).assign(&r);
            left.row_mut(i).assign(&l);
        }
        Some(Self { values: values.into_iter().map(|value| value * unit).collect(), right, left })
    }
}
