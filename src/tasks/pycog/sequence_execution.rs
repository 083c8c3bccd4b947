//! Sequences of eye movements.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::SONG;
use crate::setters::setters;
use crate::task::{Criterion, Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "sequence_execution",
    about: "Look at the dots of a screen in the order of one of eight sequences.",
    papers: &[Paper { citation: "Averbeck BB, Lee D (2007)", doi: "10.1523/JNEUROSCI.4483-06.2007" }, SONG],
    tags: &["motor sequence"],
    reached: Some("An error of 0.047 in new trials after 9,600 (200 units, Dale's principle)."),
    usual: usual!(SequenceExecution::default(), SequenceExecution::criterion),
}];

/// The dots that each sequence goes to after the one in the middle.
const SEQUENCES: [[usize; 3]; 8] =
    [[5, 1, 0], [3, 1, 2], [3, 7, 8], [5, 7, 6], [5, 1, 2], [3, 1, 0], [3, 7, 6], [5, 7, 8]];
/// The dot in the middle.
const MIDDLE: usize = 4;
/// The epochs of the movements.
const MOVEMENTS: [&str; 3] = ["M1", "M2", "M3"];

/// Look at the dots of a screen in the order of one of eight sequences.
///
/// Nine dots stand in a square, numbered from 0 row by row:
///
/// ```text
/// 0 1 2
/// 3 4 5      x from -0.5 (left) to 0.5 (right), y from -0.5 (below) to 0.5 (above)
/// 6 7 8
/// ```
///
/// Each sequence begins in the middle and makes three movements to neighboring dots:
///
/// | sequence | dots | sequence | dots |
/// | --- | --- | --- | --- |
/// | 1 | 4 5 1 0 | 5 | 4 5 1 2 |
/// | 2 | 4 3 1 2 | 6 | 4 3 1 0 |
/// | 3 | 4 3 7 8 | 7 | 4 3 7 6 |
/// | 4 | 4 5 7 6 | 8 | 4 5 7 8 |
///
/// Inputs 0 to 8 show dots as 1: in `fixation` the one in the middle; in each movement the dot where the eye is and the two to
/// which it may go from there, of which only the sequence tells the right one. One of inputs 9 to 16 is 1 throughout: the
/// sequence. The two outputs are the place `(x, y)` of the eye: the target is the dot in the middle in `fixation`, and in
/// each movement the dot to which it goes. The mask is 0 between trials and 1 from the fixation on. There is no choice to
/// be scored.
///
/// Epochs: `iti` (1000 ms, between trials), `fixation` (1000 ms), `M1`, `M2`, `M3` (500 ms each). Values: see [`Sequence`].
/// `tau` is 50 ms and `dt` 10 ms; inputs have [`Sensory::pycog`]. PyCog carries the state over from trial to trial
/// ([`run_consecutively`](crate::simulate::Simulator::run_consecutively)), with recurrent noise 0.01. Its validation sets show
/// the sequences in rounds of random order; here rounds are in order.
///
/// Task after Averbeck BB, Lee D (2007), doi:10.1523/JNEUROSCI.4483-06.2007.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequenceExecution {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// The time before the fixation.
    pub iti: Duration,
    /// The fixation.
    pub fixation: Duration,
    /// Each movement.
    pub movement: Duration,
    /// Whether the sequences come in turn, by the number of the trial, instead of at random.
    pub in_turn: bool,
}

/// The values of a trial of [`SequenceExecution`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Sequence {
    /// The number of the sequence, from 1 to 8.
    pub sequence: usize,
}

impl Sequence {
    /// The dots of the sequence, beginning with the one in the middle.
    #[must_use]
    pub fn dots(&self) -> [usize; 4] {
        let [first, second, third] = SEQUENCES[self.sequence.saturating_sub(1) % SEQUENCES.len()];
        [MIDDLE, first, second, third]
    }
}

impl Default for SequenceExecution {
    fn default() -> Self {
        Self {
            dt: 10.0,
            tau: 50.0,
            sensory: Sensory::pycog(),
            iti: Duration::Fixed(1000.0),
            fixation: Duration::Fixed(1000.0),
            movement: Duration::Fixed(500.0),
            in_turn: false,
        }
    }
}

impl SequenceExecution {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// The time before the fixation, in milliseconds: a number or a distribution.
        iti: impl Into<Duration> => iti.into();
        /// The fixation, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// Each movement, in milliseconds: a number or a distribution.
        movement: impl Into<Duration> => movement.into();
        /// Whether the sequences come in turn, by the number of the trial, instead of at random.
        in_turn: bool;
    }

    /// The number of conditions: the sequences.
    #[must_use]
    pub fn n_conditions(&self) -> usize {
        SEQUENCES.len()
    }

    /// PyCog's: an error of 0.05 on 800 validation trials.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        Criterion::Error { at_most: 0.05 }
    }
}

/// Where a dot stands.
fn place(dot: usize) -> [f32; 2] {
    [-0.5 + 0.5 * (dot % 3) as f32, 0.5 - 0.5 * (dot / 3) as f32]
}

/// The dots to which the eye may go: from the middle and from the middle of the upper and the lower row to the left and the
/// right, from the sides up and down.
fn options(dot: usize) -> [usize; 2] {
    if dot == 3 || dot == 5 { [1, 7] } else { [dot.saturating_sub(1), dot + 1] }
}

impl Task for SequenceExecution {
    type Trial = Sequence;

    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(9 + SEQUENCES.len(), 2)
            .dt(self.dt)
            .tau(self.tau)
            .sensory(self.sensory.clone())
            .decision(Decision::none())
            .epoch("iti", self.iti.clone())
            .epoch("fixation", self.fixation.clone());
        MOVEMENTS.iter().fold(spec, |spec, name| spec.epoch(name, self.movement.clone()))
    }

    fn draw(&self, rng: &mut TrialRng) -> Sequence {
        let n = SEQUENCES.len();
        let drawn = if self.in_turn { (rng.number() % n as u64) as usize } else { rng.index(n) };
        Sequence { sequence: drawn + 1 }
    }

    fn step(&self, _: f32, trial: &Sequence, _: &mut TrialRng, now: &mut Step<'_>) {
        let dots = trial.dots();
        now.score_only(&["fixation", "M1", "M2", "M3"]);
        now.input[8 + trial.sequence] = 1.0;
        if now.is_in("fixation") {
            now.input[MIDDLE] = 1.0;
            now.target.copy_from_slice(&place(MIDDLE));
        }
        for (movement, name) in MOVEMENTS.into_iter().enumerate() {
            if now.is_in(name) {
                let here = dots[movement];
                for dot in options(here).into_iter().chain([here]) {
                    now.input[dot] = 1.0;
                }
                now.target.copy_from_slice(&place(dots[movement + 1]));
            }
        }
    }
}
