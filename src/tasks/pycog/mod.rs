//! The tasks of PyCog's eleven example models.
//!
//! Each has the parameters, the baseline and noise of the inputs, the rule of choice and the stopping criterion of PyCog's
//! example; those of the eleven that differ only in their network share a task. Song HF, Yang GR, Wang X-J (2016),
//! doi:10.1371/journal.pcbi.1004792.
//!
//! | PyCog's model | task | units | its network |
//! | --- | --- | --- | --- |
//! | `rdm_nodale` | [`RandomDots::fixed_duration`] | 100 | no Dale's principle |
//! | `rdm_dense` | the same | 100 | Dale's principle |
//! | `rdm_fixed` | the same | 100 | Dale's principle; two selective populations and one that is not, told apart by masks |
//! | `rdm_varstim` | [`RandomDots::variable_duration`] | 100 | Dale's principle |
//! | `rdm_rt` | [`RandomDots::reaction_time`] | 100 | Dale's principle |
//! | `mante` | [`ContextIntegration`] | 150 | Dale's principle; 50 trials an update |
//! | `mante_areas` | the same | 150 | a sensory and a motor area, with sparse feedback (0.2) |
//! | `multisensory` | [`MultisensoryIntegration`] | 150 | Dale's principle; a third of the units visual, a third auditory |
//! | `romo` | [`ParametricWorkingMemory`] | 500 | Dale's principle; sparse (excitatory 0.1, inhibitory 0.5) |
//! | `lee` | [`SequenceExecution`] | 200 | Dale's principle; recurrent noise 0.01; time constant 50 ms; the state is carried over |
//! | `sinewave` | [`SineWave`] | 100 | Dale's principle; recurrent noise 0.05; biases are trained; the state is carried over |
//!
//! `psychrnn::models` has these networks, and trains them.
//!
//! Where the table does not say otherwise the recurrent noise is 0.15, the time constant 100 ms, biases are 0, and an update has
//! 20 trials; where the state is carried over it has one. Under Dale's principle four of five units are excitatory, and only
//! those reach the outputs; in `lee` and `sinewave` the inhibitory units do too, with negative weights.
//!
//! PyCog reads the steps of a trial at `dt`, 2 `dt`, …, `T`, and an epoch holds the times after its start up to its end; here
//! they are at 0, `dt`, …, and an epoch holds its start and not its end. The steps are the same. Durations that are drawn are
//! cut to whole steps, as there.
//!
//! ```
//! use psychrnn::prelude::*;
//! use psychrnn::tasks::RandomDots;
//! let task = RandomDots::reaction_time();
//! let training = task.batch(20, Seed(1))?;
//! let validation = task.clone().in_turn(true).batch(100 * (task.n_conditions() + 1), Seed(2))?;
//! let test = task.clone().testing().in_turn(true).batch(50 * task.n_conditions(), Seed(3))?;
//! # Ok::<(), psychrnn::Error>(())
//! ```

mod context_integration;
mod multisensory_integration;
mod parametric_working_memory;
mod protocol;
mod random_dots;
mod sequence_execution;
mod sine_wave;

pub use context_integration::{ContextIntegration, TwoStimuli};
pub use multisensory_integration::{Events, MultisensoryIntegration};
pub use parametric_working_memory::{ParametricWorkingMemory, Vibrations};
pub use protocol::Protocol;
pub use random_dots::{Dots, RandomDots};
pub use sequence_execution::{Sequence, SequenceExecution};
pub use sine_wave::SineWave;

/// The lowest and the highest of some numbers.
fn range(numbers: impl IntoIterator<Item = f32>) -> (f32, f32) {
    numbers
        .into_iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)))
}

/// How a frequency is shown: `0.4 + 0.8 (f - low) / (high - low)` in a channel that is tuned to high frequencies, and
/// `0.4 + 0.8 (high - f) / (high - low)` in one that is tuned to low ones.
fn opposite_codes(f: f32, (low, high): (f32, f32)) -> (f32, f32) {
    let code = |distance: f32| 0.4 + 0.8 * distance / (high - low);
    (code(f - low), code(high - f))
}
