//! Rain or sunshine, by cards.

use ndarray::Array2;
use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::check_alternative;
use crate::number::decimal;
use crate::setters::setters;
use crate::table::Table;
use crate::task::{Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "weather_prediction",
    about: "Predict rain or sunshine by cards that each tell a little.",
    papers: &[Paper { citation: "Knowlton BJ, Squire LR, Gluck MA (1994)", doi: "10.1101/lm.1.2.106" }],
    tags: &["probability"],
    reached: Some("69.2 % of new trials correct after 256,000 (100 units); an ideal observer has 68.0 %."),
    usual: usual!(WeatherPrediction::default()),
}];

/// Rain or sunshine? Cards that are shown together tell, each a little.
///
/// Input 0 is the cue to fixate: 1 until the decision. Input `1 + k` is 1 while card `k` is shown. Each of `n` cards is there with probability
/// 1/2, but never none and never all of them. With the probability `pₖ` of rain if card `k` is there alone, the probability of rain is
/// `P = 1 / (1 + exp(-Σ ln(pₖ / (1 - pₖ))))` with the sum over the cards that are there. The outputs are "fixate", "rain" and "sunshine".
///
/// The target is the weather, which is drawn with `P`: so no subject is always correct. The best predicts rain where [`Cards::log_odds`] is
/// positive. [`LogisticRegression`](crate::analysis::LogisticRegression) of predictions on [`WeatherPrediction::shown`] has what a subject
/// makes of each card.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{Cards, WeatherPrediction};
/// let task = WeatherPrediction::default();
/// let batch = task.of(&[Cards::of(&[true, false, true, false], 0)], Seed(1))?;
/// let odds = (0.8_f64 / 0.2) * (0.4 / 0.6);
/// assert!((batch.values.numbers("log_odds")?[0] - odds.ln()).abs() < 1e-6);
/// assert_eq!(task.shown(&batch.values)?.row(0).to_vec(), [1.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: four cards of 0.8, 0.6, 0.4 and 0.2; a fixation of 300 ms, cards for 500 ms, a decision of 300 ms. Epochs: `fixation`, `cards`,
/// `decision`. Values: see [`Cards`]. All else is that of [`Form`]. In the experiment which patterns came how often, and with what weather,
/// was fixed in a table; here both follow from the cards.
///
/// Task after Knowlton BJ, Squire LR, Gluck MA (1994), doi:10.1101/lm.1.2.106.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeatherPrediction {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The probability of rain with each card alone.
    pub rain: Vec<f32>,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the cards are shown.
    pub cards: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// The values of a trial of [`WeatherPrediction`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Cards {
    /// The logarithm of the odds of rain; it follows from the cards.
    pub log_odds: f32,
    /// The weather, 0 for rain or 1 for sunshine.
    pub weather: usize,
    /// Which cards are there, in words: `"1010"` for the first and the third of four. It follows from them.
    pub pattern: String,
    /// Whether each card is there.
    #[trial(skip)]
    pub shown: Vec<bool>,
}

impl Cards {
    /// A trial with these cards and this weather, 0 for rain or 1 for sunshine.
    #[must_use]
    pub fn of(shown: &[bool], weather: usize) -> Self {
        let pattern = shown.iter().map(|&shown| if shown { '1' } else { '0' }).collect();
        Self { log_odds: 0.0, weather, pattern, shown: shown.to_vec() }
    }
}

impl Default for WeatherPrediction {
    fn default() -> Self {
        Self {
            form: Form::default(),
            rain: vec![0.8, 0.6, 0.4, 0.2],
            fixation: Duration::Fixed(300.0),
            cards: Duration::Fixed(500.0),
            decision: Duration::Fixed(300.0),
        }
    }
}

impl WeatherPrediction {
    form_setters! {}

    setters! {
        /// The probability of rain with each card alone.
        rain: &[f32] => rain.to_vec();
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the cards are shown, in milliseconds: a number or a distribution.
        cards: impl Into<Duration> => cards.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }

    /// Which cards are shown in each trial of a table, 1 or 0 `[n_trials, n_cards]`: that of a batch or of a session.
    ///
    /// # Errors
    /// If the trials are not of this task.
    pub fn shown(&self, trials: &Table) -> Result<Array2<f64>> {
        let patterns = trials.column("pattern")?;
        let mut shown = Array2::zeros((patterns.len(), self.rain.len()));
        for (row, pattern) in shown.outer_iter_mut().zip(patterns) {
            let pattern = pattern.to_string();
            if pattern.len() != row.len() {
                return Err(Error::argument("pattern", format!("of {} cards", row.len()), format!("\"{pattern}\"")));
            }
            row.into_iter().zip(pattern.bytes()).for_each(|(number, is)| *number = f64::from(u8::from(is == b'1')));
        }
        Ok(shown)
    }

    fn log_odds(&self, shown: &[bool]) -> f32 {
        let of = |&p: &f32| (decimal(p) / (1.0 - decimal(p))).ln();
        let sum: f64 = self.rain.iter().zip(shown).filter(|(_, shown)| **shown).map(|(p, _)| of(p)).sum();
        // Cards that say as much as others are one condition, of one number: what is left of odds that cancel is 0.
        (((sum * 1e9).round() + 0.0) / 1e9) as f32
    }
}

/// How many cards there can be.
const MOST: usize = 1000;

impl Task for WeatherPrediction {
    type Trial = Cards;

    fn spec(&self) -> TaskSpec {
        let spec = self.form.spec(1 + self.rain.len(), 3).epoch("fixation", self.fixation.clone());
        spec.epoch("cards", self.cards.clone()).epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        if !(2..=MOST).contains(&self.rain.len()) {
            return Err(Error::argument("rain", format!("of 2 to {MOST} cards"), format!("of {}", self.rain.len())));
        }
        match self.rain.iter().find(|&&p| !(p > 0.0 && p < 1.0)) {
            Some(p) => Err(Error::argument("rain", "probabilities between 0 and 1, both excluded", p)),
            None => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Cards {
        let n = self.rain.len();
        let mut shown = vec![false; n];
        while shown.iter().all(|&is| is) || !shown.iter().any(|&is| is) {
            shown = (0..n).map(|_| rng.chance(0.5)).collect();
        }
        let rain = rng.chance(1.0 / (1.0 + (-self.log_odds(&shown)).exp()));
        Cards::of(&shown, usize::from(!rain))
    }

    fn complete(&self, trial: &mut Cards) -> Result<()> {
        check_alternative("weather", trial.weather, 2)?;
        if trial.shown.len() != self.rain.len() {
            let expected = format!("a truth value for each of {} cards", self.rain.len());
            return Err(Error::argument("shown", expected, format!("{:?}", trial.shown)));
        }
        let log_odds = self.log_odds(&trial.shown);
        *trial = Cards { log_odds, ..Cards::of(&trial.shown, trial.weather) };
        Ok(())
    }

    fn answer(&self, trial: &Cards) -> Option<usize> {
        Some(trial.weather)
    }

    fn step(&self, _: f32, trial: &Cards, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.weather)]);
        if now.is_in("cards") {
            now.input[1..].iter_mut().zip(&trial.shown).for_each(|(input, &shown)| *input = f32::from(u8::from(shown)));
        }
    }
}
