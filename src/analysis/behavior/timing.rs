//! When a subject went, against when it should have.

use ndarray::Axis;
use serde::{Deserialize, Serialize};

use crate::analysis::statistics::special::{mean, variance};
use crate::number::decimal;
use crate::simulate::Session;
use crate::table::{Table, Value};
use crate::{Error, Result};

/// Intervals that a subject produced, by the interval that was asked for: their bias and their variance.
///
/// ```
/// use psychrnn::analysis::Timing;
/// let intervals = [600.0, 600.0, 600.0, 1000.0, 1000.0, 1000.0];
/// let produced = [Some(660.0), Some(700.0), None, Some(960.0), Some(900.0), Some(940.0)];
/// let timing = Timing::of_trials(&intervals, &produced)?;
/// assert_eq!(timing.intervals, [600.0, 1000.0]);
/// assert_eq!(timing.means, [680.0, 2800.0 / 3.0]);
/// // Towards the middle: long ones are produced too short, and short ones too long.
/// assert!((timing.slope - 0.633).abs() < 0.001);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timing {
    /// The intervals that were asked for, ascending, each with at least one that was produced, in milliseconds.
    #[serde(with = "crate::number")]
    pub intervals: Vec<f64>,
    /// The trials with a produced interval, of each.
    pub trials: Vec<usize>,
    /// The mean produced interval of each, in milliseconds.
    #[serde(with = "crate::number")]
    pub means: Vec<f64>,
    /// The standard deviation of the produced intervals of each, in milliseconds; NaN where there is one trial alone.
    #[serde(with = "crate::number")]
    pub sds: Vec<f64>,
    /// The slope of the regression of produced intervals on those asked for, over trials: 1 without a bias, less than 1 where they
    /// are drawn towards the mean; NaN if only one interval was asked for.
    #[serde(with = "crate::number")]
    pub slope: f64,
    /// The root of the mean over intervals of the squared bias, which is the mean less the interval, in milliseconds: BIAS.
    #[serde(with = "crate::number")]
    pub bias: f64,
    /// The root of the mean over intervals of the variance, in milliseconds: the root of VAR.
    #[serde(with = "crate::number")]
    pub sd: f64,
    /// The trials that were left out since nothing was produced in them, or since no interval was asked for: one that is missing (NaN).
    pub without: usize,
}

impl Timing {
    /// The timing of these trials: of each the interval that was asked for and that which was produced, in milliseconds, as by
    /// [`Session::times_when`]. Trials in which nothing was produced, or nothing asked for, are left out and counted.
    ///
    /// With the bias `mᵢ - tᵢ` and the variance `sᵢ²` of each of `N` intervals `tᵢ`, `BIAS² = 1/N Σ (mᵢ - tᵢ)²` and `VAR = 1/N Σ sᵢ²`. Jazayeri
    /// M, Shadlen MN (2010), doi:10.1038/nn.2590.
    ///
    /// # Errors
    /// If the lists differ in length, or if no trial has both.
    pub fn of_trials(intervals: &[f64], produced: &[Option<f64>]) -> Result<Self> {
        if intervals.len() != produced.len() {
            return Err(Error::shape("produced", format!("[n_trials = {}]", intervals.len()), &[produced.len()]));
        }
        let pair = |(&asked, &produced): (&f64, &Option<f64>)| Some((asked, produced?));
        let mut pairs: Vec<(f64, f64)> = intervals.iter().zip(produced).filter_map(pair).collect();
        pairs.retain(|(asked, produced)| asked.is_finite() && produced.is_finite());
        if pairs.is_empty() {
            let got = format!("none of {}", intervals.len());
            return Err(Error::argument(
                "produced",
                "an interval in at least one trial with one that was asked for",
                got,
            ));
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let column = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).collect::<Vec<f64>>();
        let (asked, made) = (column(|pair| pair.0), column(|pair| pair.1));
        let (mean_asked, mean_made) = (mean(&asked), mean(&made));
        let along = |by: &[f64], center: f64| -> f64 {
            by.iter().zip(&asked).map(|(&y, &x)| (y - center) * (x - mean_asked)).sum()
        };
        let slope = along(&made, mean_made) / along(&asked, mean_asked);
        let mut timing = Self {
            intervals: Vec::new(),
            trials: Vec::new(),
            means: Vec::new(),
            sds: Vec::new(),
            slope: if asked.first() == asked.last() { f64::NAN } else { slope },
            bias: f64::NAN,
            sd: f64::NAN,
            without: intervals.len() - pairs.len(),
        };
        for same in pairs.chunk_by(|a, b| a.0 == b.0) {
            let made: Vec<f64> = same.iter().map(|pair| pair.1).collect();
            timing.intervals.push(same[0].0);
            timing.trials.push(made.len());
            timing.means.push(mean(&made));
            timing.sds.push(variance(&made).sqrt());
        }
        let squares = |numbers: Vec<f64>| mean(&numbers.iter().map(|x| x * x).collect::<Vec<_>>()).sqrt();
        timing.bias = squares(timing.biases());
        timing.sd = squares(timing.sds.clone());
        Ok(timing)
    }

    /// The mean produced interval less the one that was asked for, of each, in milliseconds.
    #[must_use]
    pub fn biases(&self) -> Vec<f64> {
        self.means.iter().zip(&self.intervals).map(|(mean, interval)| mean - interval).collect()
    }

    /// One row an interval: the columns `interval`, `trials`, `mean`, `bias`, `sd`, times in milliseconds.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        let mut add = |name: &str, column: Vec<Value>| {
            // All columns have one row an interval, so no insertion can fail.
            drop(table.insert(name, column));
        };
        let numbers = |numbers: &[f64]| numbers.iter().map(|&number| number.into()).collect();
        add("interval", numbers(&self.intervals));
        add("trials", self.trials.iter().map(|&trials| trials.into()).collect());
        add("mean", numbers(&self.means));
        add("bias", numbers(&self.biases()));
        add("sd", numbers(&self.sds));
        table
    }
}

/// What an animal is rewarded for a produced interval: of an error `ε = |produced - interval|` and a tolerance
/// `margin · interval + 25 ms`, nothing above the tolerance, and otherwise `max(0.1, (1 - ε / tolerance)^1.5)`; 0 if nothing was produced. A
/// margin of 0.2 is usual, as in NeuroGym. All times are in milliseconds.
///
/// ```
/// use psychrnn::analysis::timing_reward;
/// assert_eq!(timing_reward(Some(800.0), 800.0, 0.2), 1.0);
/// assert_eq!(timing_reward(Some(1000.0), 800.0, 0.2), 0.0);
/// assert_eq!(timing_reward(None, 800.0, 0.2), 0.0);
/// ```
#[must_use]
pub fn timing_reward(produced: Option<f64>, interval: f64, margin: f64) -> f64 {
    let tolerance = margin * interval + 25.0;
    match produced.map(|produced| (produced - interval).abs()).filter(|error| *error <= tolerance) {
        Some(error) => (1.0 - error / tolerance).powf(1.5).max(0.1),
        None => 0.0,
    }
}

impl Session {
    /// The time from the start of the epoch `event` to the first step from there on whose outputs are as `when` says, in milliseconds: of each
    /// trial, and `None` where there is no such step, or no such epoch. A subject that goes in the step in which the event comes has a time
    /// of 0, and one that goes where the target does the time that was asked for; [`Session::reaction_times`] are counted to the end of the
    /// step, and so one `dt` longer.
    ///
    /// ```no_run
    /// use psychrnn::prelude::*;
    /// use psychrnn::analysis::Timing;
    /// use psychrnn::tasks::IntervalReproduction;
    /// let session = Simulator::load("weights.npz")?.run(&IntervalReproduction::default().batch(1000, Seed(2))?)?;
    /// // The ramp reaches 1; of a network with two outputs, "go" is above "fixate": |z| z[1] > z[0].
    /// let produced = session.times_when("set", |z| z[0] >= 1.0)?;
    /// let timing = Timing::of_trials(&session.trials().numbers("interval")?, &produced)?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If no trial has that epoch.
    pub fn times_when(&self, event: &str, when: impl Fn(&[f32]) -> bool) -> Result<Vec<Option<f64>>> {
        let (starts, clock) = (self.batch.starts(event)?, self.batch.clock());
        let time = |(trial, start): (usize, Option<f64>)| {
            let start = start?;
            let steps = clock.step(start).max(0) as usize..self.batch.lengths[trial];
            let outputs = self.outputs.index_axis(Axis(0), trial);
            let step = steps.into_iter().find(|&step| when(&outputs.row(step).to_vec()))?;
            Some(decimal((clock.time(step as i64) - start) as f32))
        };
        Ok(starts.into_iter().enumerate().map(time).collect())
    }
}
