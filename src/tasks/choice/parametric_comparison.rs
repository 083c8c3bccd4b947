//! Which of two frequencies was higher?

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{SONG_PYRL, pyrl};
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check};
use crate::{Error, Result};

const USUAL: Entry = Entry {
    name: "parametric_comparison",
    about: "Say which of two vibrations was faster, shown one after the other in one channel.",
    papers: &[Paper { citation: "Barak O, Tsodyks M, Romo R (2010)", doi: "10.1523/JNEUROSCI.1875-10.2010" }],
    tags: &["working memory", "comparison"],
    reached: Some("96.2 % of new trials correct after 256,000 (100 units); an ideal observer has 96.9 %."),
    usual: usual!(ParametricComparison::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    USUAL,
    Entry {
        name: "parametric_comparison_pyrl",
        about: "Say which of two vibrations was faster, shown one after the other, in the version of pyrl.",
        papers: &[Paper { citation: "Romo R, Brody CD, Hernández A, Lemus L (1999)", doi: "10.1038/20939" }, SONG_PYRL],
        reached: Some("99.3 % of new trials correct after 22,400 (100 units); an ideal observer has 100.0 %."),
        usual: usual!(ParametricComparison::pyrl()),
        ..USUAL
    },
];

/// Which of two frequencies, shown one after the other, was higher?
///
/// Input 0 is the cue to fixate: 1 until the decision. While a frequency `f` is shown input 1 is `(1 + s) / 2` with
/// `s = (f - low) / (high - low)`, where `low` and `high` are the lowest and the highest of all pairs; with the opposite code input 2 is
/// `(1 - s) / 2`, see [`FrequencyCode`]. The outputs are "fixate", "the first was higher" and "the second was higher".
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ParametricComparison;
/// let batch = ParametricComparison::default().delay(Duration::uniform(500.0, 3000.0)).batch(100, Seed(1))?;
/// let apart = batch.values.with("f1 - f2", ["f1", "f2"], |[f1, f2]| f1 - f2)?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// | | usual | [`pyrl`](ParametricComparison::pyrl) |
/// | --- | --- | --- |
/// | pairs | 18 and 10, 22 and 14, 26 and 18, 30 and 22, 34 and 26 Hz, in either order | the same |
/// | code | one channel | opposite channels |
/// | fixation | 500 ms | 750 ms |
/// | each frequency | 500 ms | 500 ms |
/// | delay | 1000 ms | 2700 to 3300 ms |
/// | decision | 300 ms | 500 ms |
/// | `dt` | 20 ms | 10 ms |
/// | noise of the inputs | 0.1 | 0.032 |
///
/// Epochs: `fixation`, `first`, `delay`, `second`, `decision`. Values: see [`TwoFrequencies`]. All else is that of [`Form`]. PsychRNN's and
/// PyCog's versions are [`DelayedDiscrimination`](crate::tasks::DelayedDiscrimination) and
/// [`ParametricWorkingMemory`](crate::tasks::ParametricWorkingMemory); this one is NeuroGym's, there `DelayComparison`, with a decision that is
/// longer by what does not count.
///
/// Tasks after Romo R, Brody CD, Hernández A, Lemus L (1999), doi:10.1038/20939, and Barak O, Tsodyks M, Romo R (2010),
/// doi:10.1523/JNEUROSCI.1875-10.2010. Pyrl is that of Song HF, Yang GR, Wang X-J (2017), doi:10.7554/eLife.21492.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParametricComparison {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The pairs of a higher and a lower frequency, in Hz, all equally likely, in either order.
    pub pairs: Vec<(f32, f32)>,
    /// How frequencies are shown.
    pub code: FrequencyCode,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the first frequency is shown.
    pub first: Duration,
    /// How long the delay lasts.
    pub delay: Duration,
    /// How long the second frequency is shown.
    pub second: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// How a frequency is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrequencyCode {
    /// In one channel, the more the higher.
    #[default]
    Single,
    /// In two channels, one of which shows the more the higher, the other the more the lower it is.
    Opposite,
}

/// The values of a trial of [`ParametricComparison`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct TwoFrequencies {
    /// The first frequency, in Hz.
    pub f1: f32,
    /// The second, in Hz.
    pub f2: f32,
    /// Which is higher, 0 for the first or 1 for the second; it follows from the others.
    pub higher: usize,
}

impl Default for ParametricComparison {
    fn default() -> Self {
        Self {
            form: Form::default(),
            pairs: vec![(18.0, 10.0), (22.0, 14.0), (26.0, 18.0), (30.0, 22.0), (34.0, 26.0)],
            code: FrequencyCode::Single,
            fixation: Duration::Fixed(500.0),
            first: Duration::Fixed(500.0),
            delay: Duration::Fixed(1000.0),
            second: Duration::Fixed(500.0),
            decision: Duration::Fixed(300.0),
        }
    }
}

impl ParametricComparison {
    /// A long delay and opposite channels, as pyrl has it.
    #[must_use]
    pub fn pyrl() -> Self {
        let pyrl = Self { form: pyrl(0.001), ..Self::default() };
        pyrl.code(FrequencyCode::Opposite).fixation(750.0).delay(Duration::uniform(2700.0, 3300.0)).decision(500.0)
    }

    form_setters! {}

    setters! {
        /// The pairs of a higher and a lower frequency, in Hz, all equally likely, in either order.
        pairs: &[(f32, f32)] => pairs.to_vec();
        /// How frequencies are shown.
        code: FrequencyCode;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the first frequency is shown, in milliseconds: a number or a distribution.
        first: impl Into<Duration> => first.into();
        /// How long the delay lasts, in milliseconds: a number or a distribution.
        delay: impl Into<Duration> => delay.into();
        /// How long the second frequency is shown, in milliseconds: a number or a distribution.
        second: impl Into<Duration> => second.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }

    /// The lowest and the highest of all frequencies.
    fn range(&self) -> (f32, f32) {
        let all = self.pairs.iter().flat_map(|&(high, low)| [high, low]);
        all.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), f| (low.min(f), high.max(f)))
    }
}

impl Task for ParametricComparison {
    type Trial = TwoFrequencies;

    fn spec(&self) -> TaskSpec {
        let n_in = match self.code {
            FrequencyCode::Single => 2,
            FrequencyCode::Opposite => 3,
        };
        let spec = self.form.spec(n_in, 3).epoch("fixation", self.fixation.clone()).epoch("first", self.first.clone());
        let spec = spec.epoch("delay", self.delay.clone()).epoch("second", self.second.clone());
        spec.epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("pairs", &self.pairs.iter().flat_map(|&(high, low)| [high, low]).collect::<Vec<_>>())?;
        match self.pairs.iter().find(|(high, low)| high <= low) {
            Some((high, low)) => {
                Err(Error::argument("pairs", "of a higher and a lower frequency", format!("{high} and {low}")))
            }
            None => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> TwoFrequencies {
        let (high, low) = rng.choice(&self.pairs);
        let higher = rng.index(2);
        let (f1, f2) = if higher == 0 { (high, low) } else { (low, high) };
        TwoFrequencies { f1, f2, higher }
    }

    fn complete(&self, trial: &mut TwoFrequencies) -> Result<()> {
        let TwoFrequencies { f1, f2, .. } = *trial;
        if !(f1 - f2).is_finite() || f1 == f2 {
            return Err(Error::argument("f2", format!("higher or lower than the first, {f1} Hz"), f2));
        }
        trial.higher = usize::from(f2 > f1);
        Ok(())
    }

    fn answer(&self, trial: &TwoFrequencies) -> Option<usize> {
        Some(trial.higher)
    }

    fn step(&self, _: f32, trial: &TwoFrequencies, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.higher)]);
        let (low, high) = self.range();
        for (epoch, f) in [("first", trial.f1), ("second", trial.f2)] {
            if now.is_in(epoch) {
                let s = (f - low) / (high - low);
                let both = [(1.0 + s) / 2.0, (1.0 - s) / 2.0];
                now.input[1..].iter_mut().zip(both).for_each(|(input, shown)| *input = shown);
            }
        }
    }
}

impl Alternatives for ParametricComparison {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> TwoFrequencies {
        let TwoFrequencies { f1, f2, higher } = self.draw(rng);
        let (f1, f2) = if higher == choice { (f1, f2) } else { (f2, f1) };
        TwoFrequencies { f1, f2, higher: choice }
    }
}
