//! Continuation: the branches of fixed points while one number changes.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate, stack};

use super::arclength::{crossing, follow, follow_from, is_on, place};
use super::branches::{Bifurcation, Branch, Branches};
use super::curve::{Curve, End, Limits, Place, distance};
use super::family::Family;
use super::polygon::Polygon;
use super::set::{FixedPoint, FixedPointSet};
use super::stability::{Path, growing_at};
use crate::caught::caught_in;
use crate::dynamics::exact::Exact;
use crate::dynamics::linearize::checked;
use crate::simulate::Simulator;
use crate::{Error, Result, interrupt, threads};

/// The range is taken to be so long, compared with states, and the longest step is a twentieth of it.
const LENGTH: f64 = 10.0;
const LONGEST: f64 = 0.5;
/// The most places of a branch in one direction.
const PLACES: usize = 2000;
/// How far from a crossing the other branch begins.
const FAR: f64 = 0.01;
/// How near two fixed points are the same, relative to `1 + |x|`.
const SAME: f64 = 1e-6;
/// More branches that cross others are not followed.
const MOST: usize = 200;

impl FixedPointSet {
    /// Follows the fixed points while the input goes from that of the set in a direction `[n_in]`, `u(s) = u₀ + s d`, for all `s` of a
    /// range, which contains 0.
    ///
    /// Branches are followed by pseudo-arclength, also where they turn, and those of networks that are piecewise linear exactly, from region to
    /// region. Folds, Hopf points and crossings are located to rounding. Branches that come to none of the fixed points of the set, nor
    /// cross one that does, are not found.
    ///
    /// ```no_run
    /// use psychrnn::analysis::{BifurcationKind, FixedPoints};
    /// use psychrnn::prelude::*;
    /// let simulator = Simulator::load("weights.npz")?;
    /// let points = FixedPoints::default().of(&simulator, None)?;
    /// let branches = points.along(&[1.0, 0.0, 0.0], -1.0..1.0)?;
    /// for fold in branches.of_kind(BifurcationKind::Fold) {
    ///     println!("two fixed points meet at an input of {}", fold.s);
    /// }
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the direction has not `n_in` finite numbers or is 0, if the range has no finite ends or does not contain 0, or if the set has
    /// no fixed points.
    pub fn along(&self, direction: &[f64], range: Range<f64>) -> Result<Branches> {
        let direction = Array1::from(direction.to_vec());
        checked("direction", "n_in", direction.view(), self.input.len())?;
        if direction.iter().all(|&by| by == 0.0) {
            return Err(Error::argument("direction", "one in which an input changes", "0 in all channels"));
        }
        let channels: Vec<usize> = (0..direction.len()).filter(|&channel| direction[channel] != 0.0).collect();
        let name = match channels[..] {
            [channel] if direction[channel] == 1.0 && self.input[channel] == 0.0 => format!("Input {channel}"),
            [channel] if direction[channel] == 1.0 => format!("Change of input {channel}"),
            _ => format!("Input along {:?}", direction.to_vec()),
        };
        let family = Family::of_inputs(self.exact.clone(), self.input.clone(), direction);
        self.branches(&family, name, range)
    }

    /// Follows the fixed points while all recurrent weights are multiplied by a gain, for all gains of a range, which contains 1: that of the
    /// network itself. Otherwise as [`FixedPointSet::along`].
    ///
    /// # Errors
    /// If the range has no finite ends or does not contain 1, or if the set has no fixed points.
    pub fn along_gain(&self, range: Range<f64>) -> Result<Branches> {
        let family = Family::of_gains(self.exact.clone(), self.input.clone());
        self.branches(&family, "Gain of the recurrent weights".to_owned(), range)
    }

    /// Follows the fixed points while the network becomes another one of the same units: its weights go on a straight line from its own, at 0,
    /// to those of the other one, at 1, for all numbers of a range, which contains 0. Where the other one is the same network with a
    /// lesion or another perturbation over the whole trial, `..`, the number is the strength of the lesion. Otherwise as
    /// [`FixedPointSet::along`].
    ///
    /// ```no_run
    /// use psychrnn::analysis::FixedPoints;
    /// use psychrnn::prelude::*;
    /// let simulator = Simulator::load("weights.npz")?;
    /// let lesioned = simulator.clone().silence(0..10, ..);
    /// let branches = FixedPoints::default().of(&simulator, None)?.towards(&lesioned, 0.0..1.0)?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the other network has other units, if one of its perturbations does not last the whole trial, if the range has no finite ends or does
    /// not contain 0, or if the set has no fixed points.
    pub fn towards(&self, simulator: &Simulator, range: Range<f64>) -> Result<Branches> {
        let other = simulator.exact()?;
        let x = Array1::from_elem(self.exact.counts().n_rec, 0.5);
        let is_same = other.counts() == self.exact.counts() && other.taus() == self.exact.taus() && {
            let same = self.exact.with(other.arrays().clone());
            let (x, input) = (x.view(), self.input.view());
            let at_rest = |exact: &dyn Exact| (exact.residual(x, input), exact.state_at_rest(x, input));
            at_rest(same.as_ref()) == at_rest(other.as_ref())
        };
        if !is_same {
            let expected = "that of a network of the same units: as many, with the same equation and time constants";
            return Err(Error::argument("simulator", expected, "another"));
        }
        let family = Family::of_weights(self.exact.clone(), self.input.clone(), other.arrays());
        self.branches(&family, "Strength of the perturbation".to_owned(), range)
    }

    fn branches(&self, family: &Family, parameter: String, range: Range<f64>) -> Result<Branches> {
        caught_in("the transfer function", || self.follow(family, parameter, range))
    }

    fn follow(&self, family: &Family, parameter: String, range: Range<f64>) -> Result<Branches> {
        let from = family.from();
        if !(range.start < range.end && range.start.is_finite() && range.end.is_finite()) {
            return Err(Error::argument("range", "one from a number to a larger one", format!("{range:?}")));
        }
        if !(range.start..=range.end).contains(&from) {
            let expected = format!("one that contains {from}, to which the fixed points belong");
            return Err(Error::argument("range", expected, format!("{range:?}")));
        }
        if self.points.is_empty() {
            return Err(Error::argument("points", "at least one, from which a branch is followed", "none"));
        }
        let work = interrupt::watch();
        let unknowns = |point: &FixedPoint| self.exact.unknowns(point.state.view(), self.input.view());
        let starts = self.points.iter().map(|point| concatenate![Axis(0), unknowns(point), [0.0]]).collect();
        let follower = Follower::new(family, &range);
        let go_on = || !work.is_interrupted();
        let Followed { mut paths, lost, found } = follower.paths(starts, &go_on)?;
        let interrupted = work.is_interrupted();
        let mut bifurcations = Vec::new();
        let branches = paths.iter_mut().enumerate().map(|(number, (path, ends))| {
            let branch = follower.branch(path, *ends);
            bifurcations.extend(path.marks.iter().map(|&(place, kind, frequency)| Bifurcation {
                kind,
                branch: number,
                place,
                s: branch.s[place],
                state: branch.states.row(place).to_owned(),
                outputs: branch.outputs.row(place).to_owned(),
                frequency,
            }));
            branch
        });
        let branches = branches.collect();
        Ok(Branches { parameter, range, from, branches, bifurcations, found, lost, interrupted })
    }
}

/// Follows the branches of a family. Along them the number is counted in units that make the range as long as [`LENGTH`].
struct Follower<'a> {
    family: &'a Family,
    unit: f64,
    /// The range of the number, and that of places.
    ends: Range<f64>,
    range: Range<f64>,
}

/// What comes of following branches.
struct Followed {
    /// The branches, with how they begin and end.
    paths: Vec<(Path, [End; 2])>,
    /// The places through which there is none, by their numbers.
    lost: Vec<usize>,
    /// The states at the network's own value of the number that are none of these places.
    found: Vec<Array1<f64>>,
}

/// A branch in both directions from where it was found, or in one.
struct Halves(Vec<Curve>);

impl<'a> Follower<'a> {
    fn new(family: &'a Family, range: &Range<f64>) -> Self {
        let unit = (range.end - range.start) / LENGTH;
        let within = |number: f64| (number - family.from()) / unit;
        Self { family, unit, ends: range.clone(), range: within(range.start)..within(range.end) }
    }

    /// The branches through these places and those that cross them.
    fn paths(&self, starts: Vec<Array1<f64>>, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Followed> {
        let limits = Limits { range: self.range.clone(), longest: LONGEST, places: PLACES, go_on };
        let found = threads::map(starts.clone(), |start| Ok(self.through(&start, &limits)))?;
        let empty: Vec<bool> = found.iter().map(|branch| branch.0.is_empty()).collect();
        // One that comes by other starts is followed from each of them.
        let mut branches: Vec<Halves> = Vec::new();
        for (start, branch) in starts.iter().zip(found) {
            if !branch.0.is_empty() && !self.has(&branches, start) {
                branches.push(branch);
            }
        }
        let mut paths: Vec<(Path, [End; 2])> = Vec::new();
        while paths.len() < branches.len() {
            let new: Vec<&Halves> = branches[paths.len()..].iter().collect();
            let new = threads::map(new, |branch| Ok(self.path(branch)))?;
            let crossings: Vec<Place> = new.iter().flat_map(|(path, _)| path.crossings.clone()).collect();
            paths.extend(new);
            for at in crossings {
                let Some(places) = crossing(&self.family.zeros(self.unit), &at, FAR) else { continue };
                for place in places {
                    if branches.len() < MOST && go_on() && !self.has(&branches, &place.y) {
                        branches.push(self.from(&at, place, &limits));
                    }
                }
            }
        }
        let lost = (0..starts.len()).filter(|&number| empty[number] && !self.has(&branches, &starts[number]));
        let (lost, found) = (lost.collect(), self.found(&branches, &starts));
        Ok(Followed { paths, lost, found })
    }

    /// The branch through a fixed point, in both directions.
    fn through(&self, start: &Array1<f64>, limits: &Limits<'_>) -> Halves {
        let pieces = self.family.pieces();
        let half = |forward: bool| match &pieces {
            Some(pieces) => {
                let (offset, by) = (pieces.drive.clone(), self.family.by(self.unit));
                let polygon = Polygon { recurrent: &pieces.recurrent, offset, by, rectified: pieces.rectified };
                polygon.follow(start.view(), forward, limits)
            }
            None => follow(&self.family.zeros(self.unit).on_sides_of(start), start, forward, limits),
        };
        match half(true) {
            Some(closed) if closed.end == End::Closed => Halves(vec![closed]),
            forward => Halves(forward.into_iter().chain(half(false)).collect()),
        }
    }

    /// The branch that begins on another one.
    fn from(&self, at: &Place, next: Place, limits: &Limits<'_>) -> Halves {
        let zeros = self.family.zeros(self.unit).on_sides_of(&next.y);
        let away = &next.y - &at.y;
        let tangent = &away / away.dot(&away).sqrt();
        let begin = Place { y: at.y.clone(), tangent, orientation: next.orientation };
        let mut curve = follow_from(&zeros, next, limits);
        curve.places.insert(0, begin);
        Halves(vec![curve])
    }

    /// The states at which branches come by the network's own value of the number, without those at which they began.
    fn found(&self, branches: &[Halves], starts: &[Array1<f64>]) -> Vec<Array1<f64>> {
        let zeros = self.family.zeros(self.unit);
        let mut known = starts.to_vec();
        for x in branches.iter().flat_map(|branch| &branch.0).flat_map(|curve| curve.meets(0.0, 0.0)) {
            let mut here = Array1::zeros(x.len() + 1);
            here[x.len()] = 1.0;
            let near = concatenate![Axis(0), x, [0.0]];
            let Some((found, _)) = place(&zeros, near, &here) else { continue };
            if !known.iter().any(|y| distance(y, &found.y) <= SAME * (1.0 + distance(y, &(y * 0.0)))) {
                known.push(found.y);
            }
        }
        known.split_off(starts.len()).iter().map(|y| zeros.state(y.view()).2).collect()
    }

    /// Whether a place lies on one of these branches.
    fn has(&self, branches: &[Halves], y: &Array1<f64>) -> bool {
        let zeros = self.family.zeros(self.unit);
        branches.iter().flat_map(|branch| &branch.0).any(|curve| is_on(&zeros, curve, y))
    }

    /// A branch with its stability, from one end to the other.
    fn path(&self, Halves(halves): &Halves) -> (Path, [End; 2]) {
        let zeros = self.family.zeros(self.unit);
        let mut paths = halves.iter().map(|half| Path::of(&zeros, half));
        match (paths.next(), paths.next()) {
            (Some(forward), Some(backward)) => (forward.after(backward), [halves[1].end, halves[0].end]),
            (Some(one), None) => {
                let begins = if halves[0].end == End::Closed { End::Closed } else { End::Crossing };
                (one, [begins, halves[0].end])
            }
            (None, _) => (Path::default(), [End::Stuck; 2]),
        }
    }

    fn branch(&self, path: &Path, ends: [End; 2]) -> Branch {
        let zeros = self.family.zeros(self.unit);
        let at: Vec<_> = path.places.iter().map(|y| zeros.state(y.view())).collect();
        let rows = |of: Vec<Array1<f64>>| {
            let views: Vec<ArrayView1<'_, f64>> = of.iter().map(Array1::view).collect();
            stack(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, 0)))
        };
        let outputs = at.iter().map(|(exact, _, state)| exact.outputs(state.view())).collect();
        let mut unstable = path.growing.clone();
        unstable.push(unstable.last().copied().unwrap_or_else(|| growing_at(&zeros, &path.places[0])));
        let mut s: Array1<f64> = path.places.iter().map(|y| zeros.number(y.view())).collect();
        // The ends of the range to the last bit.
        for (place, end) in [(0, ends[0]), (s.len() - 1, ends[1])] {
            if end == End::Out {
                s[place] =
                    if s[place] < (self.ends.start + self.ends.end) / 2.0 { self.ends.start } else { self.ends.end };
            }
        }
        Branch {
            s,
            outputs: rows(outputs),
            states: rows(at.into_iter().map(|(_, _, state)| state).collect()),
            unstable,
            ends,
        }
    }
}
