//! The library of tasks.

use psychrnn::experiment::task_arguments;
use psychrnn::random::Seed;
use psychrnn::task::{TaskSpec, TrialSource as _};
use psychrnn::tasks::catalog::{self, Paper};

use crate::failure::Outcome;
use crate::say;

/// All tasks, a line for each: its name, and what the subject has to do.
pub(crate) fn list() -> Outcome<()> {
    let width = catalog::all().map(|entry| entry.name.len()).max().unwrap_or(0);
    catalog::all().try_for_each(|entry| say::out(format_args!("{:width$}  {}", entry.name, entry.about)))
}

/// So many trials tell how long epochs last.
const TRIALS: usize = 1000;

/// The arguments of a task, and beside them what it is, where it comes from, its channels and its epochs.
pub(crate) fn describe(name: &str) -> Outcome<()> {
    let arguments = task_arguments(name)?;
    let entry = catalog::find(name)?;
    let batch = entry.task().batch(TRIALS, Seed(1))?;
    let TaskSpec { n_in, n_out, dt, tau, decision, .. } = &batch.spec;
    say::beside(entry.about);
    for Paper { citation, doi } in entry.papers {
        say::beside(format_args!("{citation}, https://doi.org/{doi}"));
    }
    entry.reached.iter().for_each(say::beside);
    say::beside(format_args!("\nInputs: {n_in}. Outputs: {n_out}. dt {dt} ms, tau {tau} ms. The choice: {decision}."));
    say::beside(format_args!("Epochs of {TRIALS} trials, in ms:\n\n{}\n", batch.timing()));
    say::out(arguments)
}
