//! What continuation gives: branches of fixed points, and where they turn, cross and lose stability.

use std::fmt;
use std::ops::Range;

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

pub use super::curve::End as BranchEnd;
use crate::table::Table;

/// How the fixed points of a network move while an input, a gain or a lesion changes: curves `(s, x)` on which `G(x; s) = 0`.
///
/// Two of them meet and end where a branch turns, a *fold*: there a memory disappears. At a *Hopf* point a branch loses stability to an
/// oscillation.
///
/// Given by `FixedPointSet::along` and its like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Branches {
    /// What the number `s` is.
    pub parameter: String,
    /// Between which values of `s` branches were followed.
    #[serde(with = "crate::number")]
    pub range: Range<f64>,
    /// The value of `s` that belongs to the fixed points from which they were followed.
    #[serde(with = "crate::number")]
    pub from: f64,
    /// The branches: first those through the fixed points, in their order, then those that cross these.
    pub branches: Vec<Branch>,
    /// Where branches turn, cross, or change their stability, along each branch.
    pub bifurcations: Vec<Bifurcation>,
    /// The fixed points that the set did not have and that branches came by where `s` is that of the set, `[n_state]` each.
    #[serde(with = "crate::number")]
    pub found: Vec<Array1<f64>>,
    /// The fixed points from which no branch could be followed, by their numbers: there is more than one way on, as where branches cross.
    pub lost: Vec<usize>,
    /// Whether the work was interrupted, so that branches are missing or too short.
    pub interrupted: bool,
}

/// A curve of fixed points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Branch {
    /// The number at each place along the curve, `[n_places]`.
    #[serde(with = "crate::number")]
    pub s: Array1<f64>,
    /// The state that stands still, `[n_places, n_state]`.
    #[serde(with = "crate::number")]
    pub states: Array2<f64>,
    /// The outputs, `[n_places, n_out]`.
    #[serde(with = "crate::number")]
    pub outputs: Array2<f64>,
    /// How many modes grow from each place to the next one, `[n_places]`; the last number is that of the place before.
    pub unstable: Vec<usize>,
    /// How it begins and ends.
    pub ends: [BranchEnd; 2],
}

/// A place where a branch turns, meets another one, or changes its stability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bifurcation {
    /// What happens.
    pub kind: BifurcationKind,
    /// On which branch.
    pub branch: usize,
    /// At which of its places.
    pub place: usize,
    /// The number.
    #[serde(with = "crate::number")]
    pub s: f64,
    /// The state `[n_state]`.
    #[serde(with = "crate::number")]
    pub state: Array1<f64>,
    /// The outputs `[n_out]`.
    #[serde(with = "crate::number")]
    pub outputs: Array1<f64>,
    /// How often a second the mode turns that begins or ceases to grow, in Hz; 0 if it does not turn.
    #[serde(with = "crate::number")]
    pub frequency: f64,
}

/// What happens to a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BifurcationKind {
    /// It turns: two fixed points meet, and are none beyond (a saddle-node).
    Fold,
    /// Two modes that turn into each other begin or cease to grow, and an oscillation is born.
    Hopf,
    /// It crosses another branch (a pitchfork or a transcritical bifurcation).
    BranchPoint,
    /// A mode that changes its sign with each step begins or ceases to grow: only in equations that are steps and no flow.
    PeriodDoubling,
    /// Its stability jumps where a unit's slope does, as that of a rectified unit at 0.
    Crease,
}

impl fmt::Display for BifurcationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fold => "fold",
            Self::Hopf => "Hopf",
            Self::BranchPoint => "branch point",
            Self::PeriodDoubling => "period doubling",
            Self::Crease => "crease",
        })
    }
}

impl Branches {
    /// The bifurcations of one kind.
    pub fn of_kind(&self, kind: BifurcationKind) -> impl Iterator<Item = &Bifurcation> {
        self.bifurcations.iter().filter(move |one| one.kind == kind)
    }

    /// One row a stretch of a branch with one stability, along each branch: the number of the `branch`, the numbers `from s` and `to s` between
    /// which it goes, how many modes are `unstable`, and how it `begins` and `ends`: with a bifurcation, or as [`BranchEnd`] says.
    #[must_use]
    pub fn table(&self) -> Table {
        let (mut numbers, mut from, mut to, mut unstable) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut begins, mut ends) = (Vec::new(), Vec::new());
        for (number, branch) in self.branches.iter().enumerate() {
            let marks = self.bifurcations.iter().filter(|one| one.branch == number);
            let within = marks.map(|one| (one.place, one.kind.to_string()));
            let mut stops = vec![(0, branch.ends[0].to_string())];
            stops.extend(within);
            stops.push((branch.s.len() - 1, branch.ends[1].to_string()));
            for pair in stops.windows(2).filter(|pair| pair[0].0 < pair[1].0) {
                numbers.push(number);
                from.push(branch.s[pair[0].0]);
                to.push(branch.s[pair[1].0]);
                unstable.push(branch.unstable[pair[0].0]);
                begins.push(pair[0].1.clone());
                ends.push(pair[1].1.clone());
            }
        }
        let mut table = Table::new();
        // All columns have one row a stretch, so no insertion can fail.
        drop(table.insert("branch", numbers));
        drop(table.insert("from s", from));
        drop(table.insert("to s", to));
        drop(table.insert("unstable", unstable));
        drop(table.insert("begins", begins));
        drop(table.insert("ends", ends));
        table
    }
}
