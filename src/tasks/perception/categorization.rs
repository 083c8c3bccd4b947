//! Categories of directions, with a boundary.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check, code};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "categorization",
    about: "Say on which side of a boundary a direction lies.",
    papers: &[Paper { citation: "Freedman DJ, Assad JA (2006)", doi: "10.1038/nature05078" }],
    tags: &["categorization"],
    reached: Some("100.0 % of new trials correct after 3,200 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(Categorization::default()),
}];

/// On which side of a boundary does a direction lie?
///
/// A line through the center, at the angle `boundary`, parts the circle into two halves: category 0 are the directions up to π
/// counterclockwise from `boundary`, category 1 the others. The direction of a trial is at one of `distances` from an end of the line: both
/// categories, all distances and both ends are equally likely.
///
/// Input 0 is the cue to fixate. Inputs `1 + k` of `n` show the direction `a` in the epoch `stimulus`, `0.8 exp(-d² / 2)`, with `d` its
/// distance from `2π k / n` in units of π/8. Output 0 is "fixate", outputs 1 and 2 are the categories 0 and 1. All else is that of
/// [`Form`].
///
/// Epochs: `fixation` (300 ms), `stimulus` (500 ms), `delay` (0 ms), `decision` (400 ms). Values: see [`Category`]. Other defaults: a
/// ring of 32 inputs, a boundary at angle 0, distances of π/12, π/4 and 5π/12 (15°, 45° and 75°, twelve directions).
///
/// The column `distance` is positive in category 1, as a psychometric curve has it:
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::Categorization;
/// let task = Categorization::default().distances(&[0.05, 0.1, 0.2, 0.4]);
/// let batch = task.grid().over([-0.1_f32, 0.1], |trial, angle| trial.angle = angle).batch(Seed(1))?;
/// assert_eq!(batch.values.numbers("category")?, [1.0, 0.0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Freedman DJ, Assad JA (2006), doi:10.1038/nature05078, without their second stimulus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Categorization {
    /// What it has in common with the library's other tasks.
    pub form: Form,
    /// How many inputs show directions.
    pub n: usize,
    /// The angle of the boundary, in radians.
    pub boundary: f32,
    /// How far directions are from the boundary, in radians above 0 and at most π/2.
    pub distances: Vec<f32>,
    /// The time before the stimulus.
    pub fixation: Duration,
    /// How long the direction is shown.
    pub stimulus: Duration,
    /// The delay before the answer.
    pub delay: Duration,
    /// How long the answer lasts.
    pub decision: Duration,
}

/// The values of a trial of [`Categorization`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Category {
    /// The direction, in radians.
    pub angle: f32,
    /// Its category, 0 or 1. Follows from the direction.
    pub category: usize,
    /// How far it is from the boundary, in radians, negative in category 0. Follows from the direction.
    pub distance: f32,
}

impl Default for Categorization {
    fn default() -> Self {
        Self {
            form: Form::default(),
            n: 32,
            boundary: 0.0,
            distances: vec![PI / 12.0, PI / 4.0, 5.0 * PI / 12.0],
            fixation: Duration::Fixed(300.0),
            stimulus: Duration::Fixed(500.0),
            delay: Duration::Fixed(0.0),
            decision: Duration::Fixed(400.0),
        }
    }
}

impl Categorization {
    form_setters! {}

    setters! {
        /// How many inputs show directions.
        n: usize;
        /// The angle of the boundary, in radians.
        boundary: f32;
        /// How far directions are from the boundary, in radians above 0 and at most π/2.
        distances: &[f32] => distances.to_vec();
        /// The time before the stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the direction is shown, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// The delay before the answer, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// How long the answer lasts, in milliseconds.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for Categorization {
    type Trial = Category;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(self.n.saturating_add(1), 3)
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("delay", self.delay.clone())
            .epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::ring("n", self.n)?;
        check::finite("boundary", self.boundary)?;
        check::numbers("distances", &self.distances)?;
        match self.distances.iter().find(|&&distance| !(distance > 0.0 && distance <= FRAC_PI_2 + 1e-6)) {
            Some(distance) => Err(Error::argument("distances", "above 0 and at most π/2, in radians", distance)),
            None => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Category {
        let category = rng.index(2);
        self.draw_for(category, rng)
    }

    fn complete(&self, trial: &mut Category) -> Result<()> {
        check::finite("angle", trial.angle)?;
        let past = (trial.angle - self.boundary).rem_euclid(TAU);
        let from_end = past.rem_euclid(PI);
        let distance = from_end.min(PI - from_end);
        // One that is drawn comes back as the number that it was, whichever angle it was added to.
        let is_drawn = |drawn: &&f32| (distance - *drawn).abs() < 1e-5;
        let distance = self.distances.iter().find(is_drawn).copied().unwrap_or(distance);
        trial.category = usize::from(past >= PI);
        trial.distance = if trial.category == 1 { distance } else { -distance };
        Ok(())
    }

    fn answer(&self, trial: &Category) -> Option<usize> {
        Some(trial.category)
    }

    fn step(&self, _: f32, trial: &Category, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.category)]);
        if now.is_in("stimulus") {
            code::add_bump(&mut now.input[1..], trial.angle, 1.0);
        }
    }
}

impl Alternatives for Categorization {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Category {
        let (distance, end) = (rng.choice(&self.distances), rng.index(2));
        let within = if end == 0 { distance } else { PI - distance };
        let angle = code::wrapped(self.boundary + choice as f32 * PI + within);
        Category { angle, category: choice, distance: 0.0 }
    }
}
