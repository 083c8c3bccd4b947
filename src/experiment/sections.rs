//! The sections of a specification, one by one: what stands in each, over what is usual.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json as object};

use super::failure::wrong;
use super::filled::{filled, filled_json, json, no_such, placed};
use super::tasks::{self, Chosen, Described};
use super::words::Words;
use crate::Result;
use crate::models::Model;
use crate::network::Config;
use crate::network::kinds::*;
use crate::random::Seed;
use crate::task::{Batch, TaskSpec, TrialSource};
use crate::train::{BinaryCrossEntropy, CategoricalCrossEntropy, MeanSquaredError, Trainer};
use crate::weights::Weights;

/// Trials that are not trained on: those of a section `[validation]` or `[test]`.
#[derive(Clone, Serialize)]
pub struct HeldOut {
    /// How many.
    pub trials: usize,
    /// Their seed. None of them is a trial of training, under whichever seed.
    pub seed: Seed,
    /// What differs from the task that is trained on.
    #[serde(rename = "task")]
    changes: Json,
    #[serde(skip)]
    task: Chosen,
    #[serde(skip)]
    purpose: &'static str,
}

#[derive(Serialize, Deserialize)]
pub(super) struct HeldOutSection {
    pub(super) trials: usize,
    pub(super) seed: Seed,
    /// What differs from the task that is trained on.
    pub(super) task: Json,
}

impl HeldOut {
    pub(super) fn new(purpose: &'static str, section: HeldOutSection, task: Chosen) -> Result<Self> {
        let HeldOutSection { trials, seed, task: changes } = section;
        if trials == 0 {
            return Err(wrong(format!("{purpose}.trials"), "it must be at least 1"));
        }
        Ok(Self { trials, seed, changes, task, purpose })
    }

    /// The task, with what differs from the one that is trained on.
    #[must_use]
    pub fn task(&self) -> &dyn TrialSource {
        &self.task
    }

    /// Draws them, always the same.
    ///
    /// # Errors
    /// If there are none, or if there is not enough memory for them.
    pub fn draw(&self) -> Result<Batch> {
        // Named, so that no trial under this seed is one under the trainer's.
        self.task.batch(self.trials, self.seed.child(self.purpose))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct CurriculumSection {
    /// After how many updates the network is checked.
    pub(super) every: usize,
    /// On how many trials it is checked.
    pub(super) trials: usize,
    /// The stages, one after the other: the next one begins when the threshold of this one is reached.
    pub(super) stages: Vec<StageSection>,
}

/// One stage of a curriculum.
#[derive(Serialize, Deserialize)]
pub(super) struct StageSection {
    /// The metric, accuracy by default, at which the stage ends.
    pub(super) threshold: f64,
    /// What differs from the task above.
    #[serde(default = "nothing")]
    pub(super) task: Json,
}

pub(super) fn nothing() -> Json {
    Json::Object(Map::new())
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LossSection {
    MeanSquaredError(MeanSquaredError),
    BinaryCrossEntropy(BinaryCrossEntropy),
    CategoricalCrossEntropy(CategoricalCrossEntropy),
}

impl LossSection {
    pub(super) fn put_into(&self, trainer: Trainer) -> Trainer {
        match *self {
            Self::MeanSquaredError(loss) => trainer.loss(loss),
            Self::BinaryCrossEntropy(loss) => trainer.loss(loss),
            Self::CategoricalCrossEntropy(loss) => trainer.loss(loss),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Penalty {
    L1Weights {
        /// The name of the parameter.
        weights: String,
        /// How strong it is.
        strength: f64,
    },
    L2Weights {
        /// The name of the parameter.
        weights: String,
        /// How strong it is.
        strength: f64,
    },
    L2Rates {
        /// How strong it is.
        strength: f64,
    },
}

/// What a specification need not say: the library's usual values, or those of an example model.
pub(super) struct Usual {
    /// The name of the task.
    pub(super) task: Option<&'static str>,
    /// A model's network; without a model it depends on the kind of network.
    pub(super) network: Option<RnnConfig>,
    pub(super) trainer: Trainer,
    pub(super) per_mask: bool,
    /// The number of validation trials, if there are to be any.
    pub(super) validation: Option<usize>,
}

impl Usual {
    pub(super) fn of(model: Option<Json>) -> Result<Self> {
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
            return Err(wrong("model", format!("it must be one of {}", names.join(", "))));
        };
        let model: Model = name.parse().map_err(|_| wrong("model", no_such("model ", name, &names)))?;
        Ok(Self {
            task: Some(tasks::of_model(model)),
            network: Some(model.network()),
            trainer: model.settings(),
            per_mask: true,
            validation: Some(model.n_validation()),
        })
    }
}

/// The task that is trained on, and its name. A model has one already.
pub(super) fn task(mut section: Json, of_model: Option<&str>, words: &mut Words) -> Result<(String, Described)> {
    let given = section.as_object_mut().and_then(|section| section.remove("name"));
    let name = match (given.as_ref().map(|name| name.as_str().unwrap_or_default()), of_model) {
        (Some(given), Some(name)) if given != name => {
            return Err(wrong("task.name", format!("the task of this model is {name}; leave the name out")));
        }
        (None, Some(name)) | (Some(name), _) if tasks::NAMES.contains(&name) => name.to_owned(),
        (Some(given), _) if !given.is_empty() => {
            return Err(wrong("task.name", no_such("task ", given, &tasks::NAMES)));
        }
        _ => {
            let names = format!("it must be the name of a task: {}", tasks::NAMES.join(", "));
            return Err(wrong("task.name", names));
        }
    };
    let described = described("task", &name, &section, words)?;
    Ok((name, described))
}

/// An error if a network for the one task cannot do the other.
pub(super) fn same_network(key: &str, main: &TaskSpec, changed: &TaskSpec) -> Result<()> {
    let wrong = |name: &str, what: String| {
        Err(wrong(format!("{key}{name}"), format!("it must be {what}, as in the task that is trained on")))
    };
    match () {
        () if changed.dt != main.dt => wrong(".dt", format!("{} ms", main.dt)),
        () if changed.n_in != main.n_in => wrong("", format!("a task with {} inputs", main.n_in)),
        () if changed.n_out != main.n_out => wrong("", format!("a task with {} outputs", main.n_out)),
        () => Ok(()),
    }
}

/// A task of that name, whose arguments make sense.
pub(super) fn described(key: &str, name: &str, arguments: &Json, words: &mut Words) -> Result<Described> {
    let Some(found) = tasks::describe(key, name, arguments, words) else {
        return Err(wrong(format!("{key}.name"), "there is no such task"));
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
pub(super) fn trainer(
    mut given: Json,
    usual: &Trainer,
    until: bool,
    name: &str,
    task: &Described,
) -> Result<(Trainer, Json)> {
    if given["until"] == "criterion" {
        let Some(criterion) = &task.criterion else {
            let problem = format!("{name} has no criterion of its own: write {{ metric = 0.9 }} or another number");
            return Err(wrong("trainer.until", problem));
        };
        given["until"] = object!({ "criterion": criterion });
    }
    if let Some(key) = ["loss", "regularizers", "validation"].iter().find(|key| !given[**key].is_null()) {
        return Err(wrong(format!("trainer.{key}"), format!("this has a section of its own: [{key}]")));
    }
    let trainer: Trainer = filled_json("trainer", &own(usual, until), &given)?;
    let settings = own(&trainer, until);
    Ok((trainer, settings))
}

/// What a kind of network must be.
pub(super) fn one_of_kinds() -> String {
    macro_rules! keys {
        ($($config:ident),+) => { [$(format!("\"{}\"", $config::KEY)),+] };
    }
    format!("it must be {}", with_configs!(keys).join(" or "))
}

/// The section of the network with all the usual values, or those of a model, and its matrices instead of the files that hold
/// them.
pub(super) fn network_section(mut given: Json, of_model: Option<&RnnConfig>, folder: &Path) -> Result<Json> {
    let kind = given.as_object_mut().and_then(|given| given.remove("kind")).unwrap_or_else(|| "rnn".into());
    read_matrices("network", &mut given, folder)?;
    macro_rules! of_kinds {
        ($($config:ident),+) => {
            match (kind.as_str().unwrap_or_default(), of_model) {
                (RnnConfig::KEY, Some(usual)) => json(&filled("network", usual, &given)?),
                (_, Some(_)) => return Err(wrong("network.kind", "the network of a model is an \"rnn\"")),
                $(($config::KEY, None) => json(&filled("network", &$config::default(), &given)?),)+
                (_, None) => return Err(wrong("network.kind", one_of_kinds())),
            }
        };
    }
    let mut complete = with_configs!(of_kinds);
    complete["kind"] = kind;
    Ok(complete)
}

/// Puts matrices in the place of texts `"file.npz:name"` and of lists of rows.
fn read_matrices(key: &str, section: &mut Json, folder: &Path) -> Result<()> {
    if let Json::Object(fields) = section {
        return fields.iter_mut().try_for_each(|(name, value)| read_matrices(&format!("{key}.{name}"), value, folder));
    }
    let wrong = |problem: String| wrong(key, problem);
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
