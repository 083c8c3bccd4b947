//! A run: a folder with its specification, its checkpoints, its log, and what came out.

use std::fs::{self, File};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use psychrnn::prelude::*;
use psychrnn::train::{Check, CheckpointEvent, Observer, Progress, Reporter, Stop};

use crate::failure::{Failure, Outcome};
use crate::specification::Specification;

/// The complete specification, from which a run goes on.
const SPECIFICATION: &str = "specification.json";

/// A run in its folder.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) specification: Specification,
}

impl Run {
    /// A new run; its folder must not hold another one.
    pub(crate) fn begin(path: &Path, folder: Option<PathBuf>) -> Outcome<Self> {
        let specification = Specification::read(path)?;
        let folder = folder.unwrap_or_else(|| path.with_extension(""));
        if folder.join(SPECIFICATION).exists() {
            let problem = format!(
                "there is a run in it: go on with `psychrnn resume {}`, or name another folder with --run",
                folder.display()
            );
            return Err(Failure::key(folder.display().to_string(), problem));
        }
        fs::create_dir_all(&folder).map_err(|source| Failure::io("create", &folder, source))?;
        // As it was written, for people; the complete one, which comes last, for `resume`.
        let copy = folder.join("as-given").with_extension(path.extension().unwrap_or_default());
        fs::copy(path, &copy).map_err(|source| Failure::io("write", &copy, source))?;
        let complete = folder.join(SPECIFICATION);
        let aside = folder.join("specification.new");
        let write = |path: &Path| -> std::io::Result<()> {
            let mut file = File::create(path)?;
            writeln!(file, "{:#}", specification.complete)?;
            file.sync_all()
        };
        write(&aside).map_err(|source| Failure::io("write", &aside, source))?;
        fs::rename(&aside, &complete).map_err(|source| Failure::io("write", &complete, source))?;
        Ok(Self { folder, specification })
    }

    /// The run in a folder.
    pub(crate) fn open(folder: &Path) -> Outcome<Self> {
        let path = folder.join(SPECIFICATION);
        if !path.exists() {
            let problem = "there is no run in it: begin one with `psychrnn train SPECIFICATION`";
            return Err(Failure::key(folder.display().to_string(), problem));
        }
        Ok(Self { folder: folder.to_owned(), specification: Specification::read(&path)? })
    }

    /// Trains from the newest checkpoint on, or from the start, and writes down what came out.
    pub(crate) fn train(&self, threads: Option<usize>) -> Outcome<Training> {
        let specification = &self.specification;
        let mut network = specification.network()?;
        let mut trainer = self.saving(specification.trainer()?).resume();
        if let Some(threads) = threads {
            trainer = trainer.threads(threads);
        }
        let mut log = Log::open(&self.folder.join("log"))?;
        let trained = match &specification.curriculum {
            None => trainer.train_observed(network.as_mut(), &specification.task, &mut log),
            Some(curriculum) => trainer.train_curriculum_observed(network.as_mut(), curriculum, &mut log),
        };
        let training = trained.inspect_err(|error| log.line(&format!("failed: {error}")))?;
        training.save(self.folder.join("training.json"))?;
        network.weights()?.save(self.folder.join("weights.npz"))?;
        if training.best.is_some() {
            network.use_best()?;
            network.weights()?.save(self.folder.join("best.npz"))?;
        }
        if training.stop == Stop::Interrupted {
            let folder = self.folder.display();
            return Err(Failure::Interrupted(format!("interrupted; `psychrnn resume {folder}` goes on")));
        }
        Ok(training)
    }

    /// What training did up to its newest checkpoint, and the network: with its best weights, if there were checks and the last
    /// ones are not asked for.
    pub(crate) fn restore(&self, last: bool) -> Outcome<(Training, Box<dyn Network>)> {
        let mut network = self.specification.network()?;
        let training = self.saving(self.specification.trainer()?).restore(network.as_mut())?;
        if training.best.is_some() && !last {
            network.use_best()?;
        }
        Ok((training, network))
    }

    fn saving(&self, trainer: Trainer) -> Trainer {
        trainer.checkpoint(self.folder.join("checkpoints"), self.specification.every)
    }
}

/// Writes what happens into a file, a line each time, and shows progress.
struct Log {
    file: File,
    start: Instant,
    reporter: Reporter,
}

impl Log {
    fn open(path: &Path) -> Outcome<Self> {
        let file = File::options().append(true).create(true).open(path);
        let file = file.map_err(|source| Failure::io("write", path, source))?;
        Ok(Self { file, start: Instant::now(), reporter: Reporter::default() })
    }

    /// A log that cannot be written is no reason to stop.
    fn line(&mut self, line: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        if writeln!(self.file, "{seconds:9.3} {line}").is_err() && std::io::stderr().is_terminal() {
            eprintln!("the log cannot be written: {line}");
        }
    }
}

impl Observer for Log {
    fn update(&mut self, progress: &Progress) {
        self.reporter.update(progress);
    }

    fn check(&mut self, check: &Check) {
        let Check { update, stage, value, loss, error, passed, .. } = check;
        let passed = if *passed { ", passed" } else { "" };
        self.line(&format!(
            "check {update}: stage {stage}, loss {loss:.6}, error {error:.6}, metric {value:.4}{passed}"
        ));
    }

    fn checkpoint(&mut self, event: &CheckpointEvent) {
        match event {
            CheckpointEvent::Resumed { update, path } => {
                self.line(&format!("resumed {update} from {}", path.display()))
            }
            CheckpointEvent::Begun { update } => self.line(&format!("checkpoint begun {update}")),
            CheckpointEvent::Written { update, .. } => self.line(&format!("checkpoint written {update}")),
            CheckpointEvent::Failed { problem } => self.line(&format!("checkpoint failed: {problem}")),
            _ => {}
        }
        self.reporter.checkpoint(event);
    }

    fn end(&mut self, training: &Training) {
        self.line(&format!("{:?}: {training}", training.stop));
        self.reporter.end(training);
    }
}
