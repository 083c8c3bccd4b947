//! Random dots with any number of directions.

use std::f32::consts::TAU;

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{SONG_PYRL, check_alternative, pyrl};
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check, code};
use crate::{Error, Result};

const CHURCHLAND: Paper = Paper { citation: "Churchland AK, Kiani R, Shadlen MN (2008)", doi: "10.1038/nn.2123" };

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "multi_choice",
        about: "Say in which of four directions random dots move.",
        papers: &[CHURCHLAND],
        tags: &["perceptual decision", "several alternatives"],
        reached: Some("73.7 % of new trials correct after 256,000 (100 units); an ideal observer has 76.3 %."),
        usual: usual!(MultiChoice::default()),
    },
    Entry {
        name: "multi_choice_delayed",
        about: "Remember in which of two directions random dots move, through delays of up to 4 s.",
        papers: &[Paper {
            citation: "Inagaki HK, Fontolan L, Romani S, Svoboda K (2019)",
            doi: "10.1038/s41586-019-0919-7",
        }],
        tags: &["perceptual decision", "working memory", "delay"],
        reached: Some("86.2 % of new trials correct after 256,000 (100 units); an ideal observer has 87.5 %."),
        usual: usual!(MultiChoice::delayed()),
    },
    Entry {
        name: "multi_choice_pyrl",
        about: "Say in which of two directions random dots move, after a stimulus of variable duration, in the version of pyrl.",
        papers: &[
            Paper { citation: "Kiani R, Hanks TD, Shadlen MN (2008)", doi: "10.1523/JNEUROSCI.4761-07.2008" },
            SONG_PYRL,
        ],
        tags: &["perceptual decision"],
        reached: Some("80.3 % of new trials correct after 256,000 (100 units); an ideal observer has 81.4 %."),
        usual: usual!(MultiChoice::pyrl()),
    },
    Entry {
        name: "multi_choice_pyrl_reaction_time",
        about: "Say in which of two directions random dots move, while they do, in the version of pyrl.",
        papers: &[
            Paper { citation: "Roitman JD, Shadlen MN (2002)", doi: "10.1523/JNEUROSCI.22-21-09475.2002" },
            SONG_PYRL,
        ],
        tags: &["perceptual decision", "reaction time"],
        reached: Some("84.9 % of new trials correct after 256,000 (100 units); an ideal observer has 84.4 %."),
        usual: usual!(MultiChoice::pyrl_reaction_time()),
    },
];

/// In which of `n` directions do random dots move?
///
/// Input 0 is the cue to fixate: 1 until the decision. While the stimulus lasts, input `1 + k` is `0.5 + (c / 2) cos(θₖ - φ)`, where
/// `θₖ = 2π k / n` is its direction, `φ` that of the motion, one of these, and `c` the coherence: of two directions `(1 + c) / 2` and
/// `(1 - c) / 2`. The outputs are "fixate" and the `n` directions.
///
/// With more alternatives the same coherence is harder to see; with [`MultiChoice::scaled`] it is multiplied by `1.8467 ln n - 0.0410`, at most
/// 1.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::MultiChoice;
/// let task = MultiChoice::default().choices(8);
/// let batch = task.grid().over([0.0, 0.5], |dots, c| dots.coherence = c).over(0..8, |dots, d| dots.direction = d).batch(Seed(1))?;
/// assert_eq!((batch.n_trials(), batch.inputs.dim().2, batch.targets.dim().2), (16, 9, 9));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// | | usual | [`delayed`](MultiChoice::delayed) | [`pyrl`](MultiChoice::pyrl) | [`pyrl_reaction_time`](MultiChoice::pyrl_reaction_time) |
/// | --- | --- | --- | --- | --- |
/// | directions | 4 | 2 | 2 | 2 |
/// | coherences | 0, 0.064, …, 0.512 | the same | the same | also 0.032 |
/// | fixation | 300 ms | 300 ms | 750 ms | 750 ms |
/// | stimulus | 1000 ms | 1150 ms | exponential of mean 330 ms, from 80 to 1500 ms | 2000 ms |
/// | delay | none | 300, 500, …, 4000 ms | none | none |
/// | decision | 300 ms | 300 ms | 500 ms | the stimulus |
/// | `dt` | 20 ms | 20 ms | 10 ms | 10 ms |
/// | noise of the inputs | 0.1 | 0.1 | 0.1 | 0.122 |
///
/// Where the decision is the stimulus the cue to fixate ends when it begins, and the subject answers when it will;
/// [`Session::reaction_times`](crate::simulate::Session::reaction_times) has when. In pyrl noise comes to the stimulus only, here to all inputs
/// throughout, and there networks learn by reward. Epochs: `fixation`, `stimulus`, `delay`, `decision`; without a delay of its own, or where
/// the decision is the stimulus, these lie so. Values: see [`ManyDots`]. All else is that of [`Form`].
///
/// Tasks after Churchland AK, Kiani R, Shadlen MN (2008), doi:10.1038/nn.2123; Inagaki HK, Fontolan L, Romani S, Svoboda K (2019),
/// doi:10.1038/s41586-019-0919-7, with the times of NeuroGym's version; Kiani R, Hanks TD, Shadlen MN (2008),
/// doi:10.1523/JNEUROSCI.4761-07.2008; Roitman JD, Shadlen MN (2002), doi:10.1523/JNEUROSCI.22-21-09475.2002. Pyrl is that of Song HF, Yang GR,
/// Wang X-J (2017), doi:10.7554/eLife.21492.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiChoice {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The number of directions.
    pub choices: usize,
    /// The coherences, from 0 to 1, all equally likely.
    pub coherences: Vec<f32>,
    /// Whether coherences grow with the number of directions.
    pub scaled: bool,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
    /// How long the delay lasts.
    pub delay: Duration,
    /// How long the decision lasts; without it, as long as the stimulus, with which it comes.
    pub decision: Option<Duration>,
}

/// The values of a trial of [`MultiChoice`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct ManyDots {
    /// The share of dots that move together.
    pub coherence: f32,
    /// The number of their direction, counted from 0: the correct alternative.
    pub direction: usize,
}

impl Default for MultiChoice {
    fn default() -> Self {
        Self {
            form: Form::default(),
            choices: 4,
            coherences: vec![0.0, 0.064, 0.128, 0.256, 0.512],
            scaled: false,
            fixation: Duration::Fixed(300.0),
            stimulus: Duration::Fixed(1000.0),
            delay: Duration::Fixed(0.0),
            decision: Some(Duration::Fixed(300.0)),
        }
    }
}

impl MultiChoice {
    /// Two directions, to be remembered through a delay of variable duration.
    #[must_use]
    pub fn delayed() -> Self {
        let delay = Duration::choice(&[300.0, 500.0, 700.0, 900.0, 1200.0, 2000.0, 3200.0, 4000.0]);
        Self::default().choices(2).stimulus(1150.0).delay(delay)
    }

    /// Two directions and a stimulus of variable duration, as pyrl has it.
    #[must_use]
    pub fn pyrl() -> Self {
        let stimulus = Duration::truncated_exponential(330.0, 80.0, 1500.0);
        Self { form: pyrl(0.01), ..Self::default() }.choices(2).fixation(750.0).stimulus(stimulus).decision(500.0)
    }

    /// Two directions, to be told apart while the stimulus lasts, as pyrl has it.
    #[must_use]
    pub fn pyrl_reaction_time() -> Self {
        let coherences = [0.0, 0.032, 0.064, 0.128, 0.256, 0.512];
        let pyrl = Self { form: pyrl(0.015), decision: None, ..Self::pyrl() };
        pyrl.stimulus(2000.0).coherences(&coherences)
    }

    form_setters! {}

    setters! {
        /// The number of directions.
        choices: usize;
        /// The coherences, from 0 to 1, all equally likely.
        coherences: &[f32] => coherences.to_vec();
        /// Whether coherences grow with the number of directions.
        scaled: bool;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the stimulus lasts, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
        /// How long the delay lasts, in milliseconds: a number or a distribution.
        delay: impl Into<Duration> => delay.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => Some(decision.into());
    }

    /// The coherence that is shown.
    fn shown(&self, coherence: f32) -> f32 {
        if self.scaled { (coherence * (1.8467 * (self.choices as f32).ln() - 0.0410)).min(1.0) } else { coherence }
    }
}

impl Task for MultiChoice {
    type Trial = ManyDots;

    fn spec(&self) -> TaskSpec {
        let channels = self.choices.saturating_add(1);
        let spec = self.form.spec(channels, channels).epoch("fixation", self.fixation.clone());
        let spec = spec.epoch("stimulus", self.stimulus.clone());
        match &self.decision {
            Some(decision) => spec.epoch("delay", self.delay.clone()).epoch("decision", decision.clone()),
            // It overlaps with the stimulus, so that it is only among the epochs of a trial.
            None => spec,
        }
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        if self.choices < 2 {
            return Err(Error::argument("choices", "at least 2", self.choices));
        }
        check::coherences(&self.coherences)
    }

    fn draw(&self, rng: &mut TrialRng) -> ManyDots {
        ManyDots { coherence: rng.choice(&self.coherences), direction: rng.index(self.choices) }
    }

    fn complete(&self, trial: &mut ManyDots) -> Result<()> {
        check::coherences(&[trial.coherence])?;
        check_alternative("direction", trial.direction, self.choices)
    }

    fn answer(&self, trial: &ManyDots) -> Option<usize> {
        Some(trial.direction)
    }

    fn epochs(&self, spec: &TaskSpec, _: &ManyDots, rng: &mut TrialRng) -> Epochs {
        let epochs = spec.draw_epochs(rng);
        match (&self.decision, epochs.get("stimulus").cloned()) {
            (None, Some(stimulus)) => epochs.span("decision", stimulus.start, stimulus.end),
            _ => epochs,
        }
    }

    fn step(&self, _: f32, trial: &ManyDots, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.direction)]);
        if now.is_in("stimulus") {
            let angle = TAU * trial.direction as f32 / self.choices as f32;
            code::add_cosine(&mut now.input[1..], angle, self.shown(trial.coherence));
        }
    }
}

impl Alternatives for MultiChoice {
    fn n_choices(&self) -> usize {
        self.choices
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> ManyDots {
        ManyDots { direction: choice, ..self.draw(rng) }
    }
}
