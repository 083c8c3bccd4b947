//! Delayed match to sample: to the sample itself, to the sample turned, or to its category.

use std::f32::consts::{PI, TAU};

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{FREEDMAN, MASSE, MILLER, directions};
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Duration, Ring, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::RingTuning;
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const BY_DIRECTION: Entry = Entry {
    name: "delayed_match",
    about: "Say whether a test has the direction of a sample that was shown before a delay.",
    papers: &[MILLER, MASSE],
    tags: &["working memory", "delayed match to sample"],
    reached: Some("99.1 % of new trials correct after 12,800 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(DelayedMatch::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    BY_DIRECTION,
    Entry {
        name: "delayed_match_rotated",
        about: "Say whether a test is a quarter turn from a sample that was shown before a delay.",
        papers: &[MASSE],
        reached: Some("98.8 % of new trials correct after 9,600 (100 units); an ideal observer has 100.0 %."),
        usual: usual!(DelayedMatch::rotated()),
        ..BY_DIRECTION
    },
    Entry {
        name: "delayed_match_to_category",
        about: "Say whether a test is of the category of a sample that was shown before a delay.",
        papers: &[FREEDMAN, MASSE],
        tags: &["working memory", "delayed match to sample", "categorization"],
        reached: Some("98.7 % of new trials correct after 3,200 (100 units); an ideal observer has 100.0 %."),
        usual: usual!(DelayedMatch::to_category()),
    },
];

/// Does a test match a sample that was shown before a delay?
///
/// A test matches if its direction is that of the sample, turned by `rotation` ([`DelayedMatch::default`] by 0,
/// [`DelayedMatch::rotated`] by π/2); or with `category` ([`DelayedMatch::to_category`]) if it lies in the same half of the
/// circle, that from 0 to π or that from π to 2π.
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 until the answer; 1 to `ring` (24) the stimulus, see `tuning` |
/// | outputs | 0 fixate; 1 match, 2 no match, or as [`Report`] says |
/// | epochs | `fixation` (500 ms), `sample` (500 ms), `delay` (1000 ms), `test` (500 ms) |
///
/// The answer is given while the test is shown; with [`DelayedMatch::decision`] after it, in the epoch `decision`. There are 8
/// `directions`, evenly spaced from 0. Half of the trials match. In a match each fitting direction is equally likely, and
/// otherwise each that does not fit. All else is that of [`Form`], but that errors count from 50 ms after the answer begins
/// (`grace`). Values: see [`SampleAndTest`].
///
/// The inputs and the noise are those of Masse et al., who also keep inputs from being negative:
/// `.sensory(Sensory::default().noise(0.1).rectify(true))`. In NeuroGym's DelayMatchSample the test that does not match is always the
/// opposite direction; its DelayMatchCategory takes any angles, which it does not record.
///
/// Miller EK, Erickson CA, Desimone R (1996), doi:10.1523/JNEUROSCI.16-16-05154.1996; Freedman DJ, Assad JA (2006),
/// doi:10.1038/nature05078; Masse NY, Yang GR, Song HF, Wang X-J, Freedman DJ (2019), doi:10.1038/s41593-019-0414-3.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::DelayedMatch;
/// let batch = DelayedMatch::to_category().delay(Duration::uniform(500.0, 1500.0)).batch(10, Seed(1))?;
/// assert_eq!(batch.inputs.dim().2, 25);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayedMatch {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The channels that show the stimuli, and with [`Report::Location`] the outputs that show the answer.
    pub ring: usize,
    /// How they show a direction.
    pub tuning: RingTuning,
    /// The number of directions.
    pub directions: usize,
    /// By how much a test that matches is turned from the sample, in radians.
    pub rotation: f32,
    /// Whether a test matches that is of the same category.
    pub category: bool,
    /// How the subject answers.
    pub report: Report,
    /// The fixation before the sample.
    pub fixation: Duration,
    /// The sample.
    pub sample: Duration,
    /// The delay after it.
    pub delay: Duration,
    /// The test.
    pub test: Duration,
    /// The decision period after the test; without it the answer is given during the test.
    pub decision: Option<Duration>,
}

/// How the subject of [`DelayedMatch`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// By output 1 to a match and by output 2 to what is none.
    #[default]
    Either,
    /// By output 1 to a match, and not at all to what is none.
    Match,
    /// By output 1 to what is no match, and not at all to a match.
    NonMatch,
    /// By the direction of the test to a match, on a ring of outputs, and not at all to what is none.
    Location,
}

/// The values of a trial of [`DelayedMatch`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct SampleAndTest {
    /// The direction of the sample, in radians.
    pub sample: f32,
    /// The direction of the test, in radians.
    pub test: f32,
    /// Whether the test matches, which follows from the two.
    pub matches: bool,
}

impl Default for DelayedMatch {
    fn default() -> Self {
        Self {
            form: Form { grace: 50.0, ..Form::default() },
            ring: 24,
            tuning: RingTuning::masse(),
            directions: 8,
            rotation: 0.0,
            category: false,
            report: Report::Either,
            fixation: 500.into(),
            sample: 500.into(),
            delay: 1000.into(),
            test: 500.into(),
            decision: None,
        }
    }
}

impl DelayedMatch {
    /// A match is a quarter turn from the sample.
    #[must_use]
    pub fn rotated() -> Self {
        Self { rotation: PI / 2.0, ..Self::default() }
    }

    /// A match is of the category of the sample.
    #[must_use]
    pub fn to_category() -> Self {
        Self { category: true, ..Self::default() }
    }

    form_setters! {}

    setters! {
        /// The channels that show the stimuli.
        ring: usize;
        /// How they show a direction.
        tuning: RingTuning;
        /// The number of directions.
        directions: usize;
        /// By how much a test that matches is turned from the sample, in radians.
        rotation: f32;
        /// Whether a test matches that is of the same category.
        category: bool;
        /// How the subject answers.
        report: Report;
        /// The fixation before the sample, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The sample, in milliseconds.
        sample: impl Into<Duration> => sample.into();
        /// The delay after it, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// The test, in milliseconds.
        test: impl Into<Duration> => test.into();
        /// The decision period after the test, in milliseconds, in which then the answer is given.
        decision: impl Into<Duration> => Some(decision.into());
    }

    fn matches(&self, sample: f32, test: f32) -> bool {
        // A direction that by rounding is a little below a boundary is on it.
        let half = |angle: f32| ((angle.rem_euclid(TAU) / PI + 1e-4) as usize).is_multiple_of(2);
        let wanted = sample + self.rotation;
        if self.category { half(wanted) == half(test) } else { directions::are_same(wanted, test) }
    }

    /// The epoch of the answer.
    fn answered_in(&self) -> &'static str {
        if self.decision.is_some() { "decision" } else { "test" }
    }
}

impl Task for DelayedMatch {
    type Trial = SampleAndTest;

    fn spec(&self) -> TaskSpec {
        let n_out = match self.report {
            Report::Either => 3,
            Report::Match | Report::NonMatch => 2,
            Report::Location => 1 + self.ring,
        };
        let spec = self
            .form
            .spec(1 + self.ring, n_out)
            .epoch("fixation", self.fixation.clone())
            .epoch("sample", self.sample.clone())
            .epoch("delay", self.delay.clone())
            .epoch("test", self.test.clone());
        let spec = match self.report {
            Report::Location => spec.decision(Decision::ring(Ring::new(1..n_out).fixation(0))),
            _ => spec,
        };
        match &self.decision {
            Some(decision) => spec.epoch("decision", decision.clone()),
            None => spec,
        }
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        self.tuning.check()?;
        directions::check_ring(self.ring)?;
        directions::check(self.directions, 2)?;
        if self.category && !self.directions.is_multiple_of(2) {
            return Err(Error::argument("directions", "an even number, half for each category", self.directions));
        }
        match self.rotation.abs() <= TAU {
            true => Ok(()),
            false => Err(Error::argument("rotation", "an angle in radians, from -2π to 2π", self.rotation)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> SampleAndTest {
        let choice = rng.index(2);
        self.draw_for(choice, rng)
    }

    fn complete(&self, trial: &mut SampleAndTest) -> Result<()> {
        directions::check_angles(&[("sample", trial.sample), ("test", trial.test)])?;
        trial.matches = self.matches(trial.sample, trial.test);
        Ok(())
    }

    fn step(&self, _: f32, trial: &SampleAndTest, _: &mut TrialRng, now: &mut Step<'_>) {
        for (epoch, direction) in [("sample", trial.sample), ("test", trial.test)] {
            if now.is_in(epoch) {
                self.tuning.show(direction, &mut now.input[1..]);
            }
        }
        let answered_in = self.answered_in();
        let output = match self.report {
            Report::Either => 2 - usize::from(trial.matches),
            Report::Match => usize::from(trial.matches),
            Report::NonMatch => usize::from(!trial.matches),
            Report::Location => {
                let direction = Some(trial.test).filter(|_| trial.matches);
                return self.form.point(now, answered_in, direction, 1..1 + self.ring);
            }
        };
        self.form.ask(now, &[(answered_in, output)]);
    }

    /// 0 for a match, 1 for none.
    fn answer(&self, trial: &SampleAndTest) -> Option<usize> {
        Some(usize::from(!trial.matches))
    }
}

impl Alternatives for DelayedMatch {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> SampleAndTest {
        let n = self.directions;
        let sample = directions::draw(n, rng);
        // Each of them is one number, whatever the sample is.
        let tests = directions::all(n).map(|test| directions::turned(test + self.rotation, Some(n)));
        let matches = choice == 0;
        let tests: Vec<f32> = tests.filter(|&test| self.matches(sample, test) == matches).collect();
        SampleAndTest { sample, test: rng.choice(&tests), matches }
    }
}
