//! Detection: hits and false alarms.

use serde::{Deserialize, Serialize};

use crate::analysis::statistics::special::normal_quantile;
use crate::simulate::Session;
use crate::{Error, Result};

/// How often a subject said yes (or went), where there was a signal and where there was none.
///
/// ```
/// use psychrnn::analysis::Detection;
/// let detection = Detection { hits: 40, misses: 10, false_alarms: 5, correct_rejections: 45 };
/// assert_eq!((detection.hit_rate(), detection.false_alarm_rate()), (0.8, 0.1));
/// assert!((detection.d_prime() - 2.06).abs() < 0.01);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// Yes with a signal.
    pub hits: usize,
    /// No with a signal.
    pub misses: usize,
    /// Yes without a signal.
    pub false_alarms: usize,
    /// No without a signal.
    pub correct_rejections: usize,
}

impl Detection {
    /// The share of hits among the trials with a signal; NaN without such trials.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        self.hits as f64 / (self.hits + self.misses) as f64
    }

    /// The share of false alarms among the trials without a signal; NaN without such trials.
    #[must_use]
    pub fn false_alarm_rate(&self) -> f64 {
        self.false_alarms as f64 / (self.false_alarms + self.correct_rejections) as f64
    }

    /// How well signal and no signal are told apart, in standard deviations: `d' = z(H) - z(F)`, with the rates
    /// `H = (hits + 0.5) / (n_signal + 1)` and `F = (false alarms + 0.5) / (n_no_signal + 1)`, which are never 0 or 1. Hautus MJ
    /// (1995), doi:10.3758/BF03203619.
    #[must_use]
    pub fn d_prime(&self) -> f64 {
        let (hit, false_alarm) = self.z();
        hit - false_alarm
    }

    /// How far the subject leans to no: the criterion `c = -(z(H) + z(F)) / 2`, with the rates of [`Detection::d_prime`]; 0 without
    /// a bias.
    #[must_use]
    pub fn criterion(&self) -> f64 {
        let (hit, false_alarm) = self.z();
        -(hit + false_alarm) / 2.0
    }

    fn z(&self) -> (f64, f64) {
        let z = |yes: usize, no: usize| normal_quantile((yes as f64 + 0.5) / ((yes + no) as f64 + 1.0));
        (z(self.hits, self.misses), z(self.false_alarms, self.correct_rejections))
    }
}

impl Session {
    /// Hits and false alarms of a task with choices 1 (go, or yes) and 0: a signal is there in the trials in which choice 1 is
    /// correct. Not to choose is no. Trials without a correct choice are left out.
    ///
    /// # Errors
    /// If the task has other choices, or if no trial has a correct one.
    pub fn detection(&self) -> Result<Detection> {
        let choices = self.batch.choices();
        if choices != [0, 1] {
            let expected = "one with the choices 0 and 1, such as `Decision::go(0.5)`";
            return Err(Error::argument("decision of the task", expected, &self.batch.spec.decision));
        }
        let mut counted = Detection { hits: 0, misses: 0, false_alarms: 0, correct_rejections: 0 };
        let mut any = false;
        for (trial, choice) in self.choices.iter().enumerate() {
            let Some(correct) = self.batch.correct_choice(trial) else { continue };
            any = true;
            *match (correct, choice) {
                (1, Some(1)) => &mut counted.hits,
                (1, _) => &mut counted.misses,
                (_, Some(1)) => &mut counted.false_alarms,
                _ => &mut counted.correct_rejections,
            } += 1;
        }
        if any { Ok(counted) } else { Err(Error::argument("trials", "some with a correct choice", "none")) }
    }
}
