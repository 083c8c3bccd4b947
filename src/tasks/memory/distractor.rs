//! A saccade to a place that is remembered in spite of another one.

use std::f32::consts::{PI, TAU};

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::directions;
use crate::setters::setters;
use crate::task::{Decision, Duration, Ring, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::{Form, form_setters};
use crate::tasks::{RingTuning, check, code};
use crate::{Error, Result};

const SUZUKI: Paper = Paper { citation: "Suzuki M, Gottlieb J (2013)", doi: "10.1038/nn.3282" };

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "distractor",
    about: "Look, after a delay, to where a cue was, and not to where a distractor was in the delay.",
    papers: &[SUZUKI],
    tags: &["working memory", "saccade", "distraction"],
    reached: Some("96.0 % of new trials correct after 195,200 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(Distractor::default()),
}];

/// Look to where a cue was, whatever else was shown since.
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 until the response; 1 to `ring` (32) the cue and the distractor, see `tuning` |
/// | outputs | 0 fixate; 1 to `ring` the direction of the response |
/// | epochs | `fixation` (500 ms), `cue` (300 ms), `delay1` (from 500 to 1500 ms, all equally likely), `distractor` (300 ms), `delay2` (as `delay1`), `response` (500 ms) |
///
/// Nothing but its time tells the distractor from the cue. It is there with the `probability` 0.5, and otherwise its epoch is as
/// the delay. It is at least `apart` (π/4, 45°) from the cue, all such directions equally likely. There are 8 `directions`,
/// evenly spaced from 0; with `None` any is. The response is an angle,
/// [`Session::responses`](crate::simulate::Session::responses), correct within 0.2 π of the cue. All else is that of [`Form`].
/// Values: see [`CueAndDistractor`].
///
/// Suzuki M, Gottlieb J (2013), doi:10.1038/nn.3282.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::Distractor;
/// let task = Distractor::default();
/// let distractors = [None, Some(1.0), Some(2.0)];
/// let grid = task.grid().over([0.0], |trial, angle| trial.angle = angle).over(distractors, |trial, angle| trial.distractor = angle);
/// assert_eq!(grid.repeats(10).batch(Seed(1))?.n_trials(), 30);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distractor {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The channels that show the cue, and the outputs that show the response.
    pub ring: usize,
    /// How the channels show a direction.
    pub tuning: RingTuning,
    /// The number of directions; any without it.
    pub directions: Option<usize>,
    /// The probability of a distractor.
    pub probability: f32,
    /// How far it is from the cue at least, in radians.
    pub apart: f32,
    /// The fixation before the cue.
    pub fixation: Duration,
    /// The cue.
    pub cue: Duration,
    /// The delay before the distractor.
    pub delay1: Duration,
    /// The distractor.
    pub distractor: Duration,
    /// The delay after it.
    pub delay2: Duration,
    /// The response.
    pub response: Duration,
}

/// The values of a trial of [`Distractor`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct CueAndDistractor {
    /// The direction of the cue, in radians.
    pub angle: f32,
    /// The direction of the distractor, in radians; missing if there is none.
    pub distractor: Option<f32>,
}

impl Default for Distractor {
    fn default() -> Self {
        let delay = Duration::uniform(500.0, 1500.0);
        Self {
            form: Form::default(),
            ring: 32,
            tuning: RingTuning::yang(),
            directions: Some(8),
            probability: 0.5,
            apart: PI / 4.0,
            fixation: 500.into(),
            cue: 300.into(),
            delay1: delay.clone(),
            distractor: 300.into(),
            delay2: delay,
            response: 500.into(),
        }
    }
}

impl Distractor {
    form_setters! {}

    setters! {
        /// The channels that show the cue, and the outputs that show the response.
        ring: usize;
        /// How the channels show a direction.
        tuning: RingTuning;
        /// The number of directions; `None` for any.
        directions: impl Into<Option<usize>> => directions.into();
        /// The probability of a distractor.
        probability: f32;
        /// How far it is from the cue at least, in radians.
        apart: f32;
        /// The fixation before the cue, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The cue, in milliseconds.
        cue: impl Into<Duration> => cue.into();
        /// The delay before the distractor, in milliseconds.
        delay1: impl Into<Duration> => delay1.into();
        /// The distractor, in milliseconds.
        distractor: impl Into<Duration> => distractor.into();
        /// The delay after it, in milliseconds.
        delay2: impl Into<Duration> => delay2.into();
        /// The response, in milliseconds.
        response: impl Into<Duration> => response.into();
    }

    /// The directions, of this many, in which a distractor may be.
    fn distractors(&self, angle: f32, n: usize) -> Vec<f32> {
        // One that by rounding is a little too near is where it should be.
        directions::all(n).filter(|&other| code::distance(angle, other) > f64::from(self.apart) - 1e-4).collect()
    }
}

impl Task for Distractor {
    type Trial = CueAndDistractor;

    fn spec(&self) -> TaskSpec {
        let n = 1 + self.ring;
        self.form
            .spec(n, n)
            .decision(Decision::ring(Ring::new(1..n).fixation(0)))
            .epoch("fixation", self.fixation.clone())
            .epoch("cue", self.cue.clone())
            .epoch("delay1", self.delay1.clone())
            .epoch("distractor", self.distractor.clone())
            .epoch("delay2", self.delay2.clone())
            .epoch("response", self.response.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        self.tuning.check()?;
        check::probability("probability", self.probability)?;
        if let Some(n) = self.directions {
            directions::check(n, 2)?;
        }
        let is_there = self.directions.is_none_or(|n| !self.distractors(0.0, n).is_empty());
        match (0.0..=PI).contains(&self.apart) && is_there {
            true => Ok(()),
            false => {
                let expected = "from 0 to π, and such that there are directions so far from each other";
                Err(Error::argument("apart", expected, self.apart))
            }
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> CueAndDistractor {
        let angle = match self.directions {
            Some(n) => directions::draw(n, rng),
            None => rng.uniform(0.0, TAU),
        };
        let distractor = rng.chance(self.probability).then(|| match self.directions {
            Some(n) => rng.choice(&self.distractors(angle, n)),
            None => code::wrapped(angle + rng.uniform(self.apart, TAU - self.apart)),
        });
        CueAndDistractor { angle, distractor }
    }

    fn complete(&self, trial: &mut CueAndDistractor) -> Result<()> {
        directions::check_angles(&[("angle", trial.angle), ("distractor", trial.distractor.unwrap_or_default())])
    }

    fn step(&self, _: f32, trial: &CueAndDistractor, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.point(now, "response", Some(trial.angle), 1..1 + self.ring);
        for (epoch, shown) in [("cue", Some(trial.angle)), ("distractor", trial.distractor)] {
            if let Some(angle) = shown.filter(|_| now.is_in(epoch)) {
                self.tuning.show(angle, &mut now.input[1..]);
            }
        }
    }
}
