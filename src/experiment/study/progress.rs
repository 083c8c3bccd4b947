//! How a study shows how far it is: one display for all of its runs.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::notebook;
use crate::train::{Observer, Progress};

/// How many runs are named in a line.
const NAMED: usize = 4;

/// A bar for all runs and one for each that goes in a terminal, the same under a cell of our kernel, and elsewhere lines.
pub(super) struct Display {
    silent: bool,
    bars: Option<(MultiProgress, ProgressBar)>,
    shown: Mutex<Shown>,
}

struct Shown {
    runs: usize,
    ended: usize,
    /// How far those are that go: updates done, and to do.
    going: BTreeMap<String, (usize, usize)>,
    /// The name of what is shown under a cell.
    cell: Option<String>,
    last: Option<Instant>,
}

impl Display {
    /// For so many runs, of which some have ended.
    pub(super) fn new(runs: usize, ended: usize, silent: bool) -> Self {
        let in_terminal = !silent && !notebook::is_notebook() && std::io::stderr().is_terminal();
        let bars = in_terminal.then(|| {
            let bars = MultiProgress::new();
            let all = bars.add(bar(runs));
            all.set_position(ended as u64);
            all.set_message(format!("{ended} of {runs} runs"));
            (bars, all)
        });
        let shown = Shown { runs, ended, going: BTreeMap::new(), cell: None, last: None };
        Self { silent, bars, shown: Mutex::new(shown) }
    }

    /// What watches a run.
    pub(super) fn watch(&self, name: &str) -> Watch<'_> {
        Watch { display: self, name: name.to_owned(), bar: None }
    }

    /// A run is not done any more.
    pub(super) fn left(&self, name: &str, ended: bool, how: &str) {
        let mut shown = self.shown();
        shown.going.remove(name);
        shown.ended += usize::from(ended);
        let (done, runs) = (shown.ended, shown.runs);
        match &self.bars {
            Some((_, all)) => {
                all.set_position(done as u64);
                all.set_message(format!("{done} of {runs} runs"));
                all.println(format!("{name}: {how}"));
            }
            None if self.silent => {}
            None if notebook::replaces() => shown.show(Duration::ZERO),
            None => notebook::say(&format!("{name}: {how}; {done} of {runs} runs have ended")),
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some((_, all)) = &self.bars {
            all.finish_and_clear();
        }
    }
}

fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    match ProgressStyle::with_template("{bar:30} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Shown {
    /// Shows how far all is, if it did not so short a time ago.
    fn show(&mut self, between: Duration) {
        if self.last.is_some_and(|last| last.elapsed() < between) {
            return;
        }
        self.last = Some(Instant::now());
        let Self { runs, ended, going, .. } = self;
        if !notebook::replaces() {
            let named = going.iter().take(NAMED).map(|(name, (update, updates))| format!("{name} {update}/{updates}"));
            let named: Vec<String> = named.collect();
            let more = if going.len() > NAMED { ", …" } else { "" };
            notebook::say(&format!("{ended} of {runs} runs have ended; going: {}{more}", named.join(", ")));
            return;
        }
        let bar = |value: usize, of: usize| format!("<progress max=\"{of}\" value=\"{value}\"></progress>");
        let mut html = format!("{} {ended} of {runs} runs", bar(*ended, *runs));
        for (name, (update, updates)) in going.iter() {
            html += &format!("<br>{} <code>{}</code>", bar(*update, *updates), notebook::escape(name));
        }
        let text = format!("{ended} of {runs} runs have ended");
        let cell = self.cell.get_or_insert_with(notebook::name);
        notebook::replace(cell, &[("text/html", &html), ("text/plain", &text)]);
    }
}

/// Watches one run.
pub(super) struct Watch<'a> {
    display: &'a Display,
    name: String,
    bar: Option<ProgressBar>,
}

impl Observer for Watch<'_> {
    fn update(&mut self, progress: &Progress) {
        if let Some((bars, _)) = &self.display.bars {
            let bar = self.bar.get_or_insert_with(|| bars.add(bar(progress.updates)));
            bar.set_position(progress.update as u64);
            bar.set_message(format!("{}: {progress}", self.name));
        } else if !self.display.silent {
            let mut shown = self.display.shown();
            shown.going.insert(self.name.clone(), (progress.update, progress.updates));
            shown.show(if notebook::replaces() { Duration::from_millis(500) } else { Duration::from_secs(5) });
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
