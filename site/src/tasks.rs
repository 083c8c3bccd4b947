//! The gallery of tasks: a page with all, and one for each.

use std::fs;

use anyhow::{Context, Result};
use psychrnn::plot::Figure;
use psychrnn::random::Seed;
use psychrnn::table::Table;
use psychrnn::task::{Batch, Criterion, TrialSource};
use psychrnn::tasks::catalog::{self, Described, Entry, Paper};

use crate::keys::{Keys, cell, table};
use crate::sources::{Documented, Shape, Sources, first_paragraph, prose};

/// So many trials tell which epochs a task has, and how long they last.
const TRIALS: usize = 1000;

/// The pages, by their path on the site.
pub(crate) fn pages(sources: &Sources, keys: &mut Keys<'_>) -> Result<Vec<(String, String)>> {
    let mut pages = vec![("tasks/index.md".to_owned(), index()?)];
    for entry in catalog::all() {
        let page = page(entry, sources, keys).with_context(|| format!("the page of {}", entry.name))?;
        pages.push((format!("tasks/{}.md", entry.name), page));
    }
    Ok(pages)
}

/// One trial: the first that asks for a choice, or the first.
pub(crate) fn picture(entry: &Entry) -> Result<Figure> {
    let batch = entry.task().batch(20, Seed(1))?;
    let asks = (0..batch.n_trials()).find(|&trial| batch.correct_choice(trial).is_some());
    Ok(batch.plot_trial(asks.unwrap_or(0))?)
}

/// What networks reach: the tables of `cargo xtask trained`, in one.
fn trained() -> Result<String> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(crate::root().join("data/trained"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "csv") {
            continue;
        }
        let table = Table::load_csv(&path)?;
        for row in 0..table.n_rows() {
            let number =
                |name: &str| table.column(name).ok().and_then(|column| column[row].number()).filter(|x| !x.is_nan());
            // What was not trained yet has no numbers.
            if number("trials").is_none() {
                continue;
            }
            let shown = |name: &str, show: fn(f64) -> String| number(name).map_or_else(String::new, show);
            rows.push(format!(
                "| [{0}]({0}.md) | {1} | {2} | {3} | {4} | {5} | {6} |\n",
                table.column("name")?[row],
                shown("accuracy", |share| format!("{:.1} %", 100.0 * share)),
                shown("error", |error| format!("{error:.3}")),
                shown("trials", |n| n.to_string()),
                shown("seconds", |seconds| format!("{seconds:.0}")),
                shown("network.units", |n| n.to_string()),
                shown("network.seed", |seed| seed.to_string()),
            ));
        }
    }
    rows.sort();
    Ok(rows.concat())
}

fn index() -> Result<String> {
    let mut page = "# The gallery of tasks\n\n\
        Each picture is one trial: what the network sees, what it should answer; gray where its output is free, and a line where an \
        epoch begins. In a specification a task is known by its name; `psychrnn tasks` lists them in a terminal. \
        [A task of your own](../extending.md) is as good as these.\n\n\
        | task | what the subject has to do |\n| --- | --- |\n"
        .to_owned();
    for entry in catalog::all() {
        page += &format!("| [{0}]({0}.md) | {1} *{2}* |\n", entry.name, cell(entry.about), entry.tags.join(", "));
    }
    for entry in catalog::all() {
        page += &format!("\n## [{}]({0}.md)\n\n{}\n\n{}", entry.name, entry.about, shown(entry));
    }
    page += "\n## What networks reach\n\n\
        A network for each task, trained with the usual arguments by `cargo xtask trained` (the specifications stand in \
        [data/trained](repo:data/trained)), until it is good enough or 64,000 trials are over, and tested on 2,000 new trials: the share of \
        correct choices, the root of the mean squared error, the trials of training and its seconds, on two cores that were shared with other \
        work. Where evidence is weak nobody is always right.\n\n\
        | task | correct | error | trials | seconds | units | seed |\n| --- | --- | --- | --- | --- | --- | --- |\n";
    page += &trained()?;
    page += "\n```{toctree}\n:hidden:\n\n";
    catalog::all().for_each(|entry| page += &format!("{}\n", entry.name));
    Ok(page + "```\n")
}

fn shown(Entry { name, .. }: &Entry) -> String {
    format!("![One trial of {name}: inputs and targets over time](../data/figures/tasks/{name}.svg)\n")
}

fn page(entry: &Entry, sources: &Sources, keys: &mut Keys<'_>) -> Result<String> {
    let Entry { name, about, papers, tags, reached, .. } = entry;
    let Described { arguments, task, criterion } = entry.described();
    let spec = task.spec()?;
    let rust = entry.rust();
    let of = rust.split(['(', ':']).next().unwrap_or_default();
    let papers = papers.iter().map(|Paper { citation, doi }| {
        // A parenthesis, as Elsevier's have, would end the link.
        let link = doi.replace('(', "%28").replace(')', "%29");
        format!("{citation}, [doi:{doi}](https://doi.org/{link})")
    });
    let papers = papers.collect::<Vec<_>>().join("; ");
    let mut page = format!("# {name}\n\n{about}\n\n*{}*\n\n{}\n", tags.join(", "), shown(entry));
    page += &format!("After {papers}.\n\n");
    if let Some(reached) = reached {
        page += &format!("What networks reach, after so many trials: {reached}\n\n");
    }
    if let Some(criterion) = &criterion {
        page += &format!("Its authors end training when {}.\n\n", in_words(criterion));
    }
    page += &format!(
        "In Rust:\n\n```rust\nuse psychrnn::prelude::*;\n{}\nlet task = {rust};\n```\n\n\
         In a specification:\n\n```toml\n[task]\nname = \"{name}\"\n```\n\n",
        uses(rust)
    );
    page += &format!(
        "## Trials\n\nInputs: {}. Outputs: {}. A step is {} ms, the time constant of units {} ms. The choice: {}.\n\n{}\n",
        spec.n_in,
        spec.n_out,
        spec.dt,
        spec.tau,
        spec.decision,
        epochs(task.as_ref())?
    );
    page += &values(of, sources);
    page += &format!("## What is shown and asked for\n\n{}\n\n", prose(&sources.of(of)?.about));
    let mut arguments = keys.section(of, &arguments, &[])?;
    // What a task has in common with others need not stand in a table of that name.
    let is_taken = |name: &str, all: &[crate::keys::Key]| all.iter().any(|key| key.key == name);
    for i in 0..arguments.len() {
        let key = &arguments[i].key;
        let short = key.strip_prefix("protocol.").or(key.strip_prefix("form.")).map(str::to_owned);
        if let Some(short) = short.filter(|short| !is_taken(short, &arguments)) {
            arguments[i].key = short;
        }
    }
    page += &format!(
        "## Arguments\n\nAs a specification has them; in Rust they are fields, most with a setter of that name.\n\n{}\n",
        table(&arguments)
    );
    page += &format!("More in the reference: [`{of}`](rust:tasks/struct.{of}.html).\n");
    Ok(page)
}

/// The lines that bring in the types of an expression.
fn uses(rust: &str) -> String {
    let mut types: Vec<&str> =
        rust.split("::").filter_map(|part| part.rsplit(|c: char| !c.is_alphanumeric()).next()).collect();
    // What comes last is the name of something in a type.
    types.pop();
    types.iter().map(|name| format!("use psychrnn::tasks::{name};\n")).collect()
}

/// The epochs of many trials, how long they last, and whether the mask counts there.
fn epochs(task: &dyn TrialSource) -> Result<String> {
    let batch = task.batch(TRIALS, Seed(1))?;
    let timing = batch.timing();
    if timing.n_rows() == 0 {
        let last = batch.lengths.iter().max().copied().unwrap_or(0) as f32 * batch.spec.dt;
        return Ok(format!("A trial has no epochs; it lasts {last} ms.\n"));
    }
    let mut table =
        "| epoch | lasts | in how many trials | the output counts |\n| --- | --- | --- | --- |\n".to_owned();
    let numbers = [timing.numbers("shortest")?, timing.numbers("longest")?, timing.numbers("share")?];
    for (row, name) in timing.column("epoch")?.iter().map(ToString::to_string).enumerate() {
        let [short, long, share] = [0, 1, 2].map(|column| numbers[column][row]);
        let said = batch.spec.epochs.iter().find(|(epoch, _)| *epoch == name).map(|(_, duration)| duration.to_string());
        let drawn = if short == long { format!("{short} ms") } else { format!("{short:.0} to {long:.0} ms") };
        let lasts = said.filter(|_| share == 1.0).unwrap_or(drawn);
        table += &format!("| {name} | {lasts} | {:.0} % | {} |\n", 100.0 * share, counts(&batch, &name));
    }
    Ok(table)
}

/// Whether the mask is on in an epoch.
fn counts(batch: &Batch, epoch: &str) -> &'static str {
    let (mut on, mut off) = (false, false);
    for trial in 0..batch.n_trials() {
        for step in batch.steps_of(trial, epoch).into_iter().flatten() {
            let counts = (0..batch.spec.n_out).any(|channel| batch.mask[[trial, step, channel]] > 0.0);
            (on, off) = (on || counts, off || !counts);
        }
    }
    match (on, off) {
        (true, false) => "yes",
        (true, true) => "in part",
        _ => "no",
    }
}

/// What is drawn for each trial.
fn values(of: &str, sources: &Sources) -> String {
    let Some(Documented { shape: Shape::Fields(fields), .. }) = sources.trial(of) else { return String::new() };
    let mut table =
        "Drawn for each trial, and a column of `session.trials()`:\n\n| value | meaning |\n| --- | --- |\n".to_owned();
    for field in fields {
        table += &format!("| `{}` | {} |\n", field.name, cell(&first_paragraph(&field.about)));
    }
    table + "\n"
}

/// A criterion in words.
pub(crate) fn in_words(criterion: &Criterion) -> String {
    match criterion {
        Criterion::Accuracy { above, last } => {
            format!("more than {:.0} % are correct, on average over {last} validations", 100.0 * above)
        }
        Criterion::WorstCondition { columns, at_least } => {
            format!("at least {:.0} % are correct in the worst condition ({})", 100.0 * at_least, columns.join(", "))
        }
        Criterion::Error { at_most } => format!("the root of the mean squared error is at most {at_most}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_of_tasks_are_those_that_are_committed() {
        for entry in catalog::all() {
            let path = crate::root().join("data/figures/tasks").join(entry.name).with_extension("svg");
            let drawn = picture(entry).unwrap().svg().unwrap();
            let there = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(drawn == there, "{} is another picture: cargo xtask figures --keep gallery", path.display());
        }
    }

    #[test]
    fn a_page_says_what_the_catalog_says() {
        let sources = crate::sources().unwrap();
        let pages = pages(&sources, &mut Keys::new(&sources)).unwrap();
        for entry in catalog::all() {
            let name = format!("tasks/{}.md", entry.name);
            let (_, page) = pages.iter().find(|(path, _)| *path == name).unwrap();
            for part in [entry.about, entry.rust(), entry.papers[0].doi, entry.reached.unwrap_or_default()] {
                assert!(page.contains(part), "{name} without {part}");
            }
        }
    }
}
