//! Tuning to a quantity over time: a regression at each moment, and how long its coefficients last.

use ndarray::{Array2, s};
use serde::{Deserialize, Serialize};

use super::Averages;
use crate::analysis::statistics::special::{mean, pearson, t_below};
use crate::simulate::Signal;
use crate::{Error, Result};

/// How the activity of each unit depends on the level of the condition at each time, of [`Averages::linear_tuning`]:
/// `activity(t) = a₀(t) + a₁(t) · level`.
///
/// In parametric working memory the slopes `a₁` in the stimulus, in the delay and at its end tell whether units keep their
/// tuning to the first frequency: [`LinearTuning::correlation`]. Barak O, Tsodyks M, Romo R (2010),
/// doi:10.1523/JNEUROSCI.1875-10.2010.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ParametricWorkingMemory;
/// let batch = ParametricWorkingMemory::default().testing().batch(1000, Seed(1))?;
/// let session = Simulator::load("weights.npz")?.run(&batch)?;
/// let averages = Average::by("f1").signal(Signal::Rates).aligned_to("f1").of(&session.only("correct", true)?)?;
/// let tuning = averages.linear_tuning()?;
/// tuning.plot_correlation([250.0, 2000.0])?; // middle of the stimulus, middle of the delay
/// tuning.plot_significant(0.05);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinearTuning {
    /// The column whose values are the levels.
    pub by: String,
    /// What the slopes are of.
    pub signal: Signal,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The times, in milliseconds from the event.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// The intercepts `a₀` `[n_times, n_units]`.
    #[serde(with = "crate::number")]
    pub intercept: Array2<f64>,
    /// The slopes `a₁` `[n_times, n_units]`.
    #[serde(with = "crate::number")]
    pub slope: Array2<f64>,
    /// The two-sided probability of a slope so far from 0 if there were none `[n_times, n_units]`, of Student's t with
    /// `n_conditions - 2` degrees of freedom.
    #[serde(with = "crate::number")]
    pub p_value: Array2<f64>,
}

impl Averages {
    /// The least-squares regression of the averages on the levels of their conditions, at each time, every condition counted
    /// once. Where fewer than three conditions have trials it is NaN.
    ///
    /// # Errors
    /// If the conditions are not three finite numbers or more.
    pub fn linear_tuning(&self) -> Result<LinearTuning> {
        let levels: Vec<f64> =
            self.conditions.iter().filter_map(|condition| condition.number()).filter(|x| x.is_finite()).collect();
        if levels.len() < self.conditions.len().max(3) {
            let got = self.conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(Error::argument(&self.by, "a column of three finite numbers or more", got));
        }
        let (_, n_times, n) = self.mean.dim();
        let missing = || Array2::from_elem((n_times, n), f64::NAN);
        let (mut intercept, mut slope, mut p_value) = (missing(), missing(), missing());
        for time in 0..n_times {
            let there: Vec<usize> = (0..levels.len()).filter(|&c| self.n_trials[c][time] > 0).collect();
            if there.len() < 3 {
                continue;
            }
            let x: Vec<f64> = there.iter().map(|&condition| levels[condition]).collect();
            for unit in 0..n {
                let y: Vec<f64> = there.iter().map(|&condition| self.mean[[condition, time, unit]]).collect();
                let fit = regress(&x, &y);
                (intercept[[time, unit]], slope[[time, unit]], p_value[[time, unit]]) = fit;
            }
        }
        let (by, event, times) = (self.by.clone(), self.event.clone(), self.times.clone());
        Ok(LinearTuning { by, signal: self.signal, event, times, intercept, slope, p_value })
    }
}

/// Intercept, slope, and the probability of a slope so far from 0.
fn regress(x: &[f64], y: &[f64]) -> (f64, f64, f64) {
    let (center, height) = (mean(x), mean(y));
    let spread: f64 = x.iter().map(|x| (x - center).powi(2)).sum();
    let slope = x.iter().zip(y).map(|(x, y)| (x - center) * (y - height)).sum::<f64>() / spread;
    let left: f64 = x.iter().zip(y).map(|(x, y)| (y - height - slope * (x - center)).powi(2)).sum();
    let dof = x.len() - 2;
    let t = slope.abs() / (left / dof as f64 / spread).sqrt();
    // A unit that is silent in all conditions has slope 0 and no error.
    let p = if slope == 0.0 { 1.0 } else { 2.0 * t_below(-t, dof as f64) };
    (height - slope * center, slope, p)
}

impl LinearTuning {
    /// Pearson's correlation, over units, of the slopes at `time`, in milliseconds from the event, with those at each time
    /// `[n_times]`: 1 where units are tuned as they are then, -1 where the tuning is reversed. NaN where all slopes are the
    /// same.
    ///
    /// # Errors
    /// If `time` is not among the times.
    pub fn correlation(&self, time: f64) -> Result<Vec<f64>> {
        let reference = self.slopes_at(time)?;
        Ok(self.slope.outer_iter().map(|slopes| pearson(&reference, &slopes.to_vec())).collect())
    }

    /// The share of units whose slope differs from 0 with a probability below `alpha`, at each time `[n_times]`; NaN where there
    /// is no regression.
    #[must_use]
    pub fn share_significant(&self, alpha: f64) -> Vec<f64> {
        let share = |p: ndarray::ArrayView1<'_, f64>| {
            let known = p.iter().filter(|p| !p.is_nan()).count();
            p.iter().filter(|&&p| p < alpha).count() as f64 / known as f64
        };
        self.p_value.outer_iter().map(share).collect()
    }

    /// The slopes of all units at the step nearest to a time, in milliseconds from the event.
    ///
    /// # Errors
    /// If `time` is not among the times.
    pub fn slopes_at(&self, time: f64) -> Result<Vec<f64>> {
        let (first, last) = (self.times.first().copied(), self.times.last().copied());
        let (Some(first), Some(last)) = (first, last) else {
            return Err(Error::argument("time", "among the times, of which there are none", time));
        };
        if !(first..=last).contains(&time) {
            return Err(Error::argument("time", format!("from {first} to {last} ms"), time));
        }
        let after = self.times.partition_point(|&t| t < time);
        let before = after.saturating_sub(1);
        let nearest = if time - self.times[before] <= self.times[after] - time { before } else { after };
        Ok(self.slope.slice(s![nearest, ..]).to_vec())
    }
}
