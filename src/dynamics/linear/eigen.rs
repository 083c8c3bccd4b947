//! Eigenvalues and eigenvectors.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use num_complex::Complex64;

use super::Lu;
use super::schur::Schur;

/// Eigenvalues whose eigenvectors are so nearly those of others depend on them by rounding alone: they have none of their own.
const DEFECTIVE: f64 = 0.25 / f64::EPSILON;

/// The eigenvalues of a real matrix with their right and left eigenvectors, in no order but that complex ones come in pairs, that above the
/// real axis first.
#[derive(Clone, Debug)]
pub(crate) struct Eigen {
    /// The eigenvalues, `[n]`.
    pub(crate) values: Array1<Complex64>,
    /// The right eigenvectors, of length 1, as columns, `[n, n]`.
    pub(crate) right: Array2<Complex64>,
    /// The left ones, as rows, `[n, n]`: the inverse of the right ones. NaN where there is none, as in a Jordan block.
    pub(crate) left: Array2<Complex64>,
}

/// The eigenvalues of a real matrix; `None` if it is not finite.
pub(crate) fn eigenvalues(matrix: ArrayView2<'_, f64>) -> Option<Vec<Complex64>> {
    Some(Schur::of(matrix, false)?.values())
}

impl Eigen {
    /// Those of this matrix; `None` if it is not finite.
    pub(crate) fn of(matrix: ArrayView2<'_, f64>) -> Option<Self> {
        let n = matrix.nrows();
        let schur = Schur::of(matrix, true)?;
        let values = schur.values();
        let mut real = schur.vectors(&values);
        // A real vector is one column, a pair is two, its real and its imaginary part.
        let widths = || values.iter().enumerate().filter(|(_, value)| value.im >= 0.0);
        let widths = || widths().map(|(i, value)| (i, if value.im > 0.0 { 2 } else { 1 }));
        for (i, width) in widths() {
            let mut parts = real.slice_mut(s![.., i..i + width]);
            let length = parts.iter().map(|part| part * part).sum::<f64>().sqrt();
            parts /= length;
        }
        let inverse = Lu::of(real.clone()).map(|lu| lu.inverse());
        let inverse = inverse.unwrap_or_else(|| Array2::from_elem((n, n), f64::NAN));
        let (mut right, mut left) = (Array2::zeros((n, n)), Array2::zeros((n, n)));
        for (i, width) in widths() {
            if width == 1 {
                right.column_mut(i).assign(&real.column(i).mapv(Complex64::from));
                left.row_mut(i).assign(&inverse.row(i).mapv(Complex64::from));
                continue;
            }
            let complex = |re: &f64, im: &f64| Complex64::new(*re, *im);
            let r = ndarray::Zip::from(real.column(i)).and(real.column(i + 1)).map_collect(complex);
            // With l r = 1 and l r̄ = 0.
            let l = ndarray::Zip::from(inverse.row(i))
                .and(inverse.row(i + 1))
                .map_collect(|re, im| complex(re, &-im) / 2.0);
            right.column_mut(i + 1).assign(&r.mapv(|r| r.conj()));
            left.row_mut(i + 1).assign(&l.mapv(|l| l.conj()));
            right.column_mut(i).assign(&r);
            left.row_mut(i).assign(&l);
        }
        for mut left in left.axis_iter_mut(Axis(0)) {
            let condition = left.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            if condition.is_nan() || condition >= DEFECTIVE {
                left.fill(Complex64::new(f64::NAN, f64::NAN));
            }
        }
        Some(Self { values: values.into(), right, left })
    }
}
