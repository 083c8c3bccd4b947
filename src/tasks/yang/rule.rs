//! The twenty rules: what is shown, when, and what is to be done with it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::table::Value;
use crate::task::Duration;
use crate::{Error, Result};

/// A rule of [`Yang`](super::Yang), in the order of the rule inputs. In a specification, in the table of trials and as a text they have the
/// names of Yang's program, `"delaygo"`; [`Rule::paper_name`] has those of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Respond to where the stimulus is, when fixation ends.
    FdGo,
    /// Respond to where the stimulus is, as soon as it appears.
    ReactGo,
    /// Respond to where the stimulus was, after a delay.
    DelayGo,
    /// Respond away from the stimulus, when fixation ends.
    FdAnti,
    /// Respond away from the stimulus, as soon as it appears.
    ReactAnti,
    /// Respond away from where the stimulus was, after a delay.
    DelayAnti,
    /// Respond to the stronger of two stimuli in ring 1.
    Dm1,
    /// Respond to the stronger of two stimuli in ring 2.
    Dm2,
    /// Respond to the stronger of two stimuli in ring 1, whatever they are in ring 2.
    ContextDm1,
    /// Respond to the stronger of two stimuli in ring 2, whatever they are in ring 1.
    ContextDm2,
    /// Respond to the stronger of two stimuli, both rings together.
    MultiDm,
    /// As [`Rule::Dm1`], of stimuli that come one after the other.
    DelayDm1,
    /// As [`Rule::Dm2`], of stimuli that come one after the other.
    DelayDm2,
    /// As [`Rule::ContextDm1`], of stimuli that come one after the other.
    ContextDelayDm1,
    /// As [`Rule::ContextDm2`], of stimuli that come one after the other.
    ContextDelayDm2,
    /// As [`Rule::MultiDm`], of stimuli that come one after the other.
    MultiDelayDm,
    /// Respond to the second stimulus if it is where the first one was.
    DmsGo,
    /// Respond to the second stimulus if it is not where the first one was.
    DmsNogo,
    /// Respond to the second stimulus if it is in the half of the circle in which the first one was.
    DmcGo,
    /// Respond to the second stimulus if it is not in the half of the circle in which the first one was.
    DmcNogo,
}

/// The names of the program and of the paper.
const NAMES: [(&str, &str); 20] = [
    ("fdgo", "Go"),
    ("reactgo", "RT Go"),
    ("delaygo", "Dly Go"),
    ("fdanti", "Anti"),
    ("reactanti", "RT Anti"),
    ("delayanti", "Dly Anti"),
    ("dm1", "DM 1"),
    ("dm2", "DM 2"),
    ("contextdm1", "Ctx DM 1"),
    ("contextdm2", "Ctx DM 2"),
    ("multidm", "MultSen DM"),
    ("delaydm1", "Dly DM 1"),
    ("delaydm2", "Dly DM 2"),
    ("contextdelaydm1", "Ctx Dly DM 1"),
    ("contextdelaydm2", "Ctx Dly DM 2"),
    ("multidelaydm", "MultSen Dly DM"),
    ("dmsgo", "DMS"),
    ("dmsnogo", "DNMS"),
    ("dmcgo", "DMC"),
    ("dmcnogo", "DNMC"),
];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(NAMES[*self as usize].0)
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|rule| NAMES[*rule as usize].0 == name).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            Error::argument("rule", format!("one of {}", names.join(", ")), format!("\"{name}\""))
        })
    }
}

impl From<Rule> for Value {
    fn from(rule: Rule) -> Self {
        rule.to_string().into()
    }
}

/// What trials of some rules have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One stimulus, to be responded to or away from.
    Go,
    ReactGo,
    DelayGo,
    /// Two stimuli, of which the stronger is to be responded to.
    Decide,
    DelayDecide,
    /// Two stimuli one after the other, of which the second is to be responded to if both belong together, or if they do not.
    Match,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::FdGo,
        Self::ReactGo,
        Self::DelayGo,
        Self::FdAnti,
        Self::ReactAnti,
        Self::DelayAnti,
        Self::Dm1,
        Self::Dm2,
        Self::ContextDm1,
        Self::ContextDm2,
        Self::MultiDm,
        Self::DelayDm1,
        Self::DelayDm2,
        Self::ContextDelayDm1,
        Self::ContextDelayDm2,
        Self::MultiDelayDm,
        Self::DmsGo,
        Self::DmsNogo,
        Self::DmcGo,
        Self::DmcNogo,
    ];

    /// The name in the paper: `"Dly Go"`.
    #[must_use]
    pub fn paper_name(self) -> &'static str {
        NAMES[self as usize].1
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::FdGo | Self::FdAnti => Kind::Go,
            Self::ReactGo | Self::ReactAnti => Kind::ReactGo,
            Self::DelayGo | Self::DelayAnti => Kind::DelayGo,
            Self::Dm1 | Self::Dm2 | Self::ContextDm1 | Self::ContextDm2 | Self::MultiDm => Kind::Decide,
            Self::DelayDm1 | Self::DelayDm2 | Self::ContextDelayDm1 | Self::ContextDelayDm2 | Self::MultiDelayDm => {
                Kind::DelayDecide
            }
            Self::DmsGo | Self::DmsNogo | Self::DmcGo | Self::DmcNogo => Kind::Match,
        }
    }

    /// Whether the response is away from the stimulus.
    pub(super) fn is_anti(self) -> bool {
        matches!(self, Self::FdAnti | Self::ReactAnti | Self::DelayAnti)
    }

    /// Whether strengths add up over the rings.
    pub(super) fn is_multisensory(self) -> bool {
        matches!(self, Self::MultiDm | Self::MultiDelayDm)
    }

    /// Whether stimuli belong together by their halves of the circle, and not by their angles.
    pub(super) fn is_by_category(self) -> bool {
        matches!(self, Self::DmcGo | Self::DmcNogo)
    }

    /// Whether stimuli that belong together are to be responded to.
    pub(super) fn wants_match(self) -> bool {
        matches!(self, Self::DmsGo | Self::DmcGo)
    }

    /// The rings, 0 and 1, in which strengths are compared.
    pub(super) fn decided_by(self) -> &'static [usize] {
        match self {
            Self::Dm1 | Self::ContextDm1 | Self::DelayDm1 | Self::ContextDelayDm1 => &[0],
            Self::Dm2 | Self::ContextDm2 | Self::DelayDm2 | Self::ContextDelayDm2 => &[1],
            _ => &[0, 1],
        }
    }

    /// The rings in which the stimuli that are compared are shown.
    pub(super) fn shown_in(self) -> &'static [usize] {
        match self {
            Self::Dm1 | Self::Dm2 | Self::DelayDm1 | Self::DelayDm2 => self.decided_by(),
            _ => &[0, 1],
        }
    }

    /// The epochs in which a stimulus, 0 or 1, is shown.
    pub(super) fn shown_during(self, stimulus: usize) -> &'static [&'static str] {
        match (self.kind(), stimulus) {
            (Kind::Go, 0) => &["stimulus1", "response"],
            (Kind::ReactGo, 0) | (Kind::Match, 1) => &["response"],
            (Kind::DelayGo | Kind::DelayDecide | Kind::Match, 0) | (Kind::Decide, _) => &["stimulus1"],
            (Kind::DelayDecide, _) => &["stimulus2"],
            _ => &[],
        }
    }

    /// Whether the stimulus itself says when to respond: the cue to fixate is shown to the end.
    pub(super) fn is_cued_by_stimulus(self) -> bool {
        matches!(self.kind(), Kind::ReactGo | Kind::Match)
    }

    /// The differences of strengths `c`.
    pub(super) fn coherences(self, easy: bool) -> Vec<f32> {
        let (coherences, easier): (&[f32], f32) = match self.kind() {
            Kind::DelayDecide => (&[0.08, 0.16, 0.32], 2.0),
            _ => (&[0.01, 0.02, 0.04, 0.08], 10.0),
        };
        coherences.iter().map(|c| if easy { c * easier } else { *c }).collect()
    }

    /// The epochs of a trial in their order, and how long they last.
    pub(super) fn epochs(self) -> Vec<(&'static str, Duration)> {
        let one_of = Duration::choice;
        match self.kind() {
            Kind::Go => vec![
                ("fixation", Duration::uniform(300.0, 700.0)),
                ("stimulus1", Duration::uniform(500.0, 1500.0)),
                ("response", 500.0.into()),
            ],
            Kind::ReactGo => vec![("fixation", Duration::uniform(500.0, 2500.0)), ("response", 500.0.into())],
            Kind::DelayGo => vec![
                ("fixation", one_of(&[300.0, 500.0, 700.0])),
                ("stimulus1", one_of(&[200.0, 400.0, 600.0])),
                ("delay1", one_of(&[200.0, 400.0, 800.0, 1600.0])),
                ("response", 500.0.into()),
            ],
            Kind::Decide => vec![
                ("fixation", Duration::uniform(100.0, 400.0)),
                ("stimulus1", one_of(&[400.0, 800.0, 1600.0])),
                ("response", 500.0.into()),
            ],
            Kind::DelayDecide => vec![
                ("fixation", one_of(&[200.0, 400.0, 600.0])),
                ("stimulus1", one_of(&[200.0, 400.0, 600.0])),
                ("delay1", one_of(&[200.0, 400.0, 800.0, 1600.0])),
                ("stimulus2", one_of(&[200.0, 400.0, 600.0])),
                ("delay2", Duration::uniform(100.0, 300.0)),
                ("response", 500.0.into()),
            ],
            Kind::Match => vec![
                ("fixation", one_of(&[200.0, 400.0, 600.0])),
                ("stimulus1", one_of(&[200.0, 400.0, 600.0])),
                ("delay1", one_of(&[200.0, 400.0, 800.0, 1600.0])),
                ("response", if self.is_by_category() { one_of(&[200.0, 400.0, 600.0]) } else { 500.0.into() }),
            ],
        }
    }
}
