//! Reaching along a circle, step by step.

use std::f32::consts::{PI, TAU};

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{GEORGOPOULOS, NEUROGYM};
use crate::Result;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::{check, code};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "reach",
    about: "Move along a circle to a target, step by step, seeing where one is.",
    papers: &[GEORGOPOULOS, NEUROGYM],
    tags: &["movement"],
    reached: Some("An error of 0.058 in new trials after 192,000 (100 units)."),
    usual: usual!(Reach::default()),
}];

/// Move along a circle to a target, step by step, seeing where one is: each step one stays, moves forward, which is counterclockwise,
/// or back, by `speed dt`.
///
/// Inputs `0` to `n - 1` are the target, `cos(2π k / n - target)`, in the epoch `reach`, and inputs `n` to `2 n - 1` in the same way
/// the own place, all along. Outputs 0, 1 and 2 are to stay, to move forward, and to move back: the target is 1 for the one that is
/// right where one is, which is to stay before the reach and within half a step of the target, and to take the shorter way elsewhere;
/// and 0 for the others. The mask is 1 throughout. With `distraction` one ring of `n` inputs shows both, the target by `0.3 cos(…)`.
///
/// Where one is depends on what one did. In the trials of a batch the own place is that of who does what is right, or what is given as
/// [`Reaching::path`]; so a network is trained, and tested in the closed loop, in which its own outputs move it:
///
/// ```
/// use ndarray::Array2;
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::Reach;
/// # fn closed_loop(simulator: Simulator) -> Result<()> {
/// let reach = Reach::default();
/// let (mut own, target) = (0.0, 2.0);
/// let mut state = simulator.start(1, 1)?;
/// let mut inputs = Array2::zeros((1, 2 * reach.n));
/// for step in 0..100 {
///     let shown = (step >= 25).then_some(target); // 500 ms of fixation
///     reach.show(own, shown, inputs.as_slice_mut().unwrap());
///     let outputs = simulator.step(&mut state, &inputs)?.outputs;
///     let action = (0..3).max_by(|&a, &b| outputs[[0, a]].total_cmp(&outputs[[0, b]])).unwrap();
///     own = reach.moved(own, action);
/// }
/// # Ok(())
/// # }
/// ```
///
/// Epochs: `fixation` (500 ms), `reach` (1500 ms). Values: see [`Reaching`]. Other defaults: rings of 16 inputs, 3 rad/s, by which
/// every target can be reached in time, `dt` 20 ms, `tau` 100 ms, noise of the inputs 0.01. In NeuroGym's Reaching1D, whose numbers
/// [`Reach::neurogym`] has, one starts at π and comes no further than 0.25 rad.
///
/// Task after Georgopoulos AP, Schwartz AB, Kettner RE (1986), doi:10.1126/science.3749885; this version is that of NeuroGym,
/// Molano-Mazón M et al. (2022), doi:10.31234/osf.io/aqc9n.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// How many inputs a ring has.
    pub n: usize,
    /// Whether one ring shows both the target and the own place.
    pub distraction: bool,
    /// How fast one moves, in radians a second.
    pub speed: f32,
    /// Where one starts, in radians; by default all places are equally likely.
    pub start: Option<f32>,
    /// The time before the target comes.
    pub fixation: Duration,
    /// How long there is to reach it.
    pub reach: Duration,
}

/// The values of a trial of [`Reach`].
#[derive(Clone, Debug, Default, PartialEq, Trial)]
pub struct Reaching {
    /// Where one starts, in radians.
    pub start: f32,
    /// The target, in radians.
    pub target: f32,
    /// The own place at each step, in radians, the last one to the end; if it is empty, that of who does what is right.
    #[trial(skip)]
    pub path: Vec<f32>,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            dt: 20.0,
            tau: 100.0,
            sensory: Sensory::default().noise(0.01),
            n: 16,
            distraction: false,
            speed: 3.0,
            start: None,
            fixation: Duration::Fixed(500.0),
            reach: Duration::Fixed(1500.0),
        }
    }
}

impl Reach {
    /// With NeuroGym's numbers: steps of 100 ms and of 0.05 rad, five of them, from π on.
    #[must_use]
    pub fn neurogym() -> Self {
        Self::default().dt(100.0).speed(0.5).start(PI).reach(500.0)
    }

    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// How many inputs a ring has.
        n: usize;
        /// Whether one ring shows both the target and the own place.
        distraction: bool;
        /// How fast one moves, in radians a second.
        speed: f32;
        /// Where one starts, in radians.
        start: f32 => Some(start);
        /// The time before the target comes, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long there is to reach it, in milliseconds.
        reach: impl Into<Duration> => reach.into();
    }

    /// What the inputs are where one is at `own`, in radians, and the target is shown or not.
    pub fn show(&self, own: f32, target: Option<f32>, inputs: &mut [f32]) {
        let ring = |angle: f32| (0..self.n).map(move |k| (code::preferred(k, self.n) - angle).cos());
        inputs.fill(0.0);
        let (place, strength) = if self.distraction { (0, 0.3) } else { (self.n, 1.0) };
        if let Some(target) = target {
            inputs.iter_mut().zip(ring(target)).for_each(|(input, code)| *input = strength * code);
        }
        inputs[place..].iter_mut().zip(ring(own)).for_each(|(input, code)| *input += code);
    }

    /// Where one is after an action: 0 to stay, 1 to move forward, 2 to move back.
    #[must_use]
    pub fn moved(&self, own: f32, action: usize) -> f32 {
        match action {
            1 => own + self.stride(),
            2 => own - self.stride(),
            _ => own,
        }
    }

    /// What is right where one is at `own`: 0 to stay, 1 to move forward, 2 to move back.
    #[must_use]
    pub fn right(&self, own: f32, target: f32) -> usize {
        let ahead = ahead(own, target);
        if ahead.abs() <= self.stride() / 2.0 {
            0
        } else if ahead > 0.0 {
            1
        } else {
            2
        }
    }

    /// How far a step leads, in radians.
    fn stride(&self) -> f32 {
        self.speed * self.dt / 1000.0
    }

    /// Where who does what is right is after so many steps of the reach.
    fn after(&self, steps: f32, trial: &Reaching) -> f32 {
        let ahead = ahead(trial.start, trial.target);
        let needed = (ahead.abs() / self.stride() - 0.5).ceil().max(0.0);
        trial.start + ahead.signum() * self.stride() * steps.clamp(0.0, needed)
    }
}

/// How far a target is ahead by the shorter way, from -π to π.
fn ahead(own: f32, target: f32) -> f32 {
    (target - own + PI).rem_euclid(TAU) - PI
}

impl Task for Reach {
    type Trial = Reaching;

    fn spec(&self) -> TaskSpec {
        let rings = if self.distraction { 1 } else { 2 };
        TaskSpec::new(self.n.saturating_mul(rings), 3)
            .dt(self.dt)
            .tau(self.tau)
            .sensory(self.sensory.clone())
            .decision(Decision::none())
            .whole_steps(true)
            .epoch("fixation", self.fixation.clone())
            .epoch("reach", self.reach.clone())
    }

    fn check(&self) -> Result<()> {
        positive("speed", self.speed)?;
        check::finite("start", self.start.unwrap_or(0.0))?;
        check::ring("n", self.n)
    }

    fn draw(&self, rng: &mut TrialRng) -> Reaching {
        let start = self.start.unwrap_or_else(|| rng.uniform(0.0, TAU));
        Reaching { start, target: rng.uniform(0.0, TAU), path: Vec::new() }
    }

    fn complete(&self, trial: &mut Reaching) -> Result<()> {
        check::finite("start", trial.start)?;
        check::finite("target", trial.target)?;
        trial.path.iter().try_for_each(|&place| check::finite("path", place))
    }

    fn step(&self, t: f32, trial: &Reaching, _: &mut TrialRng, now: &mut Step<'_>) {
        let (number, go) = ((t / self.dt).round() as usize, now.epochs().start("reach").unwrap_or_default());
        let given = trial.path.get(number).or(trial.path.last()).copied();
        let own = given.unwrap_or_else(|| self.after(((t - go) / self.dt).round(), trial));
        let reaches = now.is_in("reach");
        self.show(own, Some(trial.target).filter(|_| reaches), now.input);
        now.favor(if reaches { self.right(own, trial.target) } else { 0 }, 1.0, 0.0);
    }
}
