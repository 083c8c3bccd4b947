//! What a run is to be: read from TOML or JSON, filled up with the usual values, and checked whole before anything starts.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value as Json, json as object};

use super::failure::{in_file, wrong};
use super::filled::{filled, filled_json, json, no_such, over, placed};
use super::given::Given;
use super::sections::{
    CurriculumSection, HeldOut, HeldOutSection, LossSection, Penalty, Usual, described, network_section, nothing,
    one_of_kinds, same_network, task, trainer,
};
use super::tasks::Chosen;
use super::words::{Words, speak};
use crate::Result;
use crate::network::kinds::*;
use crate::network::{Config, Network, Recurrent};
use crate::random::Seed;
use crate::simulate::Session;
use crate::task::{Batch, TrialSource};
use crate::train::{Curriculum, Every, L1Weights, L2Rates, L2Weights, MeanSquaredError, Trainer};

/// The keys at the top.
const SECTIONS: &[&str] =
    &["model", "task", "network", "trainer", "loss", "regularizers", "validation", "test", "curriculum", "checkpoint"];
/// Those that are tables and nothing else.
pub(super) const TABLES: &[&str] = &["task", "network", "trainer", "validation", "test", "curriculum"];

/// What is trained on what: a task, a network, a trainer, and the trials that they are validated and tested on. It makes sense: whatever
/// is wrong with it is an error when it is read.
///
/// [`KEYS`](super::KEYS) lists what it may say; what is left out has the library's usual value. [`Display`](fmt::Display) writes all of it
/// as JSON, which is a specification, too.
#[derive(Clone)]
pub struct Specification {
    pub(super) given: Given,
    /// All of it, the usual values and the matrices included.
    pub(crate) complete: Json,
    notes: Vec<String>,
    task: Chosen,
    /// The section of the network by its fields.
    network: Json,
    /// Without its validation trials.
    pub(super) trainer: Trainer,
    validation: Option<HeldOut>,
    test: HeldOut,
    curriculum: Option<Curriculum>,
    pub(super) every: Every,
}

impl Specification {
    /// Reads a file in TOML or JSON. Files that it names lie beside it.
    ///
    /// # Errors
    /// If it cannot be read, or at the first key that is unknown or has a value that makes no sense.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::of(Given::read(path.as_ref())?)
    }

    /// What a text in TOML or JSON says. Files that it names lie in the folder in which the program runs.
    ///
    /// ```
    /// # use psychrnn::experiment::Specification;
    /// let wrong = Specification::from_text("task.name = \"random_dots\"\nnetwork.unist = 50");
    /// assert!(wrong.unwrap_err().to_string().starts_with("network.unist: there is no key `unist` (is it units?)"));
    /// ```
    ///
    /// # Errors
    /// As [`Specification::read`].
    pub fn from_text(text: &str) -> Result<Self> {
        Self::of(Given::of_text(text)?)
    }

    /// The same with another value at a key: `specification.with("network.noise", 0.05)?`. What is given at that key is replaced whole;
    /// entries of lists are counted from 0, `regularizers[0].l2_rates.strength`.
    ///
    /// # Errors
    /// As [`Specification::read`].
    pub fn with(&self, key: &str, value: impl Serialize) -> Result<Self> {
        self.with_all(&[(key, json(&value))])
    }

    /// As [`Specification::with`], several at once: each alone may make no sense.
    pub(super) fn with_all<K: AsRef<str>>(&self, changes: &[(K, Json)]) -> Result<Self> {
        Self::of(self.given.with(changes)?)
    }

    /// The task that is trained on.
    #[must_use]
    pub fn task(&self) -> &dyn TrialSource {
        &self.task
    }

    /// The network as it is before training.
    ///
    /// # Errors
    /// None that can be reached: it was made once when the specification was read.
    pub fn network(&self) -> Result<Box<dyn Network>> {
        let section = &self.network;
        let mut config = section.clone();
        let kind = config.as_object_mut().and_then(|config| config.remove("kind"));
        // What a specification has stands there whole.
        macro_rules! of_kinds {
            ($($config:ident),+) => {$(
                if kind.as_ref().is_some_and(|kind| kind == $config::KEY) {
                    let config = filled("network", &$config::default(), &config)?;
                    let network = Recurrent::new(&self.task, config).map_err(|error| placed("network", section, error))?;
                    return Ok(Box::new(network));
                }
            )+};
        }
        with_configs!(of_kinds);
        Err(wrong("network.kind", one_of_kinds()))
    }

    /// The trainer, with its validation trials.
    ///
    /// # Errors
    /// If there is not enough memory for those trials.
    pub fn trainer(&self) -> Result<Trainer> {
        Ok(match &self.validation {
            None => self.trainer.clone(),
            Some(held_out) => self.trainer.clone().validation(held_out.draw()?),
        })
    }

    /// What a network does on trials that are done as in training: one after another if `trainer.consecutive` says so, in rows of so many
    /// of which each begins with `init_state`, and otherwise each for itself.
    ///
    /// # Errors
    /// If the trials do not fit the network, or if there is not enough memory.
    pub fn session(&self, network: &dyn Network, trials: &Batch) -> Result<Session> {
        self.trainer.session(network, trials)
    }

    /// The bytes that training takes, as far as they can be told before it begins.
    pub(super) fn bytes_needed(&self) -> Result<u64> {
        self.trainer.bytes_on(self.network()?.as_ref(), &self.task, self.curriculum.as_ref())
    }

    /// The stages, if the task changes from one to the next.
    #[must_use]
    pub fn curriculum(&self) -> Option<&Curriculum> {
        self.curriculum.as_ref()
    }

    /// The trials on which training is validated, if there are some.
    #[must_use]
    pub fn validation(&self) -> Option<&HeldOut> {
        self.validation.as_ref()
    }

    /// The trials on which the network is tested.
    #[must_use]
    pub fn test(&self) -> &HeldOut {
        &self.test
    }

    /// What was taken for what, a sentence each: a number that is the length of training is taken to be trials.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether no progress is to be shown.
    pub(super) fn is_silent(&self) -> bool {
        self.complete["trainer"]["silent"] == true
    }

    /// Checks what is given.
    pub(super) fn of(given: Given) -> Result<Self> {
        let mut words = Words::default();
        let made = Self::filled(given.clone(), &mut words);
        let this = made.map_err(|error| in_file(words.spelled(error), given.file.as_deref()))?;
        Ok(Self { notes: words.notes, ..this })
    }

    fn filled(all: Given, words: &mut Words) -> Result<Self> {
        let Json::Object(mut given) = all.value.clone() else {
            return Err(wrong("all of it", "it must be a table with the key `task`"));
        };
        if let Some(unknown) = given.keys().find(|key| !SECTIONS.contains(&key.as_str())) {
            return Err(wrong(unknown, no_such("key ", unknown, SECTIONS)));
        }
        let table = |key: &&str| given.get(*key).is_some_and(|section| !(section.is_object() || section.is_null()));
        if let Some(key) = TABLES.iter().find(|key| table(key)) {
            return Err(wrong(*key, format!("it must be a table, but it is {}", given[*key])));
        }
        let mut section = |key: &str| given.remove(key).filter(|section| !section.is_null());

        let usual = Usual::of(section("model"))?;
        let (name, main) = task(section("task").unwrap_or_else(nothing), usual.task, words)?;
        let mut change = |key: &str, changes: &Json| -> Result<Chosen> {
            let mut changes = changes.clone();
            words.task(key, &mut changes, &main.arguments)?;
            let task = described(key, &name, &over(&main.arguments, &changes), words)?.task;
            same_network(key, &main.task.spec()?, &task.spec()?)?;
            Ok(task)
        };
        let mut held_out = |purpose: &'static str, trials: usize, given: Json| -> Result<HeldOut> {
            let usual = HeldOutSection { trials, seed: Seed(0), task: nothing() };
            let section: HeldOutSection = filled(purpose, &usual, &given)?;
            let task = change(&format!("{purpose}.task"), &section.task)?;
            HeldOut::new(purpose, section, task)
        };
        let test = held_out("test", 1000, section("test").unwrap_or_else(nothing))?;
        let curriculum_section = section("curriculum");
        // A curriculum has trials and a goal of its own.
        let of_model = usual.validation.filter(|_| curriculum_section.is_none());
        let validation = section("validation").or(of_model.map(|_| nothing()));
        let validation = validation.map(|given| held_out("validation", of_model.unwrap_or(1000), given)).transpose()?;
        let mut trainer_section = section("trainer").unwrap_or_else(nothing);
        let until = curriculum_section.is_none();
        let mut stages = None;
        let mut curriculum = None;
        if let Some(given) = curriculum_section {
            let usual = CurriculumSection { every: 10, trials: 128, stages: Vec::new() };
            let section: CurriculumSection = filled("curriculum", &usual, &given)?;
            let mut all = Curriculum::new().every(section.every).trials(section.trials);
            for (i, stage) in section.stages.iter().enumerate() {
                all = all.stage(change(&format!("curriculum.stages[{i}].task"), &stage.task)?, stage.threshold);
            }
            all.check().map_err(|error| placed("curriculum", &json(&section), error))?;
            (stages, curriculum) = (Some(section), Some(all));
        }

        let loss: LossSection = match section("loss") {
            None => LossSection::MeanSquaredError(MeanSquaredError { per_mask: usual.per_mask }),
            Some(Json::String(kind)) => filled_json("loss", &Json::Null, &object!({ kind: {} }))?,
            Some(given) => filled_json("loss", &Json::Null, &given)?,
        };
        let penalties: Vec<Penalty> = match section("regularizers") {
            None => Vec::new(),
            Some(given) => filled_json("regularizers", &Json::Null, &given)?,
        };
        words.trainer(&mut trainer_section)?;
        let (trainer, settings) = trainer(trainer_section, &usual.trainer, until, &name, &main)?;
        let trainer = penalties.iter().fold(loss.put_into(trainer), |trainer, penalty| match penalty {
            Penalty::L1Weights { weights, strength } => trainer.regularizer(L1Weights::new(weights, *strength)),
            Penalty::L2Weights { weights, strength } => trainer.regularizer(L2Weights::new(weights, *strength)),
            Penalty::L2Rates { strength } => trainer.regularizer(L2Rates::new(*strength)),
        });
        let in_trainer = |error| placed("trainer", &settings, error);
        trainer.check().map_err(in_trainer)?;
        // These trials are drawn only when training begins.
        if validation.is_some() {
            if stages.is_some() {
                let problem = "leave it out with a curriculum, whose stages have trials of their own";
                return Err(wrong("validation", problem));
            }
            trainer.check_beside_validation().map_err(in_trainer)?;
        }
        let every = match section("checkpoint") {
            None => Every::Seconds(60.0),
            Some(given) => filled("checkpoint", &Every::Seconds(60.0), &given)?,
        };
        every.check().map_err(|error| placed("checkpoint", &Json::Null, error))?;

        let mut arguments = main.arguments.clone();
        arguments["name"] = name.into();
        let mut network = section("network").unwrap_or_else(nothing);
        words.network(&mut network)?;
        words.tell_thawed(&network, usual.network.as_ref().map(|network| &network.freeze));
        let network = network_section(network, usual.network.as_ref(), &all.folder)?;
        let mut this = Self {
            given: all,
            complete: object!({
                "task": arguments,
                "network": network.clone(),
                "trainer": settings,
                "loss": loss,
                "regularizers": penalties,
                "validation": validation,
                "test": test,
                "curriculum": stages,
                "checkpoint": every,
            }),
            task: main.task,
            test,
            curriculum,
            every,
            notes: Vec::new(),
            validation,
            trainer,
            network,
        };
        speak(&mut this.complete);
        let network = this.network()?;
        this.trainer.check_loss(network.as_ref()).map_err(|error| placed("loss", &json(&loss), error))?;
        let weights = network.effective()?;
        for (i, penalty) in penalties.iter().enumerate() {
            if let Penalty::L1Weights { weights: name, .. } | Penalty::L2Weights { weights: name, .. } = penalty
                && weights.get(name).is_err()
            {
                let names: Vec<&str> = weights.iter().map(|(name, _)| name).collect();
                return Err(wrong(format!("regularizers[{i}]"), no_such("parameter ", name, &names)));
            }
        }
        Ok(this)
    }
}

impl fmt::Display for Specification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.complete)
    }
}

impl fmt::Debug for Specification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
