//! Direction discrimination of random dots.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::protocol::protocol_setters;
use super::{Protocol, SONG};
use crate::setters::setters;
use crate::task::{Alternatives, Criterion, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::{Error, Result};

const FIXED_DURATION: Entry = Entry {
    name: "random_dots",
    about: "Say in which of two directions random dots move, after a stimulus of fixed duration.",
    papers: &[Paper { citation: "Roitman JD, Shadlen MN (2002)", doi: "10.1523/JNEUROSCI.22-21-09475.2002" }, SONG],
    tags: &["perceptual decision", "catch trials"],
    reached: Some("87.5 % of new trials correct after 11,200 (100 units; under Dale's principle 87.2 % after 17,600)."),
    usual: usual!(RandomDots::fixed_duration(), RandomDots::criterion),
};

pub(super) const ENTRIES: &[Entry] = &[
    FIXED_DURATION,
    Entry {
        name: "random_dots_variable_duration",
        about: "Say in which of two directions random dots move, after a stimulus of variable duration.",
        papers: &[
            Paper { citation: "Kiani R, Hanks TD, Shadlen MN (2008)", doi: "10.1523/JNEUROSCI.4761-07.2008" },
            SONG,
        ],
        reached: Some("86.0 % of new trials correct after 64,000 (100 units, Dale's principle)."),
        usual: usual!(RandomDots::variable_duration(), RandomDots::criterion),
        ..FIXED_DURATION
    },
    Entry {
        name: "random_dots_reaction_time",
        about: "Say in which of two directions random dots move, at one's own pace while they are shown.",
        tags: &["perceptual decision", "reaction time", "catch trials"],
        reached: Some("87.1 % of new trials correct after 22,400 (100 units, Dale's principle)."),
        usual: usual!(RandomDots::reaction_time(), RandomDots::criterion),
        ..FIXED_DURATION
    },
];

/// In which of two directions do random dots move? With a stimulus of fixed or of variable duration, or at the subject's own
/// pace.
///
/// While the stimulus lasts the input of the shown `direction` is `(1 + coherence) / 2` and that of the other
/// `(1 - coherence) / 2`; with a start cue a third input is 1. All else, catch trials included, is that of [`Protocol`].
///
/// | | fixed duration | variable duration | reaction time |
/// | --- | --- | --- | --- |
/// | stimulus | 800 ms | exponential of mean 330 ms, from 80 to 1500 ms | 800 ms |
/// | start cue | no | yes | yes |
/// | `decision` | 300 ms after the stimulus | 300 ms after the stimulus | within the stimulus, from 300 ms on |
/// | `hi` | 1 | 1 | 1.2 |
/// | catch trials | 1 / 11 | 1 / 11 | 5 / 11 |
/// | fixation when tested | 300 ms | 500 ms | 300 ms, stimulus 1500 ms |
///
/// The coherences are 0.032, 0.064, 0.128, 0.256 and 0.512; PyCog writes 1 to 16 and multiplies by 3.2 %. Its tests also
/// show coherence 0. Epochs: `fixation`, `stimulus`, `decision`, or `catch`. Values: see [`Dots`].
///
/// PyCog reads the choices of the reaction-time version as those of the others while it trains, and afterwards by a threshold
/// of 1: [`decided_by`](crate::simulate::Session::decided_by) `Decision::first_to_reach(1.0).after("stimulus")`, after which
/// [`decision_times`](crate::simulate::Session::decision_times) are the reaction times. In the first 300 ms of the stimulus the
/// mask is 0: what the network does there is left open.
///
/// Tasks after Roitman JD, Shadlen MN (2002), doi:10.1523/JNEUROSCI.22-21-09475.2002, and, for variable durations, Kiani R,
/// Hanks TD, Shadlen MN (2008), doi:10.1523/JNEUROSCI.4761-07.2008.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomDots {
    /// What it has in common with the other tasks.
    pub protocol: Protocol,
    /// The coherences, from 0 to 1, all equally likely.
    pub coherences: Vec<f32>,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
    /// Whether a third input shows that the stimulus is on.
    pub start_cue: bool,
    /// In the reaction-time version, from when after its start an answer to the stimulus is asked for, in milliseconds.
    pub no_reward: Option<f32>,
}

/// The values of a trial of [`RandomDots`]; all but `catch` are missing in a catch trial.
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Dots {
    /// The share of dots that move together.
    pub coherence: Option<f32>,
    /// Their direction, which is the correct choice, 0 or 1.
    pub direction: Option<usize>,
    /// Whether this is a catch trial.
    pub catch: bool,
}

impl Default for RandomDots {
    fn default() -> Self {
        Self::fixed_duration()
    }
}

impl RandomDots {
    /// A stimulus of 800 ms, then the decision.
    #[must_use]
    pub fn fixed_duration() -> Self {
        Self {
            protocol: Protocol::new(1.0 / 11.0, 2000.0),
            coherences: vec![0.032, 0.064, 0.128, 0.256, 0.512],
            stimulus: Duration::Fixed(800.0),
            start_cue: false,
            no_reward: None,
        }
    }

    /// A stimulus of variable duration, whose start and end a cue shows.
    #[must_use]
    pub fn variable_duration() -> Self {
        let stimulus = Duration::truncated_exponential(330.0, 80.0, 1500.0);
        Self { stimulus, start_cue: true, ..Self::fixed_duration() }
    }

    /// A stimulus to which the subject may answer while it lasts.
    #[must_use]
    pub fn reaction_time() -> Self {
        Self { start_cue: true, no_reward: Some(300.0), ..Self::fixed_duration() }.hi(1.2).catch(5.0 / 11.0)
    }

    protocol_setters! {}

    setters! {
        /// The coherences, from 0 to 1, all equally likely.
        coherences: &[f32] => coherences.to_vec();
        /// How long the stimulus lasts, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
    }

    /// As PyCog tests networks: a longer fixation, a longer stimulus in the reaction-time version, no catch trials.
    #[must_use]
    pub fn testing(mut self) -> Self {
        let variable = !matches!(self.stimulus, Duration::Fixed(_));
        self.protocol = self.protocol.testing(if variable { 500.0 } else { 300.0 });
        match self.no_reward {
            Some(_) => self.stimulus(1500.0),
            None => self,
        }
    }

    /// The number of conditions: coherences in each direction.
    #[must_use]
    pub fn n_conditions(&self) -> usize {
        2 * self.coherences.len()
    }

    /// PyCog's: 85 % correct on the average of five validations of 1100 trials.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        Criterion::Accuracy { above: 0.85, last: 5 }
    }
}

impl Task for RandomDots {
    type Trial = Dots;

    fn spec(&self) -> TaskSpec {
        let spec = self.protocol.spec(2 + usize::from(self.start_cue)).epoch("stimulus", self.stimulus.clone());
        match self.no_reward {
            // The decision overlaps with the stimulus, so that it is only among the epochs of a trial.
            Some(_) => spec,
            None => spec.epoch("decision", self.protocol.decision.clone()),
        }
    }

    fn check(&self) -> Result<()> {
        self.protocol.check()?;
        check::coherences(&self.coherences)?;
        match self.no_reward {
            Some(wait) if !(0.0..self.stimulus.range().0).contains(&wait) => {
                Err(Error::argument("no_reward", "shorter than the stimulus", format!("{wait} ms")))
            }
            _ => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Dots {
        match self.protocol.pick(self.n_conditions(), rng) {
            None => Dots { coherence: None, direction: None, catch: true },
            Some(condition) => {
                let n = self.coherences.len();
                let coherence = Some(self.coherences[condition % n]);
                Dots { coherence, direction: Some(condition / n), catch: false }
            }
        }
    }

    fn epochs(&self, spec: &TaskSpec, trial: &Dots, rng: &mut TrialRng) -> Epochs {
        let epochs = self.protocol.epochs(spec, trial.catch, rng);
        match (self.no_reward, epochs.get("stimulus").cloned()) {
            (Some(wait), Some(stimulus)) => epochs.span("decision", stimulus.start + wait, stimulus.end),
            _ => epochs,
        }
    }

    fn answer(&self, trial: &Dots) -> Option<usize> {
        trial.direction
    }

    fn step(&self, _: f32, trial: &Dots, _: &mut TrialRng, now: &mut Step<'_>) {
        if let (Some(coherence), Some(direction), true) = (trial.coherence, trial.direction, now.is_in("stimulus")) {
            now.input[direction] = (1.0 + coherence) / 2.0;
            now.input[1 - direction] = (1.0 - coherence) / 2.0;
            if self.start_cue {
                now.input[2] = 1.0;
            }
        }
        self.protocol.ask(trial.direction, now);
    }
}

impl Alternatives for RandomDots {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Dots {
        Dots { direction: Some(choice), ..self.clone().catch(0.0).draw(rng) }
    }
}
