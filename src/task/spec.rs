//! The frame of a task: channels, time step, time constant, and its named epochs.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Sensory;
use crate::random::TrialRng;
use crate::setters::setters;
use crate::{Error, Result};

/// More steps than this in one trial are taken for a mistake in the units.
const MAX_STEPS: f64 = 1e7;

/// How long an epoch lasts, in milliseconds. A plain number converts into a fixed duration, in a file too.
///
/// ```
/// use psychrnn::task::Duration;
/// assert_eq!(Duration::from(500.0), Duration::Fixed(500.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Duration {
    /// The same in every trial.
    Fixed(f32),
    /// All durations from `low` to `high` equally likely.
    Uniform {
        /// The shortest.
        low: f32,
        /// The longest.
        high: f32,
    },
    /// Exponential with this mean, drawn again until it lies between `low` and `high`. The mean is the one before
    /// cutting.
    TruncatedExponential {
        /// The mean of the distribution before it is cut.
        mean: f32,
        /// The shortest.
        low: f32,
        /// The longest.
        high: f32,
    },
    /// One of these, all equally likely.
    Choice(Vec<f32>),
    /// What is left until the end of the trial. Only for the last epoch, and only with [`TaskSpec::duration`].
    Rest,
}

impl From<f32> for Duration {
    fn from(milliseconds: f32) -> Self {
        Self::Fixed(milliseconds)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of milliseconds, or one of fixed, uniform, truncated_exponential, choice, rest")
            }

            fn visit_f64<E>(self, milliseconds: f64) -> Result<Duration, E> {
                Ok(Duration::Fixed(milliseconds as f32))
            }

            fn visit_i64<E>(self, milliseconds: i64) -> Result<Duration, E> {
                Ok(Duration::Fixed(milliseconds as f32))
            }

            fn visit_u64<E>(self, milliseconds: u64) -> Result<Duration, E> {
                Ok(Duration::Fixed(milliseconds as f32))
            }

            fn visit_str<E: serde::de::Error>(self, kind: &str) -> Result<Duration, E> {
                Duration::deserialize(kind.into_deserializer())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Duration, A::Error> {
                Duration::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(Written)
    }
}

impl Duration {
    /// All durations from `low` to `high` equally likely.
    #[must_use]
    pub fn uniform(low: f32, high: f32) -> Self {
        Self::Uniform { low, high }
    }

    /// Exponential with this mean, cut to `low` and `high`.
    #[must_use]
    pub fn truncated_exponential(mean: f32, low: f32, high: f32) -> Self {
        Self::TruncatedExponential { mean, low, high }
    }

    /// One of these, all equally likely.
    #[must_use]
    pub fn choice(durations: &[f32]) -> Self {
        Self::Choice(durations.to_vec())
    }

    /// A duration drawn from `rng`; [`Duration::Rest`] gives zero.
    pub fn draw(&self, rng: &mut TrialRng) -> f32 {
        match self {
            Self::Fixed(duration) => *duration,
            Self::Uniform { low, high } => rng.uniform(*low, *high),
            Self::TruncatedExponential { mean, low, high } => {
                // The inverse of the cut distribution needs one draw, where rejection could need any number.
                let (from, to) = ((-low / mean).exp(), (-high / mean).exp());
                (-mean * rng.uniform(to, from).ln()).clamp(*low, *high)
            }
            Self::Choice(options) => options.get(rng.index(options.len())).copied().unwrap_or_default(),
            Self::Rest => 0.0,
        }
    }

    /// The shortest and the longest duration.
    #[must_use]
    pub fn range(&self) -> (f32, f32) {
        match self {
            Self::Fixed(duration) => (*duration, *duration),
            Self::Uniform { low, high } | Self::TruncatedExponential { low, high, .. } => (*low, *high),
            Self::Choice(options) => options
                .iter()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &option| (low.min(option), high.max(option))),
            Self::Rest => (0.0, 0.0),
        }
    }

    fn check(&self, name: &str) -> Result<()> {
        let (low, high) = self.range();
        if !(low >= 0.0 && high >= low && high.is_finite()) {
            return Err(Error::argument(name, "a duration of 0 ms or more, the shortest first", format!("{self:?}")));
        }
        if let Self::TruncatedExponential { mean, .. } = self {
            positive(&format!("{name}, mean"), *mean)?;
        }
        Ok(())
    }
}

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
        self.decision.check()?;
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
            end += duration.range().1;
        }
        match self.duration {
            Some(duration) if end > duration * (1.0 + 1e-6) => {
                return Err(Error::argument(
                    "duration",
                    format!("at least as long as its epochs, which last up to {end} ms"),
                    format!("{duration} ms"),
                ));
            }
            None if self.epochs.is_empty() => {
                let expected = "given, or else epochs: the length of a trial must be known";
                return Err(Error::argument("duration", expected, "missing"));
            }
            _ => {}
        }
        self.n_steps(self.duration.unwrap_or(end)).map(drop)
    }

    /// The steps of a trial of this duration: the smallest whole number not below `duration / dt`.
    ///
    /// # Errors
    /// If that is zero or absurdly large.
    pub fn n_steps(&self, duration: f32) -> Result<usize> {
        // The tolerance keeps 0.3 / 0.1 at three steps: neither is exact in binary.
        let steps = (f64::from(duration) / f64::from(self.dt) - 1e-5).ceil();
        if (1.0..=MAX_STEPS).contains(&steps) {
            Ok(steps as usize)
        } else {
            let got = format!("{duration} ms, which is {} steps", steps.max(0.0));
            Err(Error::argument("duration", format!("1 to {MAX_STEPS:e} steps of `dt` = {} ms", self.dt), got))
        }
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

pub(crate) fn positive(name: &str, milliseconds: f32) -> Result<()> {
    if milliseconds.is_finite() && milliseconds > 0.0 {
        Ok(())
    } else {
        Err(Error::argument(name, "a positive number of milliseconds", milliseconds))
    }
}

/// How the outputs of a trial are read as a choice. A choice is correct if the targets, read in the same way, give the
/// same one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// The channel whose output, weighted by the mask, is largest on average. A trial whose mask is empty, or whose
    /// targets favor no channel, has no correct choice.
    #[default]
    LargestMean,
    /// The channel whose output is largest at the last step of the trial, whatever the mask: how PyCog scores its
    /// two-alternative tasks. A trial whose targets favor no channel there, such as a catch trial, has no correct choice.
    LargestAtEnd,
    /// The channel whose output is the first to reach a threshold, whatever the mask: how the choices of a reaction-time task
    /// are read. A trial in which none does has no choice, and a trial in which no target does has no correct one.
    FirstToReach {
        /// The threshold.
        threshold: f32,
    },
    /// The task asks for no choice: a waveform, say.
    None,
}

impl Decision {
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::FirstToReach { threshold } if !threshold.is_finite() => {
                Err(Error::argument("threshold of the decision", "finite", threshold))
            }
            _ => Ok(()),
        }
    }
}

/// The epochs of one trial: names, starts and ends in milliseconds. They mostly follow each other; with [`Epochs::span`] they
/// may overlap, as the stimulus and the decision of a reaction-time task do.
///
/// ```
/// use psychrnn::task::Epochs;
/// let epochs = Epochs::new().then("fixation", 200.0).then("stimulus", 500.0).until("decision", 1000.0);
/// assert_eq!(epochs.start("stimulus"), Some(200.0));
/// assert_eq!(epochs.at(700.0), Some("decision"));
/// assert_eq!(epochs.end_of_last(), 1000.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epochs(Vec<Epoch>);

/// One epoch of one trial. It holds the times from `start` (included) to `end` (excluded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The name.
    pub name: String,
    /// When it starts, in milliseconds.
    pub start: f32,
    /// When it ends, in milliseconds.
    pub end: f32,
}

impl Epochs {
    /// No epochs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an epoch of this duration, in milliseconds.
    #[must_use]
    pub fn then(self, name: &str, duration: f32) -> Self {
        let end = self.end_of_last() + duration;
        self.until(name, end)
    }

    /// Adds an epoch that lasts until `end`, in milliseconds.
    #[must_use]
    pub fn until(self, name: &str, end: f32) -> Self {
        let start = self.end_of_last();
        self.span(name, start, end)
    }

    /// Adds an epoch from `start` to `end`, in milliseconds, which may lie within or across others.
    #[must_use]
    pub fn span(mut self, name: &str, start: f32, end: f32) -> Self {
        self.0.push(Epoch { name: name.to_owned(), start, end: end.max(start) });
        self
    }

    /// The epoch with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Epoch> {
        self.0.iter().find(|epoch| epoch.name == name)
    }

    /// When an epoch starts, in milliseconds.
    #[must_use]
    pub fn start(&self, name: &str) -> Option<f32> {
        self.get(name).map(|epoch| epoch.start)
    }

    /// When an epoch ends, in milliseconds.
    #[must_use]
    pub fn end(&self, name: &str) -> Option<f32> {
        self.get(name).map(|epoch| epoch.end)
    }

    /// The name of the epoch at time `t`, in milliseconds; of several the first.
    #[must_use]
    pub fn at(&self, t: f32) -> Option<&str> {
        self.0.iter().find(|epoch| epoch.start <= t && t < epoch.end).map(|epoch| epoch.name.as_str())
    }

    /// When the last epoch ends, in milliseconds; 0 without epochs.
    #[must_use]
    pub fn end_of_last(&self) -> f32 {
        self.0.iter().fold(0.0, |end, epoch| epoch.end.max(end))
    }

    /// The epochs in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Epoch> {
        self.0.iter()
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
