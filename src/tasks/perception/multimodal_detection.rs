//! Detection of what is seen, heard, or both.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::NEUROGYM;
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "multimodal_detection",
    about: "Say whether there was anything to be seen or heard.",
    papers: &[Paper { citation: "Miller J (1982)", doi: "10.1016/0010-0285(82)90010-X" }, NEUROGYM],
    tags: &["detection", "several senses"],
    reached: Some("100.0 % of new trials correct after 3,200 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(MultimodalDetection::default()),
}];

/// Was there anything to be seen, or to be heard? In some trials both, in catch trials nothing.
///
/// Input 0 is the cue to fixate. Input 1 is what is seen and input 2 what is heard: the intensity of the one, the other or both in the
/// epoch `stimulus`, and 0 elsewhere. Output 0 is "fixate", output 1 "nothing", output 2 "something". All else is that of [`Form`].
///
/// With the probability `catch` there is nothing; else something seen, something heard, and both together are equally likely, and each
/// has one of the intensities.
///
/// Epochs: `fixation` (500 ms), `stimulus` (1000 ms), `decision` (400 ms). Values: see [`Modalities`]. Other defaults: `catch` 0.5,
/// intensities 0.8, 0.9 and 1.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::MultimodalDetection;
/// let task = MultimodalDetection::default().intensities(&[0.05, 0.1, 0.2]).catch(0.2);
/// let batch = task.batch(100, Seed(1))?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Miller J (1982), doi:10.1016/0010-0285(82)90010-X, and NeuroGym's AnnubesEnv, Molano-Mazón M et al. (2022),
/// doi:10.31234/osf.io/aqc9n; there the answer is given while there is something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultimodalDetection {
    /// What it has in common with the library's other tasks.
    pub form: Form,
    /// The probability that there is nothing.
    pub catch: f32,
    /// How intense what is seen and what is heard may be.
    pub intensities: Vec<f32>,
    /// The time before the stimulus.
    pub fixation: Duration,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
    /// How long the answer lasts.
    pub decision: Duration,
}

/// The values of a trial of [`MultimodalDetection`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Modalities {
    /// How intense what is seen is; missing if nothing is.
    pub visual: Option<f32>,
    /// How intense what is heard is; missing if nothing is.
    pub auditory: Option<f32>,
    /// Whether there is anything. Follows from the others.
    pub present: bool,
}

impl Default for MultimodalDetection {
    fn default() -> Self {
        Self {
            form: Form::default(),
            catch: 0.5,
            intensities: vec![0.8, 0.9, 1.0],
            fixation: Duration::Fixed(500.0),
            stimulus: Duration::Fixed(1000.0),
            decision: Duration::Fixed(400.0),
        }
    }
}

impl MultimodalDetection {
    form_setters! {}

    setters! {
        /// The probability that there is nothing.
        catch: f32;
        /// How intense what is seen and what is heard may be.
        intensities: &[f32] => intensities.to_vec();
        /// The time before the stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the stimulus lasts, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// How long the answer lasts, in milliseconds.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for MultimodalDetection {
    type Trial = Modalities;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(3, 3)
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::probability("catch", self.catch)?;
        check::numbers("intensities", &self.intensities)?;
        match self.intensities.iter().find(|&&intensity| intensity <= 0.0) {
            Some(intensity) => Err(Error::argument("intensities", "above 0, or there is nothing", intensity)),
            None => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Modalities {
        let present = !rng.chance(self.catch);
        self.draw_for(usize::from(present), rng)
    }

    fn complete(&self, trial: &mut Modalities) -> Result<()> {
        let there = [("visual", trial.visual), ("auditory", trial.auditory)];
        there.iter().try_for_each(|(name, intensity)| check::finite(name, intensity.unwrap_or(0.0)))?;
        trial.present = there.iter().any(|(_, intensity)| intensity.is_some());
        Ok(())
    }

    fn answer(&self, trial: &Modalities) -> Option<usize> {
        Some(usize::from(trial.present))
    }

    fn step(&self, _: f32, trial: &Modalities, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + usize::from(trial.present))]);
        if now.is_in("stimulus") {
            now.input[1] = trial.visual.unwrap_or(0.0);
            now.input[2] = trial.auditory.unwrap_or(0.0);
        }
    }
}

/// Nothing, and something.
impl Alternatives for MultimodalDetection {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Modalities {
        // Seen, heard, both.
        let kind = rng.index(3);
        let (visual, auditory) = (rng.choice(&self.intensities), rng.choice(&self.intensities));
        let present = choice == 1;
        let visual = Some(visual).filter(|_| present && kind != 1);
        let auditory = Some(auditory).filter(|_| present && kind != 0);
        Modalities { visual, auditory, present }
    }
}
