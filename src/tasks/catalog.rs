//! The catalog of the library: what each task is, where it comes from, and the task itself by its name.
//!
//! ```
//! use psychrnn::prelude::*;
//! use psychrnn::tasks::catalog;
//! let memory = catalog::all().filter(|entry| entry.tags.contains(&"working memory"));
//! assert_eq!(memory.count(), 2);
//! let task = catalog::find("random_dots")?.task();
//! assert_eq!(task.batch(10, Seed(1))?.inputs.dim(), (10, 100, 2));
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! A task's entries stand in its own file. A task of your own needs none.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::number::json;
use crate::table::Table;
use crate::task::{Criterion, TrialSource};
use crate::{Error, Result};

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
    pub(super) usual: &'static dyn Usual,
}

/// A paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Authors and year.
    pub citation: &'static str,
    /// Its DOI, `10.…`.
    pub doi: &'static str,
}

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

/// All entries.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    super::GROUPS.iter().copied().flatten().copied().flatten()
}

/// The entry of that name.
///
/// # Errors
/// If there is none: lists those that there are.
pub fn find(name: &str) -> Result<&'static Entry> {
    all().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = all().map(|entry| entry.name).collect();
        Error::argument("task", format!("one of {}", names.join(", ")), format!("\"{name}\""))
    })
}

/// All of it as a table with the columns `name`, `rust`, `about`, `tags`, `papers`, `reached`.
#[must_use]
pub fn table() -> Table {
    let papers = |entry: &Entry| {
        let papers = entry.papers.iter().map(|Paper { citation, doi }| format!("{citation}, doi:{doi}"));
        papers.collect::<Vec<_>>().join("; ")
    };
    let mut table = Table::new();
    // Every column has one row an entry, so this cannot fail.
    let _ = table.insert("name", all().map(|entry| entry.name));
    let _ = table.insert("rust", all().map(Entry::rust));
    let _ = table.insert("about", all().map(|entry| entry.about));
    let _ = table.insert("tags", all().map(|entry| entry.tags.join(", ")));
    let _ = table.insert("papers", all().map(papers));
    let _ = table.insert("reached", all().map(|entry| entry.reached));
    table
}

/// Why arguments are no task's, and where.
#[doc(hidden)]
pub type Unread = serde_path_to_error::Error<serde_json::Error>;

/// How the usual task of an entry is made, and others with other arguments.
pub(super) trait Usual: Sync {
    fn rust(&self) -> &'static str;
    fn described(&self) -> Described;
    fn read(&self, arguments: &Json) -> Result<Described, Unread>;
}

/// That of a task of type `T`.
pub(super) struct Made<T> {
    pub(super) rust: &'static str,
    pub(super) usual: fn() -> T,
    pub(super) criterion: Option<fn(&T) -> Criterion>,
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
pub(super) use usual;

/// The tasks of a folder: `file: Task, Values;` for each, of which the names are re-exported and the entries listed.
macro_rules! library {
    ($($file:ident: $($name:ident),+;)+) => {
        $(pub use $file::{$($name),+};)+
        /// The entries of each task.
        pub(super) const ENTRIES: &[&[$crate::tasks::catalog::Entry]] = &[$($file::ENTRIES),+];
    };
}
pub(super) use library;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::{env, fs};

    use super::*;

    #[test]
    fn every_entry_says_what_it_must() {
        let mut names = BTreeSet::new();
        for Entry { name, about, papers, tags, reached, .. } in all() {
            assert!(names.insert(name), "{name} is there twice");
            let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || b"_ ".contains(&byte));
            assert!(is_plain(name) && !name.contains(' '), "{name}");
            for sentence in [Some(*about), *reached].into_iter().flatten() {
                let is_one = sentence.ends_with('.') && !sentence.contains(". ") && !sentence.contains(['|', '\n']);
                assert!(is_one && sentence.starts_with(|c: char| !c.is_lowercase()), "{name}: {sentence}");
            }
            assert!(!tags.is_empty() && tags.iter().all(|tag| is_plain(tag)), "{name}: {tags:?}");
            assert!(!papers.is_empty(), "{name} comes from nowhere");
            for Paper { citation, doi } in *papers {
                let year = citation.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")).map(|(_, year)| year);
                assert!(year.is_some_and(|year| year.len() == 4 && year.parse::<u16>().is_ok()), "{name}: {citation}");
                let (registrant, work) = doi.strip_prefix("10.").and_then(|rest| rest.split_once('/')).unwrap();
                assert!(registrant.len() >= 4 && registrant.bytes().all(|byte| byte.is_ascii_digit()), "{name}: {doi}");
                assert!(!work.is_empty() && !work.contains([' ', '|', ')']), "{name}: {doi}");
            }
        }
        let error = find("random_dot").map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("random_dots_reaction_time") && error.contains("\"random_dot\""), "{error}");
        assert_eq!(table().n_rows(), names.len());
    }

    /// The table of the documentation. `PSYCHRNN_WRITE=1 cargo test catalog` writes it anew.
    #[test]
    fn the_documentation_has_every_entry() {
        let mut page = "| name | what the subject has to do | after | what trained networks reach |\n".to_owned();
        page += "| --- | --- | --- | --- |\n";
        for entry in all() {
            let path = entry.rust().split('(').next().unwrap_or_default().trim_end_matches("::default");
            let papers =
                entry.papers.iter().map(|Paper { citation, doi }| format!("[{citation}](https://doi.org/{doi})"));
            let papers = papers.collect::<Vec<_>>().join(", ");
            let (name, about, reached) = (entry.name, entry.about, entry.reached.unwrap_or_default());
            writeln!(page, "| [`{name}`]({path}) | {about} *{}* | {papers} | {reached} |", entry.tags.join(", "))
                .unwrap();
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tasks/catalog.md");
        if env::var_os("PSYCHRNN_WRITE").is_some() {
            fs::write(path, &page).unwrap();
        }
        let there = fs::read_to_string(path).unwrap_or_default();
        assert!(there == page, "{path} is not what the catalog says: PSYCHRNN_WRITE=1 cargo test catalog");
    }
}
