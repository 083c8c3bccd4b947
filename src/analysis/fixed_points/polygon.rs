//! Curves of zeros of piecewise linear networks: polygons, followed exactly.
//!
//! While no unit's state changes its sign such a network is linear, and the zeros of `W f(x) + h + s g - x` lie on a straight line. It is
//! followed to where a unit's state becomes zero. There the slope of this unit jumps, which changes one column of the Jacobian and its
//! inverse by a product of two vectors, and the next line begins, on the other side.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, Axis, s};

use super::curve::{Curve, End, Limits, Place};
use super::still::largest;
use crate::dynamics::linear::Lu;

/// Below this change of the determinant the next region has none: there is a line of zeros at one `s`.
const SINGULAR: f64 = 1e-12;
/// From this residual on, relative to `1 + max |x|`, the inverse is computed anew.
const DRIFTED: f64 = 1e-10;

/// The function `W f(x) + h + s g - x`, where `f(x)` is `max(x, 0)` or, of units that are not rectified, `x`.
pub(crate) struct Polygon<'a> {
    /// `W`, `[n, n]`.
    pub(crate) recurrent: &'a Array2<f64>,
    /// `h`, `[n]`.
    pub(crate) offset: Array1<f64>,
    /// `g`, `[n]`.
    pub(crate) by: Array1<f64>,
    /// Whether units are rectified.
    pub(crate) rectified: bool,
}

/// A line of zeros within a region.
struct Line {
    x: Array1<f64>,
    s: f64,
    /// Which units have the slope 1.
    on: Vec<bool>,
    /// The inverse of `W D - 1`; `None` where that is singular.
    inverse: Option<Array2<f64>>,
    /// Where it goes: `x`, and `s`, which grows by 1, falls by 1, or stays.
    dx: Array1<f64>,
    ds: f64,
}

impl Polygon<'_> {
    /// Follows the curve from a zero (`x` and after it `s`, `[n + 1]`), first to where `s` grows or, backward, to where it falls, as far as
    /// the range goes. If that has no end, a line without end is followed past 0 if it leads there. `None` if there is no one line through
    /// the start.
    pub(crate) fn follow(&self, start: ArrayView1<'_, f64>, forward: bool, limits: &Limits<'_>) -> Option<Curve> {
        let n = self.offset.len();
        let x = start.slice(s![..n]).to_owned();
        let on: Vec<bool> = x.iter().map(|&x| !self.rectified || x > 0.0).collect();
        let inverse = self.inverse(&on)?;
        let ds = if forward { 1.0 } else { -1.0 };
        let dx = inverse.dot(&self.by) * -ds;
        let mut line = Line { x, s: start[n], on, inverse: Some(inverse), dx, ds };
        let (first, first_on) = (line.place(), line.on.clone());
        let (mut places, mut left) = (vec![first.clone()], None);
        let end = loop {
            if places.len() >= limits.places || !(limits.go_on)() {
                break End::Stopped;
            }
            let edge = line.to_edge(&limits.range);
            let next = if self.rectified { line.to_crease(left) } else { None };
            let length = next.map_or(edge, |(_, length)| length.min(edge));
            let back = (first.s() - line.s) * line.ds;
            if places.len() > 1 && line.on == first_on && line.ds == ds && (0.0..=length).contains(&back) {
                places.push(first);
                break End::Closed;
            }
            let Some((unit, _)) = next.filter(|_| length < edge) else {
                let length = if edge.is_finite() { edge } else { 1.0 + 2.0 * line.s.abs() };
                self.go(&mut line, length);
                places.push(line.place());
                break End::Out;
            };
            let drifted = self.go(&mut line, length);
            line.x[unit] = 0.0;
            if !self.turn(&mut line, unit, drifted) {
                break End::Stuck;
            }
            places.push(line.place());
            left = Some(unit);
        };
        Some(Curve { places, end, straight: true })
    }

    /// Goes on along a line, and says whether that left it by so much that the inverse must be computed anew.
    fn go(&self, line: &mut Line, length: f64) -> bool {
        line.x.scaled_add(length, &line.dx);
        line.s += length * line.ds;
        let Some(inverse) = &line.inverse else { return true };
        let rates = Array1::from_shape_fn(line.x.len(), |i| if line.on[i] { line.x[i] } else { 0.0 });
        let residual = self.recurrent.dot(&rates) + &self.offset + &self.by * line.s - &line.x;
        line.x -= &inverse.dot(&residual);
        let drift = largest(&residual);
        drift.is_nan() || drift > DRIFTED * (1.0 + largest(&line.x))
    }

    /// Crosses over to where this unit has the other slope; its state keeps its direction. Whether there is a line there.
    fn turn(&self, line: &mut Line, unit: usize, anew: bool) -> bool {
        line.on[unit] = !line.on[unit];
        let (change, growing) = (if line.on[unit] { 1.0 } else { -1.0 }, line.dx[unit] > 0.0);
        let inverse = match line.inverse.take().filter(|_| !anew) {
            Some(mut inverse) => {
                let column = inverse.dot(&self.recurrent.column(unit));
                let factor = 1.0 + change * column[unit];
                if factor.abs() <= SINGULAR * (1.0 + column[unit].abs()) {
                    // The Jacobian takes this to zero: `x` goes along it, and `s` stays.
                    let along = if (column[unit] > 0.0) == growing { 1.0 } else { -1.0 };
                    (line.dx, line.ds) = (column * along, 0.0);
                    return true;
                }
                let row = inverse.row(unit).to_owned() * (change / factor);
                for (mut of, &by) in inverse.axis_iter_mut(Axis(0)).zip(&column) {
                    of.scaled_add(-by, &row);
                }
                inverse
            }
            None => match self.inverse(&line.on) {
                Some(inverse) => inverse,
                None => return false,
            },
        };
        let along = -inverse.dot(&self.by);
        line.ds = if (along[unit] > 0.0) == growing { 1.0 } else { -1.0 };
        line.dx = along * line.ds;
        line.inverse = Some(inverse);
        true
    }

    /// The inverse of `W D - 1`, if there is one.
    fn inverse(&self, on: &[bool]) -> Option<Array2<f64>> {
        let mut jacobian = self.recurrent.clone();
        for (unit, (mut column, &on)) in jacobian.axis_iter_mut(Axis(1)).zip(on).enumerate() {
            if !on {
                column.fill(0.0);
            }
            column[unit] -= 1.0;
        }
        Some(Lu::of(jacobian)?.inverse())
    }
}

impl Line {
    fn place(&self) -> Place {
        let join = |x: &Array1<f64>, s: f64| x.iter().copied().chain([s]).collect::<Array1<f64>>();
        let along = join(&self.dx, self.ds);
        let length = along.dot(&along).sqrt();
        Place { y: join(&self.x, self.s), tangent: along / length, orientation: 1 }
    }

    /// How far it is to the edge of the range.
    fn to_edge(&self, range: &Range<f64>) -> f64 {
        let edge = if self.ds > 0.0 { range.end } else { range.start };
        match self.ds {
            0.0 => f64::INFINITY,
            ds if edge.is_finite() => ((edge - self.s) / ds).max(0.0),
            _ => f64::INFINITY,
        }
    }

    /// The unit whose state is zero next, and how far it is to there. The one that was zero just now is none.
    fn to_crease(&self, left: Option<usize>) -> Option<(usize, f64)> {
        let towards =
            |&unit: &usize| Some(unit) != left && self.dx[unit] != 0.0 && self.on[unit] == (self.dx[unit] < 0.0);
        let far = |unit: usize| (unit, (-self.x[unit] / self.dx[unit]).max(0.0));
        (0..self.on.len()).filter(towards).map(far).min_by(|a, b| a.1.total_cmp(&b.1))
    }
}
