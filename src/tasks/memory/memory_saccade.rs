//! Saccades to a place that is remembered or seen, or away from it.

use std::f32::consts::{PI, TAU};

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::directions;
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Duration, Ring, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::RingTuning;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::code;
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const FUNAHASHI: Paper =
    Paper { citation: "Funahashi S, Bruce CJ, Goldman-Rakic PS (1989)", doi: "10.1152/jn.1989.61.2.331" };
const MUNOZ: Paper = Paper { citation: "Munoz DP, Everling S (2004)", doi: "10.1038/nrn1345" };

const PRO: Entry = Entry {
    name: "memory_saccade",
    about: "Look, after a delay, to where a cue was.",
    papers: &[FUNAHASHI],
    tags: &["working memory", "saccade"],
    reached: Some("98.0 % of new trials correct after 12,800 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(MemorySaccade::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    PRO,
    Entry {
        name: "memory_saccade_anti",
        about: "Look, after a delay, to where a cue was or away from it, as a rule says.",
        papers: &[MUNOZ, FUNAHASHI],
        tags: &["working memory", "saccade", "rule"],
        reached: Some("99.1 % of new trials correct after 25,600 (100 units); an ideal observer has 100.0 %."),
        usual: usual!(MemorySaccade::pro_or_anti()),
    },
    Entry {
        name: "visually_guided_saccade",
        about: "Look, when told to, to where a cue is.",
        tags: &["saccade"],
        reached: Some("100.0 % of new trials correct after 3,200 (100 units); an ideal observer has 100.0 %."),
        usual: usual!(MemorySaccade::visually_guided()),
        ..PRO
    },
    Entry {
        name: "direct_saccade",
        about: "Look to a cue as soon as it comes.",
        tags: &["saccade", "reaction time"],
        reached: Some("100.0 % of new trials correct after 3,200 (100 units); an ideal observer has 100.0 %."),
        usual: usual!(MemorySaccade::direct()),
        ..PRO
    },
];

/// Look to where a cue was (the oculomotor delayed response), to where it is, or away from it.
///
/// The target of the saccade is the direction of the cue, and in an anti-saccade the opposite one, π from it.
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 until the response; 1 to `ring` (32) the cue, see `tuning`; with [`Anti::Cued`] two more: the rules to look to the cue, and away from it, of which that of the trial is 1 throughout |
/// | outputs | 0 fixate; 1 to `ring` the direction of the response |
/// | epochs | `fixation` (500 ms), `cue` (300 ms), `delay` (from 1000 to 3000 ms, all equally likely), `response` (500 ms) |
///
/// With [`Guidance::Vision`] the cue is shown to the end and there is no `delay`; `cue` is then the time from its onset to the
/// response. With [`Guidance::Onset`] there is neither `cue` nor `delay`: the cue comes with the response, for which its onset is
/// the only sign, since the cue to fixate stays. There are 8 `directions`, evenly spaced from 0; with `None` any is equally
/// likely. The response is an angle, [`Session::responses`](crate::simulate::Session::responses), correct within 0.2 π of the
/// target. All else is that of [`Form`]. Values: see [`Saccade`].
///
/// The rings and the bump, `0.8 exp(-d² / 2)` in units of π/8, are those of Yang et al. (2019). NeuroGym's task of this kind has
/// anti-saccades without a delay, and shows the cue by `cos(θₖ - φ)`, half of it negative: `.anti(Anti::Always).delay(0)`, and
/// [`RingTuning::Cosine`] of baseline 0 and amplitude 1.
///
/// Funahashi S, Bruce CJ, Goldman-Rakic PS (1989), doi:10.1152/jn.1989.61.2.331; anti-saccades: Munoz DP, Everling S (2004),
/// doi:10.1038/nrn1345.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::MemorySaccade;
/// let task = MemorySaccade::pro_or_anti().delay(1000);
/// let batch = task.grid().over([0.0, 1.0, 2.0], |saccade, angle| saccade.angle = angle).batch(Seed(1))?;
/// assert_eq!((batch.inputs.dim(), batch.spec.n_out), ((3, 115, 35), 33));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemorySaccade {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The channels that show the cue, and the outputs that show the response.
    pub ring: usize,
    /// How the channels show a direction.
    pub tuning: RingTuning,
    /// The number of directions; any without it.
    pub directions: Option<usize>,
    /// Whether the saccade goes to the cue or away from it.
    pub anti: Anti,
    /// Until when the cue is seen.
    pub guidance: Guidance,
    /// The fixation before the cue.
    pub fixation: Duration,
    /// The cue.
    pub cue: Duration,
    /// The delay after it.
    pub delay: Duration,
    /// The response.
    pub response: Duration,
}

/// Whether a saccade of [`MemorySaccade`] goes to the cue or away from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anti {
    /// To it, always.
    #[default]
    Never,
    /// Away from it, always.
    Always,
    /// As one of two further inputs says, each in half of the trials.
    Cued,
}

/// Until when the cue of [`MemorySaccade`] is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guidance {
    /// Until the delay, so that it must be remembered.
    #[default]
    Memory,
    /// To the end, so that it is seen when the response is due.
    Vision,
    /// From the response on, which is due at once.
    Onset,
}

/// The values of a trial of [`MemorySaccade`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Saccade {
    /// The direction of the cue, in radians.
    pub angle: f32,
    /// Whether the saccade must go away from the cue.
    pub anti: bool,
    /// The direction of the saccade, in radians, which follows from the two.
    pub target: f32,
}

impl Default for MemorySaccade {
    fn default() -> Self {
        Self {
            form: Form::default(),
            ring: 32,
            tuning: RingTuning::yang(),
            directions: Some(8),
            anti: Anti::Never,
            guidance: Guidance::Memory,
            fixation: 500.into(),
            cue: 300.into(),
            delay: Duration::uniform(1000.0, 3000.0),
            response: 500.into(),
        }
    }
}

impl MemorySaccade {
    /// To the cue or away from it, as a rule input says.
    #[must_use]
    pub fn pro_or_anti() -> Self {
        Self { anti: Anti::Cued, ..Self::default() }
    }

    /// The cue is seen to the end; the response is due 500 to 1500 ms after its onset.
    #[must_use]
    pub fn visually_guided() -> Self {
        Self { guidance: Guidance::Vision, cue: Duration::uniform(500.0, 1500.0), ..Self::default() }
    }

    /// The response is due when the cue comes, 500 to 2500 ms after the start.
    #[must_use]
    pub fn direct() -> Self {
        Self { guidance: Guidance::Onset, fixation: Duration::uniform(500.0, 2500.0), ..Self::default() }
    }

    form_setters! {}

    setters! {
        /// The channels that show the cue, and the outputs that show the response.
        ring: usize;
        /// How the channels show a direction.
        tuning: RingTuning;
        /// The number of directions; `None` for any.
        directions: impl Into<Option<usize>> => directions.into();
        /// Whether the saccade goes to the cue or away from it.
        anti: Anti;
        /// Until when the cue is seen.
        guidance: Guidance;
        /// The fixation before the cue, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The cue, in milliseconds.
        cue: impl Into<Duration> => cue.into();
        /// The delay after it, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// The response, in milliseconds.
        response: impl Into<Duration> => response.into();
    }

    fn opposite(&self, angle: f32) -> f32 {
        directions::turned(angle + PI, self.directions)
    }

    fn draw_to(&self, target: f32, rng: &mut TrialRng) -> Saccade {
        let anti = match self.anti {
            Anti::Never => false,
            Anti::Always => true,
            Anti::Cued => rng.chance(0.5),
        };
        Saccade { angle: if anti { self.opposite(target) } else { target }, anti, target }
    }
}

impl Task for MemorySaccade {
    type Trial = Saccade;

    fn spec(&self) -> TaskSpec {
        let n_out = 1 + self.ring;
        let n_in = n_out + if self.anti == Anti::Cued { 2 } else { 0 };
        let mut spec = self.form.spec(n_in, n_out).decision(Decision::ring(Ring::new(1..n_out).fixation(0)));
        spec = spec.epoch("fixation", self.fixation.clone());
        if self.guidance != Guidance::Onset {
            spec = spec.epoch("cue", self.cue.clone());
        }
        if self.guidance == Guidance::Memory {
            spec = spec.epoch("delay", self.delay.clone());
        }
        spec.epoch("response", self.response.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        self.tuning.check()?;
        match self.directions {
            Some(n) if self.anti != Anti::Never && !n.is_multiple_of(2) => {
                Err(Error::argument("directions", "an even number, that each has its opposite", n))
            }
            Some(n) => directions::check(n, 1),
            None => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Saccade {
        let Some(n) = self.directions else {
            let target = rng.uniform(0.0, TAU);
            return self.draw_to(target, rng);
        };
        let choice = rng.index(n);
        self.draw_for(choice, rng)
    }

    fn complete(&self, trial: &mut Saccade) -> Result<()> {
        directions::check_angles(&[("angle", trial.angle)])?;
        trial.target = if trial.anti { self.opposite(trial.angle) } else { trial.angle };
        Ok(())
    }

    fn step(&self, _: f32, trial: &Saccade, _: &mut TrialRng, now: &mut Step<'_>) {
        let ring = 1..1 + self.ring;
        self.form.point(now, "response", Some(trial.target), ring.clone());
        let is_seen = match self.guidance {
            Guidance::Memory => now.is_in("cue"),
            Guidance::Vision => now.is_in("cue") || now.is_in("response"),
            Guidance::Onset => {
                now.input[0] = 1.0;
                now.is_in("response")
            }
        };
        if is_seen {
            self.tuning.show(trial.angle, &mut now.input[ring]);
        }
        if self.anti == Anti::Cued {
            now.input[1 + self.ring + usize::from(trial.anti)] = 1.0;
        }
    }

    fn answer(&self, trial: &Saccade) -> Option<usize> {
        let n = self.n_choices();
        Some((trial.target / TAU * n as f32).round() as usize % n)
    }
}

/// The directions, or where there is any number of them those of the outputs.
impl Alternatives for MemorySaccade {
    fn n_choices(&self) -> usize {
        self.directions.unwrap_or(self.ring)
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Saccade {
        self.draw_to(code::preferred(choice, self.n_choices()), rng)
    }
}
