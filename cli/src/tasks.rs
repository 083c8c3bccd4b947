//! The library of tasks.

use std::fmt::Display;

use psychrnn::experiment::task_arguments;
use psychrnn::random::Seed;
use psychrnn::task::{IdealAccuracy, IdealObserver, TaskSpec, TrialSource as _};
use psychrnn::tasks::catalog::{self, Entry, Paper};

use crate::failure::Outcome;
use crate::say;

/// All tasks, a line for each: its name, and what the subject has to do.
pub(crate) fn list() -> Outcome<()> {
    catalog::all().try_for_each(|entry| line(entry, entry.about))
}

/// What the ideal observer of a task reaches, or of all of them, a line for each; where there is none, why.
pub(crate) fn ideal(name: Option<&str>) -> Outcome<()> {
    let one = name.map(catalog::find).transpose()?;
    catalog::all().filter(|entry| one.is_none_or(|one| one.name == entry.name)).try_for_each(|entry| {
        match entry.task().ideal(&IdealObserver::default()) {
            Ok(IdealAccuracy { accuracy, standard_error, chance, .. }) => {
                line(entry, format_args!("{accuracy:.4} ± {standard_error:.4}, by chance {chance:.4}"))
            }
            Err(why) => line(entry, format_args!("none: {why}")),
        }
    })
}

/// The name of a task, and something of it.
fn line(entry: &Entry, what: impl Display) -> Outcome<()> {
    let width = catalog::all().map(|entry| entry.name.len()).max().unwrap_or(0);
    say::out(format_args!("{:width$}  {what}", entry.name))
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
