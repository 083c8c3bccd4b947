//! Smooth curves of zeros, followed by pseudo-arclength.
//!
//! A step goes along the unit tangent, and Newton's method back to the curve in the plane at right angles to it. So the curve is followed
//! where `s` turns, too. Steps grow while few iterations do, and are halved where Newton's method fails or the tangent turns too far
//! (Keller HB (1977); of directional fibres Katz GE, Reggia JA (2017), doi:10.1109/TNNLS.2017.2733544).

use ndarray::{Array1, Array2, ArrayView1, s};

use super::curve::{Curve, End, Limits, Place, bent, distance, root};
use super::still::length as norm;
use crate::dynamics::exact::Exact;
use crate::dynamics::linear::Lu;

/// The first step.
const FIRST: f64 = 0.05;
/// With shorter steps a curve cannot be followed.
const LEAST: f64 = 1e-6;
/// The least cosine of the angle between the tangents of neighboring places.
const BENT: f64 = 0.9;
/// How far a place may be from where the tangent leads, relative to the step.
const ASIDE: f64 = 0.25;
/// The least cosine of the angle between the way from one place to the next and the mean of the tangents at both.
const EVEN: f64 = 0.998;
/// The longest step over a crossing of curves.
const CROSSING: f64 = 0.01;
/// The most iterations of Newton's method, and as many as are few.
const ITERATIONS: usize = 8;
const FEW: usize = 4;
/// An iteration that makes the next one smaller by no more than this takes new derivatives.
const SLOW: f64 = 0.1;
/// How far the last iteration goes, relative to `1 + |y|`, and of transfer functions that are computed in single precision.
const TOLERANCE: f64 = 1e-11;
const TOLERANCE_SINGLE: f64 = 1e-6;
/// How often a tangent is refined at the most, and to which residual.
const REFINEMENTS: usize = 6;
const REFINED: f64 = 1e-13;
/// How near zeros are the same, relative to `1 + |y|`, and how many times the tolerance.
const SAME: f64 = 1e-6;
const TIMES: f64 = 100.0;

/// A function with as many values as unknowns `x`, `n`, and one number `s` besides. Places `y` `[n + 1]` are `x` and after it `s`.
pub(crate) trait Zeros {
    /// Its values `[n]`.
    fn value(&self, y: ArrayView1<'_, f64>) -> Array1<f64>;

    /// How they depend on `x` and, in the last column, on `s`, `[n, n + 1]`.
    fn slopes(&self, y: ArrayView1<'_, f64>) -> Array2<f64>;

    /// How far the last iteration of Newton's method may go, relative to `1 + |y|`.
    fn tolerance(&self) -> f64 {
        TOLERANCE
    }

    /// The first unknown to become zero between two neighboring zeros, if the function is that of one side of its zero and goes on
    /// smoothly on the other, where it is another one.
    fn crease(&self, _from: &Array1<f64>, _to: &Array1<f64>) -> Option<usize> {
        None
    }

    /// Makes it the function on the other side of the zero of this unknown.
    fn turn(&self, _unknown: usize) {}
}

/// The tolerance of residuals of this equation.
pub(crate) fn tolerance_of(exact: &dyn Exact) -> f64 {
    if exact.is_single() { TOLERANCE_SINGLE } else { TOLERANCE }
}

/// Follows the curve from a zero `[n + 1]`, first to where `s` grows or, backward, to where it falls. `None` if there is no one curve
/// through the start, nor a zero at it.
pub(crate) fn follow(zeros: &impl Zeros, start: &Array1<f64>, forward: bool, limits: &Limits<'_>) -> Option<Curve> {
    Some(follow_from(zeros, first(zeros, start, if forward { 1.0 } else { -1.0 })?, limits))
}

/// Follows the curve from a place on in the direction of its tangent.
pub(crate) fn follow_from(zeros: &impl Zeros, start: Place, limits: &Limits<'_>) -> Curve {
    let mut places = vec![start];
    let mut step = FIRST.min(limits.longest);
    let end = loop {
        let (last, n) = (&places[places.len() - 1], places.len());
        if n >= limits.places || !(limits.go_on)() {
            break End::Stopped;
        }
        if !limits.range.contains(&last.s()) && n > 1 {
            let edge = if last.s() < limits.range.start { limits.range.start } else { limits.range.end };
            if let Some(cut) = cut(zeros, &places[n - 2], last, last.y.len() - 1, edge) {
                places[n - 1] = cut;
            }
            break End::Out;
        }
        let near = &last.y + &(&last.tangent * step);
        let next = place(zeros, near.clone(), &last.tangent);
        let next = next.filter(|(next, _)| is_next(last, next, step) && distance(&next.y, &near) <= ASIDE * step);
        match next {
            Some((next, _)) if n > 2 && passes(zeros, last, &next, &places[0].y) => {
                let start = places[0].clone();
                places.push(start);
                break End::Closed;
            }
            Some((next, iterations)) => match zeros.crease(&last.y, &next.y) {
                None => {
                    places.push(next);
                    if iterations <= FEW {
                        step = (1.3 * step).min(limits.longest);
                    }
                }
                Some(unknown) => {
                    let Some(before) = cut(zeros, last, &next, unknown, 0.0) else { break End::Stuck };
                    if limits.range.contains(&before.s()) {
                        zeros.turn(unknown);
                        let direction = axis(before.y.len(), unknown, before.tangent[unknown]);
                        let Some((after, _)) = place(zeros, before.y.clone(), &direction) else { break End::Stuck };
                        places.extend([before, after]);
                    } else {
                        places.push(before);
                    }
                }
            },
            None if step <= LEAST => break End::Stuck,
            None => step *= 0.5,
        }
    };
    Curve { places, end, straight: false }
}

/// Whether a place may be the next one on a curve, and not one on another that comes near: the tangent turns little, and evenly, and where
/// determinants change their sign, as in a crossing, the step is short.
fn is_next(last: &Place, next: &Place, step: f64) -> bool {
    let (chord, tangents) = (&next.y - &last.y, &next.tangent + &last.tangent);
    next.tangent.dot(&last.tangent) >= BENT
        && chord.dot(&tangents) >= EVEN * norm(&chord) * norm(&tangents)
        && (next.orientation == last.orientation || step <= CROSSING)
}

/// The place between two neighboring ones where a number changes sign: a turn, a crossing, a mode that begins to grow.
pub(crate) fn between(
    zeros: &impl Zeros,
    a: &Place,
    b: &Place,
    number: impl Fn(&Place) -> Option<f64>,
) -> Option<Place> {
    let on = |at: f64| Some(place(zeros, bent(a, b, at), &a.tangent)?.0);
    let at = root(0.0, 1.0, |at| match at {
        0.0 => number(a),
        1.0 => number(b),
        at => number(&on(at)?),
    })?;
    on(at)
}

/// The place next to `near` in the plane through it at right angles to `normal`, and how many iterations led there.
pub(crate) fn place(zeros: &impl Zeros, near: Array1<f64>, normal: &Array1<f64>) -> Option<(Place, usize)> {
    let n = normal.len() - 1;
    let mut y = near;
    let mut solver = Lu::of(bordered(zeros.slopes(y.view()), normal))?;
    let mut last = f64::INFINITY;
    for iteration in 1..=ITERATIONS {
        let mut step = Array1::zeros(n + 1);
        step.slice_mut(s![..n]).assign(&zeros.value(y.view()));
        let step = solver.solve(step.view());
        y -= &step;
        let (moved, size) = (norm(&step), 1.0 + norm(&y));
        if !moved.is_finite() {
            return None;
        }
        if moved <= zeros.tolerance() * size {
            let (tangent, orientation) = tangent(zeros, &y, normal, solver)?;
            return Some((Place { y, tangent, orientation }, iteration));
        }
        if moved > SLOW * last {
            solver = Lu::of(bordered(zeros.slopes(y.view()), normal))?;
        }
        last = moved;
    }
    None
}

/// The unit tangent that has a positive part along `normal`, with the sign of the determinant, by a solver of a place nearby.
fn tangent(zeros: &impl Zeros, y: &Array1<f64>, normal: &Array1<f64>, solver: Lu) -> Option<(Array1<f64>, i8)> {
    let matrix = bordered(zeros.slopes(y.view()), normal);
    let mut wanted = Array1::zeros(y.len());
    wanted[y.len() - 1] = 1.0;
    let refined = |solver: &Lu| {
        let mut tangent = solver.solve(wanted.view());
        for _ in 0..REFINEMENTS {
            let residual = &wanted - &matrix.dot(&tangent);
            if norm(&residual) <= REFINED * norm(&tangent) {
                return Some(tangent);
            }
            tangent += &solver.solve(residual.view());
        }
        None
    };
    let (tangent, solver) = match refined(&solver) {
        Some(tangent) => (tangent, solver),
        None => {
            let solver = Lu::of(matrix.clone())?;
            (solver.solve(wanted.view()), solver)
        }
    };
    let length = norm(&tangent);
    length.is_finite().then(|| (tangent / length, solver.sign()))
}

/// The first place: that where `s` is as given, or, where the curve turns at it, another one next to it.
fn first(zeros: &impl Zeros, start: &Array1<f64>, direction: f64) -> Option<Place> {
    let n = start.len();
    (0..n).rev().find_map(|along| place(zeros, start.clone(), &axis(n, along, direction))).map(|(place, _)| place)
}

/// The place between two neighboring ones where a number of it is at a level, or the nearer end.
fn cut(zeros: &impl Zeros, from: &Place, to: &Place, number: usize, level: f64) -> Option<Place> {
    let at = root(0.0, 1.0, |at| Some(bent(from, to, at)[number] - level)).unwrap_or(0.0);
    let mut near = bent(from, to, at);
    near[number] = level;
    place(zeros, near, &axis(from.y.len(), number, to.y[number] - level)).map(|(place, _)| place)
}

/// The direction in which one number grows or, if `sign` is negative, falls.
fn axis(n: usize, number: usize, sign: f64) -> Array1<f64> {
    Array1::from_shape_fn(n, |i| if i == number { sign.signum() } else { 0.0 })
}

/// The two places to which another curve leads that crosses at this one, this far from it.
pub(crate) fn crossing(zeros: &impl Zeros, at: &Place, far: f64) -> Option<[Place; 2]> {
    // Two directions of zeros leave it: the tangent, and the one that the matrix takes to (almost) nothing.
    let matrix = bordered(zeros.slopes(at.y.view()), &at.tangent);
    let solver =
        Lu::of(matrix.clone()).or_else(|| Lu::of(matrix + &(Array2::<f64>::eye(at.y.len()) * f64::EPSILON)))?;
    let mut other = Array1::from_shape_fn(at.y.len(), |i| 1.0 + (i as f64).sin());
    for _ in 0..3 {
        other = solver.solve(other.view());
        other /= norm(&other);
    }
    let towards = |sign: f64| {
        let direction = &other * sign;
        let (next, _) = place(zeros, &at.y + &(&direction * far), &direction)?;
        (next.tangent.dot(&direction) >= BENT).then_some(next)
    };
    Some([towards(1.0)?, towards(-1.0)?])
}

/// Whether this zero lies on a curve.
pub(crate) fn is_on(zeros: &impl Zeros, curve: &Curve, y: &Array1<f64>) -> bool {
    curve.pairs().any(|(from, to)| passes(zeros, from, to, y))
}

/// Whether a curve goes through this zero from one place to the next.
fn passes(zeros: &impl Zeros, from: &Place, to: &Place, y: &Array1<f64>) -> bool {
    let (along, length) = (from.tangent.dot(&(y - &from.y)), from.tangent.dot(&(&to.y - &from.y)));
    let foot = &from.y + &(&from.tangent * along);
    let same = SAME.max(TIMES * zeros.tolerance()) * (1.0 + norm(y));
    if !(-same..=length + same).contains(&along) || distance(y, &foot) > distance(&to.y, &from.y) + same {
        return false;
    }
    // It is the same one if the curve has no other zero in the plane through it.
    let near = if length > 0.0 { bent(from, to, along / length) } else { foot };
    let near = &near + &(&from.tangent * from.tangent.dot(&(y - &near)));
    place(zeros, near, &from.tangent).is_some_and(|(there, _)| distance(&there.y, y) <= same)
}

/// The derivatives with a row below them.
fn bordered(slopes: Array2<f64>, row: &Array1<f64>) -> Array2<f64> {
    let mut matrix = Array2::zeros((row.len(), row.len()));
    matrix.slice_mut(s![..row.len() - 1, ..]).assign(&slopes);
    matrix.row_mut(row.len() - 1).assign(row);
    matrix
}
