//! Many networks at once.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use indicatif::MultiProgress;
use serde::{Deserialize, Serialize};

use super::run::OneTorchThread;
use super::validation::Plan;
use super::{Curriculum, Observer, Reporter, Silent, Trainer, Training};
use crate::caught::caught_in;
use crate::network::Network;
use crate::setters::setters;
use crate::table::{Table, Value};
use crate::task::TrialSource;
use crate::{Error, Result, file, interrupt, memory, threads};

/// Many networks that are trained at the same time, one on each core: other seeds, other configurations, with and without a
/// curriculum. Each becomes, bit for bit, what it would become if it were trained alone.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// let task = PerceptualDiscrimination::default();
/// let mut ensemble = Ensemble::new();
/// for seed in 1..=10 {
///     let network = Rnn::new(&task, RnnConfig::default().seed(seed))?;
///     ensemble.add(&format!("seed {seed}"), network, Trainer::default().seed(seed).until(0.9), task.clone());
/// }
/// let report = ensemble.train()?;
/// println!("{}", report.table());
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Debug)]
pub struct Ensemble<N> {
    /// The networks, with what they are trained on.
    pub members: Vec<Member<N>>,
    threads: Option<usize>,
    silent: bool,
}

/// One network of an ensemble.
#[derive(Debug)]
pub struct Member<N> {
    /// What it is called in the report.
    pub name: String,
    /// The network.
    pub network: N,
    trainer: Trainer,
    lessons: Lessons,
}

/// What a network is to learn.
enum Lessons {
    Task(Arc<dyn TrialSource>),
    Curriculum(Curriculum),
}

impl Lessons {
    fn plan<'a>(&'a self, trainer: &'a Trainer) -> Result<Plan<'a>> {
        match self {
            Self::Task(task) => Plan::of_task(trainer, task.as_ref()),
            Self::Curriculum(curriculum) => Plan::of_curriculum(trainer, curriculum),
        }
    }
}

impl fmt::Debug for Lessons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(_) => f.write_str("task"),
            Self::Curriculum(curriculum) => curriculum.fmt(f),
        }
    }
}

impl<N> Default for Ensemble<N> {
    fn default() -> Self {
        Self { members: Vec::new(), threads: None, silent: false }
    }
}

impl<N: Network> Ensemble<N> {
    /// No networks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a network that is to be trained on a task.
    pub fn add(&mut self, name: &str, network: N, trainer: Trainer, task: impl TrialSource + 'static) {
        let lessons = Lessons::Task(Arc::new(task));
        self.members.push(Member { name: name.to_owned(), network, trainer, lessons });
    }

    /// Adds a network that is to be trained on a curriculum.
    pub fn add_curriculum(&mut self, name: &str, network: N, trainer: Trainer, curriculum: Curriculum) {
        let lessons = Lessons::Curriculum(curriculum);
        self.members.push(Member { name: name.to_owned(), network, trainer, lessons });
    }

    setters! {
        /// How many networks are trained at the same time; as many as there are cores by default. It changes no result.
        threads: usize => Some(threads);
    }

    /// Shows no progress of any network; that of one alone is not shown if its trainer is [`Trainer::silent`].
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Trains all networks; a line of progress names the network that it is about. Each has one thread. Where several have a
    /// trainer with the same folder for checkpoints or weights, each has a folder of its own within it, by its name. That one
    /// network cannot be trained, or diverges, does not keep the others: the report says so.
    ///
    /// # Errors
    /// If there is no network, if two have the same name, if `threads` is 0 or a trainer asks for other threads than one, or if
    /// there is not enough memory to train so many at the same time.
    pub fn train(&mut self) -> Result<EnsembleTraining> {
        if self.members.is_empty() {
            return Err(Error::argument("members", "at least one network", "none"));
        }
        if self.threads == Some(0) {
            return Err(Error::argument("threads", "at least 1", 0));
        }
        if let Some(threads) = self.members.iter().filter_map(|member| member.trainer.threads).find(|&one| one != 1) {
            let expected = "left out in the trainers of an ensemble, whose networks have one thread each; its own `threads` says how \
                many are trained at the same time";
            return Err(Error::argument("threads", expected, threads));
        }
        for (i, member) in self.members.iter().enumerate() {
            if self.members[..i].iter().any(|earlier| earlier.name == member.name) {
                return Err(Error::argument("name", "another one for each network", &member.name));
            }
        }
        self.part_folders();
        // Here, so that who called gets its threads of libtorch back.
        let _one_thread = OneTorchThread::new();
        let (start, work) = (Instant::now(), interrupt::watch());
        let n_threads = self.threads.unwrap_or_else(threads::threads);
        self.check_memory(n_threads)?;
        let (bars, silent) = (MultiProgress::new(), self.silent);
        let members = threads::with_threads(n_threads, || {
            threads::map(self.members.iter_mut().collect(), |member| match work.is_interrupted() {
                false => Ok(member.train(&bars, silent)),
                true => Ok(member.untrained("interrupted before it began")),
            })
        })?;
        Ok(EnsembleTraining { members, seconds: start.elapsed().as_secs_f64(), interrupted: work.is_interrupted() })
    }
}

impl<N> Ensemble<N> {
    /// Gives members that would write into the same folder each its own folder within it, by its name.
    fn part_folders(&mut self) {
        let of: [fn(&mut Trainer) -> Option<&mut PathBuf>; 2] = [
            |trainer| trainer.checkpoint.as_mut().map(|(folder, _)| folder),
            |trainer| trainer.save_every.as_mut().map(|(_, folder)| folder),
        ];
        for folder in of {
            let mut all = Vec::new();
            for member in &mut self.members {
                all.push(folder(&mut member.trainer).cloned());
            }
            for (i, member) in self.members.iter_mut().enumerate() {
                let shared = all[i].is_some() && all.iter().filter(|other| **other == all[i]).count() > 1;
                if let Some(folder) = folder(&mut member.trainer).filter(|_| shared) {
                    folder.push(folder_name(&member.name));
                }
            }
        }
    }
}

/// The name of a network as that of a folder: what may not be in one stands there by its number.
fn folder_name(name: &str) -> String {
    let plain = |(i, c): (usize, char)| match c {
        '.' if i > 0 => c.to_string(),
        _ if c.is_alphanumeric() || " -_=,+".contains(c) => c.to_string(),
        _ => format!("%{:02X}", u32::from(c)),
    };
    name.chars().enumerate().map(plain).collect()
}

impl<N: Network> Ensemble<N> {
    /// An error if there is not enough memory for as many networks as are trained at the same time.
    fn check_memory(&self, n_threads: usize) -> Result<()> {
        // What panics here does so again when it is trained, and is told there.
        let needed = |member: &Member<N>| caught_in("the task or the network", || member.bytes_needed());
        memory::check_together(self.members.iter().filter_map(|member| needed(member).ok()), n_threads)
    }
}

impl<N: Network> Member<N> {
    fn bytes_needed(&self) -> Result<u64> {
        let n_steps = self.lessons.plan(&self.trainer)?.n_steps()?;
        self.trainer.bytes_needed(&self.network, n_steps, self.trainer.chosen_backend(&self.network)?)
    }

    fn train(&mut self, bars: &MultiProgress, silent: bool) -> MemberTraining {
        let observer: &mut dyn Observer =
            if silent || self.trainer.silent { &mut Silent } else { &mut Reporter::named(&self.name, bars.clone()) };
        let trainer = self.trainer.clone().threads(1);
        self.network.parameters_mut().memory.report = None;
        let training = self.lessons.plan(&trainer).and_then(|plan| trainer.run(&mut self.network, &plan, observer));
        let (training, error) = match training {
            Ok(training) => (Some(training), None),
            Err(error) => (Training::of(&self.network).ok(), Some(error.to_string())),
        };
        MemberTraining { name: self.name.clone(), training, error }
    }

    fn untrained(&self, why: &str) -> MemberTraining {
        MemberTraining { name: self.name.clone(), training: None, error: Some(why.to_owned()) }
    }
}

/// What training an ensemble did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EnsembleTraining {
    /// The networks, in the order in which they were added.
    pub members: Vec<MemberTraining>,
    /// The seconds that all of it took.
    #[serde(with = "crate::number")]
    pub seconds: f64,
    /// Whether it was interrupted (see [`interrupt`]): some networks have less training than asked for, or none. Train again
    /// to go on.
    pub interrupted: bool,
}

/// What training one network of an ensemble did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemberTraining {
    /// What it is called.
    pub name: String,
    /// What its training did, up to an error if there was one; none if it did not begin.
    pub training: Option<Training>,
    /// What went wrong.
    pub error: Option<String>,
}

impl EnsembleTraining {
    /// What the training of each network did, in the order in which they were added.
    ///
    /// # Errors
    /// If one of them failed: says which, and why.
    pub fn trainings(&self) -> Result<Vec<&Training>> {
        let of = |member: &MemberTraining| -> std::result::Result<(), String> {
            member.error.as_ref().map_or(Ok(()), |error| Err(format!("{}: {error}", member.name)))
        };
        match self.members.iter().find_map(|member| of(member).err()) {
            Some(failed) => Err(Error::argument("ensemble", "trained to the end, all of it", failed)),
            None => Ok(self.members.iter().filter_map(|member| member.training.as_ref()).collect()),
        }
    }

    /// One row a network: `name`, `updates`, `trials`, `reached` (whether it reached its goal), `loss` (the last ones' mean),
    /// `metric` (what was measured last), `seconds`, `error`.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        let of_training = |value: &dyn Fn(&Training) -> Value| -> Vec<Value> {
            self.members.iter().map(|member| member.training.as_ref().map_or(Value::Missing, value)).collect()
        };
        let columns = [
            ("name", self.members.iter().map(|member| member.name.as_str().into()).collect()),
            ("updates", of_training(&|training| training.updates.into())),
            ("trials", of_training(&|training| training.trials.into())),
            ("reached", of_training(&|training| (training.stop == super::Stop::Reached).into())),
            ("loss", of_training(&|training| training.final_loss().into())),
            ("metric", of_training(&|training| training.checks.last().map(|check| check.value).into())),
            ("seconds", of_training(&|training| training.seconds.into())),
            ("error", self.members.iter().map(|member| member.error.as_deref().into()).collect()),
        ];
        for (name, column) in columns {
            // All columns have one row a network, so no insertion can fail.
            drop(table.insert(name, column));
        }
        table
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// If the file cannot be written; an older file of that name then stays whole.
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        file::write_json(path.as_ref(), self)
    }

    /// Reads what [`EnsembleTraining::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, or is no such report.
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Self> {
        file::read_json(path.as_ref(), "report of an ensemble's training")
    }
}

impl fmt::Display for EnsembleTraining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.members.iter().filter(|member| member.error.is_some()).count();
        let stop = if self.interrupted { "interrupted; " } else { "" };
        write!(f, "{stop}trained {} networks in {:.1} s", self.members.len() - failed, self.seconds)?;
        if failed > 0 {
            write!(f, "; {failed} failed")?;
        }
        Ok(())
    }
}
