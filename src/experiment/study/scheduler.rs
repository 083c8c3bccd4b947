//! Who has the runs of a study done.

use serde::{Deserialize, Serialize};

use super::folder::Study;
use super::status::Status;
use crate::Result;

/// What has the runs of a study done: [`ThisMachine`](super::ThisMachine), a cluster.
///
/// Whatever it is, the runs are done by processes that take one after the other, none twice: what it has to see to is that there are
/// such processes.
pub trait Scheduler {
    /// Has all runs done that are missing, and says how the study then stands: at once, if others do the work.
    ///
    /// # Errors
    /// If nothing can be started, or if the folder cannot be written. That a run fails is no error: the study says so.
    fn start(&self, study: &Study) -> Result<Status>;

    /// What it is doing for the study at this moment, or is going to.
    ///
    /// # Errors
    /// If the folder cannot be read.
    fn jobs(&self, study: &Study) -> Result<Vec<Job>>;

    /// Tells all of these to end, and how many they were. They leave their runs to be gone on with.
    ///
    /// # Errors
    /// As [`Scheduler::jobs`].
    fn cancel(&self, study: &Study) -> Result<usize>;
}

/// A process that does runs of a study, or is going to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// Its number: of a process, or of a task of a cluster.
    pub id: String,
    /// What it is doing, in the words of the scheduler.
    pub state: String,
    /// The machine, or why it is on none.
    pub place: String,
}
