//! Decisions by two modalities that agree.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::NEUROGYM;
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check, code};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "cue_combination",
    about: "Say in which direction two modalities point, between which the evidence is split.",
    papers: &[Paper { citation: "Raposo D, Kaufman MT, Churchland AK (2014)", doi: "10.1038/nn.3865" }, NEUROGYM],
    tags: &["perceptual decision", "several senses"],
    reached: Some("85.9 % of new trials correct after 256,000 (100 units); an ideal observer has 86.5 %."),
    usual: usual!(CueCombination::default()),
}];

/// In which direction do two modalities point? Both point in the same one; the coherence `c` is split between them, `p c` for modality
/// 0 and `(1 - p) c` for modality 1, so that who adds up both does best.
///
/// Input 0 is the cue to fixate. Inputs `1` to `n` are modality 0, and the next `n` modality 1: in the epoch `stimulus` unit `k` of a
/// modality with coherence `c` shows the direction `2π j / n` by `0.5 + (c / 2) cos(2π (k - j) / n)`, which is `(1 ± c) / 2` for two
/// directions. Output 0 is "fixate", output `1 + j` direction `j`. All else is that of [`Form`].
///
/// Epochs: `fixation` (300 ms), `stimulus` (750 ms), `decision` (400 ms). Values: see [`TwoCues`]. Other defaults: `n` 2, coherences
/// 0.05, 0.15 and 0.5, all shares `p` equally likely.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::CueCombination;
/// let task = CueCombination::default();
/// let shares = task.grid().over([0.0, 0.5, 1.0], |trial, share| trial.share = share);
/// assert_eq!(shares.repeats(20).batch(Seed(1))?.inputs.dim(), (60, 72, 5));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Who adds up the difference of both channels of both modalities, over the `m` steps of the stimulus, is right with the probability
/// `Φ(c √m / (2 σ))` where the noise of a step is `σ`: with the usual arguments in 87.0 % of all trials.
///
/// Task after Raposo D, Kaufman MT, Churchland AK (2014), doi:10.1038/nn.3865; this version is that of NeuroGym, Molano-Mazón M et al.
/// (2022), doi:10.31234/osf.io/aqc9n. That of PyCog, with rates and one modality alone, is
/// [`MultisensoryIntegration`](crate::tasks::MultisensoryIntegration).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CueCombination {
    /// What it has in common with the library's other tasks.
    pub form: Form,
    /// How many directions there are, and inputs for each modality.
    pub n: usize,
    /// The coherences of both modalities together, from 0 to 1, all equally likely.
    pub coherences: Vec<f32>,
    /// The time before the stimulus.
    pub fixation: Duration,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
    /// How long the answer lasts.
    pub decision: Duration,
}

/// The values of a trial of [`CueCombination`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct TwoCues {
    /// The direction of both modalities, counted from 0.
    pub direction: usize,
    /// The coherence of both together.
    pub coherence: f32,
    /// The share of modality 0 in it, from 0 to 1.
    pub share: f32,
}

impl Default for CueCombination {
    fn default() -> Self {
        Self {
            form: Form::default(),
            n: 2,
            coherences: vec![0.05, 0.15, 0.5],
            fixation: Duration::Fixed(300.0),
            stimulus: Duration::Fixed(750.0),
            decision: Duration::Fixed(400.0),
        }
    }
}

impl CueCombination {
    form_setters! {}

    setters! {
        /// How many directions there are, and inputs for each modality.
        n: usize;
        /// The coherences of both modalities together, from 0 to 1, all equally likely.
        coherences: &[f32] => coherences.to_vec();
        /// The time before the stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the stimulus lasts, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// How long the answer lasts, in milliseconds.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for CueCombination {
    type Trial = TwoCues;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(self.n.saturating_mul(2).saturating_add(1), self.n.saturating_add(1))
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::directions("n", self.n)?;
        check::coherences(&self.coherences)
    }

    fn draw(&self, rng: &mut TrialRng) -> TwoCues {
        let direction = rng.index(self.n);
        self.draw_for(direction, rng)
    }

    fn complete(&self, trial: &mut TwoCues) -> Result<()> {
        check::direction(trial.direction, self.n)?;
        check::finite("coherence", trial.coherence)?;
        match (0.0..=1.0).contains(&trial.share) {
            true => Ok(()),
            false => Err(Error::argument("share", "from 0 to 1", trial.share)),
        }
    }

    fn answer(&self, trial: &TwoCues) -> Option<usize> {
        Some(trial.direction)
    }

    fn step(&self, _: f32, trial: &TwoCues, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.direction)]);
        if now.is_in("stimulus") {
            for (channels, share) in now.input[1..].chunks_mut(self.n).zip([trial.share, 1.0 - trial.share]) {
                code::add_cosine(channels, code::preferred(trial.direction, self.n), share * trial.coherence);
            }
        }
    }
}

impl Alternatives for CueCombination {
    fn n_choices(&self) -> usize {
        self.n
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> TwoCues {
        TwoCues { direction: choice, coherence: rng.choice(&self.coherences), share: rng.uniform(0.0, 1.0) }
    }
}
