//! The tasks by name.

use std::sync::{Arc, LazyLock};

use crate::Result;
use crate::models::Model;
use crate::task::TrialSource;
use crate::tasks::catalog;
pub(super) use crate::tasks::catalog::Described;
use serde_json::Value as Json;

use super::filled::filled_by;
use super::words::Words;

/// A task that a specification names, with its arguments.
pub(super) type Chosen = Arc<dyn TrialSource>;

/// The names of all tasks.
pub(super) static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| catalog::all().map(|entry| entry.name).collect());

/// The task of that name with these arguments, and the usual ones for all that is not given.
pub(super) fn describe(key: &str, name: &str, given: &Json, words: &mut Words) -> Option<Result<Described>> {
    let entry = catalog::find(name).ok()?;
    let usual = entry.described().arguments;
    let mut given = given.clone();
    let spelled = words.task(key, &mut given, &usual);
    let read = |all: &Json| entry.read(all);
    Some(spelled.and_then(|()| filled_by(key, &usual, &given, read, |task| task.arguments.clone())))
}

/// The name of the task of a model.
pub(super) fn of_model(model: Model) -> &'static str {
    match model {
        Model::RdmNodale | Model::RdmDense | Model::RdmFixed => "random_dots",
        Model::RdmVarstim => "random_dots_variable_duration",
        Model::RdmRt => "random_dots_reaction_time",
        Model::Mante | Model::ManteAreas => "context_integration",
        Model::Multisensory => "multisensory_integration",
        Model::Romo => "parametric_working_memory",
        Model::Lee => "sequence_execution",
        Model::Sinewave => "sine_wave",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::given::values;
    use crate::random::Seed;

    /// A section of a specification as a text in TOML, which has no word for nothing.
    fn toml(value: &Json) -> toml::Value {
        match value {
            Json::Object(fields) => {
                let there = fields.iter().filter(|(_, value)| !value.is_null());
                toml::Value::Table(there.map(|(name, value)| (name.clone(), toml(value))).collect())
            }
            Json::Array(list) => toml::Value::Array(list.iter().map(toml).collect()),
            Json::Number(number) if number.is_f64() => toml::Value::Float(number.as_f64().unwrap_or_default()),
            Json::Number(number) => toml::Value::Integer(number.as_i64().unwrap_or_default()),
            Json::String(text) => toml::Value::String(text.clone()),
            Json::Bool(yes) => toml::Value::Boolean(*yes),
            Json::Null => toml::Value::String(String::new()),
        }
    }

    #[test]
    fn every_task_comes_back_from_json_and_toml() {
        let again = |name: &str, given: &Json| {
            let described = describe("task", name, given, &mut Words::default());
            described.unwrap_or_else(|| panic!("{name}")).unwrap_or_else(|failure| panic!("{name}: {failure}"))
        };
        for entry in catalog::all() {
            let usual = entry.described();
            let text = toml::to_string(&toml(&usual.arguments)).unwrap_or_else(|error| panic!("{error}"));
            let read = values(&text, false).unwrap_or_else(|failure| panic!("{text}: {failure}"));
            for given in [&usual.arguments, &read, &serde_json::json!({})] {
                let found = again(entry.name, given);
                assert_eq!(found.arguments, usual.arguments, "{}", entry.name);
                assert_eq!(found.criterion, usual.criterion, "{}", entry.name);
                assert!(found.task.batch(3, Seed(1)).ok() == usual.task.batch(3, Seed(1)).ok(), "{}", entry.name);
            }
        }
        assert!(describe("task", "random_dot", &Json::Null, &mut Words::default()).is_none());
        assert!(Model::ALL.iter().all(|model| NAMES.contains(&of_model(*model))));
    }
}
