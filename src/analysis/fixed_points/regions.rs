//! All regions of a network of rectified units that have a fixed point in them, without looking at each of the `2^N`.
//!
//! With the rates `r = max(x, 0)` and `s = r - x` the fixed points are the solutions of `s = (1 - W) r - h` with `r ≥ 0`, `s ≥ 0`, and of each
//! unit one of them 0: a linear complementarity problem. Units are decided one after the other: off, `r = 0`, or on, `s = 0`, which solves
//! the unit's equation for `r` and puts it into all others. What is left of the equations says early that no rates of the units
//! that are not decided yet can help: where a constant is negative and no coefficient is positive.

use ndarray::{Array1, Array2};

use super::pieces::Region;
use crate::{Result, threads};

/// Constants below this are negative, relative to the largest of the weights and drives.
const NEGATIVE: f64 = 1e-9;
/// A coefficient below this does not tell the rate of its unit, relative likewise.
const PIVOT: f64 = 1e-7;
/// So many units with such coefficients may be left, each combination of which is given.
const LEFT: usize = 12;
/// More regions than this are not looked at.
const MOST: usize = 1 << 20;
/// More units than this are not gone through.
pub(super) const MOST_UNITS: usize = 28;
/// Work is parted until about so many units are left.
const PART: usize = 13;

/// The regions in which fixed points may lie: none others have any. `None` if it was not to go on, or if equations say nothing of too
/// many units.
pub(super) fn regions(
    recurrent: &Array2<f64>,
    drive: &Array1<f64>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Vec<Region>>> {
    let n = drive.len();
    let (mut parts, mut found) = (vec![Node::root(recurrent, drive)], Found::default());
    for _ in 0..n.saturating_sub(PART) {
        parts = parts.iter_mut().flat_map(|node| node.halves(&mut found)).collect();
    }
    let of_parts = threads::map(parts, |node| {
        let mut found = Found { stopped: !go_on(), ..Found::default() };
        let mut nodes = vec![node; n + 1];
        search(&mut nodes, &mut found);
        Ok(found)
    })?;
    for part in of_parts {
        found.stopped |= part.stopped;
        found.on.extend(part.on);
    }
    let region = |on: &u32| (0..n).map(|unit| on >> unit & 1 == 1).collect();
    Ok((!found.stopped).then(|| found.on.iter().map(region).collect()))
}

#[derive(Default)]
struct Found {
    /// The units that are on, as bits, of each region.
    on: Vec<u32>,
    stopped: bool,
}

/// All that comes of the first node; the others are where its parts are written.
fn search(nodes: &mut [Node], found: &mut Found) {
    let Some((node, deeper)) = nodes.split_first_mut() else { return };
    while !found.stopped && node.goes_on(found) {
        node.with_last_on(&mut deeper[0]);
        search(deeper, found);
        node.turn_last_off();
    }
}

/// What is left of the equations when some units are decided.
#[derive(Clone)]
struct Node {
    /// Row by row, of `width` each: the constant, and the coefficients of the rates of the units that are left; there may be more.
    table: Vec<f64>,
    width: usize,
    /// The units that are left, by their columns.
    left: Vec<usize>,
    on: u32,
    /// What is negative, and from what on a coefficient tells a rate.
    negative: f64,
    pivot: f64,
}

impl Node {
    fn root(recurrent: &Array2<f64>, drive: &Array1<f64>) -> Self {
        let (n, most) = (drive.len(), |of: f64, x: &f64| of.max(x.abs()));
        let row = |unit: usize| {
            let weights = recurrent.row(unit).to_vec().into_iter().enumerate();
            let own = weights.map(move |(from, weight)| f64::from(u8::from(from == unit)) - weight);
            std::iter::once(-drive[unit]).chain(own)
        };
        Self {
            table: (0..n).flat_map(row).collect(),
            width: n + 1,
            left: (0..n).collect(),
            on: 0,
            negative: -NEGATIVE * drive.iter().fold(0.0, most),
            pivot: PIVOT * recurrent.iter().fold(1.0, most),
        }
    }

    /// The node with one unit off and with it on, if it goes on.
    fn halves(&mut self, found: &mut Found) -> Vec<Self> {
        if !self.goes_on(found) {
            return Vec::new();
        }
        let mut on = self.clone();
        self.with_last_on(&mut on);
        self.turn_last_off();
        vec![self.clone(), on]
    }

    /// Whether units are left that are to be decided, the one that comes next last. If not, the regions are found, if there are any.
    fn goes_on(&mut self, found: &mut Found) -> bool {
        let n_left = self.left.len();
        let hopeless =
            |row: &[f64]| row[0] < self.negative && row[1..=n_left].iter().all(|&coefficient| coefficient <= 0.0);
        if self.table.chunks_exact(self.width).any(hopeless) {
            return false;
        }
        // The largest coefficient, so that rounding does not grow.
        let told = |column: usize| self.table[self.left[column] * self.width + 1 + column].abs();
        match (0..n_left).max_by(|&a, &b| told(a).total_cmp(&told(b))) {
            Some(column) if told(column) > self.pivot => {
                self.swap_with_last(column);
                true
            }
            _ if n_left > LEFT || found.on.len() > MOST => {
                found.stopped = true;
                false
            }
            _ => {
                for bits in 0..1_u32 << n_left {
                    let units = self.left.iter().enumerate().map(|(place, unit)| (bits >> place & 1) << unit);
                    found.on.push(self.on | units.sum::<u32>());
                }
                false
            }
        }
    }

    fn swap_with_last(&mut self, column: usize) {
        let last = self.left.len() - 1;
        if column != last {
            self.left.swap(column, last);
            self.table.chunks_exact_mut(self.width).for_each(|row| row.swap(1 + column, 1 + last));
        }
    }

    fn turn_last_off(&mut self) {
        self.left.pop();
    }

    /// Writes the node in which the last unit is on: its rate comes from its own equation.
    fn with_last_on(&self, to: &mut Self) {
        // As many columns as there will be, the constant among them, and the place of the unit's own.
        let width = self.left.len();
        let unit = self.left[width - 1];
        let own = &self.table[unit * self.width..][..=width];
        let mut rate = [0.0; MOST_UNITS];
        rate.iter_mut().zip(&own[..width]).for_each(|(rate, &constant)| *rate = -constant / own[width]);
        to.table.resize(self.table.len() / self.width * width, 0.0);
        let rows = to.table.chunks_exact_mut(width).zip(self.table.chunks_exact(self.width));
        for (row, (to, from)) in rows.enumerate() {
            if row == unit {
                to.copy_from_slice(&rate[..width]);
            } else {
                let by = from[width];
                to.iter_mut().zip(from).zip(&rate).for_each(|((to, &from), &rate)| *to = from + by * rate);
            }
        }
        to.width = width;
        to.left.clear();
        to.left.extend_from_slice(&self.left[..width - 1]);
        (to.on, to.negative, to.pivot) = (self.on | 1 << unit, self.negative, self.pivot);
    }
}
