//! Rate discrimination by eye and ear.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::protocol::protocol_setters;
use super::{Protocol, SONG, opposite_codes, range};
use crate::setters::setters;
use crate::task::{Alternatives, Criterion, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "multisensory_integration",
    about: "Say whether flashes, clicks, or both together come at a high rate or at a low one.",
    papers: &[Paper { citation: "Raposo D, Kaufman MT, Churchland AK (2014)", doi: "10.1038/nn.3865" }, SONG],
    tags: &["perceptual decision", "several senses", "catch trials"],
    reached: Some("93.4 % of new trials correct after 12,800 (150 units, Dale's principle)."),
    usual: usual!(MultisensoryIntegration::default(), MultisensoryIntegration::criterion),
}];

/// The modalities, and whether each is seen and heard.
const MODALITIES: [(&str, bool, bool); 3] =
    [("visual", true, false), ("auditory", false, true), ("multisensory", true, true)];

/// Do flashes, clicks, or both together come at a high rate or at a low one?
///
/// With `code(d) = 0.4 + 0.8 d / (f_max - f_min)`, a rate `f` that is seen is shown as `code(f - f_min)` in input 0 and
/// `code(f_max - f)` in input 2, one that is heard in the same way in inputs 1 and 3, while the stimulus lasts; input 4, a start
/// cue, is 1 from the stimulus to the end of the decision. The correct choice is 0 above the boundary and 1 otherwise. All
/// else, catch trials (1 / 5, 2500 ms) included, is that of [`Protocol`].
///
/// The stimulus lasts 1000 ms; the rates are 9, 10, …, 16 events a second, the boundary is 12.5. When tested, the fixation
/// lasts 500 ms. Epochs: `fixation`, `stimulus`, `decision`, or `catch`. Values: see [`Events`]. Which units receive which
/// input is a matter of the network: in PyCog's the first third of the excitatory and of the inhibitory units sees, the second
/// third hears, and none receives the start cue.
///
/// Task after Raposo D, Kaufman MT, Churchland AK (2014), doi:10.1038/nn.3865.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultisensoryIntegration {
    /// What it has in common with the other tasks.
    pub protocol: Protocol,
    /// The rates, in events a second, all equally likely.
    pub rates: Vec<f32>,
    /// The rate that parts high from low.
    pub boundary: f32,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
}

/// The values of a trial of [`MultisensoryIntegration`]; all but `catch` are missing in a catch trial.
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Events {
    /// What is shown: `"visual"`, `"auditory"` or `"multisensory"`.
    pub modality: Option<&'static str>,
    /// The events a second.
    pub rate: Option<f32>,
    /// Whether this is a catch trial.
    pub catch: bool,
}

impl Default for MultisensoryIntegration {
    fn default() -> Self {
        Self {
            protocol: Protocol::new(0.2, 2500.0),
            rates: (9_u8..=16).map(f32::from).collect(),
            boundary: 12.5,
            stimulus: Duration::Fixed(1000.0),
        }
    }
}

impl MultisensoryIntegration {
    protocol_setters! {}

    setters! {
        /// The rates, in events a second, all equally likely.
        rates: &[f32] => rates.to_vec();
        /// The rate that parts high from low.
        boundary: f32;
        /// How long the stimulus lasts, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
    }

    /// As PyCog tests networks: 500 ms of fixation, no catch trials.
    #[must_use]
    pub fn testing(mut self) -> Self {
        self.protocol = self.protocol.testing(500.0);
        self
    }

    /// The number of conditions: modalities and rates.
    #[must_use]
    pub fn n_conditions(&self) -> usize {
        MODALITIES.len() * self.rates.len()
    }

    /// PyCog's: 90 % correct on the average of five validations of 2500 trials.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        Criterion::Accuracy { above: 0.9, last: 5 }
    }
}

impl Task for MultisensoryIntegration {
    type Trial = Events;

    fn spec(&self) -> TaskSpec {
        let spec = self.protocol.spec(5).epoch("stimulus", self.stimulus.clone());
        spec.epoch("decision", self.protocol.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.protocol.check()?;
        check::numbers("rates", &self.rates)?;
        let (low, high) = range(self.rates.iter().copied());
        if low == high {
            return Err(Error::argument("rates", "at least two different numbers", low));
        }
        if low < 0.0 {
            return Err(Error::argument("rates", "0 or positive numbers", low));
        }
        if !(low..high).contains(&self.boundary) {
            let expected = format!("between the rates {low} and {high}, so that some are above it and some are not");
            return Err(Error::argument("boundary", expected, self.boundary));
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> Events {
        match self.protocol.pick(self.n_conditions(), rng) {
            None => Events { modality: None, rate: None, catch: true },
            Some(condition) => {
                let modality = Some(MODALITIES[condition % MODALITIES.len()].0);
                Events { modality, rate: Some(self.rates[condition / MODALITIES.len()]), catch: false }
            }
        }
    }

    fn epochs(&self, spec: &TaskSpec, trial: &Events, rng: &mut TrialRng) -> Epochs {
        self.protocol.epochs(spec, trial.catch, rng)
    }

    fn answer(&self, trial: &Events) -> Option<usize> {
        trial.rate.map(|rate| usize::from(rate <= self.boundary))
    }

    fn step(&self, _: f32, trial: &Events, _: &mut TrialRng, now: &mut Step<'_>) {
        let shown = MODALITIES.iter().find(|modality| trial.modality == Some(modality.0));
        if let (Some(rate), Some(&(_, seen, heard)), true) = (trial.rate, shown, now.is_in("stimulus")) {
            let (positive, negative) = opposite_codes(rate, range(self.rates.iter().copied()));
            for (channel, shown) in [seen, heard].into_iter().enumerate() {
                if shown {
                    now.input[channel] = positive;
                    now.input[2 + channel] = negative;
                }
            }
        }
        if now.is_in("stimulus") || now.is_in("decision") {
            now.input[4] = 1.0;
        }
        self.protocol.ask(self.answer(trial), now);
    }
}

impl Alternatives for MultisensoryIntegration {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Events {
        let rates = self.rates.iter().copied().filter(|rate| usize::from(*rate <= self.boundary) == choice).collect();
        Self { rates, ..self.clone() }.catch(0.0).draw(rng)
    }
}
