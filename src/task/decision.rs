//! How outputs are read as a choice.

use std::fmt;
use std::ops::Range;

use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::Batch;
use super::time::check_window;
use crate::number::decimal;
use crate::{Error, Result, notebook};

/// How the outputs of a trial are read as a choice: by a rule, among which outputs, and when in the trial. A choice is correct if
/// the targets, read in the same way, give the same one.
///
/// ```
/// use psychrnn::task::Decision;
/// // The larger of outputs 1 and 2 in the decision period; output 0 asks for fixation.
/// Decision::largest_mean().among([1, 2]).during("decision");
/// // One output with targets 1 and -1, and one with targets 1 and 0.
/// Decision::sign();
/// Decision::threshold(0.5).during("decision");
/// // A reaction-time task: the first output to reach 0.7 after the stimulus came.
/// Decision::first_to_reach(0.7).after("stimulus");
/// // Go or no go.
/// Decision::go(0.5).during("response");
/// ```
///
/// The default, of a task that says nothing, is the output with the largest mean in the answer. The answer are the steps in
/// which the mask counts several outputs and the targets favor one of them; if they favor first one, which asks for fixation, and
/// then another, only the steps in which they favor the other. Where this cannot be right, training that asks for correct
/// choices is refused before it begins: with one output, if the targets favor the same output in all trials, or several in turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Decision {
    rule: Rule,
    /// The outputs that are alternatives, or the one that is read; all by default.
    among: Option<Vec<usize>>,
    span: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Rule {
    #[default]
    LargestInAnswer,
    LargestMean,
    LargestAtEnd,
    FirstToReach {
        threshold: f32,
        /// Whether the largest output at the end decides where none reaches the threshold.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        or_largest_at_end: bool,
    },
    Threshold {
        threshold: f32,
    },
    Go {
        threshold: f32,
    },
    None,
}

/// Which steps count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Span {
    #[default]
    Trial,
    During(String),
    After(String),
    Between(f32, f32),
}

impl Span {
    fn is_trial(&self) -> bool {
        *self == Self::Trial
    }
}

/// As it stands in a file: a rule that looks at all outputs and the whole trial is its name alone.
#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Written {
    Rule(Rule),
    Limited {
        rule: Rule,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        among: Option<Vec<usize>>,
        #[serde(default, skip_serializing_if = "Span::is_trial")]
        span: Span,
    },
}

impl From<Written> for Decision {
    fn from(written: Written) -> Self {
        match written {
            Written::Rule(rule) => rule.into(),
            Written::Limited { rule, among, span } => Self { rule, among, span },
        }
    }
}

impl From<Decision> for Written {
    fn from(Decision { rule, among, span }: Decision) -> Self {
        match among.is_none() && span.is_trial() {
            true => Self::Rule(rule),
            false => Self::Limited { rule, among, span },
        }
    }
}

impl From<Rule> for Decision {
    fn from(rule: Rule) -> Self {
        Self { rule, among: None, span: Span::Trial }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Rule::LargestInAnswer => f.write_str("the largest output in the answer, the default")?,
            Rule::LargestMean => f.write_str("the largest mean output")?,
            Rule::LargestAtEnd => f.write_str("the largest output at the end")?,
            Rule::FirstToReach { threshold, .. } => write!(f, "the first output to reach {threshold}")?,
            Rule::Threshold { threshold: 0.0 } => f.write_str("the sign of the output")?,
            Rule::Threshold { threshold } => write!(f, "whether the output is above {threshold}")?,
            Rule::Go { threshold } => write!(f, "whether the output reaches {threshold}")?,
            Rule::None => f.write_str("none")?,
        }
        if let Some(among) = &self.among {
            write!(f, " among {among:?}")?;
        }
        match &self.span {
            Span::Trial => Ok(()),
            Span::During(epoch) => write!(f, " during \"{epoch}\""),
            Span::After(epoch) => write!(f, " after \"{epoch}\""),
            Span::Between(from, to) => write!(f, " between {from} and {to} ms"),
        }
    }
}

/// What the outputs of a trial say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) choice: Option<usize>,
    /// The step in which an output first reached the threshold, for a rule that has one.
    pub(crate) reached: Option<usize>,
}

impl From<Option<usize>> for Reading {
    fn from(choice: Option<usize>) -> Self {
        Self { choice, reached: None }
    }
}

impl Decision {
    /// The output with the largest mean, weighted by the mask; an output that the mask never counts is no alternative. A trial
    /// whose mask is empty, or whose targets favor no output, has no correct choice. In a span of its own in which the mask counts
    /// nothing all steps count alike. PsychRNN's rule.
    #[must_use]
    pub fn largest_mean() -> Self {
        Rule::LargestMean.into()
    }

    /// The output that is largest at the last step of the trial, or of the span in which it is read, whatever the mask: how PyCog
    /// scores its two-alternative tasks. A trial whose targets favor no output there, such as a catch trial, has no correct choice.
    #[must_use]
    pub fn largest_at_end() -> Self {
        Rule::LargestAtEnd.into()
    }

    /// The first output to reach a threshold, whatever the mask: how the choices of a reaction-time task are read. A trial in
    /// which none does has no choice, unless [`Decision::or_largest_at_end`] is said; one in which no target does has no correct one.
    ///
    /// The same crossing gives the reaction time, [`Session::decision_times`](crate::simulate::Session::decision_times).
    #[must_use]
    pub fn first_to_reach(threshold: f32) -> Self {
        Rule::FirstToReach { threshold, or_largest_at_end: false }.into()
    }

    /// One output, whose mean, weighted by the mask as in [`Decision::largest_mean`], is above the threshold for choice 1 and below
    /// it for choice 0: for targets 1 and 0, say. A mean that is the threshold is no choice.
    #[must_use]
    pub fn threshold(threshold: f32) -> Self {
        Rule::Threshold { threshold }.into()
    }

    /// One output, whose mean is positive for choice 1 and negative for choice 0: for targets 1 and -1. It is a
    /// [`threshold`](Decision::threshold) of 0, so that a trial whose target is 0 has no correct choice.
    #[must_use]
    pub fn sign() -> Self {
        Self::threshold(0.0)
    }

    /// One output, which says go (choice 1) if it reaches the threshold in some step, and no go (choice 0) if it does not. Steps
    /// that the mask does not count are left out, unless a span is given. Not to go where the target does not reach the
    /// threshold is correct: a network that always goes is right in the go trials alone.
    /// [`Session::detection`](crate::simulate::Session::detection) counts hits and false alarms.
    #[must_use]
    pub fn go(threshold: f32) -> Self {
        Rule::Go { threshold }.into()
    }

    /// The task asks for no choice: a waveform, say.
    #[must_use]
    pub fn none() -> Self {
        Rule::None.into()
    }

    /// The outputs that are alternatives, or the one that is read; all by default. Choices keep the numbers of the outputs.
    #[must_use]
    pub fn among(mut self, outputs: impl IntoIterator<Item = usize>) -> Self {
        self.among = Some(outputs.into_iter().collect());
        self
    }

    /// Only the steps of this epoch count. A trial without it has no choice.
    #[must_use]
    pub fn during(mut self, epoch: &str) -> Self {
        self.span = Span::During(epoch.to_owned());
        self
    }

    /// Only the steps from the start of this epoch on count; for a threshold only what reaches it there, and not an output that was
    /// there before, as one that asks for fixation. A trial without the epoch has no choice.
    #[must_use]
    pub fn after(mut self, epoch: &str) -> Self {
        self.span = Span::After(epoch.to_owned());
        self
    }

    /// Only the steps between these times count, in milliseconds from the start of the trial, the end excluded: for recorded trials,
    /// which have no epochs.
    #[must_use]
    pub fn between(mut self, from: f32, to: f32) -> Self {
        self.span = Span::Between(from, to);
        self
    }

    /// Where no output reaches the threshold of [`Decision::first_to_reach`], the largest at the end is the choice, without a
    /// reaction time. It changes no other rule.
    #[must_use]
    pub fn or_largest_at_end(mut self) -> Self {
        if let Rule::FirstToReach { or_largest_at_end, .. } = &mut self.rule {
            *or_largest_at_end = true;
        }
        self
    }

    /// The same alternatives by another rule, from the start of an epoch on.
    pub(crate) fn first_after(&self, threshold: f32, epoch: &str) -> Self {
        let among = self.among.clone().filter(|_| self.is_largest());
        Self { among, ..Self::first_to_reach(threshold).after(epoch) }
    }

    /// Whether it chooses among outputs.
    fn is_largest(&self) -> bool {
        !matches!(self.rule, Rule::Threshold { .. } | Rule::Go { .. } | Rule::None)
    }

    /// Whether it has a threshold, the crossing of which takes time.
    pub(crate) fn has_times(&self) -> bool {
        matches!(self.rule, Rule::FirstToReach { .. } | Rule::Go { .. })
    }

    /// The epoch by which it is read.
    pub(crate) fn epoch(&self) -> Option<&str> {
        match &self.span {
            Span::During(epoch) | Span::After(epoch) => Some(epoch),
            Span::Trial | Span::Between(..) => None,
        }
    }

    /// Whether it makes sense for this number of outputs.
    pub(crate) fn check(&self, n_out: usize) -> Result<()> {
        if let Rule::FirstToReach { threshold, .. } | Rule::Threshold { threshold } | Rule::Go { threshold } = self.rule
            && !threshold.is_finite()
        {
            return Err(Error::argument("threshold of the decision", "finite", threshold));
        }
        if let Span::Between(from, to) = self.span
            && (from.is_nan() || to.is_nan() || from.max(0.0) >= to)
        {
            let expected = "between a time and a later one, in milliseconds from the start of the trial";
            return Err(Error::argument("decision", expected, self));
        }
        if let Some(among) = &self.among {
            if let Some(output) = among.iter().find(|&&output| output >= n_out) {
                let expected = format!("among the outputs, of which there are {n_out}, counted from 0");
                return Err(Error::argument("decision", expected, format!("among output {output}")));
            }
            if (1..among.len()).any(|at| among[..at].contains(&among[at])) {
                return Err(Error::argument("decision", "among each output once", format!("among {among:?}")));
            }
        }
        let n = self.alternatives(n_out).len();
        match self.rule {
            Rule::Threshold { .. } | Rule::Go { .. } if n != 1 => {
                let expected = "about one output: say which with `among([0])`";
                Err(Error::argument("decision", expected, format!("{self}, of which there are {n}")))
            }
            // Nothing was said: training asks for more if it needs a choice.
            Rule::LargestInAnswer if self.among.is_none() => Ok(()),
            Rule::LargestInAnswer | Rule::LargestMean | Rule::LargestAtEnd | Rule::FirstToReach { .. } if n < 2 => {
                let expected = format!("among at least two outputs; for one there are {OF_ONE}");
                Err(Error::argument("decision", expected, format!("{self}, of which there are {n}")))
            }
            _ => Ok(()),
        }
    }

    /// An error if it is read by an epoch, and these trials have none at all, as recorded ones; or by times that no trial has.
    pub(crate) fn check_times(&self, batch: &Batch) -> Result<()> {
        if let Span::Between(from, to) = self.span {
            check_window("times of the decision", decimal(from.max(0.0)), decimal(to), batch.spec.dt)?;
            if (0..batch.n_trials()).all(|trial| self.steps(batch, trial).is_none_or(|steps| steps.is_empty())) {
                let longest = batch.clock().time(batch.lengths.iter().copied().max().unwrap_or(0) as i64);
                let expected = format!("read at times that trials have: they last up to {longest} ms");
                return Err(Error::argument("decision of the task", expected, self));
            }
        }
        if self.epoch().is_some() && batch.epochs.iter().all(|epochs| epochs.iter().next().is_none()) {
            let expected = "read by times where trials have no epochs, `.between(1500.0, 2000.0)`";
            return Err(Error::argument("decision of the task", expected, self));
        }
        Ok(())
    }

    /// The choices that there are.
    pub(crate) fn choices(&self, n_out: usize) -> Vec<usize> {
        match self.rule {
            Rule::None => Vec::new(),
            Rule::Threshold { .. } | Rule::Go { .. } => vec![0, 1],
            _ => self.alternatives(n_out),
        }
    }

    fn alternatives(&self, n_out: usize) -> Vec<usize> {
        self.among.clone().unwrap_or_else(|| (0..n_out).collect())
    }

    /// The steps of a trial that count; none for a trial without the epoch.
    fn steps(&self, batch: &Batch, trial: usize) -> Option<Range<usize>> {
        let length = *batch.lengths.get(trial)?;
        let steps = match &self.span {
            Span::Trial => 0..length,
            Span::During(epoch) => batch.steps_of(trial, epoch)?,
            Span::After(epoch) => batch.steps_of(trial, epoch)?.start..length,
            Span::Between(from, to) => {
                let steps = batch.clock().steps(decimal(*from), decimal(*to));
                steps.start.max(0) as usize..steps.end.max(0) as usize
            }
        };
        Some(steps.start..steps.end.min(length).min(batch.n_steps()))
    }

    /// The time from which reactions are counted, in milliseconds; `None` for a trial without the epoch.
    pub(crate) fn start(&self, batch: &Batch, trial: usize) -> Option<f64> {
        match &self.span {
            Span::Trial => Some(0.0),
            Span::During(epoch) | Span::After(epoch) => batch.epochs.get(trial)?.start(epoch).map(decimal),
            Span::Between(from, _) => Some(decimal(*from)),
        }
    }

    /// What `outputs` `[n_steps, n_out]` say in a trial.
    pub(crate) fn read(&self, batch: &Batch, trial: usize, outputs: ArrayView2<'_, f32>) -> Reading {
        let Some(steps) = self.steps(batch, trial) else { return Reading::default() };
        let steps = steps.start..steps.end.min(outputs.nrows());
        let among = self.alternatives(batch.spec.n_out);
        let look = Look { decision: self, among, batch, trial, outputs: outputs.reborrow() };
        match self.rule {
            Rule::None => Reading::default(),
            _ if look.among.iter().any(|&output| output >= outputs.ncols()) => Reading::default(),
            Rule::LargestInAnswer if look.among.len() < 2 => Reading::default(),
            Rule::LargestInAnswer => look.largest_mean(&look.favored(steps).answer()).into(),
            Rule::LargestMean => look.largest_mean(&steps.collect::<Vec<_>>()).into(),
            Rule::LargestAtEnd => look.largest_at_end(&steps).into(),
            Rule::FirstToReach { threshold, or_largest_at_end } => {
                match look.first_to_reach(threshold, steps.clone()) {
                    None if or_largest_at_end => look.largest_at_end(&steps).into(),
                    None => Reading::default(),
                    Some((step, choice)) => Reading { choice, reached: Some(step) },
                }
            }
            Rule::Threshold { threshold } => {
                let mean = look.means(&steps.collect::<Vec<_>>()).first().map(|(_, mean)| *mean);
                let threshold = f64::from(threshold);
                let side = |mean: f64| (mean != threshold && !mean.is_nan()).then_some(usize::from(mean > threshold));
                mean.and_then(side).into()
            }
            Rule::Go { threshold } => {
                let scored = |step: &usize| !self.span.is_trial() || look.is_scored(*step, look.among[0]);
                let steps: Vec<usize> = steps.filter(scored).collect();
                if steps.is_empty() {
                    return Reading::default();
                }
                let reached = look.first_to_reach(threshold, steps).map(|(step, _)| step);
                Reading { choice: Some(usize::from(reached.is_some())), reached }
            }
        }
    }

    /// An error if choices cannot be right or wrong on these trials, with what to do instead.
    pub(super) fn check_choices(&self, batch: &Batch) -> Result<()> {
        let refused = |expected: &str, why: &str| {
            let expected = format!("{expected} (`TaskSpec::decision`), since correct choices are asked for");
            Err(Error::argument("decision of the task", expected, format!("{self}: {why}")))
        };
        self.check(batch.spec.n_out)?;
        if self.rule == Rule::None {
            return refused("a rule of choice", "the task asks for no choice");
        }
        if let Some(epoch) = self.epoch() {
            batch.starts(epoch)?;
        }
        self.check_times(batch)?;
        if let Some((expected, why)) = self.doubt(batch) {
            return refused(&expected, &why);
        }
        // What the user said himself is taken at his word, but for what can hardly be meant.
        let guessed = self.is_guess();
        let correct: Vec<Option<usize>> = (0..batch.n_trials()).map(|trial| batch.correct_choice(trial)).collect();
        let Some(first) = correct.iter().flatten().next() else {
            let why = format!("in none of {} trials do the targets give a correct choice by it", correct.len());
            return refused("one that the targets answer where the mask counts them", &why);
        };
        let vague = guessed || matches!(self.rule, Rule::Threshold { .. }) && self.span.is_trial();
        if vague && correct.len() > 1 && correct.iter().flatten().all(|choice| choice == first) {
            let why = format!("by it choice {first} is correct in all of {} trials", correct.len());
            return refused(
                if guessed { OF_SEVERAL } else { "read when it is asked for, `.during(\"decision\")`" },
                &why,
            );
        }
        Ok(())
    }

    /// Whether the task says nothing about its alternatives.
    fn is_guess(&self) -> bool {
        self.rule == Rule::LargestInAnswer && self.among.is_none()
    }

    /// Where the default cannot tell what is asked for: what to say instead, and why.
    fn doubt(&self, batch: &Batch) -> Option<(String, String)> {
        if !self.is_guess() {
            return None;
        }
        if batch.spec.n_out < 2 {
            return Some((format!("one for one output: {OF_ONE}"), "there is one output".to_owned()));
        }
        let favored: Vec<Favored> = (0..batch.n_trials()).filter_map(|trial| self.favored_in(batch, trial)).collect();
        Some((OF_SEVERAL.to_owned(), unclear(&favored)?))
    }

    /// Says once that choices on these trials are not to be relied on, if the default cannot tell what is asked for.
    pub(crate) fn warn_of_doubt(&self, batch: &Batch) {
        if let Some((instead, why)) = self.doubt(batch) {
            notebook::warn(&format!(
                "choices are read by {self}, which cannot be right on these trials: {why}. The decision of the task must be {instead} \
                 (`TaskSpec::decision`), or that of the session (`Session::decided_by`)"
            ));
        }
    }

    fn favored_in(&self, batch: &Batch, trial: usize) -> Option<Favored> {
        let among = self.alternatives(batch.spec.n_out);
        let look = Look { decision: self, among, batch, trial, outputs: batch.targets.index_axis(Axis(0), trial) };
        Some(look.favored(self.steps(batch, trial)?))
    }
}

/// The rules for one output.
const OF_ONE: &str = "`Decision::sign()` (targets 1 and -1), `Decision::threshold(0.5)` (targets 1 and 0) and `Decision::go(0.5)` (go or no go)";
/// What to say of several outputs.
const OF_SEVERAL: &str = "one that names the alternatives and when they count, \
    `Decision::largest_mean().among([1, 2]).during(\"decision\")` with the task's own outputs and epoch";

/// Why the default does not tell what is asked for in trials with these favored outputs.
fn unclear(favored: &[Favored]) -> Option<String> {
    let changing = favored.iter().filter(|favored| !favored.others().is_empty());
    let mut fixation = None;
    for trial in changing {
        let first = trial.0.first().map(|(_, output)| *output);
        if trial.others().len() > 1 || fixation.is_some_and(|known| known != first) {
            return Some("the targets favor several outputs in turn".to_owned());
        }
        fixation = Some(first);
    }
    let fixation = fixation.flatten()?;
    let always =
        favored.iter().any(|trial| !trial.0.is_empty() && trial.0.iter().all(|(_, output)| *output == fixation));
    always.then(|| {
        format!("the targets favor output {fixation} first and then another in some trials, and output {fixation} throughout in others")
    })
}

/// The steps of a trial in which the targets favor an output, and which.
struct Favored(Vec<(usize, usize)>);

impl Favored {
    /// The outputs besides the first that are favored, each once.
    fn others(&self) -> Vec<usize> {
        let mut others = Vec::new();
        for (_, output) in &self.0 {
            if *output != self.0[0].1 && !others.contains(output) {
                others.push(*output);
            }
        }
        others
    }

    /// The steps of the answer.
    fn answer(&self) -> Vec<usize> {
        let asked = match (self.0.first(), self.others().as_slice()) {
            (Some((_, only)), []) => *only,
            (Some(_), [other]) => *other,
            _ => return Vec::new(),
        };
        self.0.iter().filter(|(_, output)| *output == asked).map(|(step, _)| *step).collect()
    }
}

/// The outputs of one trial, as one decision looks at them.
struct Look<'a> {
    decision: &'a Decision,
    among: Vec<usize>,
    batch: &'a Batch,
    trial: usize,
    outputs: ArrayView2<'a, f32>,
}

impl Look<'_> {
    fn is_scored(&self, step: usize, output: usize) -> bool {
        self.batch.mask[[self.trial, step, output]] > 0.0
    }

    /// Where the mask counts several of the alternatives, and the targets favor one of these.
    fn favored(&self, steps: Range<usize>) -> Favored {
        let favorite = |step: usize| {
            let target = |&output: &usize| (output, f64::from(self.batch.targets[[self.trial, step, output]]));
            let scored = self.among.iter().filter(|output| self.is_scored(step, **output));
            let targets: Vec<(usize, f64)> = scored.map(target).collect();
            Some((step, largest(&targets).filter(|_| targets.len() > 1)?))
        };
        Favored(steps.filter_map(favorite).collect())
    }

    /// The mean of each alternative in these steps, weighted by the mask; without those that it never counts.
    fn means(&self, steps: &[usize]) -> Vec<(usize, f64)> {
        let mean = |output: usize, weight_of: &dyn Fn(usize) -> f64| {
            let (mut total, mut weights) = (0.0, 0.0);
            for &step in steps {
                let weight = weight_of(step);
                total += f64::from(self.outputs[[step, output]]) * weight;
                weights += weight;
            }
            (weights > 0.0).then_some((output, total / weights))
        };
        let by_mask = |&output: &usize| mean(output, &|step| f64::from(self.batch.mask[[self.trial, step, output]]));
        let means: Vec<_> = self.among.iter().filter_map(by_mask).collect();
        match means.is_empty() && !self.decision.span.is_trial() {
            true => self.among.iter().filter_map(|&output| mean(output, &|_| 1.0)).collect(),
            false => means,
        }
    }

    fn largest_mean(&self, steps: &[usize]) -> Option<usize> {
        let means = self.means(steps);
        largest(&means).filter(|_| means.len() > 1)
    }

    fn largest_at_end(&self, steps: &Range<usize>) -> Option<usize> {
        let last = steps.clone().next_back()?;
        let ends: Vec<_> = self.among.iter().map(|&output| (output, f64::from(self.outputs[[last, output]]))).collect();
        largest(&ends)
    }

    /// The first of these steps in which an alternative reaches a threshold, and which one does; of several the largest.
    fn first_to_reach(&self, threshold: f32, steps: impl IntoIterator<Item = usize>) -> Option<(usize, Option<usize>)> {
        // What was there before an event has not reacted to it.
        let is_new = |step: usize, output: usize| {
            !matches!(self.decision.span, Span::After(_)) || step == 0 || self.outputs[[step - 1, output]] < threshold
        };
        steps.into_iter().find_map(|step| {
            let reaches = |output: &&usize| self.outputs[[step, **output]] >= threshold && is_new(step, **output);
            let there =
                self.among.iter().filter(reaches).map(|&output| (output, f64::from(self.outputs[[step, output]])));
            let there: Vec<(usize, f64)> = there.collect();
            (!there.is_empty()).then(|| (step, largest(&there)))
        })
    }
}

/// The output with the largest of several numbers, if one is larger than all the others.
fn largest(numbers: &[(usize, f64)]) -> Option<usize> {
    if numbers.iter().any(|(_, number)| number.is_nan()) {
        return None;
    }
    let (mut best, mut tied) = (*numbers.first()?, false);
    for &(output, number) in &numbers[1..] {
        if number > best.1 {
            (best, tied) = ((output, number), false);
        } else if number == best.1 {
            tied = true;
        }
    }
    (!tied).then_some(best.0)
}
