//! The regularizer against vanishing gradients.

use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::{Constants, Dynamics, LeakyForm, Transfer};
use crate::{Error, Result, threads};

/// What [`Dynamics::vanishing`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Vanishing {
    /// `Ω`.
    pub omega: f64,
    /// Its immediate derivative with respect to the effective `W_rec`, `[n_rec, n_rec]`.
    pub d_w_rec: Array2<f32>,
}

impl Constants {
    /// Whether `Ω` is defined for such a network.
    #[cfg(feature = "torch")]
    pub(crate) fn has_omega(&self) -> bool {
        matches!(self, Self::Leaky(units) if units.form == LeakyForm::Current)
    }
}

impl Dynamics {
    /// How much the gradients of a run vanish or explode on their way back through time, and how `W_rec` changes that. With
    /// `δ[t] = dL/dx[t]`, `α` and `f'`,
    ///
    /// ```text
    /// q[t] = ‖(1 - α) δ[t+1] + (W_recᵀ α δ[t+1]) ∘ f'(x[t])‖² / ‖δ[t+1]‖²
    /// Ω = Σ (q[t] - 1)² / n
    /// ```
    ///
    /// summed over trials and over the steps from the first to the last but one, where `‖δ[t+1]‖²` is at least `bound`, of which
    /// there are `n`. Only the immediate derivative is taken, with `δ` and `x` held as they are. This is how PyCog defines it, whose
    /// `bound` is 1e-20; where it has `α` of the unit that gets the gradient, here it is that of the unit from which it comes, which
    /// differs only if units have time constants of their own. Without any step that counts `Ω` is 0.
    ///
    /// `states` and `adjoints` (the `δ`, see [`Dynamics::backward_with_adjoints`]) have
    /// shape `[n_batch, n_steps, n_rec]`.
    ///
    /// Pascanu R, Mikolov T, Bengio Y (2013), arXiv:1211.5063; Song HF, Yang GR, Wang X-J (2016),
    /// doi:10.1371/journal.pcbi.1004792.
    ///
    /// # Errors
    /// If the shapes do not fit the network, or if it is not a leaky one in the current form, for which alone `Ω` is defined.
    pub fn vanishing(&self, states: &Array3<f32>, adjoints: &Array3<f32>, bound: f64) -> Result<Vanishing> {
        let units = match self.constants_ref() {
            Constants::Leaky(units) if units.form == LeakyForm::Current => units,
            other => {
                let expected = "a leaky one in the current form, for which alone Ω is defined";
                return Err(Error::argument("network", expected, other.units().name()));
            }
        };
        let n_rec = self.sizes().1;
        if states.dim() != adjoints.dim() || states.dim().2 != n_rec {
            let expected = format!("[n_batch, n_steps, n_rec = {n_rec}], as the adjoints have");
            return Err(Error::shape("states", expected, states.shape()));
        }
        let trials: Vec<_> = states.outer_iter().zip(adjoints.outer_iter()).collect();
        let parts =
            threads::map(trials, |(states, adjoints)| Ok(self.vanishing_in(&units.transfer, states, adjoints, bound)))?;
        let (mut sum, mut count, mut d_w_rec) = (0.0, 0_usize, Array2::zeros((n_rec, n_rec)));
        for part in parts {
            sum += part.sum;
            count += part.count;
            d_w_rec += &part.d_w_rec;
        }
        let n = count.max(1) as f64;
        Ok(Vanishing { omega: sum / n, d_w_rec: d_w_rec / n as f32 })
    }

    /// The sums of one trial.
    fn vanishing_in(
        &self,
        transfer: &Transfer,
        states: ArrayView2<'_, f32>,
        adjoints: ArrayView2<'_, f32>,
        bound: f64,
    ) -> Sums {
        let (n_steps, n_rec) = states.dim();
        let norm = |t: usize| adjoints.row(t).iter().map(|&d| f64::from(d) * f64::from(d)).sum::<f64>();
        let counted: Vec<(usize, f64)> =
            (1..n_steps).map(|t| (t, norm(t))).filter(|&(_, norm)| norm >= bound && norm > 0.0).collect();
        // δ[t+1] with norm 1: the ratio does not depend on its size, which may be close to what single precision ends with.
        let mut after = Array2::zeros((counted.len(), n_rec));
        let mut slopes = Array2::zeros((counted.len(), n_rec));
        for (row, &(t, norm)) in counted.iter().enumerate() {
            let scale = norm.sqrt().recip();
            after.row_mut(row).zip_mut_with(&adjoints.row(t), |to, &d| *to = (f64::from(d) * scale) as f32);
            slopes.row_mut(row).zip_mut_with(&states.row(t - 1), |to, &x| *to = transfer.slope(x));
        }
        let kept = &after * &self.factors().mapv(|alpha| 1.0 - alpha);
        let driven = after * self.factors();
        let before = driven.dot(&self.recurrent()) * &slopes + kept;
        let ratios: Vec<f64> =
            before.outer_iter().map(|row| row.iter().map(|&d| f64::from(d) * f64::from(d)).sum()).collect();
        let mut through = before * slopes;
        for (mut row, ratio) in through.axis_iter_mut(Axis(0)).zip(&ratios) {
            row *= (4.0 * (ratio - 1.0)) as f32;
        }
        let sum = ratios.iter().map(|ratio| (ratio - 1.0).powi(2)).sum();
        Sums { sum, count: counted.len(), d_w_rec: driven.t().dot(&through) }
    }
}

/// What adds up over trials.
struct Sums {
    sum: f64,
    count: usize,
    d_w_rec: Array2<f32>,
}
