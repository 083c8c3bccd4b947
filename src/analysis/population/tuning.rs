//! What single units respond to.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::analysis::statistics::special::{mean, variance};
use crate::simulate::Session;
use crate::table::Value;
use crate::{Error, Result};

/// The mean activity of each unit in each condition, of [`Session::tuning`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tuning {
    /// The column whose values are the conditions.
    pub by: String,
    /// The conditions, ascending.
    pub conditions: Vec<Value>,
    /// The trials of each.
    pub n_trials: Vec<usize>,
    /// The numbers of the units in the network `[n_units]`.
    pub units: Vec<usize>,
    /// The mean over these trials `[n_conditions, n_units]`.
    #[serde(with = "crate::number")]
    pub mean: Array2<f64>,
    /// Its standard error `[n_conditions, n_units]`; NaN for one trial alone.
    #[serde(with = "crate::number")]
    pub sem: Array2<f64>,
}

impl Session {
    /// The mean activity of each unit at each value of a column of [`Session::trials`]. `activity`
    /// `[n_trials, n_units]` is that of each trial, see [`Session::mean_activity`]; trials in which it is NaN are left out.
    ///
    /// ```no_run
    /// use psychrnn::prelude::*;
    /// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
    /// let activity = session.mean_activity(Signal::Rates, "stimulus", 0.0..250.0)?;
    /// let tuning = session.tuning("coherence", &activity)?;
    /// let selectivity = session.selectivity("direction", &activity)?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such column, if there is not one row of activity a trial, or if no trial has a value.
    pub fn tuning(&self, column: &str, activity: &Array2<f64>) -> Result<Tuning> {
        let groups = self.activity_by(column, activity)?;
        let shape = (groups.len(), activity.ncols());
        let of_units = |measure: &dyn Fn(&[f64]) -> f64| {
            Array2::from_shape_fn(shape, |(condition, unit)| {
                let rows = &groups[condition].1;
                measure(&rows.iter().map(|&row| activity[[row, unit]]).collect::<Vec<_>>())
            })
        };
        Ok(Tuning {
            by: column.to_owned(),
            // Activity of so many is that of the recorded units, and otherwise that of outputs.
            units: match self.units.len() == activity.ncols() {
                true => self.units.clone(),
                false => (0..activity.ncols()).collect(),
            },
            n_trials: groups.iter().map(|(_, rows)| rows.len()).collect(),
            mean: of_units(&mean),
            sem: of_units(&|values| (variance(values) / values.len() as f64).sqrt()),
            conditions: groups.into_iter().map(|(value, _)| value).collect(),
        })
    }

    /// How well each unit tells the two values of a column of [`Session::trials`] apart:
    /// `d' = (m₁ - m₀) / sqrt((v₁ + v₀) / 2)` `[n_units]`, of the means `m` and the variances `v` of its activity over the trials with the larger
    /// (1) and the smaller (0) value. The column `choice` gives choice selectivity. `activity` is as in [`Session::tuning`]. 0 for a unit that does not vary at all,
    /// infinite for one that varies only between the two.
    ///
    /// # Errors
    /// If there is no such column, if it has not two values, each in two trials or more, or if there is not one row of
    /// activity a trial.
    pub fn selectivity(&self, column: &str, activity: &Array2<f64>) -> Result<Array1<f64>> {
        let groups = self.activity_by(column, activity)?;
        let [(_, small), (_, large)] = groups.as_slice() else {
            let values = groups.iter().map(|(value, _)| value.to_string()).collect::<Vec<_>>().join(", ");
            return Err(Error::argument(column, "a column of two values", values));
        };
        if small.len() < 2 || large.len() < 2 {
            let got = format!("in {} and {}", small.len(), large.len());
            return Err(Error::argument(column, "each of its values in two trials or more", got));
        }
        let d_prime = |unit: ndarray::ArrayView1<'_, f64>| {
            let of = |rows: &[usize]| rows.iter().map(|&row| unit[row]).collect::<Vec<_>>();
            let (small, large) = (of(small), of(large));
            let difference = mean(&large) - mean(&small);
            let sd = ((variance(&large) + variance(&small)) / 2.0).sqrt();
            if difference == 0.0 { 0.0 } else { difference / sd }
        };
        Ok(activity.axis_iter(Axis(1)).map(d_prime).collect())
    }

    /// The trials with activity that have each value of a column.
    pub(super) fn activity_by(&self, column: &str, activity: &Array2<f64>) -> Result<Vec<(Value, Vec<usize>)>> {
        self.batch.check_rows()?;
        if activity.nrows() != self.n_trials() {
            let expected = format!("[n_trials = {}, n_units]", self.n_trials());
            return Err(Error::shape("activity", expected, activity.shape()));
        }
        let mut groups = self.trials().groups(column)?;
        for (_, rows) in &mut groups {
            rows.retain(|&row| activity.row(row).iter().all(|x| !x.is_nan()));
        }
        groups.retain(|(_, rows)| !rows.is_empty());
        if groups.is_empty() {
            return Err(Error::argument(column, "a value in a trial with activity", "missing in all"));
        }
        Ok(groups)
    }
}

/// The units in the order of their selectivity, the largest first, for instance to sort a weight matrix. With
/// `n_excitatory`, the first so many units and the others are ordered apart, so that the two populations of a network
/// under Dale's principle stay together.
///
/// ```
/// use psychrnn::analysis::order_by_selectivity;
/// assert_eq!(order_by_selectivity(&[0.1, 2.0, -1.0, 0.5], None), [1, 3, 0, 2]);
/// assert_eq!(order_by_selectivity(&[0.1, 2.0, -1.0, 0.5], 2), [1, 0, 3, 2]);
/// ```
#[must_use]
pub fn order_by_selectivity<'a>(
    selectivity: impl IntoIterator<Item = &'a f64>,
    n_excitatory: impl Into<Option<usize>>,
) -> Vec<usize> {
    let selectivity: Vec<f64> = selectivity.into_iter().copied().collect();
    let mut order: Vec<usize> = (0..selectivity.len()).collect();
    let n_excitatory = n_excitatory.into().unwrap_or(order.len()).min(order.len());
    let (excitatory, inhibitory) = order.split_at_mut(n_excitatory);
    for units in [excitatory, inhibitory] {
        // Those of which nothing is known are last.
        let key = |unit: usize| if selectivity[unit].is_nan() { f64::NEG_INFINITY } else { selectivity[unit] };
        units.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
    }
    order
}
