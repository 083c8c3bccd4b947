//! Two samples, one of which is tested, and then one again.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{MASSE, directions};
use crate::setters::setters;
use crate::task::{Decision, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::RingTuning;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const ROSE: Paper = Paper { citation: "Rose NS et al. (2016)", doi: "10.1126/science.aah7011" };

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "dual_delayed_match",
    about: "Of two samples say twice whether the one that a cue names matches the test.",
    papers: &[ROSE, MASSE],
    tags: &["working memory", "delayed match to sample", "rule", "several answers"],
    reached: Some("87.5 % of new trials correct after 512,000 (100 units)."),
    usual: usual!(DualDelayedMatch::default()),
}];

/// Two samples are remembered; does the one that a cue names match the test, and does the one that the next cue names?
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 but during the tests; 1 to `ring` (24) the stimuli of ring A, then as many of ring B, see `tuning`; then the cues for A and for B |
/// | outputs | 0 fixate; 1 match, 2 no match |
/// | epochs | `fixation` (500 ms), `sample` (500 ms), `delay1` (1000 ms), `test1` (500 ms), `delay2` (1000 ms), `test2` (500 ms); across these `cue1` and `cue2`, from `cue` (500 ms) before a test to its end |
///
/// Both samples are shown together, and in each test a direction on each ring. It is that of the ring's sample with probability
/// 0.5, for each ring and test by itself, and otherwise any other. Each cue is for A or for B with probability 0.5, so that what
/// the first does not name may yet be asked for. There are 8 `directions`, evenly spaced from 0. All else is that of [`Form`],
/// but that errors count from 50 ms after a test's onset (`grace`). Both answers must be right ([`Decision::in_each`]). Values:
/// see [`TwoSamples`].
///
/// In NeuroGym's version the cue is over when the test comes, a test shows a direction on the ring that is asked for alone, and
/// the second cue always names the other ring, so that after the first it tells nothing. It pays for the first answer at each
/// step of the test, up to five times.
///
/// Rose NS et al. (2016), doi:10.1126/science.aah7011; Masse NY, Yang GR, Song HF, Wang X-J, Freedman DJ (2019),
/// doi:10.1038/s41593-019-0414-3.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::DualDelayedMatch;
/// let batch = DualDelayedMatch::default().ring(12).batch(10, Seed(1))?;
/// assert_eq!(batch.inputs.dim(), (10, 200, 1 + 2 * 12 + 2));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DualDelayedMatch {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The channels of each of the two rings.
    pub ring: usize,
    /// How they show a direction.
    pub tuning: RingTuning,
    /// The number of directions.
    pub directions: usize,
    /// For how long a cue is shown before its test, in milliseconds.
    pub cue: f32,
    /// The fixation before the samples.
    pub fixation: Duration,
    /// The samples.
    pub sample: Duration,
    /// The delay before each test.
    pub delay: Duration,
    /// Each test.
    pub test: Duration,
}

/// Which of the two samples of [`DualDelayedMatch`] a cue names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Trial)]
pub enum CuedSample {
    /// That on ring A.
    A,
    /// That on ring B.
    B,
}

/// The values of a trial of [`DualDelayedMatch`]; directions are in radians.
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct TwoSamples {
    /// The sample on ring A.
    pub sample_a: f32,
    /// The sample on ring B.
    pub sample_b: f32,
    /// Which sample the first test is about.
    pub cue1: CuedSample,
    /// What the first test shows on ring A.
    pub test1_a: f32,
    /// What the first test shows on ring B.
    pub test1_b: f32,
    /// Which sample the second test is about.
    pub cue2: CuedSample,
    /// What the second test shows on ring A.
    pub test2_a: f32,
    /// What the second test shows on ring B.
    pub test2_b: f32,
    /// Whether the first test matches, which follows from these.
    pub matches1: bool,
    /// Whether the second test matches, which follows from these.
    pub matches2: bool,
}

impl Default for DualDelayedMatch {
    fn default() -> Self {
        Self {
            form: Form { grace: 50.0, ..Form::default() },
            ring: 24,
            tuning: RingTuning::masse(),
            directions: 8,
            cue: 500.0,
            fixation: 500.into(),
            sample: 500.into(),
            delay: 1000.into(),
            test: 500.into(),
        }
    }
}

impl DualDelayedMatch {
    form_setters! {}

    setters! {
        /// The channels of each of the two rings.
        ring: usize;
        /// How they show a direction.
        tuning: RingTuning;
        /// The number of directions.
        directions: usize;
        /// For how long a cue is shown before its test, in milliseconds.
        cue: f32;
        /// The fixation before the samples, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The samples, in milliseconds.
        sample: impl Into<Duration> => sample.into();
        /// The delay before each test, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// Each test, in milliseconds.
        test: impl Into<Duration> => test.into();
    }
}

impl Task for DualDelayedMatch {
    type Trial = TwoSamples;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(1 + 2 * self.ring + 2, 3)
            .decision(Decision::largest_at_end().in_each(["test1", "test2"]))
            .epoch("fixation", self.fixation.clone())
            .epoch("sample", self.sample.clone())
            .epoch("delay1", self.delay.clone())
            .epoch("test1", self.test.clone())
            .epoch("delay2", self.delay.clone())
            .epoch("test2", self.test.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        self.tuning.check()?;
        directions::check_ring(self.ring)?;
        directions::check(self.directions, 2)?;
        let shortest = self.delay.range().0;
        match (0.0..=shortest).contains(&self.cue) {
            true => Ok(()),
            false => Err(Error::argument("cue", format!("from 0 to the shortest delay, {shortest} ms"), self.cue)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> TwoSamples {
        let [sample_a, sample_b] = [(); 2].map(|()| directions::draw(self.directions, rng));
        let mut test = |sample| match rng.chance(0.5) {
            true => sample,
            false => directions::draw_other(self.directions, &[sample], rng),
        };
        let [test1_a, test1_b, test2_a, test2_b] = [sample_a, sample_b, sample_a, sample_b].map(&mut test);
        let [cue1, cue2] = [(); 2].map(|()| rng.choice(&[CuedSample::A, CuedSample::B]));
        let (matches1, matches2) = (false, false);
        TwoSamples { sample_a, sample_b, cue1, test1_a, test1_b, cue2, test2_a, test2_b, matches1, matches2 }
    }

    fn complete(&self, trial: &mut TwoSamples) -> Result<()> {
        directions::check_angles(&[
            ("sample_a", trial.sample_a),
            ("sample_b", trial.sample_b),
            ("test1_a", trial.test1_a),
            ("test1_b", trial.test1_b),
            ("test2_a", trial.test2_a),
            ("test2_b", trial.test2_b),
        ])?;
        let matches = |cue, test_a, test_b| match cue {
            CuedSample::A => directions::are_same(trial.sample_a, test_a),
            CuedSample::B => directions::are_same(trial.sample_b, test_b),
        };
        let first = matches(trial.cue1, trial.test1_a, trial.test1_b);
        let second = matches(trial.cue2, trial.test2_a, trial.test2_b);
        (trial.matches1, trial.matches2) = (first, second);
        Ok(())
    }

    fn epochs(&self, spec: &TaskSpec, _: &TwoSamples, rng: &mut TrialRng) -> Epochs {
        let epochs = spec.draw_epochs(rng);
        let cues = [("cue1", "test1"), ("cue2", "test2")];
        cues.into_iter().fold(epochs.clone(), |with_cues, (cue, test)| match epochs.get(test) {
            Some(test) => with_cues.span(cue, test.start - self.cue, test.end),
            None => with_cues,
        })
    }

    fn step(&self, _: f32, trial: &TwoSamples, _: &mut TrialRng, now: &mut Step<'_>) {
        let output = |matches| 2 - usize::from(matches);
        self.form.ask(now, &[("test1", output(trial.matches1)), ("test2", output(trial.matches2))]);
        let shown = [
            ("sample", trial.sample_a, trial.sample_b),
            ("test1", trial.test1_a, trial.test1_b),
            ("test2", trial.test2_a, trial.test2_b),
        ];
        for (epoch, a, b) in shown {
            if now.is_in(epoch) {
                let (ring_a, ring_b) = now.input[1..1 + 2 * self.ring].split_at_mut(self.ring);
                self.tuning.show(a, ring_a);
                self.tuning.show(b, ring_b);
            }
        }
        for (epoch, cue) in [("cue1", trial.cue1), ("cue2", trial.cue2)] {
            if now.is_in(epoch) {
                now.input[1 + 2 * self.ring + cue as usize] = 1.0;
            }
        }
    }
}
