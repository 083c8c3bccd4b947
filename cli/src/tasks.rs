//! The library of tasks.

use psychrnn::experiment::task_arguments;
use psychrnn::tasks::catalog::{self, Paper};

use crate::failure::Outcome;
use crate::say;

/// All tasks, a line for each: its name, and what the subject has to do.
pub(crate) fn list() -> Outcome<()> {
    let width = catalog::all().map(|entry| entry.name.len()).max().unwrap_or(0);
    catalog::all().try_for_each(|entry| say::out(format_args!("{:width$}  {}", entry.name, entry.about)))
}

/// The arguments of a task, and beside them what it is and where it comes from.
pub(crate) fn describe(name: &str) -> Outcome<()> {
    let arguments = task_arguments(name)?;
    let entry = catalog::find(name)?;
    say::beside(entry.about);
    for Paper { citation, doi } in entry.papers {
        say::beside(format_args!("{citation}, https://doi.org/{doi}"));
    }
    say::out(arguments)
}
