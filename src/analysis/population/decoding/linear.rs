//! What every decoder comes down to.

use ndarray::{Array1, Array2};

/// Weights of z-scored units.
pub(super) struct Linear {
    /// `[n_scores, n_units]`
    pub(super) weights: Array2<f64>,
    /// `[n_scores]`
    pub(super) intercepts: Array1<f64>,
}
