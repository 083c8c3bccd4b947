//! What a study is to be from now on: the runs that it has, under the names that they have, and more.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::design::{Plan, Planned};
use crate::experiment::failure::wrong;
use crate::experiment::filled::json;
use crate::experiment::run::differences;
use crate::{Result, threads};

/// How many of the differences of two studies are told.
const TOLD: usize = 4;

impl Plan {
    /// Whether it is the same, word by word.
    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.base, &self.measures, &self.runs) == (&other.base, &other.measures, &other.runs)
    }

    /// This plan for a study that has the runs of an old one. A run is the same if its specification is, wherever in the file that
    /// stands: it keeps its name.
    ///
    /// # Errors
    /// If one of the old runs is none of this plan, or if something was measured that is not wanted: says what differs.
    pub(super) fn with_those_of(mut self, old: &Self) -> Result<Self> {
        let complete = |plan: &Self| -> Result<Vec<String>> {
            threads::map(plan.runs.iter().collect(), |run| Ok(plan.specification(run)?.complete.to_string()))
        };
        let (before, now) = (complete(old)?, complete(&self)?);
        let mut same: HashMap<&String, Vec<usize>> = HashMap::new();
        // Taken from the end.
        now.iter().enumerate().rev().for_each(|(i, run)| same.entry(run).or_default().push(i));
        let (mut kept, mut lost) = (HashSet::new(), Vec::new());
        for (run, specification) in old.runs.iter().zip(&before) {
            match same.get_mut(specification).and_then(Vec::pop) {
                Some(i) => {
                    self.runs[i].name.clone_from(&run.name);
                    kept.insert(i);
                }
                None => lost.push(run),
            }
        }
        let mut found = match old.measures.iter().all(|measure| self.measures.contains(measure)) {
            // More can be measured of runs that have ended.
            true => Vec::new(),
            false => differences(&json(&old.measures), &json(&self.measures)),
        };
        found.iter_mut().for_each(|what| *what = format!("measures{what}, and runs that have ended were measured"));
        if !lost.is_empty() {
            let of_base = differences(&old.base, &self.base);
            found.extend(of_base.into_iter().map(|what| format!("base.{what}")));
            let (changed, gone): (Vec<&Planned>, Vec<&Planned>) =
                lost.into_iter().partition(|run| self.runs.iter().any(|other| other.name == run.name));
            let told = |those: &[&Planned], what: &str| {
                those.first().map(|first| format!("{} {what}, {} the first", those.len(), first.name))
            };
            found.extend(told(&changed, "of its runs are other ones"));
            found.extend(told(&gone, "of its runs are not wanted"));
        }
        if found.is_empty() {
            // A value in front of others moves the numbers by which long ones are called.
            let mut seen: BTreeSet<String> = kept.iter().map(|&i| self.runs[i].name.to_lowercase()).collect();
            let new = self.runs.iter().enumerate().filter(|(i, _)| !kept.contains(i)).map(|(_, run)| run);
            let clash = new.into_iter().find(|run| !seen.insert(run.name.to_lowercase()));
            found.extend(clash.map(|run| format!("the run {} is another one: put new values last", run.name)));
        }
        if found.is_empty() {
            return Ok(self);
        }
        let more = if found.len() > TOLD { format!("; and {} more", found.len() - TOLD) } else { String::new() };
        found.truncate(TOLD);
        let problem = format!("there is another study in it: {}{more}. Name another folder", found.join("; "));
        Err(wrong("", problem))
    }
}
