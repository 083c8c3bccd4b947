//! Linear algebra of matrices that are not symmetric, in `f64`.

mod eigen;
mod lu;
mod schur;
mod singular;
#[cfg(test)]
mod tests;
mod triangular;

use linfa_linalg::eigh::EigValsh;
use ndarray::{Array2, ArrayView2};

pub(crate) use eigen::{Eigen, eigenvalues};
pub(crate) use lu::Lu;
pub(crate) use singular::{Svd, orthonormal, random_orthonormal};

/// `√(Σ aᵢⱼ²)`, the length of all numbers together.
pub(crate) fn frobenius(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// The largest singular value, `‖A‖₂`; infinite if the matrix is not finite.
pub(crate) fn norm(matrix: ArrayView2<'_, f64>) -> f64 {
    if !matrix.iter().all(|value| value.is_finite()) {
        return f64::INFINITY;
    }
    let largest = matrix.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    // Scaled, so that no square is too large or too small to be a number.
    let scaled = &matrix / largest;
    let squares = scaled.t().dot(&scaled).eigvalsh();
    squares.map_or(f64::INFINITY, |squares| squares.fold(0.0_f64, |most, &square| most.max(square)).sqrt() * largest)
}
