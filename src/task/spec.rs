//! The frame of a task: channels, time step, time constant, and its named epochs.

use serde::{Deserialize, Serialize};

use super::time::{Clock, decimal};
use super::{Decision, Duration, Epochs, Sensory};
use crate::error::positive;
use crate::random::TrialRng;
use crate::setters::setters;
use crate::{Error, Result};

/// More steps than this in one trial are taken for a mistake in the units.
const MAX_STEPS: i64 = 10_000_000;

/// What every trial of a task has in common.
///
/// Defaults: `dt` 10 ms, `tau` 100 ms, no epochs, no fixed duration; one of the last two must be given.
///
/// ```
/// use psychrnn::task::{Duration, TaskSpec};
/// let spec = TaskSpec::new(2, 2)
///     .dt(20.0)
///     .epoch("fixation", 100.0)
///     .epoch("stimulus", Duration::uniform(200.0, 800.0))
///     .epoch("decision", 300.0);
/// spec.check()?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Input channels.
    pub n_in: usize,
    /// Output channels.
    pub n_out: usize,
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The duration of every trial, in milliseconds; without it a trial ends with its last epoch.
    pub duration: Option<f32>,
    /// The named epochs, one after the other from time 0.
    pub epochs: Vec<(String, Duration)>,
    /// How outputs are read as a choice.
    pub decision: Decision,
    /// What happens to the inputs before the network sees them.
    #[serde(default)]
    pub sensory: Sensory,
}

impl TaskSpec {
    /// A task with this number of input and output channels.
    #[must_use]
    pub fn new(n_in: usize, n_out: usize) -> Self {
        let (decision, sensory) = (Decision::default(), Sensory::default());
        Self { n_in, n_out, dt: 10.0, tau: 100.0, duration: None, epochs: Vec::new(), decision, sensory }
    }

    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The duration of every trial, in milliseconds.
        duration: f32 => Some(duration);
    }

    /// Adds an epoch after those already there.
    #[must_use]
    pub fn epoch(mut self, name: &str, duration: impl Into<Duration>) -> Self {
        self.epochs.push((name.to_owned(), duration.into()));
        self
    }

    setters! {
        /// How outputs are read as a choice.
        decision: Decision;
        /// What happens to the inputs before the network sees them: baseline, noise, rectification. By default nothing.
        sensory: Sensory;
    }

    /// Whether the frame makes sense.
    ///
    /// # Errors
    /// Names the first argument that does not.
    pub fn check(&self) -> Result<()> {
        if self.n_out == 0 {
            return Err(Error::argument("n_out", "at least 1: a task without output asks for nothing", 0));
        }
        positive("dt", self.dt)?;
        positive("tau", self.tau)?;
        if let Some(duration) = self.duration {
            positive("duration", duration)?;
        }
        self.decision.check(self.n_out)?;
        self.sensory.prepare(self.dt, self.n_in)?;
        let mut end = 0.0;
        for (i, (name, duration)) in self.epochs.iter().enumerate() {
            if self.epochs[..i].iter().any(|(other, _)| other == name) {
                return Err(Error::argument("epochs", "named differently", format!("\"{name}\" twice")));
            }
            duration.check(&format!("epoch \"{name}\""))?;
            if *duration == Duration::Rest && (self.duration.is_none() || i + 1 < self.epochs.len()) {
                let expected = "a duration; only the last epoch of a task with a `duration` can be the rest of it";
                return Err(Error::argument(format!("epoch \"{name}\""), expected, "Rest"));
            }
            end += decimal(duration.range().1);
        }
        match self.duration {
            Some(duration) if end as f32 > duration * (1.0 + 1e-6) => {
                return Err(Error::argument(
                    "duration",
                    format!("at least as long as its epochs, which last up to {} ms", end as f32),
                    format!("{duration} ms"),
                ));
            }
            None if self.epochs.is_empty() => {
                let expected = "given, or else epochs: the length of a trial must be known";
                return Err(Error::argument("duration", expected, "missing"));
            }
            _ => {}
        }
        self.n_steps(self.duration.unwrap_or(end as f32)).map(drop)
    }

    /// The steps of a trial of this duration: the smallest whole number not below `duration / dt`.
    ///
    /// # Errors
    /// If that is zero or absurdly large.
    pub fn n_steps(&self, duration: f32) -> Result<usize> {
        let steps = Clock::new(self.dt).step(decimal(duration));
        if (1..=MAX_STEPS).contains(&steps) && duration.is_finite() {
            return Ok(steps as usize);
        }
        let got = format!("{duration} ms, which is {} steps", Clock::new(self.dt).exact(decimal(duration)));
        Err(Error::argument("duration", format!("1 to {MAX_STEPS} steps of `dt` = {} ms", self.dt), got))
    }

    /// The epochs of one trial, drawn from their distributions.
    pub fn draw_epochs(&self, rng: &mut TrialRng) -> Epochs {
        let mut epochs = Epochs::new();
        for (name, duration) in &self.epochs {
            epochs = match (duration, self.duration) {
                (Duration::Rest, Some(end)) => epochs.until(name, end),
                _ => epochs.then(name, duration.draw(rng)),
            };
        }
        epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn steps_are_rounded_up_as_in_psychrnn() {
        for (duration, dt, steps) in
            [(2000.0, 10.0, 200), (0.3, 0.1, 3), (101.0, 10.0, 11), (5.0, 10.0, 1), (1000.0, 0.1, 10_000)]
        {
            assert_eq!(TaskSpec::new(1, 1).dt(dt).n_steps(duration).unwrap(), steps, "{duration} / {dt}");
        }
    }

    #[test]
    fn a_frame_that_makes_no_sense_is_refused_by_name() {
        let good = TaskSpec::new(2, 2).duration(2000.0);
        good.check().unwrap();
        let cases = [
            (good.clone().dt(-1.0), "`dt`"),
            (good.clone().dt(f32::NAN), "`dt`"),
            (good.clone().tau(0.0), "`tau`"),
            (good.clone().duration(0.0), "`duration`"),
            (good.clone().duration(f32::INFINITY), "`duration`"),
            (good.clone().duration(1e30), "steps"),
            (TaskSpec::new(2, 2), "`duration`"),
            (TaskSpec::new(2, 0).duration(10.0), "`n_out`"),
            (TaskSpec::new(2, 2).epoch("a", -1.0), "\"a\""),
            (TaskSpec::new(2, 2).epoch("a", 0.0), "`duration`"),
            (TaskSpec::new(2, 2).epoch("a", Duration::choice(&[])), "\"a\""),
            (TaskSpec::new(2, 2).epoch("a", Duration::uniform(2.0, 1.0)), "\"a\""),
            (TaskSpec::new(2, 2).epoch("a", Duration::truncated_exponential(0.0, 1.0, 2.0)), "mean"),
            (TaskSpec::new(2, 2).epoch("a", Duration::Rest), "Rest"),
            (good.clone().epoch("a", 10.0).epoch("a", 10.0), "twice"),
            (good.epoch("a", 3000.0), "3000"),
        ];
        for (spec, name) in cases {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn durations_follow_their_distributions() {
        let mut rng = Seed(3).stream(0);
        let (mean, low, high) = (330.0_f32, 80.0_f32, 1500.0_f32);
        let duration = Duration::truncated_exponential(mean, low, high);
        let drawn: Vec<f32> = (0..50_000).map(|_| duration.draw(&mut rng)).collect();
        assert!(drawn.iter().all(|d| (low..=high).contains(d)));
        // The mean of an exponential cut to [a, b]: m + (a e^(-a/m) - b e^(-b/m)) / (e^(-a/m) - e^(-b/m)).
        let (ea, eb) = ((-low / mean).exp(), (-high / mean).exp());
        let expected = mean + (low * ea - high * eb) / (ea - eb);
        let average = drawn.iter().sum::<f32>() / drawn.len() as f32;
        assert!((average - expected).abs() < 5.0, "{average} {expected}");

        let spec = TaskSpec::new(1, 1)
            .duration(1000.0)
            .epoch("a", Duration::uniform(100.0, 200.0))
            .epoch("b", Duration::choice(&[300.0, 400.0]))
            .epoch("c", Duration::Rest);
        for _ in 0..200 {
            let epochs = spec.draw_epochs(&mut rng);
            let a = epochs.end("a").unwrap();
            assert!((100.0..200.0).contains(&a));
            let b = epochs.end("b").unwrap() - a;
            assert!((b - 300.0).abs() < 1e-3 || (b - 400.0).abs() < 1e-3);
            assert_eq!(epochs.end_of_last(), 1000.0);
        }
    }
}
