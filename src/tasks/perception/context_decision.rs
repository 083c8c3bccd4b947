//! Decisions about one of two modalities.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::NEUROGYM;
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check, code};
use crate::{Error, Result};

const MANTE: Paper =
    Paper { citation: "Mante V, Sussillo D, Shenoy KV, Newsome WT (2013)", doi: "10.1038/nature12742" };

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "context_decision",
        about: "Remember the direction of the one of two modalities that a cue names.",
        papers: &[MANTE, NEUROGYM],
        tags: &["perceptual decision", "context", "delay"],
        reached: Some("90.9 % of new trials correct after 256,000 (100 units); an ideal observer has 90.8 %."),
        usual: usual!(ContextDecision::default()),
    },
    Entry {
        name: "context_decision_implicit",
        about: "Remember the direction of the one of two modalities that always counts, and ignore the other.",
        papers: &[MANTE, NEUROGYM],
        tags: &["perceptual decision", "context", "delay"],
        reached: Some("89.2 % of new trials correct after 256,000 (100 units); an ideal observer has 90.9 %."),
        usual: usual!(ContextDecision::implicit(0)),
    },
];

/// In which direction does one of two modalities point, while the other points anywhere? A cue says which one counts; or there is no
/// cue, and it is the same one in all trials, of which only the feedback tells ([`ContextDecision::implicit`]).
///
/// Input 0 is the cue to fixate. Inputs `1` to `n` are modality 0, and the next `n` modality 1: in the epoch `stimulus` unit `k` shows
/// the direction `2π j / n` with coherence `c` by
///
/// ```text
/// 0.5 + (c / 2) cos(2π (k - j) / n)
/// ```
///
/// which is `(1 ± c) / 2` for two directions. The last two inputs are 1, for the whole trial, for the modality that counts; without a
/// cue they are left out. Output 0 is "fixate", output `1 + j` direction `j` of the modality that counts. Direction and coherence of
/// both modalities are drawn independently. All else is that of [`Form`].
///
/// Epochs: `fixation` (300 ms), `stimulus` (750 ms), `delay` (exponential of mean 600 ms, from 300 to 3000 ms), `decision` (400 ms).
/// Values: see [`TwoModalities`]. Other defaults: `n` 2, coherences 0.05, 0.15 and 0.5, a cue.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ContextDecision;
/// let task = ContextDecision::default().delay(500.0);
/// let batch = task.grid().over([0, 1], |trial, context| trial.context = context).repeats(50).batch(Seed(1))?;
/// assert_eq!(batch.inputs.dim(), (100, 97, 7));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Who adds up the difference of both channels of the modality that counts, over the `m` steps of the stimulus, is right with the
/// probability `Φ(c √(m / 2) / σ)` where the noise of a step is `σ`: with the usual arguments in 91.0 % of all trials.
///
/// Task after Mante V, Sussillo D, Shenoy KV, Newsome WT (2013), doi:10.1038/nature12742; this version is that of NeuroGym,
/// Molano-Mazón M et al. (2022), doi:10.31234/osf.io/aqc9n, but for the cue to fixate, which NeuroGym takes away before the stimulus,
/// so that nothing tells when to answer. That of PyCog, without delay, is [`ContextIntegration`](crate::tasks::ContextIntegration).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContextDecision {
    /// What it has in common with the library's other tasks.
    pub form: Form,
    /// How many directions there are, and inputs for each modality.
    pub n: usize,
    /// The coherences of both modalities, from 0 to 1, all equally likely.
    pub coherences: Vec<f32>,
    /// The modality that counts in all trials, 0 or 1; without it either may, and a cue tells.
    pub implicit: Option<usize>,
    /// The time before the stimulus.
    pub fixation: Duration,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
    /// The delay before the answer.
    pub delay: Duration,
    /// How long the answer lasts.
    pub decision: Duration,
}

/// The values of a trial of [`ContextDecision`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct TwoModalities {
    /// The modality that counts, 0 or 1.
    pub context: usize,
    /// The coherence of modality 0.
    pub coherence0: f32,
    /// The direction of modality 0, counted from 0.
    pub direction0: usize,
    /// The coherence of modality 1.
    pub coherence1: f32,
    /// The direction of modality 1, counted from 0.
    pub direction1: usize,
    /// The direction that is asked for. Follows from the others.
    pub direction: usize,
}

impl Default for ContextDecision {
    fn default() -> Self {
        Self {
            form: Form::default(),
            n: 2,
            coherences: vec![0.05, 0.15, 0.5],
            implicit: None,
            fixation: Duration::Fixed(300.0),
            stimulus: Duration::Fixed(750.0),
            delay: Duration::truncated_exponential(600.0, 300.0, 3000.0),
            decision: Duration::Fixed(400.0),
        }
    }
}

impl ContextDecision {
    /// Without a cue: this modality, 0 or 1, counts in all trials.
    #[must_use]
    pub fn implicit(modality: usize) -> Self {
        Self { implicit: Some(modality), ..Self::default() }
    }

    form_setters! {}

    setters! {
        /// How many directions there are, and inputs for each modality.
        n: usize;
        /// The coherences of both modalities, from 0 to 1, all equally likely.
        coherences: &[f32] => coherences.to_vec();
        /// The time before the stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the stimulus lasts, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// The delay before the answer, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// How long the answer lasts, in milliseconds.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for ContextDecision {
    type Trial = TwoModalities;

    fn spec(&self) -> TaskSpec {
        let cues = if self.implicit.is_none() { 2 } else { 0 };
        self.form
            .spec(self.n.saturating_mul(2).saturating_add(1 + cues), self.n.saturating_add(1))
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("delay", self.delay.clone())
            .epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::directions("n", self.n)?;
        check::coherences(&self.coherences)?;
        match self.implicit {
            Some(modality) if modality > 1 => Err(Error::argument("implicit", "modality 0 or 1", modality)),
            _ => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> TwoModalities {
        let direction = rng.index(self.n);
        self.draw_for(direction, rng)
    }

    fn complete(&self, trial: &mut TwoModalities) -> Result<()> {
        if trial.context > 1 || self.implicit.is_some_and(|modality| modality != trial.context) {
            let expected =
                self.implicit.map_or("modality 0 or 1".to_owned(), |counts| format!("modality {counts}, which counts"));
            return Err(Error::argument("context", expected, trial.context));
        }
        for (coherence, direction) in [(trial.coherence0, trial.direction0), (trial.coherence1, trial.direction1)] {
            check::direction(direction, self.n)?;
            check::finite("coherence", coherence)?;
        }
        trial.direction = if trial.context == 0 { trial.direction0 } else { trial.direction1 };
        Ok(())
    }

    fn answer(&self, trial: &TwoModalities) -> Option<usize> {
        Some(trial.direction)
    }

    fn step(&self, _: f32, trial: &TwoModalities, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.direction)]);
        let (n, shown) = (self.n, now.is_in("stimulus"));
        let (modalities, cues) = now.input[1..].split_at_mut(2 * n);
        if shown {
            let pair = [(trial.coherence0, trial.direction0), (trial.coherence1, trial.direction1)];
            for (channels, (coherence, direction)) in modalities.chunks_mut(n).zip(pair) {
                code::add_cosine(channels, code::preferred(direction, n), coherence);
            }
        }
        if let Some(cue) = cues.get_mut(trial.context) {
            *cue = 1.0;
        }
    }
}

impl Alternatives for ContextDecision {
    fn n_choices(&self) -> usize {
        self.n
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> TwoModalities {
        let context = self.implicit.unwrap_or_else(|| rng.index(2));
        let other = rng.index(self.n);
        let (direction0, direction1) = if context == 0 { (choice, other) } else { (other, choice) };
        let (coherence0, coherence1) = (rng.choice(&self.coherences), rng.choice(&self.coherences));
        TwoModalities { context, coherence0, direction0, coherence1, direction1, direction: choice }
    }
}
