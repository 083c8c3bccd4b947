//! A memory of several bits.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::GOLUB;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Criterion, Decision, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "flip_flop",
    about: "Hold the sign of the last pulse on each of three channels.",
    papers: &[Paper { citation: "Sussillo D, Barak O (2013)", doi: "10.1162/NECO_a_00409" }, GOLUB],
    tags: &["working memory", "fixed points"],
    reached: Some("An error of 0.02 in new trials after 102,400 to 140,800 (50 units, tanh; ten networks)."),
    usual: usual!(FlipFlop::default(), FlipFlop::criterion),
}];

/// Hold the sign of the last pulse on each of several channels, the bits of a memory.
///
/// Time is parted into intervals. At the start of each of them a pulse comes with a probability to each bit: input `i` is 1 or -1 as
/// long as it lasts, with equal probability, and 0 otherwise. Target `i` is the sign of the last pulse of input `i`, from the step in
/// which it comes. The mask is 1; it is 0 before the first pulse of a bit and, if there is a time to settle, so long after each. There
/// is no choice to be scored.
///
/// By default there are three bits and 64 steps, a pulse lasts a step and comes to a bit in every other one, and all bits are set in
/// the first step, as in FixedPointFinder's example. There `tau` is `dt`: no state leaks, `x[t] = W_rec f(x[t-1]) + W_in u[t] + b_rec`, and
/// a network may follow a pulse at once. With a longer `tau` pulses are better longer, too, and networks need time to settle:
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::FlipFlop;
/// let task = FlipFlop::default().tau(100.0).interval(200.0).pulse(100.0).settle(100.0).duration(4000.0);
/// assert_eq!(task.batch(10, Seed(1))?.targets.dim(), (10, 400, 3));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Epochs: `memory`, all of the trial. Values: see [`Pulses`].
///
/// A network that has learned it has a stable fixed point for each of the `2ⁿ` states of its memory, and saddles between these.
///
/// Task after Sussillo D, Barak O (2013), doi:10.1162/NECO_a_00409; this version is that of Golub MD, Sussillo D (2018),
/// doi:10.21105/joss.01003.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlipFlop {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The number of bits: of inputs, and of outputs.
    pub n_bits: usize,
    /// The duration of a trial, in milliseconds.
    pub duration: f32,
    /// The time from one moment at which pulses may come to the next, in milliseconds.
    pub interval: f32,
    /// With what probability one comes to a bit.
    pub probability: f32,
    /// How long a pulse lasts, in milliseconds.
    pub pulse: f32,
    /// How long after a pulse began errors of its bit do not count, in milliseconds.
    pub settle: f32,
    /// Whether there is a pulse on each bit at the start of a trial.
    pub set_at_start: bool,
}

/// The values of a trial of [`FlipFlop`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Pulses {
    /// How often a pulse changes a bit.
    pub flips: usize,
    /// The pulses of each interval, bit by bit: 1, -1, or 0 where none comes.
    #[trial(skip)]
    pub signs: Vec<Vec<i8>>,
}

impl Default for FlipFlop {
    fn default() -> Self {
        Self {
            dt: 10.0,
            tau: 10.0,
            n_bits: 3,
            duration: 640.0,
            interval: 10.0,
            probability: 0.5,
            pulse: 10.0,
            settle: 0.0,
            set_at_start: true,
        }
    }
}

impl FlipFlop {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The number of bits: of inputs, and of outputs.
        n_bits: usize;
        /// The duration of a trial, in milliseconds.
        duration: f32;
        /// The time from one moment at which pulses may come to the next, in milliseconds.
        interval: f32;
        /// With what probability one comes to a bit.
        probability: f32;
        /// How long a pulse lasts, in milliseconds.
        pulse: f32;
        /// How long after a pulse began errors of its bit do not count, in milliseconds.
        settle: f32;
        /// Whether there is a pulse on each bit at the start of a trial.
        set_at_start: bool;
    }

    /// An error of 0.1, a tenth of what is held.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        Criterion::Error { at_most: 0.1 }
    }

    /// The number of intervals that begin in a trial.
    fn n_intervals(&self) -> usize {
        self.number_at(self.duration - self.dt) + 1
    }

    /// The number of the interval in which the step at this time lies.
    fn number_at(&self, t: f32) -> usize {
        ((t + 0.5 * self.dt) / self.interval) as usize
    }
}

impl Task for FlipFlop {
    type Trial = Pulses;

    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(self.n_bits, self.n_bits).dt(self.dt).tau(self.tau).decision(Decision::none());
        spec.epoch("memory", self.duration)
    }

    fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(Error::argument("probability", "from 0 to 1", self.probability));
        }
        positive("duration", self.duration)?;
        positive("interval", self.interval)?;
        if !(self.dt..=self.interval).contains(&self.pulse) {
            let expected = format!("from `dt` = {} to `interval` = {} ms", self.dt, self.interval);
            return Err(Error::argument("pulse", expected, self.pulse));
        }
        match self.settle >= 0.0 && self.settle.is_finite() {
            true => Ok(()),
            false => Err(Error::argument("settle", "0 or a positive number of milliseconds", self.settle)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Pulses {
        let mut held = vec![0; self.n_bits];
        let mut flips = 0;
        let signs = (0..self.n_intervals()).map(|interval| {
            let pulses = held.iter_mut().map(|held| {
                let comes = rng.chance(self.probability) || (interval == 0 && self.set_at_start);
                let sign = if comes { rng.choice(&[1, -1]) } else { 0 };
                flips += usize::from(sign * *held < 0);
                if comes {
                    *held = sign;
                }
                sign
            });
            pulses.collect()
        });
        let signs = signs.collect();
        Pulses { flips, signs }
    }

    fn step(&self, t: f32, trial: &Pulses, _: &mut TrialRng, now: &mut Step<'_>) {
        let number = self.number_at(t);
        for bit in 0..self.n_bits {
            let last = trial.signs.iter().take(number + 1).rposition(|signs| signs[bit] != 0);
            let Some(last) = last else {
                now.mask[bit] = 0.0;
                continue;
            };
            let since = t + 0.5 * self.dt - last as f32 * self.interval;
            now.target[bit] = f32::from(trial.signs[last][bit]);
            if since < self.pulse {
                now.input[bit] = now.target[bit];
            }
            if since < self.settle {
                now.mask[bit] = 0.0;
            }
        }
    }
}
