//! The frame of a task: channels, time step, time constant, and its named epochs.

use serde::{Deserialize, Serialize};

use super::sessions::ITI;
use super::time::{Clock, SHORTEST};
use super::{BlockPlan, Decision, Duration, Epoch, Epochs, Sensory, Sessions};
use crate::error::positive;
use crate::number::{decimal, in_thousandths};
use crate::random::TrialRng;
use crate::setters::setters;
use crate::{Error, Result};

/// More steps than this in one trial are taken for a mistake in the units.
const MAX_STEPS: i64 = 10_000_000;
/// More channels than this are taken for a mistake.
const MAX_CHANNELS: usize = 1_000_000;

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
    /// Whether each epoch is cut to whole time steps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_steps: bool,
    /// How many trials in a row share what is drawn by [`TrialRng::shared`], the epochs above among it.
    #[serde(default = "alone", skip_serializing_if = "is_alone")]
    pub shared_by: u64,
    /// How trials follow one another. The channels of its senses are the last ones of `n_in`.
    #[serde(default, skip_serializing_if = "Sessions::is_usual")]
    pub sessions: Sessions,
}

/// Trials that share nothing.
fn alone() -> u64 {
    1
}

fn is_alone(shared_by: &u64) -> bool {
    *shared_by == alone()
}

impl TaskSpec {
    /// A task with this number of input and output channels.
    #[must_use]
    pub fn new(n_in: usize, n_out: usize) -> Self {
        let (decision, sensory) = (Decision::default(), Sensory::default());
        Self {
            n_in,
            n_out,
            dt: 10.0,
            tau: 100.0,
            duration: None,
            epochs: Vec::new(),
            decision,
            sensory,
            whole_steps: false,
            shared_by: alone(),
            sessions: Sessions::default(),
        }
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
        /// Whether the duration of each epoch, fixed or drawn, is cut to the time steps that it holds whole, as NeuroGym, pyrl and Yang et
        /// al. (2019) do. By default times are as they are written, and an epoch has the steps that lie in it.
        whole_steps: bool;
        /// How many trials in a row, counted from trial 0, share what the task draws by [`TrialRng::shared`] and the epochs that this
        /// spec draws: with the size of a batch, all trials of a batch have one timing, and none is padded. By default 1: each is drawn
        /// for itself.
        shared_by: u64;
    }

    /// How many trials a session has, for a task whose trials depend on those before ([`Task::next`](super::Task::next)): trials 0 to
    /// `n - 1` are the first session. By default 1: no trial knows of others.
    #[must_use]
    pub fn session(mut self, trials: usize) -> Self {
        self.sessions.trials = trials;
        self
    }

    /// The blocks of a session, of which a task asks by [`History::block`](super::History::block). A number of trials is the length of
    /// each.
    #[must_use]
    pub fn blocks(mut self, blocks: impl Into<BlockPlan>) -> Self {
        self.sessions = self.sessions.blocks(blocks);
        self
    }

    /// How many input channels show the subject what it did.
    pub(crate) fn n_sensed(&self) -> usize {
        self.sessions.senses.channels(self.decision.choices(self.n_out).len())
    }

    /// How many input channels the task itself has.
    pub(super) fn n_shown(&self) -> usize {
        self.n_in.saturating_sub(self.n_sensed())
    }

    /// Whether the frame makes sense.
    ///
    /// # Errors
    /// Names the first argument that does not.
    pub fn check(&self) -> Result<()> {
        if self.n_out == 0 {
            return Err(Error::argument("n_out", "at least 1: a task without output asks for nothing", 0));
        }
        for (name, channels) in [("n_in", self.n_in), ("n_out", self.n_out)] {
            if channels > MAX_CHANNELS {
                return Err(Error::argument(name, format!("at most {MAX_CHANNELS} channels"), channels));
            }
        }
        positive("dt", self.dt)?;
        in_milliseconds("dt", self.dt, SHORTEST)?;
        positive("tau", self.tau)?;
        in_milliseconds("tau", self.tau, self.dt.min(1.0))?;
        if let Some(duration) = self.duration {
            positive("duration", duration)?;
            in_milliseconds("duration", duration, self.dt)?;
        }
        if self.shared_by == 0 {
            return Err(Error::argument("shared_by", "at least 1: a trial is shared by itself", 0));
        }
        self.decision.check(self.n_out)?;
        self.check_sessions()?;
        self.sensory.prepare(self.dt, self.n_shown())?;
        in_milliseconds("tau of the inputs", self.sensory.tau, self.dt.min(1.0))?;
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
            if let Duration::TruncatedExponential { mean, .. } = duration {
                in_milliseconds(&format!("epoch \"{name}\", mean"), *mean, self.dt.min(1.0))?;
            }
            let longest = duration.range().1;
            in_milliseconds(&format!("epoch \"{name}\""), longest, self.dt.min(1.0))?;
            end += decimal(longest);
        }
        // One epoch may be shorter than a step, but not each of them.
        let lasts = |duration: &Duration| *duration == Duration::Rest || duration.range().1 >= self.dt;
        if let Some((name, duration)) = self.epochs.iter().find(|(_, duration)| duration.range().1 > 0.0)
            && !self.epochs.iter().any(|(_, duration)| lasts(duration))
        {
            in_milliseconds(&format!("epoch \"{name}\""), duration.range().1, self.dt)?;
        }
        match self.duration {
            Some(duration) if !Clock::new(self.dt).is_reached(duration, end as f32) => {
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

    fn check_sessions(&self) -> Result<()> {
        let Sessions { iti, time_out, senses, .. } = &self.sessions;
        self.sessions.check()?;
        in_milliseconds("iti", iti.range().1, self.dt.min(1.0))?;
        in_milliseconds("time_out", *time_out, self.dt.min(1.0))?;
        let named = self.epochs.iter().any(|(name, _)| name == ITI);
        if self.sessions.has_pause() && (named || self.decision.is_at_times()) {
            let expected = format!(
                "none with an epoch \"{ITI}\" of the task's own, or a decision at times instead of epochs: the pause moves them"
            );
            return Err(Error::argument("iti", expected, iti));
        }
        let alternatives = self.decision.choices(self.n_out).len();
        if senses.choice && alternatives == 0 {
            let expected = "left out: the task asks for no choice that could be shown";
            return Err(Error::argument("senses of the choice", expected, "given"));
        }
        if self.n_in < self.n_sensed() {
            let expected = format!("at least the {} channels of the senses", self.n_sensed());
            return Err(Error::argument("n_in", expected, self.n_in));
        }
        Ok(())
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

    /// The steps of a trial with these epochs.
    ///
    /// # Errors
    /// If epochs end before they start or after the trial, or if two have the same name: then some of what the task says would be
    /// left out.
    pub(super) fn steps_of_trial(&self, epochs: &Epochs, number: u64) -> Result<usize> {
        let wrong = |message: String| Err(Error::Task { at: format!("epochs of trial {number}"), message });
        for (i, epoch) in epochs.iter().enumerate() {
            let Epoch { name, start, end } = epoch;
            if epochs.iter().take(i).any(|other| other.name == *name) {
                return wrong(format!("two epochs are named \"{name}\""));
            }
            if !(*start >= 0.0 && start <= end && end.is_finite()) {
                return wrong(format!(
                    "an epoch must start at 0 ms or later and end when it starts or later, but \"{name}\" lasts from {start} to \
                     {end} ms"
                ));
            }
        }
        let duration = self.duration.unwrap_or(epochs.end_of_last());
        let n_steps = self.n_steps(duration)?;
        let late: Vec<String> = epochs
            .iter()
            .filter(|epoch| epoch.steps(self.dt).end > n_steps)
            .map(|epoch| format!("\"{}\" ends at {} ms", epoch.name, epoch.end))
            .collect();
        match late.is_empty() {
            true => Ok(n_steps),
            false => wrong(format!("{}, but the trial at {duration} ms", late.join(", "))),
        }
    }

    /// The same frame with an epoch of this duration in the place of one that is there: in a trial whose values say how long it lasts.
    #[must_use]
    pub(crate) fn lasting(mut self, name: &str, duration: f32) -> Self {
        self.epochs.iter_mut().filter(|epoch| epoch.0 == name).for_each(|epoch| epoch.1 = Duration::Fixed(duration));
        self
    }

    /// A duration, cut to whole steps if they are asked for.
    pub(crate) fn cut(&self, duration: f32) -> f32 {
        // What is no number is for the check to find.
        let whole = self.whole_steps && duration.is_finite();
        if whole { Clock::new(self.dt).whole(decimal(duration)) } else { duration }
    }

    /// The epochs of one trial, drawn from their distributions; the same in all trials that share them.
    pub fn draw_epochs(&self, rng: &mut TrialRng) -> Epochs {
        let rng = rng.shared();
        let mut epochs = Epochs::new();
        for (name, duration) in &self.epochs {
            epochs = match (duration, self.duration) {
                (Duration::Rest, Some(end)) => {
                    let end = end.max(epochs.end_of_last());
                    epochs.until(name, end)
                }
                _ => epochs.then(name, self.cut(duration.draw(rng))),
            };
        }
        epochs
    }
}

/// An error if a time is so short, and yet not nothing, that seconds are meant.
pub(crate) fn in_milliseconds(name: &str, time: f32, shortest: f32) -> Result<()> {
    // Of a step that is as long.
    if time <= 0.0 || Clock::new(shortest).last_step(decimal(time)) >= 1 {
        return Ok(());
    }
    let expected = format!(
        "at least {shortest} ms; times are in milliseconds: if seconds are meant, write {}",
        in_thousandths(time)
    );
    Err(Error::argument(name, expected, format!("{time} ms")))
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
            (TaskSpec::new(usize::MAX, 2).duration(100.0), "`n_in`"),
            (TaskSpec::new(2, usize::MAX).duration(100.0), "`n_out`"),
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
    fn seconds_are_refused_with_what_to_write() {
        let good = || TaskSpec::new(2, 2).epoch("cue", 200.0);
        let cases = [
            (TaskSpec::new(2, 2).epoch("cue", 0.2), "`epoch \"cue\"`", "write 200,"),
            (TaskSpec::new(2, 2).dt(20.0).epoch("cue", Duration::uniform(0.5, 1.5)), "`epoch \"cue\"`", "write 1500,"),
            (good().epoch("go", Duration::choice(&[0.3, 0.7])), "`epoch \"go\"`", "write 700,"),
            (
                TaskSpec::new(2, 2).epoch("none", 0.0).epoch("cue", 1.5).epoch("go", 9.0),
                "`epoch \"cue\"`",
                "write 1500,",
            ),
            (TaskSpec::new(2, 2).duration(2.0), "`duration`", "write 2000,"),
            (
                good().epoch("go", Duration::truncated_exponential(0.3, 100.0, 1500.0)),
                "`epoch \"go\", mean`",
                "write 300,",
            ),
            (good().dt(0.02), "`dt`", "write 20,"),
            (good().dt(0.0001), "`dt`", "write 0.1,"),
            (good().tau(0.1), "`tau`", "write 100,"),
            (good().sensory(Sensory::default().tau(0.1)), "`tau of the inputs`", "write 100,"),
        ];
        for (spec, name, advice) in cases {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(advice), "{error}");
        }
        for (dt, shortest) in [(0.1, 0.1), (0.1, 0.3 - 0.2), (0.5, 2.0), (1.0, 1.0), (33.3, 33.3), (20.0, 5.0)] {
            let spec =
                TaskSpec::new(2, 2).dt(dt).epoch("cue", shortest).epoch("delay", Duration::choice(&[0.0, 500.0]));
            spec.epoch("none", 0.0).check().unwrap();
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
        // Whatever the mean is against the window: far out in the tail it is `mean` past `low`, and if it is long all are equally
        // likely.
        for (mean, low, high, expected) in [
            (10.0, 1100.0, 1500.0, 1110.0),
            (1.0, 5000.0, 1e6, 5001.0),
            (1e9, 100.0, 300.0, 200.0),
            (1e-3, 0.0, 1.0, 1e-3),
        ] {
            let duration = Duration::truncated_exponential(mean, low, high);
            let drawn: Vec<f32> = (0..20_000).map(|_| duration.draw(&mut rng)).collect();
            assert!(drawn.iter().all(|d| (low..high).contains(d)));
            let average = drawn.iter().map(|&d| f64::from(d)).sum::<f64>() / 20_000.0;
            assert!((average / expected - 1.0).abs() < 0.02, "{average} for {expected}");
        }
        for senseless in [
            Duration::truncated_exponential(1.0, 5.0, 2.0),
            Duration::truncated_exponential(f32::NAN, 1.0, 2.0),
            Duration::uniform(5.0, 2.0),
            Duration::choice(&[]),
            Duration::choice(&[100.0, f32::NAN]),
            Duration::Fixed(-1.0),
        ] {
            assert!(senseless.draw(&mut rng).is_nan(), "{senseless}");
            assert!(TaskSpec::new(1, 1).epoch("a", senseless).check().unwrap_err().to_string().contains("\"a\""));
        }
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
