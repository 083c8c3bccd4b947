//! Tasks in which the answer is when to go, or which of two times was longer.

mod interval_comparison;
mod interval_production;
mod interval_reproduction;
mod production;
mod stop_signal;
mod synchronization;

pub use interval_reproduction::ContextCode;
pub use production::Production;

use crate::tasks::catalog::library;

library! {
    interval_reproduction: IntervalReproduction, SampleInterval;
    interval_production: IntervalProduction, CuedInterval;
    synchronization: Synchronization, Rhythm;
    interval_comparison: IntervalComparison, TwoIntervals;
    stop_signal: StopSignal, GoOrStop;
}
