//! What a run is to be: read from TOML or JSON, filled up with the usual values, and checked whole before anything starts.

use std::fs;
use std::path::Path;

use psychrnn::models::Model;
use psychrnn::prelude::*;
use psychrnn::train::Loss as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json as object};

use crate::failure::{Failure, Outcome};
use crate::filled::{filled, filled_json, json, no_such, over, placed};
use crate::tasks::{self, Chosen, Described};
use crate::words::{Words, read, speak};

/// The keys at the top.
const SECTIONS: &[&str] =
    &["model", "task", "network", "trainer", "loss", "regularizers", "validation", "test", "curriculum", "checkpoint"];
/// Those that are tables and nothing else.
const TABLES: &[&str] = &["task", "network", "trainer", "validation", "test", "curriculum"];

/// A specification that makes sense, and what it describes.
pub(crate) struct Specification {
    /// All of it, the usual values and the matrices included.
    pub(crate) complete: Json,
    pub(crate) task: Chosen,
    pub(crate) test: HeldOut,
    pub(crate) curriculum: Option<Curriculum>,
    pub(crate) every: Every,
    /// What was taken for what.
    pub(crate) notes: Vec<String>,
    validation: Option<HeldOut>,
    trainer: Trainer,
    /// The section of the network by its fields.
    network: Json,
}

/// Trials that are not trained on.
pub(crate) struct HeldOut {
    task: Chosen,
    section: HeldOutSection,
    purpose: &'static str,
}

#[derive(Serialize, Deserialize)]
struct HeldOutSection {
    trials: usize,
    seed: Seed,
    /// What differs from the task that is trained on.
    task: Json,
}

#[derive(Serialize, Deserialize)]
struct CurriculumSection {
    every: usize,
    trials: usize,
    stages: Vec<StageSection>,
}

#[derive(Serialize, Deserialize)]
struct StageSection {
    threshold: f64,
    /// What differs from the task above.
    #[serde(default = "nothing")]
    task: Json,
}

fn nothing() -> Json {
    Json::Object(Map::new())
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LossSection {
    MeanSquaredError(MeanSquaredError),
    BinaryCrossEntropy(BinaryCrossEntropy),
    CategoricalCrossEntropy(CategoricalCrossEntropy),
}

impl LossSection {
    fn put_into(&self, trainer: Trainer) -> Trainer {
        match *self {
            Self::MeanSquaredError(loss) => trainer.loss(loss),
            Self::BinaryCrossEntropy(loss) => trainer.loss(loss),
            Self::CategoricalCrossEntropy(loss) => trainer.loss(loss),
        }
    }

    /// Whether it fits what the network's outputs are.
    fn check(&self, network: &dyn Network) -> Outcome<()> {
        let Some(constants) = network.constants() else { return Ok(()) };
        let fits = match self {
            Self::MeanSquaredError(loss) => loss.check(constants.readout()),
            Self::BinaryCrossEntropy(loss) => loss.check(constants.readout()),
            Self::CategoricalCrossEntropy(loss) => loss.check(constants.readout()),
        };
        fits.map_err(|error| placed("loss", &json(self), error))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Penalty {
    L1Weights { weights: String, strength: f64 },
    L2Weights { weights: String, strength: f64 },
    L2Rates { strength: f64 },
}

impl Specification {
    /// Reads a file and checks all that it says.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        Self::of(given(path)?.value, path.parent().unwrap_or(Path::new("")))
    }

    /// Checks what is given. Files that it names lie in `folder`.
    pub(crate) fn of(given: Json, folder: &Path) -> Outcome<Self> {
        let mut words = Words::default();
        let this = Self::filled(given, folder, &mut words).map_err(|failure| words.spelled(failure))?;
        Ok(Self { notes: words.notes, ..this })
    }

    fn filled(given: Json, folder: &Path, words: &mut Words) -> Outcome<Self> {
        let Json::Object(mut given) = given else {
            return Err(Failure::key("all of it", "it must be a table with the key `task`"));
        };
        if let Some(unknown) = given.keys().find(|key| !SECTIONS.contains(&key.as_str())) {
            return Err(Failure::key(unknown, no_such("key ", unknown, SECTIONS)));
        }
        let table = |key: &&str| given.get(*key).is_some_and(|section| !(section.is_object() || section.is_null()));
        if let Some(key) = TABLES.iter().find(|key| table(key)) {
            return Err(Failure::key(*key, format!("it must be a table, but it is {}", given[*key])));
        }
        let mut section = |key: &str| given.remove(key).filter(|section| !section.is_null());

        let usual = Usual::of(section("model"))?;
        let (name, main) = task(section("task").unwrap_or_else(nothing), usual.task, words)?;
        let mut change = |key: &str, changes: &Json| -> Outcome<Chosen> {
            let mut changes = changes.clone();
            words.task(key, &mut changes, &main.arguments)?;
            let task = described(key, &name, &over(&main.arguments, &changes), words)?.task;
            same_network(key, &main.task.spec()?, &task.spec()?)?;
            Ok(task)
        };
        let mut held_out = |purpose: &'static str, trials: usize, given: Json| -> Outcome<HeldOut> {
            let usual = HeldOutSection { trials, seed: Seed(0), task: nothing() };
            let section: HeldOutSection = filled(purpose, &usual, &given)?;
            if section.trials == 0 {
                return Err(Failure::key(format!("{purpose}.trials"), "it must be at least 1"));
            }
            Ok(HeldOut { task: change(&format!("{purpose}.task"), &section.task)?, section, purpose })
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
        trainer.check().map_err(|error| placed("trainer", &settings, error))?;
        let every = match section("checkpoint") {
            None => Every::Seconds(60.0),
            Some(given) => filled("checkpoint", &Every::Seconds(60.0), &given)?,
        };
        every.check().map_err(|error| placed("checkpoint", &Json::Null, error))?;

        let mut arguments = main.arguments.clone();
        arguments["name"] = name.into();
        let mut network = section("network").unwrap_or_else(nothing);
        words.network(&mut network)?;
        let network = network_section(network, usual.network.as_ref(), folder)?;
        let mut this = Self {
            complete: object!({
                "task": arguments,
                "network": network.clone(),
                "trainer": settings,
                "loss": loss,
                "regularizers": penalties,
                "validation": validation.as_ref().map(|held_out| &held_out.section),
                "test": test.section,
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
        loss.check(network.as_ref())?;
        let weights = network.effective()?;
        for (i, penalty) in penalties.iter().enumerate() {
            if let Penalty::L1Weights { weights: name, .. } | Penalty::L2Weights { weights: name, .. } = penalty
                && weights.get(name).is_err()
            {
                let names: Vec<&str> = weights.iter().map(|(name, _)| name).collect();
                return Err(Failure::key(format!("regularizers[{i}]"), no_such("parameter ", name, &names)));
            }
        }
        Ok(this)
    }

    /// The network as it is at the start.
    pub(crate) fn network(&self) -> Outcome<Box<dyn Network>> {
        let section = &self.network;
        let mut config = section.clone();
        let kind = config.as_object_mut().and_then(|config| config.remove("kind"));
        let wrong = |error| placed("network", section, error);
        Ok(match kind.is_some_and(|kind| kind == "lstm") {
            true => {
                Box::new(Lstm::new(&self.task, filled("network", &LstmConfig::default(), &config)?).map_err(wrong)?)
            }
            false => Box::new(Rnn::new(&self.task, filled("network", &RnnConfig::default(), &config)?).map_err(wrong)?),
        })
    }

    /// Whether no progress is to be shown.
    pub(crate) fn is_silent(&self) -> bool {
        self.complete["trainer"]["silent"] == true
    }

    /// The trainer, with its validation trials.
    pub(crate) fn trainer(&self) -> Outcome<Trainer> {
        Ok(match &self.validation {
            None => self.trainer.clone(),
            Some(held_out) => self.trainer.clone().validation(held_out.draw(None, None)?),
        })
    }
}

impl HeldOut {
    /// The trials; another number of them, or under another seed, if asked for.
    pub(crate) fn draw(&self, trials: Option<usize>, seed: Option<u64>) -> Outcome<Batch> {
        // Named, so that no trial under this seed is one under the trainer's.
        let seed = seed.map_or(self.section.seed, Seed).child(self.purpose);
        Ok(self.task.batch(trials.unwrap_or(self.section.trials), seed)?)
    }
}

/// What a specification need not say: the library's usual values, or those of an example model.
struct Usual {
    /// The name of the task.
    task: Option<&'static str>,
    /// A model's network; without a model it depends on the kind of network.
    network: Option<RnnConfig>,
    trainer: Trainer,
    per_mask: bool,
    /// The number of validation trials, if there are to be any.
    validation: Option<usize>,
}

impl Usual {
    fn of(model: Option<Json>) -> Outcome<Self> {
        let Some(name) = model else {
            return Ok(Self {
                task: None,
                network: None,
                trainer: Trainer::default(),
                per_mask: false,
                validation: None,
            });
        };
        let names = Model::ALL.map(Model::name);
        let Some(name) = name.as_str() else {
            return Err(Failure::key("model", format!("it must be one of {}", names.join(", "))));
        };
        let model: Model = name.parse().map_err(|_| Failure::key("model", no_such("model ", name, &names)))?;
        Ok(Self {
            task: Some(tasks::of_model(model)),
            network: Some(model.network()),
            trainer: model.trainer()?,
            per_mask: true,
            validation: Some(model.n_validation()),
        })
    }
}

/// What stands in a file.
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) is_json: bool,
    pub(crate) value: Json,
}

/// What is given in a file. It is JSON by its ending or, if that says nothing, by how it begins.
pub(crate) fn given(path: &Path) -> Outcome<Given> {
    let bytes = fs::read(path).map_err(|source| Failure::io("read", path, source))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let problem = "it is no text in UTF-8; save it with this encoding";
        Failure::key(path.display().to_string(), problem)
    })?;
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let is_json = match ending.as_deref() {
        Some("json") => true,
        Some("toml") => false,
        _ => text.trim_start_matches('\u{feff}').trim_start().starts_with('{'),
    };
    let value = read(&text, is_json).map_err(|failure| match failure {
        Failure::Specification { key, problem } if key.is_empty() => Failure::key(path.display().to_string(), problem),
        failure => failure,
    })?;
    Ok(Given { text, is_json, value })
}

/// The task that is trained on, and its name. A model has one already.
fn task(mut section: Json, of_model: Option<&str>, words: &mut Words) -> Outcome<(String, Described)> {
    let given = section.as_object_mut().and_then(|section| section.remove("name"));
    let name = match (given.as_ref().map(|name| name.as_str().unwrap_or_default()), of_model) {
        (Some(given), Some(name)) if given != name => {
            return Err(Failure::key("task.name", format!("the task of this model is {name}; leave the name out")));
        }
        (None, Some(name)) | (Some(name), _) if tasks::NAMES.contains(&name) => name.to_owned(),
        (Some(given), _) if !given.is_empty() => {
            return Err(Failure::key("task.name", no_such("task ", given, &tasks::NAMES)));
        }
        _ => {
            let names = format!("it must be the name of a task: {}", tasks::NAMES.join(", "));
            return Err(Failure::key("task.name", names));
        }
    };
    let described = described("task", &name, &section, words)?;
    Ok((name, described))
}

/// An error if a network for the one task cannot do the other.
fn same_network(key: &str, main: &TaskSpec, changed: &TaskSpec) -> Outcome<()> {
    let wrong = |name: &str, what: String| {
        Err(Failure::key(format!("{key}{name}"), format!("it must be {what}, as in the task that is trained on")))
    };
    match () {
        () if changed.dt != main.dt => wrong(".dt", format!("{} ms", main.dt)),
        () if changed.n_in != main.n_in => wrong("", format!("a task with {} inputs", main.n_in)),
        () if changed.n_out != main.n_out => wrong("", format!("a task with {} outputs", main.n_out)),
        () => Ok(()),
    }
}

/// A task of that name, whose arguments make sense.
fn described(key: &str, name: &str, arguments: &Json, words: &mut Words) -> Outcome<Described> {
    let Some(found) = tasks::describe(key, name, arguments, words) else {
        return Err(Failure::key(format!("{key}.name"), "there is no such task"));
    };
    let found = found?;
    let wrong = |error| placed(key, &found.arguments, error);
    found.task.spec().map_err(wrong)?;
    Ok(found)
}

/// The settings of a trainer but for those that have a section of their own, and with its goal and checks only if that is wanted.
fn own(trainer: &Trainer, until: bool) -> Json {
    let mut settings = json(trainer);
    if let Some(settings) = settings.as_object_mut() {
        ["loss", "regularizers", "validation"].iter().for_each(|key| drop(settings.remove(*key)));
        // A curriculum has these itself.
        settings.retain(|key, _| until || !["until", "check_every", "check_trials"].contains(&key.as_str()));
    }
    settings
}

/// The trainer without what has a section of its own, and its settings.
fn trainer(mut given: Json, usual: &Trainer, until: bool, name: &str, task: &Described) -> Outcome<(Trainer, Json)> {
    if given["until"] == "criterion" {
        let Some(criterion) = &task.criterion else {
            let problem = format!("{name} has no criterion of its own: write {{ metric = 0.9 }} or another number");
            return Err(Failure::key("trainer.until", problem));
        };
        given["until"] = object!({ "criterion": criterion });
    }
    if let Some(key) = ["loss", "regularizers", "validation"].iter().find(|key| !given[**key].is_null()) {
        return Err(Failure::key(format!("trainer.{key}"), format!("this has a section of its own: [{key}]")));
    }
    let trainer: Trainer = filled_json("trainer", &own(usual, until), &given)?;
    let settings = own(&trainer, until);
    Ok((trainer, settings))
}

/// The section of the network with all the usual values, or those of a model, and its matrices instead of the files that hold
/// them.
fn network_section(mut given: Json, of_model: Option<&RnnConfig>, folder: &Path) -> Outcome<Json> {
    let kind = given.as_object_mut().and_then(|given| given.remove("kind")).unwrap_or_else(|| "rnn".into());
    read_matrices("network", &mut given, folder)?;
    let mut complete = match (kind.as_str(), of_model) {
        (Some("rnn"), Some(usual)) => json(&filled("network", usual, &given)?),
        (Some("rnn"), None) => json(&filled("network", &RnnConfig::default(), &given)?),
        (Some("lstm"), None) => json(&filled("network", &LstmConfig::default(), &given)?),
        (_, Some(_)) => return Err(Failure::key("network.kind", "the network of a model is an \"rnn\"")),
        (_, None) => return Err(Failure::key("network.kind", "it must be \"rnn\" or \"lstm\"")),
    };
    complete["kind"] = kind;
    Ok(complete)
}

/// Puts matrices in the place of texts `"file.npz:name"` and of lists of rows.
fn read_matrices(key: &str, section: &mut Json, folder: &Path) -> Outcome<()> {
    if let Json::Object(fields) = section {
        return fields.iter_mut().try_for_each(|(name, value)| read_matrices(&format!("{key}.{name}"), value, folder));
    }
    let wrong = |problem: String| Failure::key(key, problem);
    if let Some((file, name)) = section.as_str().and_then(|text| text.split_once(".npz:")) {
        let path = folder.join(format!("{file}.npz"));
        let weights = Weights::load(&path).map_err(|error| wrong(error.to_string()))?;
        *section = json(weights.array(name).map_err(|error| wrong(error.to_string()))?);
    } else if let Some(rows) = section.as_array().filter(|rows| rows.iter().any(Json::is_array)) {
        let rows: Vec<Vec<f32>> = serde_json::from_value(Json::Array(rows.clone()))
            .map_err(|_| wrong("a matrix is a list of rows of numbers, or \"file.npz:name\"".into()))?;
        let shape = (rows.len(), rows.first().map_or(0, Vec::len));
        let matrix = ndarray::Array2::from_shape_vec(shape, rows.concat())
            .map_err(|_| wrong("the rows of a matrix must be of the same length".into()))?;
        *section = json(&matrix);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only someone who writes Rust knows.
    const FOREIGN: &[&str] = &[
        "usize",
        "u64",
        "i64",
        "u32",
        "f32",
        "f64",
        "null",
        "map",
        "variant",
        "struct",
        "enum",
        "sequence",
        "option",
        "Option",
        "unit",
        "newtype",
        "tuple",
        "floating",
        "boolean",
        "untagged",
        "serde",
        "None",
        "Some",
        "deserialize",
    ];

    /// Each place within a value at which something can be put in the place of what is there.
    fn places(value: &Json, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        if !path.is_empty() {
            found.push(path.clone());
        }
        let below: Vec<(String, &Json)> = match value {
            Json::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
            // Of a list of numbers the first is as good as any.
            Json::Array(list) => list.iter().take(1).map(|value| ("0".to_owned(), value)).collect(),
            _ => Vec::new(),
        };
        for (name, value) in below {
            path.push(name);
            places(value, path, found);
            path.pop();
        }
    }

    fn complete(text: &str) -> Json {
        let given = read(text, false).unwrap_or_else(|failure| panic!("{failure}"));
        let specification = Specification::of(given, Path::new("")).unwrap_or_else(|failure| panic!("{failure}"));
        specification.complete
    }

    #[test]
    fn what_is_of_a_wrong_kind_is_refused_by_its_key_in_plain_words() {
        let everything = r#"
regularizers = [{ l2_rates = { strength = 0.1 } }, { l1_weights = { weights = "W_rec", strength = 0.1 } }]
[task]
name = "random_dots"
[network]
units = 6
tau = [100.0, 100.0, 100.0, 50.0, 50.0, 50.0]
freeze = ["b_out"]
dale_ratio = 0.8
recurrent_connectivity = [[0, 1, 1, 1, 1, 1], [1, 0, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 1, 1], [1, 1, 1, 1, 0, 1], [1, 1, 1, 1, 1, 0]]
[trainer]
updates = 10
until = 0.9
patience = 3
time_limit = 10
schedule = { steps = { every = 3, factor = 0.5 } }
[validation]
trials = 5
"#;
        let stages = r#"
[task]
name = "perceptual_discrimination"
onset = { uniform = { low = 100, high = 200 } }
[network]
kind = "lstm"
units = 4
[trainer]
trials = 100
optimizer = { adam_w = {} }
clip = { global = 1.0 }
[curriculum]
stages = [{ threshold = 0.6 }, { threshold = 0.7, task = { coherences = [0.2] } }]
"#;
        let wrong = [
            Json::from("many"),
            Json::from(-1.5),
            true.into(),
            Json::Null,
            Json::from(Vec::<Json>::new()),
            object!([["x"]]),
            object!({}),
            object!({ "many": 1 }),
            Json::from(-3),
            Json::from(1e300),
        ];
        let (mut refused, mut accepted) = (0, 0);
        for text in [everything, stages] {
            let complete = complete(text);
            let mut found = Vec::new();
            places(&complete, &mut Vec::new(), &mut found);
            for (i, path) in found.iter().enumerate() {
                for value in wrong.iter().skip(i % 3).step_by(3) {
                    let mut given = complete.clone();
                    let pointer = format!("/{}", path.join("/"));
                    let Some(place) = given.pointer_mut(&pointer) else { unreachable!("{pointer}") };
                    *place = value.clone();
                    let Err(failure) = Specification::of(given, Path::new("")) else {
                        accepted += 1;
                        continue;
                    };
                    refused += 1;
                    let text = failure.to_string();
                    let word = |c: char| !(c.is_alphanumeric() || c == '_');
                    let foreign = text.split(word).find(|word| FOREIGN.contains(word));
                    assert!(foreign.is_none(), "{foreign:?} in: {text} ({pointer} = {value})");
                    // The key, or the one above it that it is all about.
                    let named =
                        path.iter().rev().take(2).any(|name| name.parse::<usize>().is_err() && text.contains(name));
                    assert!(
                        named || path.len() > 2 && text.contains(&path[path.len() - 3]),
                        "{text} ({pointer} = {value})"
                    );
                }
            }
        }
        assert!(refused > 3 * accepted && refused > 200, "{refused} refused, {accepted} accepted");
    }

    #[test]
    fn words_of_other_kinds_are_told_apart() {
        let says = |text: &str| {
            let outcome = read(text, false).and_then(|given| Specification::of(given, Path::new("")));
            outcome.err().map_or("accepted".to_owned(), |failure| failure.to_string())
        };
        let task = "[task]\nname = \"random_dots\"\n";
        for (text, key, advice) in [
            (format!("{task}coherences = [nan]"), "task.coherences[0]: ", "finite"),
            (format!("{task}coherences = [0.1, -inf]"), "task.coherences[1]: ", "finite"),
            (format!("{task}stimulus = inf"), "task.stimulus: ", "finite"),
            (format!("{task}stimulus = 2020-01-01"), "task.stimulus: ", "date"),
            (format!("{task}[trainer]\ntrials = 5e5\nupdates = 3"), "trainer.updates: ", "`trials` is given too"),
            (format!("{task}[trainer]\nlength = 5\ntrials = 5"), "trainer.trials: ", "`length` is given too"),
            (format!("{task}[trainer]\ntrials = 0.5"), "trainer.trials: ", "whole number"),
            (format!("{task}[trainer]\ntrials = \"many\""), "trainer.trials: ", "whole number"),
            (format!("{task}[trainer]\nupdates = -5"), "trainer.updates: ", "whole number"),
            (format!("{task}[trainer]\nlength = \"long\""), "trainer.length: ", "trials, updates"),
            (format!("{task}[trainer]\nclip = 1"), "trainer.clip: ", "none, per_parameter, global"),
            (format!("{task}[trainer]\nclip = \"gobal\""), "trainer.clip: ", "none, per_parameter, global"),
            (format!("{task}[trainer]\noptimizer = \"adm\""), "trainer.optimizer: ", "adam"),
            (
                format!("{task}[trainer]\nschedule = {{ steps = {{ every = 0, factor = 0.5 }} }}"),
                ".every: ",
                "at least 1",
            ),
            (format!("{task}[network]\nautapses = false\nconstraints.no_autapses = true"), "network.autapses: ", "too"),
            (format!("{task}[network]\nfreeze = [\"W_in\"]\nfrozen = []"), "network.freeze: ", "network.frozen"),
            (format!("{task}[network]\ndale_ratio = 1.75"), "network.dale_ratio: ", "at most 1"),
            (format!("{task}[network]\nautapses = \"no\""), "network.autapses: ", "true or false"),
            (
                format!("{task}[network]\nrecurrent_connectivity = 3"),
                "network.recurrent_connectivity: ",
                "list of rows",
            ),
            (format!("{task}catch = \"often\""), "task.catch: ", "a number"),
            (format!("{task}catch = 0.1\nprotocol.catch = 0.1"), "task.catch: ", "task.protocol.catch"),
            ("task = 3".to_owned(), "task", "table"),
            (format!("trainer = 3\n{task}"), "trainer", "table"),
            (format!("network = 3\n{task}"), "network", "table"),
            (format!("checkpoint = 3\n{task}"), "checkpoint", "updates, seconds"),
        ] {
            let said = says(&text);
            assert!(said.contains(key) && said.contains(advice), "{said}\n{text}");
        }
    }

    const TOML: &str = r#"
[task]
name = "perceptual_discrimination"
dt = 10.0
duration = 200.0
[network]
kind = "rnn"
units = 4
noise = 0.1
constraints.dale_ratio = 0.8
constraints.recurrent = [[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]
seed = 1
[trainer]
batch_size = 20
learning_rate = 0.001
clip = { global = 1.0 }
[loss]
mean_squared_error.per_mask = true
[validation]
trials = 10
[curriculum]
stages = [{ threshold = 0.9, task = { duration = 300.0 } }, { threshold = 0.5 }]
"#;
    const JSON: &str = r#"{"task": {"name": "random_dots"}, "network": {"kind": "lstm", "units": 3, "seed": 2},
        "regularizers": [{"l2_rates": {"strength": 0.1}}], "checkpoint": {"updates": 5}}"#;
    const WORDS: [&str; 24] = [
        "-1",
        "0",
        "1e999",
        "nan",
        "inf",
        "null",
        "true",
        "[]",
        "{}",
        "[[",
        "{{",
        "]]",
        "\"",
        "\n[",
        "99999999999999999999",
        "0.5",
        "units",
        "seed = ",
        "\"a\": ",
        "= ",
        "\u{1F9E0}",
        "file.npz:name",
        "[[1], [2, 3]]",
        "1979-05-27",
    ];

    /// Whether no number asks for much work: how much is too much is another matter than whether a file is read.
    fn is_small(value: &Json) -> bool {
        match value {
            Json::Number(number) => number.as_f64().is_some_and(|number| number.abs() <= 2000.0),
            Json::Array(values) => values.iter().all(is_small),
            Json::Object(fields) => fields.values().all(is_small),
            _ => true,
        }
    }

    /// The most memory that this process has had, in bytes, where the system tells it.
    fn most_memory() -> usize {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0) * 1024
    }

    /// `PSYCHRNN_MUTATIONS` says how many changed files there are; by default 10,000.
    #[test]
    fn no_changed_specification_panics_or_takes_much_memory() {
        let count = std::env::var("PSYCHRNN_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000_u64);
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let (mut read, mut before) = (0, 0);
        for seed in 0..count {
            let mut rng = Seed(seed).stream(0);
            let (mut text, name) =
                if seed % 2 == 0 { (TOML.to_owned(), "changed.toml") } else { (JSON.to_owned(), "changed.json") };
            for _ in 0..1 + rng.index(3) {
                let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
                let from = places[rng.index(places.len())];
                let to = places.iter().copied().find(|&at| at >= from + rng.index(9)).unwrap_or(text.len());
                match rng.index(5) {
                    0 => text.replace_range(from..to, ""),
                    1 => text.replace_range(from..to, WORDS[rng.index(WORDS.len())]),
                    2 => text.truncate(from),
                    3 => {
                        let piece = text[from..].chars().take(40).collect::<String>();
                        text.insert_str(places[rng.index(places.len())], &piece);
                    }
                    _ => {
                        let digits: Vec<usize> =
                            text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
                        if let Some(&at) = digits.get(rng.index(digits.len().max(1))) {
                            text.replace_range(at..=at, &rng.index(10).to_string());
                        }
                    }
                }
            }
            fs::write(folder.path().join(name), &text).unwrap();
            if let Ok(given) =
                super::given(&folder.path().join(name)).map(|given| given.value).map_err(|failure| failure.to_string())
                && is_small(&given)
            {
                read +=
                    usize::from(Specification::of(given, folder.path()).map_err(|failure| failure.to_string()).is_ok());
            }
            // The first ones bring libtorch into memory.
            if seed == 20 {
                before = most_memory();
            }
        }
        assert!(read > 0);
        assert!(most_memory() - before < 64 << 20, "{} bytes", most_memory() - before);
    }
}
