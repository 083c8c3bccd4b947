//! How long it takes to stop.

use serde::{Deserialize, Serialize};

use super::Counts;
use crate::analysis::statistics::special::quantile;
use crate::simulate::Session;
use crate::{Error, Result};

/// How often a subject went although it was told to stop, by the delay of the stop signal, and the stop-signal reaction time: how long
/// after a stop signal the subject has stopped.
///
/// A go process and a stop process race. If the stop process always took as long, a movement would be made whenever the reaction time, without
/// a stop signal, is below delay plus stop-signal reaction time. So with the share `p` of trials with a stop signal in which the
/// subject went, the `p` quantile of the reaction times less the mean delay is that time, by [`Countermanding::integrated`]; and so is the
/// median reaction time less the delay at which the subject goes in half of the trials, [`Countermanding::ssrt`].
///
/// Logan GD, Cowan WB (1984), doi:10.1037/0033-295X.91.3.295; Verbruggen F et al. (2019), doi:10.7554/eLife.46323.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Countermanding {
    /// How often the subject went, of the trials with a stop signal, at each of its delays in milliseconds.
    pub went: Counts,
    /// The trials without a stop signal in which the subject went.
    pub go_trials: usize,
    /// Those in which it did not, which are no part of the reaction times.
    pub omissions: usize,
    /// The median reaction time without a stop signal, in milliseconds.
    #[serde(with = "crate::number")]
    pub reaction_time: f64,
    /// The delay at which the subject goes in half of the trials, by the straight line between the delays below and above, in
    /// milliseconds; NaN if it goes in more, or in fewer, at all of them.
    #[serde(with = "crate::number")]
    pub half: f64,
    /// The stop-signal reaction time in milliseconds, the median reaction time less `half`.
    #[serde(with = "crate::number")]
    pub ssrt: f64,
    /// The stop-signal reaction time by integration, in milliseconds: the quantile of the reaction times that is the share of trials with a
    /// stop signal in which the subject went, less the mean delay.
    #[serde(with = "crate::number")]
    pub integrated: f64,
}

impl Countermanding {
    /// Of these trials: the delay of the stop signal of each, `None` without one, and the reaction time, `None` where the subject did not go; both
    /// in milliseconds from the go cue.
    ///
    /// ```
    /// use psychrnn::analysis::Countermanding;
    /// let delays = [None, None, None, Some(100.0), Some(100.0), Some(200.0), Some(200.0), Some(300.0)];
    /// let times = [Some(320.0), Some(350.0), Some(380.0), None, None, Some(310.0), None, Some(330.0)];
    /// let stopping = Countermanding::of_trials(&delays, &times)?;
    /// assert_eq!((stopping.reaction_time, stopping.half, stopping.ssrt), (350.0, 200.0, 150.0));
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the lists differ in length, if no trial has a stop signal, or if the subject goes in no trial without one.
    pub fn of_trials(delays: &[Option<f64>], times: &[Option<f64>]) -> Result<Self> {
        if delays.len() != times.len() {
            return Err(Error::shape("times", format!("[n_trials = {}]", delays.len()), &[times.len()]));
        }
        let stop = delays.iter().zip(times).filter_map(|(delay, time)| Some(((*delay)?, Some(time.is_some()))));
        let (levels, hits): (Vec<f64>, Vec<Option<bool>>) = stop.unzip();
        let went = Counts::of_trials("Delay of the stop signal (ms)", &levels, &hits)?
            .hit_name("Share of trials with a movement");
        let go: Vec<Option<f64>> =
            delays.iter().zip(times).filter(|(delay, _)| delay.is_none()).map(|(_, time)| *time).collect();
        let mut reactions: Vec<f64> = go.iter().flatten().copied().filter(|time| time.is_finite()).collect();
        if reactions.is_empty() {
            let got = format!("none in {} trials without a stop signal", go.len());
            return Err(Error::argument("times", "a time in at least one trial without a stop signal", got));
        }
        reactions.sort_unstable_by(f64::total_cmp);
        let reaction_time = quantile(&reactions, 0.5);
        let half = half(&went);
        let (n, n_went) = (went.trials.iter().sum::<usize>() as f64, went.hits.iter().sum::<usize>() as f64);
        let mean_delay =
            went.levels.iter().zip(&went.trials).map(|(delay, &trials)| delay * trials as f64).sum::<f64>() / n;
        Ok(Self {
            go_trials: reactions.len(),
            omissions: go.len() - reactions.len(),
            reaction_time,
            half,
            ssrt: reaction_time - half,
            integrated: quantile(&reactions, n_went / n) - mean_delay,
            went,
        })
    }
}

/// Where the shares cross one half, upwards; of several the first.
fn half(went: &Counts) -> f64 {
    let (shares, delays) = (went.shares(), &went.levels);
    let crossing =
        (0..shares.len()).find(|&at| shares[at] == 0.5 || (at > 0 && shares[at - 1] < 0.5 && shares[at] > 0.5));
    match crossing {
        None => f64::NAN,
        Some(at) if shares[at] == 0.5 => delays[at],
        Some(at) => {
            let share = (0.5 - shares[at - 1]) / (shares[at] - shares[at - 1]);
            delays[at - 1] + share * (delays[at] - delays[at - 1])
        }
    }
}

impl Session {
    /// How the subject stops, of a task like [`StopSignal`](crate::tasks::StopSignal): by the delays in a column of [`Session::trials`], missing
    /// where there is no stop signal, and by [`Session::decision_times`] of movements, which is every choice but 0, "fixate".
    ///
    /// # Errors
    /// If there is no such column, if the task's decision has no threshold to reach, or as [`Countermanding::of_trials`].
    pub fn countermanding(&self, column: &str) -> Result<Countermanding> {
        let delays: Vec<Option<f64>> = self
            .trials()
            .numbers(column)?
            .into_iter()
            .map(|delay| Some(delay).filter(|delay| !delay.is_nan()))
            .collect();
        let times = self.decision_times()?.into_iter().zip(&self.choices);
        let times: Vec<Option<f64>> = times.map(|(time, &choice)| time.filter(|_| choice != Some(0))).collect();
        Countermanding::of_trials(&delays, &times)
    }
}
