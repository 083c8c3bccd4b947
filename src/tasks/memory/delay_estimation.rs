//! The color of one of several items that were seen.

use std::f32::consts::TAU;

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::directions;
use crate::setters::setters;
use crate::task::{Decision, Duration, Ring, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::RingTuning;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const ZHANG_LUCK: Paper = Paper { citation: "Zhang W, Luck SJ (2008)", doi: "10.1038/nature06860" };

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "delay_estimation",
    about: "Reproduce, after a delay, the color of that one of several items of which the place is shown.",
    papers: &[ZHANG_LUCK],
    tags: &["working memory", "estimation", "capacity"],
    reached: Some("61.9 % of new trials correct after 512,000 (100 units)."),
    usual: usual!(DelayEstimation::default()),
}];

/// Which color did one of several items have? It is an angle on the color wheel.
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 until the response; then for each of `locations` (4) a ring of `ring` (32) channels for the color of what is there, see `tuning`; then one for each location, the probe |
/// | outputs | 0 fixate; 1 to `ring` the color |
/// | epochs | `fixation` (300 ms), `sample` (500 ms), `delay` (900 ms), `response` (500 ms) |
///
/// The number of items is one of `set_sizes` (1, 2, 3 and 4), all equally likely; they are at different locations, each of a
/// color of its own, any equally likely. In the response the probe of one item's location is 1, and its color is asked for: an
/// angle, [`Session::responses`](crate::simulate::Session::responses), correct within 0.2 π of it. How errors grow with the
/// number of items tells what is remembered of them. All else is that of [`Form`]. Values: see [`ColoredItems`].
///
/// Zhang W, Luck SJ (2008), doi:10.1038/nature06860, who show 1, 2, 3 or 6 items for 100 ms.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{ColoredItems, DelayEstimation};
/// let two = ColoredItems { colors: vec![Some(1.0), None, Some(4.0), None], probed: 2, n_items: 0, target: 0.0 };
/// let batch = DelayEstimation::default().of(&[two], Seed(1))?;
/// assert_eq!((batch.values.numbers("n_items")?, batch.values.numbers("target")?), (vec![2.0], vec![4.0]));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayEstimation {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The places at which an item may be.
    pub locations: usize,
    /// The channels of each place, and the outputs that show the response.
    pub ring: usize,
    /// How the channels show a color.
    pub tuning: RingTuning,
    /// How many items there may be, all equally likely.
    pub set_sizes: Vec<usize>,
    /// The fixation before the items.
    pub fixation: Duration,
    /// The items.
    pub sample: Duration,
    /// The delay after them.
    pub delay: Duration,
    /// The response.
    pub response: Duration,
}

/// The values of a trial of [`DelayEstimation`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct ColoredItems {
    /// The color at each location, in radians; missing where there is no item.
    #[trial(skip)]
    pub colors: Vec<Option<f32>>,
    /// The location that is asked for, counted from 0.
    pub probed: usize,
    /// The number of items, which follows from their colors.
    pub n_items: usize,
    /// The color at the location that is asked for, which follows from the two.
    pub target: f32,
}

impl Default for DelayEstimation {
    fn default() -> Self {
        Self {
            form: Form::default(),
            locations: 4,
            ring: 32,
            tuning: RingTuning::yang(),
            set_sizes: vec![1, 2, 3, 4],
            fixation: 300.into(),
            sample: 500.into(),
            delay: 900.into(),
            response: 500.into(),
        }
    }
}

impl DelayEstimation {
    form_setters! {}

    setters! {
        /// The places at which an item may be.
        locations: usize;
        /// The channels of each place, and the outputs that show the response.
        ring: usize;
        /// How the channels show a color.
        tuning: RingTuning;
        /// How many items there may be, all equally likely.
        set_sizes: &[usize] => set_sizes.to_vec();
        /// The fixation before the items, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The items, in milliseconds.
        sample: impl Into<Duration> => sample.into();
        /// The delay after them, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// The response, in milliseconds.
        response: impl Into<Duration> => response.into();
    }
}

impl Task for DelayEstimation {
    type Trial = ColoredItems;

    fn spec(&self) -> TaskSpec {
        let n_out = 1 + self.ring;
        self.form
            .spec(1 + self.locations * self.ring + self.locations, n_out)
            .decision(Decision::ring(Ring::new(1..n_out).fixation(0)))
            .epoch("fixation", self.fixation.clone())
            .epoch("sample", self.sample.clone())
            .epoch("delay", self.delay.clone())
            .epoch("response", self.response.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        self.tuning.check()?;
        let sizes = 1..=self.locations;
        let wrong = |got: String| Err(Error::argument("set_sizes", "numbers from 1 to that of the locations", got));
        match self.set_sizes.iter().find(|size| !sizes.contains(size)) {
            Some(size) => wrong(format!("{size}, with {} locations", self.locations)),
            None if self.set_sizes.is_empty() => wrong("none".to_owned()),
            None => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> ColoredItems {
        let n_items = rng.choice(&self.set_sizes);
        let mut free: Vec<usize> = (0..self.locations).collect();
        let mut colors = vec![None; self.locations];
        let (mut probed, mut target) = (0, 0.0);
        // The last item is the one that is asked for: it lies at any location.
        for _ in 0..n_items {
            probed = free.swap_remove(rng.index(free.len()));
            target = rng.uniform(0.0, TAU);
            colors[probed] = Some(target);
        }
        ColoredItems { colors, probed, n_items, target }
    }

    fn complete(&self, trial: &mut ColoredItems) -> Result<()> {
        if trial.colors.len() != self.locations {
            let expected = format!("one for each of {} locations, or none", self.locations);
            return Err(Error::argument("colors", expected, trial.colors.len()));
        }
        trial.colors.iter().flatten().try_for_each(|&color| directions::check_angles(&[("colors", color)]))?;
        let Some(&Some(target)) = trial.colors.get(trial.probed) else {
            return Err(Error::argument("probed", "a location at which there is an item", trial.probed));
        };
        trial.n_items = trial.colors.iter().flatten().count();
        trial.target = target;
        Ok(())
    }

    fn step(&self, _: f32, trial: &ColoredItems, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.point(now, "response", Some(trial.target), 1..1 + self.ring);
        if now.is_in("sample") {
            for (channels, color) in now.input[1..].chunks_mut(self.ring).zip(&trial.colors) {
                color.iter().for_each(|&color| self.tuning.show(color, channels));
            }
        }
        if now.is_in("response") {
            now.input[1 + self.locations * self.ring + trial.probed] = 1.0;
        }
    }
}
