//! A choice, or a small reward that is sure.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{SONG_PYRL, check_alternative, pyrl};
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check, code};
use crate::{Error, Result};

const USUAL: Entry = Entry {
    name: "post_decision_wager",
    about: "Say in which of two directions random dots move, or take a reward that is small and sure.",
    papers: &[Paper { citation: "Kiani R, Shadlen MN (2009)", doi: "10.1126/science.1169405" }, SONG_PYRL],
    tags: &["perceptual decision", "working memory", "confidence"],
    reached: Some("75.2 % of new trials correct after 256,000 (100 units)."),
    usual: usual!(PostDecisionWager::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    USUAL,
    Entry {
        name: "post_decision_wager_pyrl",
        about: "Say in which of two directions random dots move, or take a reward that is small and sure, in the version of pyrl.",
        reached: Some("75.0 % of new trials correct after 256,000 (100 units)."),
        usual: usual!(PostDecisionWager::pyrl()),
        ..USUAL
    },
];

/// In which of two directions do random dots move? In half of the trials the subject may take a reward instead that is small and sure.
///
/// Input 0 is the cue to fixate: 1 until the decision. While the stimulus lasts, the input of its direction, 1 or 2, is `(1 + c) / 2` and that of
/// the other `(1 - c) / 2`. Input 3 shows that the sure reward is offered: from `sure` ms after the stimulus on to the end of the trial. The
/// outputs are "fixate", the two directions and "sure".
///
/// To take the sure reward is neither right nor wrong, but good where one is not sure. So it has no target: where it is offered, the
/// mask of the output "sure" is 0 in the decision, and its target is `lo` elsewhere. Trained by these targets alone a network learns the
/// direction and nothing of the wager; this is learned by reward, 1 for the right direction and 0.7 for "sure" in the experiment. Scored is the
/// direction: "sure" counts as not correct.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{PostDecisionWager, Wager};
/// let trial = Wager { coherence: 0.128, direction: 1, stimulus: 300.0, delay: 1300.0, sure: Some(600.0) };
/// let batch = PostDecisionWager::default().of(&[trial], Seed(1))?;
/// assert_eq!(batch.epochs[0].start("offer"), batch.epochs[0].end("stimulus").map(|end| end + 600.0));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: coherences of 0, 0.032, 0.064, 0.128, 0.256, 0.512; a fixation of 750 ms; a stimulus of 100 ms and 180 ms more on average (exponential,
/// cut to 800 ms); a delay of 1350 ms on average (1200 to 1800 ms); the sure reward in half of the trials, 575 ms after the
/// stimulus on average (500 to 750 ms); a decision of 500 ms. [`PostDecisionWager::pyrl`] is the same at a `dt` of 10 ms. Epochs: `fixation`,
/// `stimulus`, `delay`, `decision`, and where it is offered `offer`, across the last two. Values: see [`Wager`]. All else is that of [`Form`].
///
/// In NeuroGym's `PostDecisionWager` (2.3.1) the action, counted from 1, is compared with the direction, counted from 0, so that one of the
/// directions is never rewarded and the wrong one often is.
///
/// Task after Kiani R, Shadlen MN (2009), doi:10.1126/science.1169405. Pyrl is that of Song HF, Yang GR, Wang X-J (2017),
/// doi:10.7554/eLife.21492.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostDecisionWager {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The coherences, from 0 to 1, all equally likely.
    pub coherences: Vec<f32>,
    /// In which share of the trials the sure reward is offered.
    pub wager: f32,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
    /// How long the delay lasts.
    pub delay: Duration,
    /// How long after the stimulus the sure reward is offered.
    pub sure: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// The values of a trial of [`PostDecisionWager`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Wager {
    /// The share of dots that move together.
    pub coherence: f32,
    /// Their direction, 0 or 1.
    pub direction: usize,
    /// How long the stimulus lasts, in milliseconds.
    pub stimulus: f32,
    /// How long the delay lasts, in milliseconds.
    pub delay: f32,
    /// How long after the stimulus the sure reward is offered, in milliseconds; missing if it is not.
    pub sure: Option<f32>,
}

impl Default for PostDecisionWager {
    fn default() -> Self {
        Self {
            form: Form::default(),
            coherences: vec![0.0, 0.032, 0.064, 0.128, 0.256, 0.512],
            wager: 0.5,
            fixation: Duration::Fixed(750.0),
            // 100 ms, and an exponential of mean 180 ms after them that is cut to 800 ms.
            stimulus: Duration::truncated_exponential(180.0, 100.0, 900.0),
            delay: Duration::truncated_exponential(1350.0, 1200.0, 1800.0),
            sure: Duration::truncated_exponential(575.0, 500.0, 750.0),
            decision: Duration::Fixed(500.0),
        }
    }
}

impl PostDecisionWager {
    /// The time step and the noise that pyrl has.
    #[must_use]
    pub fn pyrl() -> Self {
        Self { form: pyrl(0.01), ..Self::default() }
    }

    form_setters! {}

    setters! {
        /// The coherences, from 0 to 1, all equally likely.
        coherences: &[f32] => coherences.to_vec();
        /// In which share of the trials the sure reward is offered.
        wager: f32;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the stimulus lasts, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
        /// How long the delay lasts, in milliseconds: a number or a distribution.
        delay: impl Into<Duration> => delay.into();
        /// How long after the stimulus the sure reward is offered, in milliseconds: a number or a distribution.
        sure: impl Into<Duration> => sure.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for PostDecisionWager {
    type Trial = Wager;

    fn spec(&self) -> TaskSpec {
        let spec = self.form.spec(4, 4).epoch("fixation", self.fixation.clone());
        let spec = spec.epoch("stimulus", self.stimulus.clone()).epoch("delay", self.delay.clone());
        spec.epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::coherences(&self.coherences)?;
        if !(0.0..=1.0).contains(&self.wager) {
            return Err(Error::argument("wager", "from 0 to 1", self.wager));
        }
        // It is drawn only where it is offered, and no epoch of the frame.
        TaskSpec::new(1, 1).epoch("sure", self.sure.clone()).check()
    }

    fn draw(&self, rng: &mut TrialRng) -> Wager {
        let (coherence, direction) = (rng.choice(&self.coherences), rng.index(2));
        let (stimulus, delay) = (self.stimulus.draw(rng.shared()), self.delay.draw(rng.shared()));
        let sure = rng.chance(self.wager).then(|| self.sure.draw(rng));
        Wager { coherence, direction, stimulus, delay, sure }
    }

    fn complete(&self, trial: &mut Wager) -> Result<()> {
        check::coherences(&[trial.coherence])?;
        check_alternative("direction", trial.direction, 2)?;
        match trial.sure.filter(|sure| !(0.0..=trial.delay).contains(sure)) {
            Some(sure) => Err(Error::argument(
                "sure",
                format!("within the delay, from 0 to {} ms", trial.delay),
                format!("{sure} ms"),
            )),
            None => Ok(()),
        }
    }

    fn answer(&self, trial: &Wager) -> Option<usize> {
        Some(trial.direction)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &Wager, rng: &mut TrialRng) -> Epochs {
        let epochs = spec.clone().lasting("stimulus", trial.stimulus).lasting("delay", trial.delay).draw_epochs(rng);
        match (trial.sure, epochs.end("stimulus")) {
            (Some(sure), Some(end)) => {
                let last = epochs.end_of_last();
                epochs.span("offer", end + spec.cut(sure), last)
            }
            _ => epochs,
        }
    }

    fn step(&self, _: f32, trial: &Wager, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.direction)]);
        if now.is_in("stimulus") {
            let angle = std::f32::consts::PI * trial.direction as f32;
            code::add_cosine(&mut now.input[1..3], angle, trial.coherence);
        }
        if trial.sure.is_some() && now.is_in("offer") {
            now.input[3] = 1.0;
            if now.is_in("decision") {
                now.mask[3] = 0.0;
            }
        }
    }
}

impl Alternatives for PostDecisionWager {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Wager {
        Wager { direction: choice, ..self.draw(rng) }
    }
}
