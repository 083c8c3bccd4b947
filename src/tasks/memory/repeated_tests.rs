//! Several tests of one sample, of which others may repeat each other.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{MASSE, MILLER, directions};
use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::RingTuning;
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::check;
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const ABBA: Entry = Entry {
    name: "repeated_tests_abba",
    about: "Say of each of several tests whether it has the direction of the sample, though others may be repeated.",
    papers: &[MILLER, MASSE],
    tags: &["working memory", "delayed match to sample", "several answers"],
    reached: Some("98.9 % of new trials correct after 12,800 (100 units)."),
    usual: usual!(RepeatedTests::abba()),
};

pub(super) const ENTRIES: &[Entry] = &[
    ABBA,
    Entry {
        name: "repeated_tests_abca",
        about: "Say of each of several tests whether it has the direction of the sample, where no other is repeated.",
        reached: Some("99.2 % of new trials correct after 12,800 (100 units)."),
        usual: usual!(RepeatedTests::abca()),
        ..ABBA
    },
];

/// Which of several tests have the direction of the sample?
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 but during the tests; 1 to `ring` (24) the stimuli, see `tuning` |
/// | outputs | 0 fixate; 1 match, 2 no match |
/// | epochs | `fixation` (500 ms), `sample` (400 ms), then `delay1` (400 ms), `test1` (400 ms), `delay2`, `test2`, `delay3`, `test3` |
///
/// Each test is a match, the sample's direction, with probability 0.5, whatever the others are. A test that is none repeats, if
/// the one before it was none either, that one with the probability `repeat` (0.5: ABBA, [`RepeatedTests::abba`]; 0: ABCA,
/// [`RepeatedTests::abca`]); otherwise its direction has not been in the trial. Whoever answers that a direction was seen before,
/// and not that it is the sample's, is wrong where one is repeated. There are 8 `directions`, evenly spaced from 0. All else is
/// that of [`Form`], but that errors count from 50 ms after a test's onset (`grace`).
///
/// With `until_match` exactly one test is a match, each equally likely. To it output 1 is the answer, and elsewhere fixation is
/// kept, also in the tests: there is no output for no match.
///
/// All answers must be right ([`Decision::in_each`]); those of each test are columns of their own. Values: see
/// [`SampleAndTests`].
///
/// NeuroGym's version is the one with `until_match`. Its cue to fixate goes off when the sample comes, so that it tells nothing
/// of the answer, and its noise (`sigma`) is never added.
///
/// Miller EK, Erickson CA, Desimone R (1996), doi:10.1523/JNEUROSCI.16-16-05154.1996; Masse NY, Yang GR, Song HF, Wang X-J,
/// Freedman DJ (2019), doi:10.1038/s41593-019-0414-3.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{RepeatedTests, SampleAndTests};
/// let abba = SampleAndTests { sample: 0.0, tests: vec![1.5, 1.5, 0.0], n_matches: 0, first_match: None };
/// let batch = RepeatedTests::abba().of(&[abba], Seed(1))?;
/// assert_eq!(batch.values.numbers("first_match")?, [3.0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepeatedTests {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The channels that show the stimuli.
    pub ring: usize,
    /// How they show a direction.
    pub tuning: RingTuning,
    /// The number of directions.
    pub directions: usize,
    /// The number of tests.
    pub n_tests: usize,
    /// The probability that a test that is no match repeats one before it that was none.
    pub repeat: f32,
    /// Whether one of the tests is a match, and only that is to be answered.
    pub until_match: bool,
    /// The fixation before the sample.
    pub fixation: Duration,
    /// The sample.
    pub sample: Duration,
    /// The delay before each test.
    pub delay: Duration,
    /// Each test.
    pub test: Duration,
}

/// The values of a trial of [`RepeatedTests`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct SampleAndTests {
    /// The direction of the sample, in radians.
    pub sample: f32,
    /// The directions of the tests, in radians.
    #[trial(skip)]
    pub tests: Vec<f32>,
    /// How many of the tests match, which follows from these.
    pub n_matches: usize,
    /// The number of the first that does, counted from 1; missing if none does.
    pub first_match: Option<usize>,
}

impl SampleAndTests {
    fn matches(&self) -> Vec<bool> {
        self.tests.iter().map(|&test| directions::are_same(test, self.sample)).collect()
    }
}

impl Default for RepeatedTests {
    fn default() -> Self {
        Self::abba()
    }
}

impl RepeatedTests {
    /// A test that is no match may be repeated.
    #[must_use]
    pub fn abba() -> Self {
        Self {
            form: Form { grace: 50.0, ..Form::default() },
            ring: 24,
            tuning: RingTuning::masse(),
            directions: 8,
            n_tests: 3,
            repeat: 0.5,
            until_match: false,
            fixation: 500.into(),
            sample: 400.into(),
            delay: 400.into(),
            test: 400.into(),
        }
    }

    /// None is repeated.
    #[must_use]
    pub fn abca() -> Self {
        Self { repeat: 0.0, ..Self::abba() }
    }

    form_setters! {}

    setters! {
        /// The channels that show the stimuli.
        ring: usize;
        /// How they show a direction.
        tuning: RingTuning;
        /// The number of directions.
        directions: usize;
        /// The number of tests.
        n_tests: usize;
        /// The probability that a test that is no match repeats one before it that was none.
        repeat: f32;
        /// Whether one of the tests is a match, and only that is to be answered.
        until_match: bool;
        /// The fixation before the sample, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The sample, in milliseconds.
        sample: impl Into<Duration> => sample.into();
        /// The delay before each test, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// Each test, in milliseconds.
        test: impl Into<Duration> => test.into();
    }

    /// The names of the tests, as many as there can be at most.
    fn names(&self) -> Vec<String> {
        (1..=self.n_tests.clamp(1, directions::MOST)).map(|k| format!("test{k}")).collect()
    }
}

impl Task for RepeatedTests {
    type Trial = SampleAndTests;

    fn spec(&self) -> TaskSpec {
        let tests = self.names();
        let decision = Decision::largest_at_end().in_each(tests.iter().map(String::as_str));
        let spec = self.form.spec(1 + self.ring, if self.until_match { 2 } else { 3 }).decision(decision);
        let spec = spec.epoch("fixation", self.fixation.clone()).epoch("sample", self.sample.clone());
        tests.iter().enumerate().fold(spec, |spec, (k, test)| {
            spec.epoch(&format!("delay{}", k + 1), self.delay.clone()).epoch(test, self.test.clone())
        })
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        self.tuning.check()?;
        check::probability("repeat", self.repeat)?;
        directions::check_ring(self.ring)?;
        if self.n_tests == 0 {
            return Err(Error::argument("n_tests", "at least 1", 0));
        }
        // The sample, and one for each test that is none.
        directions::check(self.directions, self.n_tests.saturating_add(1))
    }

    fn draw(&self, rng: &mut TrialRng) -> SampleAndTests {
        let sample = directions::draw(self.directions, rng);
        let only = self.until_match.then(|| rng.index(self.n_tests));
        let mut seen = vec![sample];
        let mut previous = None;
        for k in 0..self.n_tests {
            let matches = only.map_or_else(|| rng.chance(0.5), |only| only == k);
            let repeats = previous.filter(|_| !matches && rng.chance(self.repeat));
            let test = match repeats {
                _ if matches => sample,
                Some(previous) => previous,
                None => directions::draw_other(self.directions, &seen, rng),
            };
            previous = Some(test).filter(|_| !matches);
            seen.push(test);
        }
        SampleAndTests { sample, tests: seen.split_off(1), n_matches: 0, first_match: None }
    }

    fn complete(&self, trial: &mut SampleAndTests) -> Result<()> {
        if trial.tests.len() != self.n_tests {
            return Err(Error::argument(
                "tests",
                format!("the directions of {} tests", self.n_tests),
                trial.tests.len(),
            ));
        }
        directions::check_angles(&[("sample", trial.sample)])?;
        trial.tests.iter().try_for_each(|&test| directions::check_angles(&[("tests", test)]))?;
        let matches = trial.matches();
        trial.n_matches = matches.iter().filter(|&&matches| matches).count();
        trial.first_match = matches.iter().position(|&matches| matches).map(|k| k + 1);
        match self.until_match && trial.n_matches != 1 {
            true => Err(Error::argument("tests", "with one match, as `until_match` has it", trial.n_matches)),
            false => Ok(()),
        }
    }

    fn step(&self, _: f32, trial: &SampleAndTests, _: &mut TrialRng, now: &mut Step<'_>) {
        let names = self.names();
        let answers: Vec<(&str, usize)> = names
            .iter()
            .zip(trial.matches())
            .map(|(name, matches)| {
                (name.as_str(), if self.until_match { usize::from(matches) } else { 2 - usize::from(matches) })
            })
            .collect();
        self.form.ask(now, &answers);
        if now.is_in("sample") {
            self.tuning.show(trial.sample, &mut now.input[1..]);
        }
        for (name, &test) in names.iter().zip(&trial.tests) {
            if now.is_in(name) {
                self.tuning.show(test, &mut now.input[1..]);
            }
        }
    }
}
