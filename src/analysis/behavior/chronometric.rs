//! Chronometric curves: how the reaction time depends on the level of the stimulus.

use serde::{Deserialize, Serialize};

use crate::analysis::statistics::special::{check_confidence, mean, t_two_sided, variance};
use crate::simulate::Session;
use crate::{Error, Result};

/// The mean reaction time at each level, with the interval of Student's t.
///
/// ```
/// use psychrnn::analysis::Chronometric;
/// let levels = [0.1, 0.1, 0.1, 0.5, 0.5, 0.5];
/// let times = [Some(620.0), Some(700.0), None, Some(310.0), Some(290.0), Some(330.0)];
/// let curve = Chronometric::of_trials("coherence", &levels, &times, 0.95)?;
/// assert_eq!(curve.means, [660.0, 310.0]);
/// assert_eq!(curve.trials, [2, 3]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chronometric {
    /// What the level is, with its unit.
    pub level_name: String,
    /// The levels, ascending, each with at least one reaction.
    #[serde(with = "crate::number")]
    pub levels: Vec<f64>,
    /// The trials with a reaction at each level.
    pub trials: Vec<usize>,
    /// Their mean reaction time, in milliseconds.
    #[serde(with = "crate::number")]
    pub means: Vec<f64>,
    /// The lower and the upper end of the interval of the mean, in milliseconds; NaN where there is one trial alone.
    #[serde(with = "crate::number")]
    pub intervals: Vec<(f64, f64)>,
    /// The trials that were left out since their level is no finite number, or missing (NaN).
    #[serde(default)]
    pub without_level: usize,
    /// The trials that were left out since they have a level, but no reaction, or a time that is no finite number.
    #[serde(default)]
    pub without_reaction: usize,
}

impl Chronometric {
    /// The curve of these trials: the level and the reaction time, in milliseconds, of each. Trials whose level is NaN or
    /// infinite, and those without a reaction, are left out and counted.
    ///
    /// # Errors
    /// If the lists differ in length, if there is no reaction at a finite level, or if `confidence` is not between 0 and 1.
    pub fn of_trials(level_name: &str, levels: &[f64], times: &[Option<f64>], confidence: f64) -> Result<Self> {
        check_confidence(confidence)?;
        if levels.len() != times.len() {
            return Err(Error::shape("times", format!("[n_trials = {}]", levels.len()), &[times.len()]));
        }
        let known = levels.iter().zip(times).filter(|(level, _)| level.is_finite());
        let (n_known, reaction) =
            (known.clone().count(), |(&level, &time): (&f64, &Option<f64>)| Some((level + 0.0, time?)));
        let mut reactions: Vec<(f64, f64)> = known.filter_map(reaction).filter(|(_, time)| time.is_finite()).collect();
        let (without_level, without_reaction) = (levels.len() - n_known, n_known - reactions.len());
        if reactions.is_empty() {
            let got = format!("none: {without_level} trials have no finite level, {without_reaction} no time");
            return Err(Error::argument("times", "a time in at least one trial with a finite level", got));
        }
        reactions.sort_by(|a, b| a.0.total_cmp(&b.0));
        let level_name = level_name.to_owned();
        let mut curve = Self {
            level_name,
            levels: Vec::new(),
            trials: Vec::new(),
            means: Vec::new(),
            intervals: Vec::new(),
            without_level,
            without_reaction,
        };
        for same in reactions.chunk_by(|a, b| a.0 == b.0) {
            let times: Vec<f64> = same.iter().map(|reaction| reaction.1).collect();
            let (n, center) = (times.len(), mean(&times));
            let half = t_two_sided(confidence, n as f64 - 1.0) * (variance(&times) / n as f64).sqrt();
            curve.levels.push(same[0].0);
            curve.trials.push(n);
            curve.means.push(center);
            curve.intervals.push((center - half, center + half));
        }
        Ok(curve)
    }
}

impl Session {
    /// The mean of these reaction times, see [`Session::reaction_times`], at each level of a column of
    /// [`Session::trials`], with its interval of this confidence.
    ///
    /// # Errors
    /// If there is no such column, if it holds text, or as [`Chronometric::of_trials`].
    pub fn chronometric(&self, column: &str, times: &[Option<f64>], confidence: f64) -> Result<Chronometric> {
        Chronometric::of_trials(column, &self.trials().numbers(column)?, times, confidence)
    }
}
