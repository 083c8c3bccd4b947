//! A study as a table.

use indexmap::IndexSet;
use serde_json::Value as Json;

use super::folder::{Outcome, Study};
use crate::Result;
use crate::table::{Table, Value};

impl Study {
    /// One row a run: `run` (its name), the value of each key that varies, `state`, what was measured, `seconds` (those that training took),
    /// and `failure` (why the run failed, or what of it could not be measured). What is not there yet is missing.
    ///
    /// ```no_run
    /// use psychrnn::experiment::Study;
    /// let table = Study::open("noise")?.table()?;
    /// println!("{}", table.mean_by("accuracy", "network.noise")?);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn table(&self) -> Result<Table> {
        let (states, runs) = (self.states()?, &self.plan.runs);
        let mut table = Table::new();
        table.insert("run", runs.iter().map(|run| run.name.as_str()))?;
        for key in runs.iter().flat_map(|run| run.settings.keys()).collect::<IndexSet<_>>() {
            table.insert(key, runs.iter().map(|run| run.settings.get(key).map(setting)))?;
        }
        table.insert("state", states.iter().map(|(state, _)| state.to_string()))?;
        let outcomes: Vec<_> = states.iter().map(|(_, outcome)| outcome.as_ref()).collect();
        let measured = outcomes.iter().flatten().flat_map(|outcome| outcome.measures.iter().map(|(name, _)| name));
        for name in measured.collect::<IndexSet<_>>() {
            let value = |outcome: &Option<&Outcome>| -> Value {
                let found = outcome.and_then(|outcome| outcome.measures.iter().find(|(other, _)| other == name));
                found.map(|(_, value)| value.clone()).into()
            };
            table.insert(name, outcomes.iter().map(value))?;
        }
        table.insert("seconds", outcomes.iter().map(|outcome| outcome.map(|outcome| outcome.seconds)))?;
        let failure = |outcome: &Outcome| {
            let missing = (!outcome.missing.is_empty()).then(|| outcome.missing.join("; "));
            outcome.error.clone().or(missing)
        };
        table.insert("failure", outcomes.iter().map(|outcome| outcome.and_then(failure)))?;
        Ok(table)
    }

    /// Shows the table under a notebook cell; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        match self.table() {
            Ok(table) => table.evcxr_display(),
            Err(error) => crate::notebook::warn(&error.to_string()),
        }
    }
}

/// The value of a key as that of a cell; what is a list or a table stands there as text.
fn setting(value: &Json) -> Value {
    match value {
        Json::Bool(yes) => (*yes).into(),
        Json::Number(number) => number.as_i64().map_or_else(|| number.as_f64().into(), Value::Int),
        Json::String(text) => text.into(),
        other => other.to_string().into(),
    }
}
