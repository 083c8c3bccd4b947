//! A choice between two juices.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{SONG_PYRL, check_alternative, pyrl};
use crate::setters::setters;
use crate::task::{Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::{Error, Result};

const USUAL: Entry = Entry {
    name: "economic_choice",
    about: "Choose between some drops of one juice and some of another.",
    papers: &[Paper { citation: "Padoa-Schioppa C, Assad JA (2006)", doi: "10.1038/nature04676" }, SONG_PYRL],
    tags: &["value"],
    reached: Some("98.6 % of new trials correct after 6,400 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(EconomicChoice::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    USUAL,
    Entry {
        name: "economic_choice_pyrl",
        about: "Choose between some drops of one juice and some of another, in the version of pyrl.",
        reached: Some("97.8 % of new trials correct after 6,400 (100 units); an ideal observer has 100.0 %."),
        usual: usual!(EconomicChoice::pyrl()),
        ..USUAL
    },
];

/// Some drops of juice A or some of juice B?
///
/// Input 0 is the cue to fixate: 1 until the decision. While the offer is shown, inputs 1 and 2 are 1 for juice A or B on the left, inputs 3
/// and 4 for A or B on the right, and inputs 5 and 6 are a fifth of the number of drops on the left and on the right. The outputs are
/// "fixate", "left" and "right". A drop of A is worth `worth` drops of B; correct is the side that is worth more, and where both are worth the
/// same the mask of the decision is 0: either is as good.
///
/// The indifference point, the worth by a subject's choices, is where it chooses B in half of the trials:
///
/// ```
/// use psychrnn::analysis::{Counts, Curve};
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::EconomicChoice;
/// # fn indifference(session: &Session) -> psychrnn::Result<f64> {
/// // Choices are 1, left, and 2, right; B is on the right where A is on the left (0).
/// let session = session.clone().with("chose_b", ["choice", "side_of_a"], |[choice, a]| (choice == 2.0 - a) as usize)?;
/// let [log_ratio, chose_b] = ["log_ratio", "chose_b"].map(|column| session.trials().numbers(column));
/// let chose_b: Vec<Option<bool>> = chose_b?.iter().map(|&chose| Some(chose == 1.0)).collect();
/// let counts = Counts::of_trials("ln(nB / nA)", &log_ratio?, &chose_b)?;
/// let fit = Psychometric::default().curve(Curve::Logistic).fit(&counts)?;
/// let indifference = fit.threshold.value.exp();
/// # Ok(indifference)
/// # }
/// ```
///
/// | | usual | [`pyrl`](EconomicChoice::pyrl) |
/// | --- | --- | --- |
/// | fixation | 500 ms | 750 ms |
/// | offer | 500 to 1000 ms | 1000 to 2000 ms |
/// | decision | 500 ms | 750 ms |
/// | `dt` | 20 ms | 10 ms |
/// | noise of the inputs | 0.02 | 0.032 |
///
/// The offers are, in drops of B and A, 0 and 1, 1 and 3, 1 and 2, 1 and 1, 2 and 1, 3 and 1, 4 and 1, 6 and 1, 2 and 0, with A on either side;
/// `worth` is 2.2. Epochs: `fixation`, `offer`, `decision`. Values: see [`Offers`]. All else is that of [`Form`]. In pyrl, as in NeuroGym's
/// `EconomicDecisionMaking`, nothing is correct and a subject learns by the reward of what it chose.
///
/// Task after Padoa-Schioppa C, Assad JA (2006), doi:10.1038/nature04676. Pyrl is that of Song HF, Yang GR, Wang X-J (2017),
/// doi:10.7554/eLife.21492.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EconomicChoice {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The drops of B and of A that are offered together, all equally likely.
    pub offers: Vec<(usize, usize)>,
    /// How many drops of B are worth a drop of A.
    pub worth: f32,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the offer is shown.
    pub offer: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// The values of a trial of [`EconomicChoice`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Offers {
    /// The drops of A.
    pub n_a: usize,
    /// The drops of B.
    pub n_b: usize,
    /// Where A is, 0 for left or 1 for right.
    pub side_of_a: usize,
    /// The logarithm of the number of drops of B over that of A; missing if there are none of one of them. It follows from the others, as does
    /// what is below.
    pub log_ratio: Option<f32>,
    /// The side that is worth more, 0 for left or 1 for right; missing if both are worth the same.
    pub better: Option<usize>,
}

impl Offers {
    /// A trial with this offer, of which the rest follows.
    #[must_use]
    pub fn of(n_b: usize, n_a: usize, side_of_a: usize) -> Self {
        Self { n_a, n_b, side_of_a, log_ratio: None, better: None }
    }
}

impl Default for EconomicChoice {
    fn default() -> Self {
        Self {
            form: Form { sensory: Sensory::default().noise(0.02), ..Form::default() },
            offers: vec![(0, 1), (1, 3), (1, 2), (1, 1), (2, 1), (3, 1), (4, 1), (6, 1), (2, 0)],
            worth: 2.2,
            fixation: Duration::Fixed(500.0),
            offer: Duration::uniform(500.0, 1000.0),
            decision: Duration::Fixed(500.0),
        }
    }
}

impl EconomicChoice {
    /// The times, the time step and the noise that pyrl has.
    #[must_use]
    pub fn pyrl() -> Self {
        let pyrl = Self { form: pyrl(0.001), ..Self::default() };
        pyrl.fixation(750.0).offer(Duration::uniform(1000.0, 2000.0)).decision(750.0)
    }

    form_setters! {}

    setters! {
        /// The drops of B and of A that are offered together, all equally likely.
        offers: &[(usize, usize)] => offers.to_vec();
        /// How many drops of B are worth a drop of A.
        worth: f32;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the offer is shown, in milliseconds: a number or a distribution.
        offer: impl Into<Duration> => offer.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for EconomicChoice {
    type Trial = Offers;

    fn spec(&self) -> TaskSpec {
        let spec = self.form.spec(7, 3).epoch("fixation", self.fixation.clone()).epoch("offer", self.offer.clone());
        spec.epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        if self.offers.is_empty() {
            return Err(Error::argument("offers", "at least one", "none"));
        }
        match self.worth > 0.0 && self.worth.is_finite() {
            true => Ok(()),
            false => Err(Error::argument("worth", "a positive number of drops", self.worth)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Offers {
        let (n_b, n_a) = rng.choice(&self.offers);
        Offers::of(n_b, n_a, rng.index(2))
    }

    fn complete(&self, trial: &mut Offers) -> Result<()> {
        check_alternative("side_of_a", trial.side_of_a, 2)?;
        let (n_a, n_b) = (trial.n_a as f32, trial.n_b as f32);
        trial.log_ratio = Some((n_b / n_a).ln()).filter(|ratio| ratio.is_finite());
        let better = (n_a * self.worth).partial_cmp(&n_b);
        trial.better = better
            .filter(|order| order.is_ne())
            .map(|order| if order.is_gt() { trial.side_of_a } else { 1 - trial.side_of_a });
        Ok(())
    }

    fn answer(&self, trial: &Offers) -> Option<usize> {
        trial.better
    }

    fn step(&self, _: f32, trial: &Offers, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", trial.better.map_or(0, |side| 1 + side))]);
        if trial.better.is_none() && now.is_in("decision") {
            now.mask.fill(0.0);
        }
        if now.is_in("offer") {
            let (a, b) = (trial.side_of_a, 1 - trial.side_of_a);
            (now.input[1 + 2 * a], now.input[2 + 2 * b]) = (1.0, 1.0);
            (now.input[5 + a], now.input[5 + b]) = (trial.n_a as f32 / 5.0, trial.n_b as f32 / 5.0);
        }
    }
}
