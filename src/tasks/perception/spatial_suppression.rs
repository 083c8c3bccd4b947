//! Motion that is seen the worse the larger it is.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::NEUROGYM;
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "spatial_suppression",
    about: "Give the probabilities with which people see motion in each of four directions, small and faint or large and strong.",
    papers: &[
        Paper { citation: "Tadin D, Lappin JS, Gilroy LA, Blake R (2003)", doi: "10.1038/nature01800" },
        NEUROGYM,
    ],
    tags: &["perceptual decision", "motion"],
    reached: Some("99.1 % of new trials correct after 25,600 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(SpatialSuppression::default()),
}];

/// The frames of NeuroGym's curves, in milliseconds.
const FRAME: f32 = 8.3;
/// A corner of a curve: the frame, the probability of the direction that is shown, and that of the opposite one.
type Corner = (f32, f32, f32);
/// What is seen of small and faint motion.
const SMALL: &[Corner] = &[
    (0.0, 0.249, 0.249),
    (6.0, 0.249, 0.249),
    (7.0, 0.25, 0.25),
    (8.0, 0.26, 0.26),
    (9.0, 0.2583, 0.2583),
    (12.0, 0.325, 0.267),
    (14.0, 0.45, 0.1417),
    (17.0, 0.575, 0.1167),
    (20.0, 0.875, 0.058),
    (27.0, 0.933, 0.016),
    (35.0, 0.99, 0.003),
];
/// What is seen of large and strong motion.
const LARGE: &[Corner] = &[
    (0.0, 0.249, 0.249),
    (7.0, 0.249, 0.249),
    (8.0, 0.249, 0.29),
    (9.0, 0.249, 0.31),
    (12.0, 0.27, 0.4),
    (14.0, 0.32, 0.475),
    (17.0, 0.4583, 0.4167),
    (20.0, 0.65, 0.3083),
    (27.0, 0.85, 0.075),
    (35.0, 0.99, 0.04),
];
/// How many sizes there are, and channels for each direction.
const SIZES: usize = 8;
/// How many directions there are.
const DIRECTIONS: usize = 4;

/// In which of four directions do people see a motion? The answer are the probabilities of all four, which change as the motion goes
/// on: small and faint motion is soon seen as it is, large and strong motion at first the wrong way around.
///
/// Directions 0 and 1 are opposite, and so are 2 and 3, across them. Inputs `8 d` to `8 d + 7` are eight sizes of direction `d`. A
/// motion is shown by contrast `c` in the first size alone (small, 0.05) or in all of them (large, 0.99): `c` for its own direction, 0
/// for the opposite one and `c / 2` across. Outputs 0 to 3 are the probabilities of the directions, which add up to 1: `p(t)` of the
/// one that is shown, `q(t)` of the opposite one, and the rest in equal parts, from curves that run from 0.249 to 0.99 (`p`) and, for
/// large motion, over 0.475 to 0.04 (`q`).
///
/// The mask is 1 throughout. The choice is the largest output at the end, counted from 0. Train it by
/// `CategoricalCrossEntropy`, of which probabilities are the targets. There is no cue to fixate.
///
/// Epochs: `stimulus` (300 ms). Values: see [`SizedMotion`]. Defaults: `dt` 8.3 ms, `tau` 100 ms, no noise.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::SpatialSuppression;
/// let task = SpatialSuppression::default();
/// let batch = task.grid().over([false, true], |motion, large| motion.large = large).batch(Seed(1))?;
/// assert_eq!(batch.inputs.dim(), (2, 36, 32));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Tadin D, Lappin JS, Gilroy LA, Blake R (2003), doi:10.1038/nature01800; curves and inputs are those of NeuroGym,
/// Molano-Mazón M et al. (2022), doi:10.31234/osf.io/aqc9n, but that where these give probabilities below 0, by 0.015 at most, ours are
/// 0 and add up to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpatialSuppression {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// The contrast of small motion.
    pub small: f32,
    /// The contrast of large motion.
    pub large: f32,
    /// How long the motion lasts, in milliseconds.
    pub stimulus: f32,
}

/// The values of a trial of [`SpatialSuppression`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct SizedMotion {
    /// Whether the motion is large and strong, and not small and faint.
    pub large: bool,
    /// The direction, from 0 to 3; 0 and 1 are opposite, and 2 and 3.
    pub direction: usize,
}

impl Default for SpatialSuppression {
    fn default() -> Self {
        Self { dt: FRAME, tau: 100.0, sensory: Sensory::default(), small: 0.05, large: 0.99, stimulus: 300.0 }
    }
}

impl SpatialSuppression {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// The contrast of small motion.
        small: f32;
        /// The contrast of large motion.
        large: f32;
        /// How long the motion lasts, in milliseconds.
        stimulus: f32;
    }
}

/// The probabilities at a frame of being seen as it is, the opposite way, and each way across.
fn seen(corners: &[Corner], frame: f32) -> [f32; 3] {
    let after = corners.partition_point(|&(at, ..)| at <= frame).clamp(1, corners.len() - 1);
    let ((from, p0, q0), (to, p1, q1)) = (corners[after - 1], corners[after]);
    let share = ((frame - from) / (to - from)).min(1.0);
    let (p, q) = (p0 + share * (p1 - p0), q0 + share * (q1 - q0));
    let across = ((1.0 - p - q) / 2.0).max(0.0);
    [p, q, across].map(|probability| probability / (p + q + 2.0 * across))
}

/// How a direction stands to another one: 0 the same, 1 the opposite one, 2 across.
fn relation(direction: usize, other: usize) -> usize {
    match direction ^ other {
        apart @ (0 | 1) => apart,
        _ => 2,
    }
}

impl Task for SpatialSuppression {
    type Trial = SizedMotion;

    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(DIRECTIONS * SIZES, DIRECTIONS).dt(self.dt).tau(self.tau);
        let spec = spec.sensory(self.sensory.clone()).whole_steps(true);
        spec.decision(Decision::largest_at_end()).epoch("stimulus", self.stimulus)
    }

    fn check(&self) -> Result<()> {
        for (name, contrast) in [("small", self.small), ("large", self.large)] {
            if !(0.0..=1.0).contains(&contrast) {
                return Err(Error::argument(name, "a contrast from 0 to 1", contrast));
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> SizedMotion {
        let direction = rng.index(DIRECTIONS);
        self.draw_for(direction, rng)
    }

    fn complete(&self, trial: &mut SizedMotion) -> Result<()> {
        check::direction(trial.direction, DIRECTIONS)
    }

    fn answer(&self, trial: &SizedMotion) -> Option<usize> {
        Some(trial.direction)
    }

    fn step(&self, t: f32, trial: &SizedMotion, _: &mut TrialRng, now: &mut Step<'_>) {
        let (contrast, sizes, corners) = if trial.large { (self.large, SIZES, LARGE) } else { (self.small, 1, SMALL) };
        let seen = seen(corners, t / FRAME);
        for direction in 0..DIRECTIONS {
            let relation = relation(trial.direction, direction);
            let shown = contrast * [1.0, 0.0, 0.5][relation];
            now.input[direction * SIZES..][..sizes].fill(shown);
            now.target[direction] = seen[relation];
        }
    }
}

/// The directions.
impl Alternatives for SpatialSuppression {
    fn n_choices(&self) -> usize {
        DIRECTIONS
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> SizedMotion {
        SizedMotion { large: rng.chance(0.5), direction: choice }
    }
}
