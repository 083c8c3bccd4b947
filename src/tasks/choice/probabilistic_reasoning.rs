//! Shapes that tell, each a little, where the reward is.

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
use crate::tasks::check;
use crate::tasks::form::form_setters;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "probabilistic_reasoning",
    about: "Go where the reward probably is, by four shapes that each tell a little.",
    papers: &[Paper { citation: "Yang T, Shadlen MN (2007)", doi: "10.1038/nature05852" }],
    tags: &["probability", "accumulation"],
    reached: None,
    usual: usual!(ProbabilisticReasoning::default()),
}];

/// On which of two sides is the reward? Shapes that come one after the other tell, each a little.
///
/// There are `n` shapes with weights `wₖ`, and `p` places. Input 0 is the cue to fixate: 1 until the decision. In each stimulus another
/// place gets a shape, drawn with replacement, which stays to the delay: input `1 + i n + k` is 1 where place `i` has shape `k`. The probability
/// that the reward is on the right is `P = 1 / (1 + 10^-Σ w)` with the sum over all shapes that were shown. The outputs are "fixate", "left"
/// and "right".
///
/// The target is the side of the reward, which is drawn with `P`, as an animal finds out: so no subject is always correct. The best is where
/// [`Shapes::log_odds`] is positive on the right. [`LogisticRegression`](crate::analysis::LogisticRegression) of choices on
/// [`ProbabilisticReasoning::counts`], without an intercept, has what a subject makes of each shape.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{ProbabilisticReasoning, Shapes};
/// let task = ProbabilisticReasoning::default();
/// let batch = task.of(&[Shapes::of(&[2, 0, 3, 1], &[1, 8, 5, 8], 1)], Seed(1))?;
/// assert!((batch.values.numbers("log_odds")?[0] - 1.2).abs() < 1e-6);
/// assert_eq!(task.counts(&batch.values)?.row(0).to_vec(), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: weights of -10, -0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9, 10 (the first and the last tell surely); four places; a fixation of 500
/// ms, 500 ms for each shape, a delay of 450 to 550 ms, a decision of 500 ms. Epochs: `fixation`, `stimulus1` to `stimulus4`, `delay`, `decision`.
/// Values: see [`Shapes`]. All else is that of [`Form`].
///
/// Task after Yang T, Shadlen MN (2007), doi:10.1038/nature05852.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbabilisticReasoning {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The weight of each shape: what it adds to the logarithm, to base 10, of the odds that the reward is on the right.
    pub weights: Vec<f32>,
    /// The number of places, and of shapes that are shown.
    pub places: usize,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long it takes to the next shape.
    pub stimulus: Duration,
    /// How long the delay lasts.
    pub delay: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// The values of a trial of [`ProbabilisticReasoning`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Shapes {
    /// The logarithm, to base 10, of the odds that the reward is on the right; it follows from the shapes.
    pub log_odds: f32,
    /// Where the reward is, 0 for left or 1 for right.
    pub side: usize,
    /// The shapes in the order in which they come, counted from 0, in words: `"1 8 5 8"`. It follows from them.
    pub sequence: String,
    /// The places in the order in which they get a shape, counted from 0.
    #[trial(skip)]
    pub places: Vec<usize>,
    /// The shapes in the order in which they come, counted from 0.
    #[trial(skip)]
    pub shapes: Vec<usize>,
}

impl Shapes {
    /// A trial in which these places get these shapes, in this order, with the reward on this side, 0 for left or 1 for right.
    #[must_use]
    pub fn of(places: &[usize], shapes: &[usize], side: usize) -> Self {
        let words: Vec<String> = shapes.iter().map(usize::to_string).collect();
        Self { log_odds: 0.0, side, sequence: words.join(" "), places: places.to_vec(), shapes: shapes.to_vec() }
    }
}

impl Default for ProbabilisticReasoning {
    fn default() -> Self {
        Self {
            form: Form::default(),
            weights: vec![-10.0, -0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9, 10.0],
            places: 4,
            fixation: Duration::Fixed(500.0),
            stimulus: Duration::Fixed(500.0),
            delay: Duration::uniform(450.0, 550.0),
            decision: Duration::Fixed(500.0),
        }
    }
}

impl ProbabilisticReasoning {
    form_setters! {}

    setters! {
        /// The weight of each shape: what it adds to the logarithm, to base 10, of the odds that the reward is on the right.
        weights: &[f32] => weights.to_vec();
        /// The number of places, and of shapes that are shown.
        places: usize;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long it takes to the next shape, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
        /// How long the delay lasts, in milliseconds: a number or a distribution.
        delay: impl Into<Duration> => delay.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }

    /// How often each shape was shown in each trial of a table `[n_trials, n_shapes]`: that of a batch or of a session.
    ///
    /// # Errors
    /// If the trials are not of this task.
    pub fn counts(&self, trials: &Table) -> Result<Array2<f64>> {
        let sequences = trials.column("sequence")?;
        let mut counts = Array2::zeros((sequences.len(), self.weights.len()));
        for (mut row, sequence) in counts.outer_iter_mut().zip(sequences) {
            for word in sequence.to_string().split_whitespace() {
                let count = word.parse().ok().and_then(|shape: usize| row.get_mut(shape));
                let expected = || format!("numbers of shapes below {}", self.weights.len());
                *count.ok_or_else(|| Error::argument("sequence", expected(), format!("\"{sequence}\"")))? += 1.0;
            }
        }
        Ok(counts)
    }

    fn log_odds(&self, shapes: &[usize]) -> f32 {
        // Shapes in another order, or others that say as much, are one number.
        shapes.iter().filter_map(|&shape| self.weights.get(shape)).map(|&weight| decimal(weight)).sum::<f64>() as f32
    }
}

/// The epoch in which a shape comes, counted from 0.
fn stimulus(number: usize) -> String {
    format!("stimulus{}", number + 1)
}

impl Task for ProbabilisticReasoning {
    type Trial = Shapes;

    fn spec(&self) -> TaskSpec {
        let n_in = self.places.saturating_mul(self.weights.len()).saturating_add(1);
        let spec = self.form.spec(n_in, 3).epoch("fixation", self.fixation.clone());
        // Places without number are refused by the number of channels.
        let spec =
            (0..self.places.min(1000)).fold(spec, |spec, number| spec.epoch(&stimulus(number), self.stimulus.clone()));
        spec.epoch("delay", self.delay.clone()).epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("weights", &self.weights)?;
        match self.places {
            1..=1000 => Ok(()),
            _ => Err(Error::argument("places", "from 1 to 1000", self.places)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Shapes {
        let mut places: Vec<usize> = (0..self.places).collect();
        (1..places.len()).for_each(|last| places.swap(last, rng.index(last + 1)));
        let shapes: Vec<usize> = (0..self.places).map(|_| rng.index(self.weights.len())).collect();
        let right = rng.chance(1.0 / (1.0 + 10.0_f32.powf(-self.log_odds(&shapes))));
        Shapes::of(&places, &shapes, usize::from(right))
    }

    fn complete(&self, trial: &mut Shapes) -> Result<()> {
        check_alternative("side", trial.side, 2)?;
        let (n_shapes, n_places) = (self.weights.len(), self.places);
        if trial.shapes.len() != n_places || trial.shapes.iter().any(|&shape| shape >= n_shapes) {
            let expected = format!("{n_places} numbers below {n_shapes}");
            return Err(Error::argument("shapes", expected, format!("{:?}", trial.shapes)));
        }
        let mut sorted = trial.places.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..n_places) {
            let expected = format!("each of the numbers from 0 to {} once", n_places - 1);
            return Err(Error::argument("places", expected, format!("{:?}", trial.places)));
        }
        let log_odds = self.log_odds(&trial.shapes);
        *trial = Shapes { log_odds, ..Shapes::of(&trial.places, &trial.shapes, trial.side) };
        Ok(())
    }

    fn answer(&self, trial: &Shapes) -> Option<usize> {
        Some(trial.side)
    }

    fn step(&self, _: f32, trial: &Shapes, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.side)]);
        let n = self.weights.len();
        // Those that have come: all up to the stimulus that it is.
        let Some(last) = (0..self.places).find(|&number| now.is_in(&stimulus(number))) else { return };
        for (place, shape) in trial.places.iter().zip(&trial.shapes).take(last + 1) {
            now.input[1 + place * n + shape] = 1.0;
        }
    }
}
