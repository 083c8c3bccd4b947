//! Training a run, and how it stands.

use std::path::{Path, PathBuf};

use psychrnn::experiment::{Run, Specification};
use psychrnn::prelude::*;
use psychrnn::train::Stop;
use psychrnn::{Error, interrupt};

use crate::failure::{Failure, Outcome, UNFINISHED};
use crate::{numbers, say};

/// What may be said when a run goes on.
#[derive(clap::Args)]
pub(crate) struct Longer {
    /// Go on until so many trials were seen in all
    #[arg(long, conflicts_with = "updates", value_parser = numbers::count, allow_negative_numbers = true)]
    trials: Option<usize>,
    /// Go on until so many updates were done in all
    #[arg(long, value_parser = numbers::count, allow_negative_numbers = true)]
    updates: Option<usize>,
    /// Go on until the metric (accuracy) reaches this
    #[arg(long, value_parser = numbers::finite, allow_negative_numbers = true)]
    until: Option<f64>,
    /// Take over what was edited in as-given.toml since the run began: learning rate, clipping, goal, …
    #[arg(long)]
    edited: bool,
}

/// A new run, beside its specification if no folder is named.
pub(crate) fn begin(path: &Path, folder: Option<PathBuf>) -> Outcome<Run> {
    let specification = Specification::read(path)?;
    let folder = match (folder, path.extension()) {
        (Some(folder), _) => folder,
        (None, _) if !path.is_file() => {
            let problem = "it is no file after which a run could be called: name a folder with --run";
            return Err(Failure::key(path.display(), problem));
        }
        (None, Some(_)) => path.with_extension(""),
        // It has the name of the specification already.
        (None, None) => path.with_extension("run"),
    };
    if Run::is_in(&folder) {
        let folder = folder.display();
        let problem =
            format!("there is a run in it: go on with `psychrnn resume {folder}`, or name another folder with --run");
        return Err(Failure::key(folder, problem));
    }
    specification.notes().iter().for_each(say::beside);
    Ok(Run::begin(&specification, folder)?)
}

/// The run in a folder.
pub(crate) fn open(folder: &Path) -> Outcome<Run> {
    if !Run::is_in(folder) {
        let problem = "there is no run in it: begin one with `psychrnn train SPECIFICATION`";
        return Err(Failure::key(folder.display(), problem));
    }
    Ok(Run::open(folder)?)
}

/// The run in a folder, to go on in this way. What was edited since it began is told.
pub(crate) fn reopen(folder: &Path, longer: &Longer) -> Outcome<Run> {
    let mut run = open(folder)?;
    if longer.edited {
        run.take_edits()?;
    } else {
        let edits = run.edits()?;
        if !edits.is_empty() {
            say::beside(format_args!("what was given in {} was edited: {}", folder.display(), edits.join("; ")));
            say::beside("the run goes on with what it began with; `--edited` takes this over");
        }
    }
    if let Some(trials) = longer.trials {
        run.set("trainer.trials", trials)?;
    }
    if let Some(updates) = longer.updates {
        run.set("trainer.updates", updates)?;
    }
    if let Some(until) = longer.until {
        run.set("trainer.until", until)?;
    }
    Ok(run)
}

/// Trains it until it ends, and says how it did.
pub(crate) fn train(mut run: Run, threads: Option<usize>) -> Outcome<()> {
    let work = interrupt::watch();
    if let Some(threads) = threads {
        run = run.threads(threads);
    }
    let training = match run.train() {
        Ok(training) => training,
        Err(Error::Diverged { update, what, value, .. }) => return Err(diverged(&run, update, &what, value)),
        Err(error) => return Err(error.into()),
    };
    let said = say::out(&training);
    let code = match training.stop {
        stop if stop.is_end() => return said,
        Stop::Interrupted | Stop::Terminated => work.signal().map_or(UNFINISHED, |signal| 128 + signal as u8),
        _ => UNFINISHED,
    };
    Err(Failure::Unfinished { code, what: not_finished(&run, &training)? })
}

/// What is said of an explosion.
fn diverged(run: &Run, update: usize, what: &str, value: f64) -> Failure {
    let folder = run.folder().display();
    let last = run.training().map_or(0, |training| training.updates);
    Failure::Diverged(format!(
        "training diverged at update {update}: {what} is {value}. The losses are in training.json, and the newest checkpoint, from before \
         the explosion, has {last} updates. To go on from there, edit as-given.toml in {folder} (a smaller learning_rate, or \
         clip = {{ global = 1.0 }}) and call `psychrnn resume {folder} --edited`; or begin another run with a smaller \
         spectral_radius"
    ))
}

/// That a run is not finished, and how it goes on.
pub(crate) fn not_finished(run: &Run, training: &Training) -> Outcome<String> {
    let (folder, all) = (run.folder().display(), run.specification().trainer()?.check()?);
    let why = match training.stop {
        Stop::Interrupted => "interrupted",
        Stop::Terminated => "told to end",
        Stop::TimeUp => "its time limit is over",
        _ => "not finished",
    };
    Ok(format!("{why}: update {} of {all}; `psychrnn resume {folder}` goes on", training.updates))
}

/// That a run goes on, was stopped on the way, or has ended badly.
pub(crate) fn unfinished(run: &Run, training: &Training) -> Outcome<Option<Failure>> {
    Ok(match training.stop.is_end() {
        true => None,
        false => Some(Failure::Unfinished { code: UNFINISHED, what: not_finished(run, training)? }),
    })
}
