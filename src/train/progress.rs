//! How training shows how far it is.

use std::fmt;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::report::measured;
use super::{Change, Check, Training};
use crate::caught::caught_in;
use crate::{Result, notebook};

/// Watches training as it goes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not watch training",
    note = "implement `Observer` by `update`, which is called after each update"
)]
pub trait Observer {
    /// Called after each update.
    fn update(&mut self, progress: &Progress);

    /// Called after each check.
    fn check(&mut self, check: &Check) {
        let _ = check;
    }

    /// Called when a checkpoint begins to be written, is written, is read, or cannot be.
    fn checkpoint(&mut self, event: &CheckpointEvent) {
        let _ = event;
    }

    /// Called once at the end, whatever it is: `training.stop` says why, an error of training included.
    fn end(&mut self, training: &Training) {
        let _ = training;
    }
}

/// What happens to checkpoints, for an [`Observer`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CheckpointEvent {
    /// The run goes on from this one.
    Resumed {
        /// The updates done before it.
        update: usize,
        /// The file.
        path: PathBuf,
        /// The settings that are not as they were.
        changes: Vec<Change>,
    },
    /// One begins to be written.
    Begun {
        /// The updates done before it.
        update: usize,
    },
    /// It is written.
    Written {
        /// The updates done before it.
        update: usize,
        /// The file.
        path: PathBuf,
    },
    /// One could not be written, or not be read. Training goes on: from an older one, or to the next time.
    Failed {
        /// What went wrong.
        problem: String,
    },
    /// Weights could not be saved, see [`Trainer::save_every`](super::Trainer::save_every). Training goes on.
    NotSaved {
        /// What went wrong.
        problem: String,
    },
}

/// How far training is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The updates done.
    pub update: usize,
    /// The updates to do.
    pub updates: usize,
    /// The trials seen.
    pub trials: usize,
    /// The loss of the last batch, before its update.
    pub loss: f64,
    /// Its `Ω`, with [`Trainer::vanishing_gradient`](super::Trainer::vanishing_gradient).
    pub omega: Option<f64>,
    /// The stage of the curriculum, counted from 0.
    pub stage: usize,
    /// What was measured last.
    pub metric: Option<f64>,
    /// The error that was measured with it.
    pub error: Option<f64>,
    /// The time since the start.
    pub elapsed: Duration,
}

impl Progress {
    fn seconds_left(&self) -> f64 {
        self.elapsed.as_secs_f64() / self.update.max(1) as f64 * (self.updates - self.update.min(self.updates)) as f64
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.trials as f64 / self.elapsed.as_secs_f64().max(1e-9);
        write!(f, "update {}/{}  {} trials  loss {:.5}  ", self.update, self.updates, self.trials, self.loss)?;
        if let Some(omega) = self.omega {
            write!(f, "Ω {omega:.4}  ")?;
        }
        if self.stage > 0 {
            write!(f, "stage {}  ", self.stage)?;
        }
        if let Some((metric, error)) = self.metric.zip(self.error) {
            write!(f, "{}  ", measured(metric, error))?;
        }
        write!(f, "{rate:.0} trials/s  {:.0} s left", self.seconds_left())
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn update(&mut self, _: &Progress) {}
}

/// Shows a bar in a terminal and under a cell of this project's notebook kernel, and elsewhere (another kernel, a log file) a
/// whole line at most once a second; outside notebooks on standard error.
#[derive(Debug, Default)]
pub struct Reporter {
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
    /// The name of the bar under a cell.
    shown: Option<String>,
    /// What each line starts with, and the bars beside which this one stands.
    among: Option<(String, MultiProgress)>,
}

impl Reporter {
    /// One of several, which are told apart by their names.
    pub(super) fn named(name: &str, bars: MultiProgress) -> Self {
        Self { among: Some((format!("{name}: "), bars)), ..Self::default() }
    }

    fn name(&self) -> &str {
        self.among.as_ref().map_or("", |(name, _)| name)
    }

    fn bar(&mut self, updates: usize) -> Option<&ProgressBar> {
        if self.bar.is_none() && !notebook::is_notebook() && std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(updates as u64);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
                bar.set_style(style);
            }
            self.bar = Some(match &self.among {
                Some((_, bars)) => bars.add(bar),
                None => bar,
            });
        }
        self.bar.as_ref()
    }

    /// Whether it is time for another line.
    fn is_time(&mut self, between: Duration) -> bool {
        let is_time = self.last_line.is_none_or(|last| last.elapsed() >= between);
        if is_time {
            self.last_line = Some(Instant::now());
        }
        is_time
    }
}

impl Observer for Reporter {
    fn update(&mut self, progress: &Progress) {
        let line = format!("{}{progress}", self.name());
        if let Some(bar) = self.bar(progress.updates) {
            bar.set_position(progress.update as u64);
            bar.set_message(line);
        } else if notebook::replaces() {
            if self.is_time(Duration::from_millis(250)) {
                let bar = format!("<progress max=\"{}\" value=\"{}\"></progress>", progress.updates, progress.update);
                let html = format!("{bar} <code>{}</code>", notebook::escape(&line));
                let name = self.shown.get_or_insert_with(notebook::name);
                notebook::replace(name, &[("text/html", &html), ("text/plain", &line)]);
            }
        } else if self.is_time(Duration::from_secs(1)) {
            notebook::say(&line);
        }
    }

    fn checkpoint(&mut self, event: &CheckpointEvent) {
        let line = match event {
            CheckpointEvent::Resumed { update, path, changes } => {
                let changes = changes.iter().map(|change| format!("; {change}")).collect::<String>();
                format!("goes on after update {update}, from {}{changes}", path.display())
            }
            CheckpointEvent::Failed { problem } => format!("a checkpoint failed, training goes on: {problem}"),
            CheckpointEvent::NotSaved { problem } => format!("weights were not saved, training goes on: {problem}"),
            CheckpointEvent::Begun { .. } | CheckpointEvent::Written { .. } => return,
        };
        let line = format!("{}{line}", self.name());
        match &self.bar {
            Some(bar) => bar.println(line),
            None => notebook::say(&line),
        }
    }

    fn end(&mut self, training: &Training) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        // Not the line that the report is: who wants that prints it.
        let (name, updates, loss) = (self.name(), training.updates, training.final_loss());
        let metric =
            training.checks.last().map_or(String::new(), |check| format!(", {}", measured(check.value, check.error)));
        let line = format!("{name}ended after update {updates}, loss {loss:.5}{metric}: {}", training.stop);
        match self.shown.take() {
            Some(name) => notebook::replace(&name, &[("text/plain", &line)]),
            None => notebook::say(&line),
        }
    }
}

/// What an observer is told; it may panic, too.
pub(super) fn told(tell: impl FnOnce()) -> Result<()> {
    caught_in("the observer", || {
        tell();
        Ok(())
    })
}
