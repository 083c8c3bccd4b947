//! How outputs are read as a choice.

mod doubt;
mod reading;
mod ring;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) use reading::Reading;
pub use ring::Ring;
pub(crate) use ring::distance;

use crate::{Error, Result};

/// How the outputs of a trial are read as a choice: by a rule, among which outputs, and when in the trial. A choice is correct if
/// the targets, read in the same way, give the same one.
///
/// ```
/// use psychrnn::task::{Decision, Ring};
/// // The larger of outputs 1 and 2 in the decision period; output 0 asks for fixation.
/// Decision::largest_mean().among([1, 2]).during("decision");
/// // One output with targets 1 and -1, and one with targets 1 and 0.
/// Decision::sign();
/// Decision::threshold(0.5).during("decision");
/// // A reaction-time task: the first output to reach 0.7 after the stimulus came.
/// Decision::first_to_reach(0.7).after("stimulus");
/// // Go or no go.
/// Decision::go(0.5).during("response");
/// // An angle: 32 outputs that are directions, of which output 0 asks for fixation.
/// Decision::ring(Ring::new(1..33).fixation(0));
/// // Several answers in a trial, all of which must be right.
/// Decision::largest_at_end().in_each(["test1", "test2"]);
/// ```
///
/// The default, of a task that says nothing, is the output with the largest mean in the answer. The answer are the steps in
/// which the mask counts several outputs and the targets favor one of them; if they favor first one, which asks for fixation, and
/// then another, only the steps in which they favor the other. Where this cannot be right, training that asks for correct
/// choices is refused before it begins: with one output, if the targets favor the same output in all trials, or several in turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Decision {
    rule: Way,
    /// The outputs that are alternatives, or the one that is read; all by default.
    among: Option<Vec<usize>>,
    span: Span,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Way {
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
    Ring(Ring),
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
    Each(Vec<String>),
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
    Way(Way),
    Limited {
        rule: Way,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        among: Option<Vec<usize>>,
        #[serde(default, skip_serializing_if = "Span::is_trial")]
        span: Span,
    },
}

impl From<Written> for Decision {
    fn from(written: Written) -> Self {
        match written {
            Written::Way(rule) => rule.into(),
            Written::Limited { rule, among, span } => Self { rule, among, span },
        }
    }
}

impl From<Decision> for Written {
    fn from(Decision { rule, among, span }: Decision) -> Self {
        match among.is_none() && span.is_trial() {
            true => Self::Way(rule),
            false => Self::Limited { rule, among, span },
        }
    }
}

impl From<Way> for Decision {
    fn from(rule: Way) -> Self {
        Self { rule, among: None, span: Span::Trial }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Way::LargestInAnswer => f.write_str("the largest output in the answer, the default")?,
            Way::LargestMean => f.write_str("the largest mean output")?,
            Way::LargestAtEnd => f.write_str("the largest output at the end")?,
            Way::FirstToReach { threshold, .. } => write!(f, "the first output to reach {threshold}")?,
            Way::Threshold { threshold } if *threshold == 0.0 => f.write_str("the sign of the output")?,
            Way::Threshold { threshold } => write!(f, "whether the output is above {threshold}")?,
            Way::Go { threshold } => write!(f, "whether the output reaches {threshold}")?,
            Way::Ring(Ring { outputs, .. }) => write!(f, "the angle of a ring of {} outputs", outputs.len())?,
            Way::None => f.write_str("none")?,
        }
        if let Some(among) = &self.among {
            write!(f, " among {among:?}")?;
        }
        match &self.span {
            Span::Trial => Ok(()),
            Span::During(epoch) => write!(f, " during \"{epoch}\""),
            Span::After(epoch) => write!(f, " after \"{epoch}\""),
            Span::Between(from, to) => write!(f, " between {from} and {to} ms"),
            Span::Each(epochs) => write!(f, " in each of \"{}\"", epochs.join("\", \"")),
        }
    }
}

impl Decision {
    /// The output with the largest mean, weighted by the mask; an output that the mask never counts is no alternative. A trial
    /// whose mask is empty, or whose targets favor no output, has no correct choice. In a span of its own in which the mask counts
    /// nothing all steps count alike. PsychRNN's rule.
    #[must_use]
    pub fn largest_mean() -> Self {
        Way::LargestMean.into()
    }

    /// The output that is largest at the last step of the trial, or of the span in which it is read, whatever the mask: how PyCog
    /// scores its two-alternative tasks. A trial whose targets favor no output there, such as a catch trial, has no correct choice.
    #[must_use]
    pub fn largest_at_end() -> Self {
        Way::LargestAtEnd.into()
    }

    /// The first output to reach a threshold, whatever the mask: how the choices of a reaction-time task are read. A trial in
    /// which none does has no choice, unless [`Decision::or_largest_at_end`] is said; one in which no target does has no correct one.
    ///
    /// The same crossing gives the reaction time, [`Session::decision_times`](crate::simulate::Session::decision_times).
    #[must_use]
    pub fn first_to_reach(threshold: f32) -> Self {
        Way::FirstToReach { threshold, or_largest_at_end: false }.into()
    }

    /// One output, whose mean, weighted by the mask as in [`Decision::largest_mean`], is above the threshold for choice 1 and below
    /// it for choice 0: for targets 1 and 0, say. A mean that is the threshold is no choice.
    #[must_use]
    pub fn threshold(threshold: f32) -> Self {
        Way::Threshold { threshold }.into()
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
        Way::Go { threshold }.into()
    }

    /// An angle, by the population vector of outputs on a ring at the last step of the trial, or of the span in which it is read,
    /// whatever the mask. If the targets fixate there, to fixate is correct; else a response near to their angle. The choice is the
    /// direction of the output that is nearest to the angle, numbered along the ring, or what [`Ring::nearest`] names; a subject that
    /// fixates has none. The angles are [`Session::responses`](crate::simulate::Session::responses).
    #[must_use]
    pub fn ring(ring: impl Into<Ring>) -> Self {
        Way::Ring(ring.into()).into()
    }

    /// The task asks for no choice: a waveform, say.
    #[must_use]
    pub fn none() -> Self {
        Way::None.into()
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

    /// An answer is read in each of these epochs, of those that a trial has. A trial is correct if all its answers are; its choice is the
    /// last. Each stands in [`Session::trials`](crate::simulate::Session::trials), as `choice_test1` and `correct_test1`.
    #[must_use]
    pub fn in_each<'a>(mut self, epochs: impl IntoIterator<Item = &'a str>) -> Self {
        self.span = Span::Each(epochs.into_iter().map(str::to_owned).collect());
        self
    }

    /// Where no output reaches the threshold of [`Decision::first_to_reach`], the largest at the end is the choice, without a
    /// reaction time. It changes no other rule.
    #[must_use]
    pub fn or_largest_at_end(mut self) -> Self {
        if let Way::FirstToReach { or_largest_at_end, .. } = &mut self.rule {
            *or_largest_at_end = true;
        }
        self
    }

    /// The same alternatives by another rule, from the start of an epoch on.
    pub(crate) fn first_after(&self, threshold: f32, epoch: &str) -> Self {
        let among = match &self.rule {
            Way::Ring(ring) => Some(ring.outputs.clone()),
            _ => self.among.clone().filter(|_| self.is_largest()),
        };
        Self { among, ..Self::first_to_reach(threshold).after(epoch) }
    }

    /// Whether it chooses among outputs.
    fn is_largest(&self) -> bool {
        !matches!(self.rule, Way::Threshold { .. } | Way::Go { .. } | Way::None)
    }

    /// Whether it has a threshold, the crossing of which takes time.
    pub(crate) fn has_times(&self) -> bool {
        matches!(self.rule, Way::FirstToReach { .. } | Way::Go { .. })
    }

    /// The same about `n` outputs that are those from `from` on of `all`. What is read by the mask alone needs no change: it counts no others.
    pub(crate) fn within(&self, from: usize, n: usize, all: usize) -> Self {
        match &self.rule {
            _ if n == all => self.clone(),
            Way::Ring(ring) => Self { rule: Way::Ring(ring.moved(from)), ..self.clone() },
            Way::LargestInAnswer if self.among.is_none() => self.clone(),
            Way::None => self.clone(),
            _ => self.clone().among(self.alternatives(n).into_iter().map(|output| from + output)),
        }
    }

    /// The epochs by which it is read.
    pub(crate) fn epochs(&self) -> &[String] {
        match &self.span {
            Span::During(epoch) | Span::After(epoch) => std::slice::from_ref(epoch),
            Span::Each(epochs) => epochs,
            Span::Trial | Span::Between(..) => &[],
        }
    }

    /// The decision about each of several answers, with its epoch.
    pub(crate) fn answers(&self) -> Vec<(&str, Self)> {
        let Span::Each(epochs) = &self.span else { return Vec::new() };
        epochs.iter().map(|epoch| (epoch.as_str(), self.clone().during(epoch))).collect()
    }

    /// Whether the answer is an angle.
    pub(crate) fn is_ring(&self) -> bool {
        matches!(self.rule, Way::Ring(_))
    }

    /// Whether it makes sense for this number of outputs.
    pub(crate) fn check(&self, n_out: usize) -> Result<()> {
        if let Way::FirstToReach { threshold, .. } | Way::Threshold { threshold } | Way::Go { threshold } = self.rule
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
        if let Span::Each(epochs) = &self.span
            && (epochs.is_empty() || (1..epochs.len()).any(|at| epochs[..at].contains(&epochs[at])))
        {
            return Err(Error::argument("decision", "in each of some epochs, named once", format!("{epochs:?}")));
        }
        if let (Way::Ring(_), Some(among)) = (&self.rule, &self.among) {
            let expected = "without `among`: a ring names its outputs, `Ring::new(1..33)`";
            return Err(Error::argument("decision", expected, format!("among {among:?}")));
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
        match &self.rule {
            Way::Ring(ring) => ring.check(n_out),
            Way::Threshold { .. } | Way::Go { .. } if n != 1 => {
                let expected = "about one output: say which with `among([0])`";
                Err(Error::argument("decision", expected, format!("{self}, of which there are {n}")))
            }
            // Nothing was said: training asks for more if it needs a choice.
            Way::LargestInAnswer if self.among.is_none() => Ok(()),
            Way::LargestInAnswer | Way::LargestMean | Way::LargestAtEnd | Way::FirstToReach { .. } if n < 2 => {
                let expected = format!("among at least two outputs; for one there are {OF_ONE}");
                Err(Error::argument("decision", expected, format!("{self}, of which there are {n}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is read at times instead of epochs.
    pub(super) fn is_at_times(&self) -> bool {
        matches!(self.span, Span::Between(..))
    }

    /// The choices that there are.
    pub(crate) fn choices(&self, n_out: usize) -> Vec<usize> {
        match &self.rule {
            Way::None => Vec::new(),
            Way::Threshold { .. } | Way::Go { .. } => vec![0, 1],
            Way::Ring(ring) => (0..ring.n_choices()).collect(),
            _ => self.alternatives(n_out),
        }
    }

    fn alternatives(&self, n_out: usize) -> Vec<usize> {
        self.among.clone().unwrap_or_else(|| (0..n_out).collect())
    }
}

/// The rules for one output.
const OF_ONE: &str = "`Decision::sign()` (targets 1 and -1), `Decision::threshold(0.5)` (targets 1 and 0) and `Decision::go(0.5)` (go or no go)";
