//! The catalog of the library: what each task is, where it comes from, and the task itself by its name.
//!
//! ```
//! use psychrnn::prelude::*;
//! use psychrnn::tasks::catalog;
//! let memory = catalog::all().filter(|entry| entry.tags.contains(&"working memory"));
//! assert!(memory.count() > 10);
//! let task = catalog::find("random_dots")?.task();
//! assert_eq!(task.batch(10, Seed(1))?.inputs.dim(), (10, 100, 2));
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! A task's entries stand in its own file. A task of your own needs none.

mod entry;

pub use entry::{Described, Entry, Paper, Unread};
pub(super) use entry::{Made, NEUROGYM, library, usual};

use crate::table::Table;
use crate::{Error, Result};

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::{env, fs};

    use super::*;
    use crate::tasks::Rule;

    #[test]
    fn every_entry_says_what_it_must() {
        let mut names = BTreeSet::new();
        for Entry { name, about, papers, tags, reached, .. } in all() {
            assert!(names.insert(name), "{name} is there twice");
            let is_plain = |text: &str| {
                text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_ ".contains(&byte))
            };
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
                assert!(!work.is_empty() && !work.contains([' ', '|']), "{name}: {doi}");
            }
        }
        let error = find("random_dot").map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("random_dots_reaction_time") && error.contains("\"random_dot\""), "{error}");
        assert_eq!(table().n_rows(), names.len());
    }

    /// A count with its thousands parted.
    fn thousands(count: f64) -> String {
        let digits = count.to_string();
        let parted = |(i, digit): (usize, char)| {
            let comma = i > 0 && (digits.len() - i).is_multiple_of(3);
            comma.then_some(',').into_iter().chain([digit])
        };
        digits.chars().enumerate().flat_map(parted).collect()
    }

    /// Of the one network on all of Yang's tasks, which a program of its own trains: the last row that it wrote, beside the weights.
    #[test]
    fn what_one_network_reaches_on_yangs_tasks_is_what_was_measured() {
        let table = Table::load_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/notebooks/yang.csv")).unwrap();
        let last = |name: &str| *table.numbers(name).unwrap().last().unwrap();
        let reached = |name: &str| find(name).unwrap().reached.unwrap();
        for rule in Rule::ALL {
            let expected = format!("{:.1} % of 512 new trials correct", 100.0 * last(&rule.to_string()));
            assert!(reached(&format!("yang_{rule}")).starts_with(&expected), "{rule}: {expected}");
        }
        let (mean, worst, trials) = (100.0 * last("mean"), 100.0 * last("worst"), thousands(last("trials")));
        let expected = format!(
            "{mean:.1} % of 512 trials of each task after {trials} of all, in the worst of them {worst:.1} % ("
        );
        assert!(reached("yang").starts_with(&expected), "{expected}");
    }

    /// Of the tasks whose networks `cargo xtask trained` trains.
    #[test]
    fn what_networks_reach_is_what_was_measured() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/trained");
        let tables = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in tables.filter(|path| path.extension().is_some_and(|ending| ending == "csv")) {
            let table = Table::load_csv(&path).unwrap();
            let number = |name: &str, row: usize| -> Option<f64> {
                table.column(name).ok()?[row].number().filter(|number| !number.is_nan())
            };
            for row in 0..table.n_rows() {
                // What was not trained yet has no numbers.
                let Some(trials) = number("trials", row) else { continue };
                let units = number("network.units", row).unwrap();
                let measured = match number("accuracy", row) {
                    Some(share) => format!("{:.1} % of new trials correct", 100.0 * share),
                    None => format!("An error of {:.3} in new trials", number("error", row).unwrap()),
                };
                let ideal = number("ideal", row).map(|share| format!("; an ideal observer has {:.1} %", 100.0 * share));
                let ideal = ideal.unwrap_or_default();
                let expected = format!("{measured} after {} ({units} units){ideal}.", thousands(trials));
                let name = table.column("name").unwrap()[row].to_string();
                assert_eq!(find(&name).unwrap().reached, Some(expected.as_str()), "{name}");
            }
        }
    }

    /// The table of the documentation. `PSYCHRNN_WRITE=1 cargo test catalog` writes it anew.
    #[test]
    fn the_documentation_has_every_entry() {
        let mut page =
            "| name | what the subject has to do | after | what networks reach, after so many trials |\n".to_owned();
        page += "| --- | --- | --- | --- |\n";
        for entry in all() {
            let path = entry.rust().split('(').next().unwrap_or_default().trim_end_matches("::default");
            // A parenthesis, as Elsevier's have, would end the link.
            let link = |doi: &str| doi.replace('(', "%28").replace(')', "%29");
            let papers = entry.papers.iter();
            let papers = papers.map(|paper| format!("[{}](https://doi.org/{})", paper.citation, link(paper.doi)));
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
