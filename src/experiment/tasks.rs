//! The tasks by name.

use std::ops::Range;
use std::sync::Arc;

use psychrnn::models::Model;
use psychrnn::prelude::*;
use psychrnn::task::models::{
    ContextIntegration, Criterion, MultisensoryIntegration, ParametricWorkingMemory, RandomDots, SequenceExecution,
    SineWave,
};
use serde_json::Value as Json;

use super::filled::{filled, json};
use super::words::Words;

/// A task that a specification names, with its arguments.
#[derive(Clone)]
pub(crate) struct Chosen(Arc<dyn TrialSource>);

impl TrialSource for Chosen {
    fn spec(&self) -> TaskSpec {
        self.0.spec()
    }

    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch> {
        self.0.trials(numbers, seed)
    }
}

/// A task as a specification describes it: all its arguments, the task itself, and PyCog's criterion if it is one of PyCog's.
pub(crate) struct Described {
    pub(crate) arguments: Json,
    pub(crate) task: Chosen,
    pub(crate) criterion: Option<Criterion>,
}

macro_rules! tasks {
    ($($name:literal: $usual:expr, $criterion:expr;)+) => {
        /// The names of all tasks.
        pub(crate) const NAMES: &[&str] = &[$($name),+];

        /// The task of that name with these arguments, and the usual ones for all that is not given.
        pub(crate) fn describe(key: &str, name: &str, given: &Json, words: &mut Words) -> Option<Result<Described>> {
            fn of<T: TrialSource + serde::Serialize + serde::de::DeserializeOwned + 'static>(
                key: &str,
                usual: &T,
                (given, words): (&Json, &mut Words),
                criterion: fn(&T) -> Option<Criterion>,
            ) -> Result<Described> {
                let mut given = given.clone();
                words.task(key, &mut given, &json(usual))?;
                let task: T = filled(key, usual, &given)?;
                let (arguments, criterion) = (json(&task), criterion(&task));
                Ok(Described { arguments, task: Chosen(Arc::new(task)), criterion })
            }
            match name {
                $($name => Some(of(key, &$usual, (given, words), $criterion)),)+
                _ => None,
            }
        }
    };
}

/// The name of the task of a model.
pub(crate) fn of_model(model: Model) -> &'static str {
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

tasks! {
    "perceptual_discrimination": PerceptualDiscrimination::default(), |_| None;
    "delayed_discrimination": DelayedDiscrimination::default(), |_| None;
    "match_to_category": MatchToCategory::default(), |_| None;
    "random_dots": RandomDots::fixed_duration(), |task| Some(task.criterion());
    "random_dots_variable_duration": RandomDots::variable_duration(), |task| Some(task.criterion());
    "random_dots_reaction_time": RandomDots::reaction_time(), |task| Some(task.criterion());
    "context_integration": ContextIntegration::default(), |task| Some(task.criterion());
    "multisensory_integration": MultisensoryIntegration::default(), |task| Some(task.criterion());
    "parametric_working_memory": ParametricWorkingMemory::default(), |task| Some(task.criterion());
    "sequence_execution": SequenceExecution::default(), |task| Some(task.criterion());
    "sine_wave": SineWave::default(), |task| Some(task.criterion());
}
