//! The tasks of PyCog's eleven example models.
//!
//! Each has the parameters, the baseline and noise of the inputs, the rule of choice and the stopping criterion of PyCog's
//! example; those of the eleven that differ only in their network share a task. Song HF, Yang GR, Wang X-J (2016),
//! doi:10.1371/journal.pcbi.1004792.
//!
//! PyCog reads the steps of a trial at `dt`, 2 `dt`, …, `T`, and an epoch holds the times after its start up to its end; here
//! they are at 0, `dt`, …, and an epoch holds its start and not its end. The steps are the same. Durations that are drawn are
//! cut to whole steps, as there.

mod context_integration;
mod multisensory_integration;
mod parametric_working_memory;
mod protocol;
mod random_dots;
mod sequence_execution;
mod sine_wave;

pub use protocol::Protocol;

use crate::tasks::catalog::{Paper, library};

library! {
    random_dots: RandomDots, Dots;
    context_integration: ContextIntegration, TwoStimuli;
    multisensory_integration: MultisensoryIntegration, Events;
    parametric_working_memory: ParametricWorkingMemory, Vibrations;
    sequence_execution: SequenceExecution, Sequence;
    sine_wave: SineWave;
}

const SONG: Paper = Paper { citation: "Song HF, Yang GR, Wang X-J (2016)", doi: "10.1371/journal.pcbi.1004792" };

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
