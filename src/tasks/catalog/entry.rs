//! What a task's file says of it to the catalog.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::Result;
use crate::number::json;
use crate::task::{Criterion, TrialSource};

/// A task of the library. A task that comes in several forms has an entry for each.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name in a specification, such as `"random_dots"`.
    pub name: &'static str,
    /// What the subject has to do, in one sentence.
    pub about: &'static str,
    /// Where it comes from, the experiment first.
    pub papers: &'static [Paper],
    /// What it is about: `"working memory"`, for instance.
    pub tags: &'static [&'static str],
    /// What trained networks reach, if it was measured.
    pub reached: Option<&'static str>,
    pub(crate) usual: &'static dyn Usual,
}

/// A paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Authors and year.
    pub citation: &'static str,
    /// Its DOI, `10.…`.
    pub doi: &'static str,
}

/// The paper of NeuroGym, of which several tasks are versions.
pub(crate) const NEUROGYM: Paper = Paper { citation: "Molano-Mazón M et al. (2022)", doi: "10.31234/osf.io/aqc9n" };

/// A task as a specification describes it.
#[derive(Clone)]
pub struct Described {
    /// All its arguments.
    pub arguments: Json,
    /// The task.
    pub task: Arc<dyn TrialSource>,
    /// When its authors stop training, if they say so.
    pub criterion: Option<Criterion>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.about)
    }
}

impl Entry {
    /// The usual task.
    #[must_use]
    pub fn task(&self) -> Arc<dyn TrialSource> {
        self.described().task
    }

    /// The usual task with its arguments and its criterion.
    #[must_use]
    pub fn described(&self) -> Described {
        self.usual.described()
    }

    /// What makes the usual task in Rust: `RandomDots::fixed_duration()`.
    #[must_use]
    pub fn rust(&self) -> &'static str {
        self.usual.rust()
    }

    /// The task with these arguments, all of which must be there; an error says which of them cannot be read.
    #[doc(hidden)]
    pub fn read(&self, arguments: &Json) -> Result<Described, Unread> {
        self.usual.read(arguments)
    }
}

/// Why arguments are no task's, and where.
#[doc(hidden)]
pub type Unread = serde_path_to_error::Error<serde_json::Error>;

/// How the usual task of an entry is made, and others with other arguments.
pub(crate) trait Usual: Sync {
    fn rust(&self) -> &'static str;
    fn described(&self) -> Described;
    fn read(&self, arguments: &Json) -> Result<Described, Unread>;
}

/// That of a task of type `T`.
pub(crate) struct Made<T> {
    pub(crate) rust: &'static str,
    pub(crate) usual: fn() -> T,
    pub(crate) criterion: Option<fn(&T) -> Criterion>,
}

impl<T: TrialSource + Serialize + DeserializeOwned + 'static> Made<T> {
    fn of(&self, task: T) -> Described {
        let criterion = self.criterion.map(|criterion| criterion(&task));
        Described { arguments: json(&task), task: Arc::new(task), criterion }
    }
}

impl<T: TrialSource + Serialize + DeserializeOwned + 'static> Usual for Made<T> {
    fn rust(&self) -> &'static str {
        self.rust
    }

    fn described(&self) -> Described {
        self.of((self.usual)())
    }

    fn read(&self, arguments: &Json) -> Result<Described, Unread> {
        serde_path_to_error::deserialize(arguments).map(|task| self.of(task))
    }
}

/// What an entry has in `usual`: the expression that makes the task, and its criterion, if it has one.
macro_rules! usual {
    ($make:expr $(, $criterion:expr)?) => {
        &$crate::tasks::catalog::Made {
            rust: stringify!($make),
            usual: || $make,
            criterion: $crate::tasks::catalog::usual!(@ $($criterion)?),
        }
    };
    (@) => { None };
    (@ $criterion:expr) => { Some($criterion) };
}
pub(crate) use usual;

/// The tasks of a folder: `file: Task, Values;` for each, of which the names are re-exported and the entries listed.
macro_rules! library {
    ($($file:ident: $($name:ident),+;)+) => {
        $(pub use $file::{$($name),+};)+
        /// The entries of each task.
        pub(crate) const ENTRIES: &[&[$crate::tasks::catalog::Entry]] = &[$($file::ENTRIES),+];
    };
}
pub(crate) use library;
