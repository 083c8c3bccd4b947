//! Context-dependent integration of motion and color.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::protocol::protocol_setters;
use super::{Protocol, SONG};
use crate::Result;
use crate::setters::setters;
use crate::task::{Alternatives, Criterion, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "context_integration",
    about: "Say in which direction colored dots move, or which color most of them have, as a cue asks.",
    papers: &[
        Paper { citation: "Mante V, Sussillo D, Shenoy KV, Newsome WT (2013)", doi: "10.1038/nature12742" },
        SONG,
    ],
    tags: &["perceptual decision", "context", "catch trials"],
    reached: Some(
        "91.9 % of new trials correct after 62,400 (150 units, Dale's principle; in two areas 92.6 % after 59,200).",
    ),
    usual: usual!(ContextIntegration::default(), ContextIntegration::criterion),
}];

/// The contexts, and the inputs that show them.
const CONTEXTS: [&str; 2] = ["motion", "color"];

/// In which direction do colored dots move, or which color do most of them have? A cue says which of the two is asked.
///
/// Inputs 0 and 1 show the context, motion or color, as 1 while the stimulus lasts. Inputs 2 and 3 show the motion, inputs 4
/// and 5 the color: `(1 + coherence) / 2` in the channel of its direction, `(1 - coherence) / 2` in the other. The correct
/// choice is the direction of the stimulus that the context names. All else, catch trials (1 / 73, 2000 ms) included, is that
/// of [`Protocol`].
///
/// The stimulus lasts 800 ms; the coherences of both are 0.05, 0.15 and 0.5, drawn independently; PyCog writes 1, 3 and 10 and
/// multiplies by 5 %. When tested, the fixation lasts 400 ms. Epochs: `fixation`, `stimulus`, `decision`, or `catch`. Values:
/// see [`TwoStimuli`].
///
/// In the experiment the context is also shown before the stimulus; in PyCog, and here, only with it. Signed coherences, with
/// direction 0 positive as there:
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ContextIntegration;
/// let batch = ContextIntegration::default().testing().batch(100, Seed(1))?;
/// let signed = |[coherence, direction]: [f64; 2]| if direction == 0.0 { coherence } else { -coherence };
/// let trials = batch.values.with("motion", ["motion_coherence", "motion_direction"], signed)?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Mante V, Sussillo D, Shenoy KV, Newsome WT (2013), doi:10.1038/nature12742.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContextIntegration {
    /// What it has in common with the other tasks.
    pub protocol: Protocol,
    /// The coherences of motion and of color, from 0 to 1, all equally likely.
    pub coherences: Vec<f32>,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
}

/// The values of a trial of [`ContextIntegration`]; all but `catch` are missing in a catch trial.
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct TwoStimuli {
    /// What is asked: `"motion"` or `"color"`.
    pub context: Option<&'static str>,
    /// The coherence of the motion.
    pub motion_coherence: Option<f32>,
    /// The direction of the motion, 0 or 1.
    pub motion_direction: Option<usize>,
    /// The coherence of the color.
    pub color_coherence: Option<f32>,
    /// The choice for which the color stands, 0 or 1.
    pub color_direction: Option<usize>,
    /// Whether this is a catch trial.
    pub catch: bool,
}

impl TwoStimuli {
    /// The correct choice.
    #[must_use]
    pub fn correct(&self) -> Option<usize> {
        if self.context? == CONTEXTS[0] { self.motion_direction } else { self.color_direction }
    }
}

impl Default for ContextIntegration {
    fn default() -> Self {
        Self {
            protocol: Protocol::new(1.0 / 73.0, 2000.0),
            coherences: vec![0.05, 0.15, 0.5],
            stimulus: Duration::Fixed(800.0),
        }
    }
}

impl ContextIntegration {
    protocol_setters! {}

    setters! {
        /// The coherences of motion and of color, from 0 to 1, all equally likely.
        coherences: &[f32] => coherences.to_vec();
        /// How long the stimulus lasts, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
    }

    /// As PyCog tests networks: 400 ms of fixation, no catch trials.
    #[must_use]
    pub fn testing(mut self) -> Self {
        self.protocol = self.protocol.testing(400.0);
        self
    }

    /// The number of conditions: contexts, coherences and directions of motion, coherences and directions of color.
    #[must_use]
    pub fn n_conditions(&self) -> usize {
        2 * (2 * self.coherences.len()).pow(2)
    }

    /// PyCog's: 90 % correct on the average of five validations of 3650 trials.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        Criterion::Accuracy { above: 0.9, last: 5 }
    }
}

impl Task for ContextIntegration {
    type Trial = TwoStimuli;

    fn spec(&self) -> TaskSpec {
        let spec = self.protocol.spec(6).epoch("stimulus", self.stimulus.clone());
        spec.epoch("decision", self.protocol.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.protocol.check()?;
        check::coherences(&self.coherences)
    }

    fn draw(&self, rng: &mut TrialRng) -> TwoStimuli {
        let Some(mut condition) = self.protocol.pick(self.n_conditions(), rng) else {
            return TwoStimuli {
                context: None,
                motion_coherence: None,
                motion_direction: None,
                color_coherence: None,
                color_direction: None,
                catch: true,
            };
        };
        // The context changes fastest from condition to condition, the direction of the color slowest.
        let mut next = |n: usize| {
            let place = condition % n;
            condition /= n;
            place
        };
        let n = self.coherences.len();
        let context = Some(CONTEXTS[next(2)]);
        let (motion, color) = (next(n), next(n));
        TwoStimuli {
            context,
            motion_coherence: Some(self.coherences[motion]),
            color_coherence: Some(self.coherences[color]),
            motion_direction: Some(next(2)),
            color_direction: Some(next(2)),
            catch: false,
        }
    }

    fn epochs(&self, spec: &TaskSpec, trial: &TwoStimuli, rng: &mut TrialRng) -> Epochs {
        self.protocol.epochs(spec, trial.catch, rng)
    }

    fn answer(&self, trial: &TwoStimuli) -> Option<usize> {
        trial.correct()
    }

    fn step(&self, _: f32, trial: &TwoStimuli, _: &mut TrialRng, now: &mut Step<'_>) {
        if now.is_in("stimulus") {
            for (input, context) in now.input.iter_mut().zip(CONTEXTS) {
                *input = f32::from(u8::from(trial.context == Some(context)));
            }
            let stimuli =
                [(trial.motion_coherence, trial.motion_direction), (trial.color_coherence, trial.color_direction)];
            for (pair, stimulus) in now.input[2..].chunks_mut(2).zip(stimuli) {
                if let (Some(coherence), Some(direction)) = stimulus {
                    pair[direction] = (1.0 + coherence) / 2.0;
                    pair[1 - direction] = (1.0 - coherence) / 2.0;
                }
            }
        }
        self.protocol.ask(trial.correct(), now);
    }
}

impl Alternatives for ContextIntegration {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> TwoStimuli {
        let mut drawn = self.clone().catch(0.0).draw(rng);
        let attended =
            if drawn.context == Some(CONTEXTS[0]) { &mut drawn.motion_direction } else { &mut drawn.color_direction };
        *attended = Some(choice);
        drawn
    }
}
