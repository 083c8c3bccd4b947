//! Which units, or which channels.

use std::collections::BTreeSet;
use std::ops::{Range, RangeFull};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Some units, or some channels, counted from 0: a number, a range, a list, or `..` for all.
///
/// ```
/// use psychrnn::simulate::Units;
/// assert_eq!(Units::from(0..3), Units::from([0, 1, 2]));
/// assert_ne!(Units::from(..), Units::from(0));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// All that there are.
    All,
    /// Those from a number on and below another.
    Range(Range<usize>),
    /// Those with these numbers.
    These(Vec<usize>),
}

/// A range is the same as the list of its numbers.
impl PartialEq for Units {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) => true,
            (Self::Range(a), Self::Range(b)) => a == b || (a.is_empty() && b.is_empty()),
            (Self::These(a), Self::These(b)) => a == b,
            (Self::Range(range), Self::These(list)) | (Self::These(list), Self::Range(range)) => {
                list.len() == range.len() && list.iter().copied().eq(range.clone())
            }
            _ => false,
        }
    }
}

impl Eq for Units {}

impl Units {
    /// Their numbers among `n`; an error that names them if one is not among them.
    pub(in crate::simulate) fn among(&self, n: usize, name: &str) -> Result<Vec<usize>> {
        match self {
            Self::All => Ok((0..n).collect()),
            Self::Range(units) if units.is_empty() => Err(Error::argument(name, "at least one", "none")),
            Self::Range(units) if units.end > n => {
                let expected = format!("below {n}, as many as there are");
                Err(Error::argument(name, expected, format!("{} to {}", units.start, units.end - 1)))
            }
            Self::Range(units) => Ok(units.clone().collect()),
            Self::These(units) if units.is_empty() => Err(Error::argument(name, "at least one", "none")),
            Self::These(units) => match units.iter().find(|&&unit| unit >= n) {
                Some(unit) => Err(Error::argument(name, format!("below {n}, as many as there are"), unit)),
                None => Ok(units.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()),
            },
        }
    }
}

impl From<usize> for Units {
    fn from(unit: usize) -> Self {
        Self::These(vec![unit])
    }
}

impl From<Range<usize>> for Units {
    fn from(units: Range<usize>) -> Self {
        // Not as a list: a range may be longer than memory.
        Self::Range(units)
    }
}

impl From<RangeFull> for Units {
    fn from(_: RangeFull) -> Self {
        Self::All
    }
}

impl From<Vec<usize>> for Units {
    fn from(units: Vec<usize>) -> Self {
        Self::These(units)
    }
}

impl From<&[usize]> for Units {
    fn from(units: &[usize]) -> Self {
        Self::These(units.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Units {
    fn from(units: [usize; N]) -> Self {
        Self::These(units.to_vec())
    }
}
