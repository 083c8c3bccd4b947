//! Whether activity at one time lies in the subspace of that at another.

use ndarray::Array2;

use super::average::Averages;
use super::pca::{Pca, check_source};
use crate::Result;

/// How much of the variance of the `second` samples lies in the space of the first principal components of the `first`, as a share of
/// what as many dimensions can hold at most: the alignment index
/// `A = Tr(Dᵀ C D) / Σ_{i ≤ n} σ_i`, of the components `D` `[n_units, n_components]` of the first samples, the covariance `C` of the
/// second and its eigenvalues `σ`, the largest first. 0 where the two lie in orthogonal subspaces, as preparation and movement of
/// monkeys almost do, 1 where they lie in the same. It is not the same the other way about.
///
/// Both are `[n_samples, n_units]`, of the same units; their numbers of samples may differ. Of averages over trials in two epochs it is
/// [`Averages::alignment_with`].
///
/// Elsayed GF, Lara AH, Kaufman MT, Churchland MM, Cunningham JP (2016), doi:10.1038/ncomms13239.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::alignment_index;
/// let preparation = array![[-1.0, 0.0, 0.1], [1.0, 0.0, -0.1], [0.0, 0.0, 0.0]];
/// let movement = array![[0.0, -2.0, 0.0], [0.0, 2.0, 0.0], [0.1, 0.0, 0.0]];
/// assert!(alignment_index(&preparation, &movement, 1)? < 0.01);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If samples do not vary or are not finite, if they are not of as many units, or if there are not as many components.
pub fn alignment_index(first: &Array2<f64>, second: &Array2<f64>, n_components: usize) -> Result<f64> {
    let of_first = Pca::fit(first, n_components)?;
    let most = Pca::fit(second, n_components)?.shares.sum();
    Ok(of_first.shares_of(second)?.sum() / most)
}

impl Averages {
    /// The [`alignment_index`] of the components of these averages, those of an early epoch for instance, with other averages of the
    /// same units, those of a late one.
    ///
    /// # Errors
    /// As [`alignment_index`], and if the others are of other units or of another signal.
    pub fn alignment_with(&self, other: &Self, n_components: usize) -> Result<f64> {
        check_source(self.signal, &self.units, other)?;
        alignment_index(&self.samples(), &other.samples(), n_components)
    }
}
