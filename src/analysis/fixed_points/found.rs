//! What was found so far.

use std::collections::BTreeSet;

use ndarray::Array1;

use super::continuum::Line;
use super::pieces::{Pieces, Region};
use super::point::point;
use super::set::{FixedLine, FixedPoint};
use super::starts::Starts;
use super::still::Still;
use crate::dynamics::Kind;
use crate::{Result, threads};

/// Of more units on the boundary the regions that meet there are not looked at.
const MOST_ON_BOUNDARY: usize = 10;

/// A zero of the residual, and how often it was met.
pub(super) struct Zero {
    pub(super) x: Array1<f64>,
    pub(super) point: FixedPoint,
    has_index: bool,
    met: usize,
}

/// What was found so far.
pub(super) struct Found<'a> {
    pub(super) still: &'a Still,
    pub(super) pieces: Option<&'a Pieces>,
    pub(super) starts: &'a Starts,
    pub(super) zeros: Vec<Zero>,
    pub(super) lines: Vec<Line>,
}

impl Found<'_> {
    /// Adds zeros that were met on one way, and says whether one of them is new.
    pub(super) fn add(&mut self, zeros: impl IntoIterator<Item = Array1<f64>>) -> Result<bool> {
        let (mut met, mut new) = (BTreeSet::new(), Vec::<Array1<f64>>::new());
        for x in zeros {
            if !self.still.is_zero(&x, &self.still.residual(x.view())) {
                continue;
            }
            let on_line = self.lines.iter().any(|line| line.has(self.still, &x));
            match self.zeros.iter().position(|zero| self.still.is_same(&zero.x, &x)) {
                Some(place) => drop(met.insert(place)),
                None if on_line || new.iter().any(|other| self.still.is_same(other, &x)) => {}
                None => new.push(x),
            }
        }
        met.into_iter().for_each(|place| self.zeros[place].met += 1);
        let new = threads::map(new, |x| Ok(self.zero(x)))?;
        let is_new = !new.is_empty();
        let singular = new.iter().flat_map(|zero| self.singular(zero)).collect();
        self.zeros.extend(new);
        self.add_lines(singular)?;
        Ok(is_new)
    }

    /// The regions about a fixed point in which there may be a line of them.
    fn singular(&self, zero: &Zero) -> Vec<Region> {
        let Some(pieces) = self.pieces else { return Vec::new() };
        let at = pieces.on_boundary(&zero.x);
        let some = (!at.is_empty() || zero.point.kind == Kind::Degenerate) && at.len() <= MOST_ON_BOUNDARY;
        if some { pieces.meeting(&zero.x, &at).collect() } else { Vec::new() }
    }

    fn zero(&self, x: Array1<f64>) -> Zero {
        let (point, has_index) = point(self.still, self.pieces, self.starts, &x);
        Zero { x, point, has_index, met: 1 }
    }

    /// Adds the lines that regions have, each by its middle, in place of the points that lie on them.
    pub(super) fn add_lines(&mut self, regions: Vec<Region>) -> Result<()> {
        let Some(pieces) = self.pieces else { return Ok(()) };
        for line in regions.iter().filter_map(|region| Line::of(pieces, region)) {
            if self.lines.iter().any(|known| known.has(self.still, &line.x)) {
                continue;
            }
            self.zeros.retain(|zero| !line.has(self.still, &zero.x));
            self.zeros.push(self.zero(line.x.clone()));
            self.lines.push(line);
        }
        Ok(())
    }

    pub(super) fn index_sum(&self) -> i64 {
        self.zeros.iter().map(|zero| i64::from(zero.point.index)).sum()
    }

    /// Whether the index of each is known.
    pub(super) fn is_regular(&self) -> bool {
        self.zeros.iter().all(|zero| zero.has_index)
    }

    /// Chao's estimate of how many there are.
    pub(super) fn estimated(&self) -> f64 {
        let met = |times: usize| self.zeros.iter().filter(|zero| zero.met == times).count() as f64;
        let (once, twice) = (met(1), met(2));
        let missing = if twice > 0.0 { once * once / (2.0 * twice) } else { once * (once - 1.0).max(0.0) / 2.0 };
        self.zeros.len() as f64 + missing
    }
}

/// A line as it is shown.
pub(super) fn line_of(still: &Still, line: &Line) -> FixedLine {
    let end = |side: usize| {
        let along = if side == 0 { -line.ends[0] } else { line.ends[1] };
        along.is_finite().then(|| still.state(line.at(along).view()))
    };
    FixedLine {
        state: still.state(line.x.view()),
        directions: line.directions_of_states(still),
        ends: [end(0), end(1)],
    }
}
