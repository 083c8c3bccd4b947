//! How many modes grow along a branch, and where it turns, crosses another one, or changes its stability.

use ndarray::Array1;

use super::arclength::{between, place};
use super::branches::BifurcationKind;
use super::curve::{Curve, Place, bent, distance};
use super::family::Along;
use super::still::length as norm;
use crate::dynamics::{Eigenvalue, Linearization};

/// Places this near to each other are one place with two tangents: the branch has a corner.
const CORNER: f64 = 1e-7;
/// Between places whose tangents have an angle with a smaller cosine so many others are put, so that a line through all is smooth.
const STRAIGHT: f64 = 0.998;
const BETWEEN: usize = 3;

/// A branch with its stability.
#[derive(Default)]
pub(super) struct Path {
    /// The places, `[n + 1]` each.
    pub(super) places: Vec<Array1<f64>>,
    /// How many modes grow between each place and the next one.
    pub(super) growing: Vec<usize>,
    /// What happens at places, with its frequency in Hz.
    pub(super) marks: Vec<(usize, BifurcationKind, f64)>,
    /// Where other branches cross it.
    pub(super) crossings: Vec<Place>,
}

/// A place, what happens there, and how many modes grow, if that can be told: without the one that neither grows nor decays, if something
/// happens.
struct Stop {
    place: Place,
    mark: Option<(BifurcationKind, f64)>,
    growing: Option<usize>,
}

impl Path {
    /// That of a curve of these zeros.
    pub(super) fn of(zeros: &Along<'_>, curve: &Curve) -> Self {
        let mut path = Self::default();
        path.places.extend(curve.places.first().map(|place| place.y.clone()));
        // From corner to corner.
        let is_corner = |a: &Place, b: &Place| distance(&a.y, &b.y) <= CORNER * (1.0 + norm(&a.y));
        let runs: Vec<&[Place]> = curve.places.chunk_by(|a, b| curve.straight || !is_corner(a, b)).collect();
        let mut before: Option<&Place> = None;
        for (number, run) in runs.iter().enumerate() {
            if curve.straight {
                for pair in run.windows(2).filter(|pair| !is_corner(&pair[0], &pair[1])) {
                    let growing = growing_at(zeros, &((&pair[0].y + &pair[1].y) / 2.0));
                    path.corner(before, &pair[0], growing);
                    path.go(pair[1].y.clone(), growing);
                    before = Some(&pair[0]);
                }
            } else if run.len() > 1 {
                let stops = stops(zeros, run, [number > 0, number + 1 < runs.len()]);
                path.smooth(zeros, before, &stops);
                before = run.last();
            }
        }
        path
    }

    /// Goes on along a stretch without corners.
    fn smooth(&mut self, zeros: &Along<'_>, before: Option<&Place>, stops: &[Stop]) {
        for (number, pair) in stops.windows(2).enumerate() {
            let (a, b) = (&pair[0].place, &pair[1].place);
            let known = pair.iter().find(|stop| stop.mark.is_none()).and_then(|stop| stop.growing);
            let growing = known.unwrap_or_else(|| growing_at(zeros, &bent(a, b, 0.5)));
            if number == 0 {
                self.corner(before, a, growing);
            }
            let between = if a.tangent.dot(&b.tangent) < STRAIGHT { BETWEEN } else { 0 };
            for part in 1..=between {
                let near = bent(a, b, part as f64 / (between + 1) as f64);
                if let Some((place, _)) = place(zeros, near, &a.tangent) {
                    self.go(place.y, growing);
                }
            }
            self.go(b.y.clone(), growing);
            if let Some((kind, frequency)) = pair[1].mark {
                self.marks.push((self.places.len() - 1, kind, frequency));
                if kind == BifurcationKind::BranchPoint {
                    self.crossings.push(b.clone());
                }
            }
        }
    }

    fn go(&mut self, to: Array1<f64>, growing: usize) {
        self.places.push(to);
        self.growing.push(growing);
    }

    /// What happens in a corner: of two tangents that go different ways in `s`, and of modes that begin or cease to grow.
    fn corner(&mut self, before: Option<&Place>, after: &Place, growing: usize) {
        let (Some(before), Some(&last)) = (before, self.growing.last()) else { return };
        let kind = match (before.ds() < 0.0) != (after.ds() < 0.0) {
            true => BifurcationKind::Fold,
            false if growing != last => BifurcationKind::Crease,
            false => return,
        };
        self.marks.push((self.places.len() - 1, kind, 0.0));
    }

    /// The path from the other end of `back`, which begins where this one does, over the common place to the end of this one.
    pub(super) fn after(mut self, mut back: Self) -> Self {
        let n = back.places.len() - 1;
        back.places.reverse();
        back.growing.reverse();
        back.marks.iter_mut().for_each(|(place, ..)| *place = n - *place);
        back.marks.reverse();
        back.places.extend(self.places.drain(1..));
        back.growing.append(&mut self.growing);
        back.marks.extend(self.marks.into_iter().map(|(place, kind, frequency)| (place + n, kind, frequency)));
        back.crossings.append(&mut self.crossings);
        back
    }
}

/// The places of a stretch without corners, with those where something happens between them; it begins and ends in corners or not.
fn stops(zeros: &Along<'_>, run: &[Place], corners: [bool; 2]) -> Vec<Stop> {
    let mut stops = Vec::new();
    for (number, place) in run.iter().enumerate() {
        if let Some(last) = number.checked_sub(1).map(|before| &run[before]) {
            let found = if last.orientation != place.orientation {
                let crossing = between(zeros, last, place, |place| Some(f64::from(place.orientation)));
                crossing.map(|place| (place, BifurcationKind::BranchPoint))
            } else if (last.ds() < 0.0) != (place.ds() < 0.0) {
                between(zeros, last, place, |place| Some(place.ds())).map(|place| (place, BifurcationKind::Fold))
            } else {
                None
            };
            stops.extend(found.map(|(place, kind)| Stop::of(zeros, place, Some((kind, 0.0)))));
        }
        let is_corner = number == 0 && corners[0] || number + 1 == run.len() && corners[1];
        let stop = Stop::of(zeros, place.clone(), None);
        // In a corner the slopes may be those of the other side.
        stops.push(if is_corner { Stop { growing: None, ..stop } } else { stop });
    }
    let mut all: Vec<Stop> = Vec::new();
    for stop in stops {
        if let Some((last, from, to)) = all.last().and_then(|last| Some((last, last.growing?, stop.growing?))) {
            // One mode begins or ceases to grow at a fold or a crossing. If there are more, another thing happens, too.
            let one = usize::from(last.mark.is_some()) + usize::from(stop.mark.is_some());
            let middle = (from + to) as f64 / 2.0;
            let exchange =
                if from.abs_diff(to) > one { exchange(zeros, &last.place, &stop.place, middle) } else { None };
            all.extend(exchange);
        }
        all.push(stop);
    }
    all
}

/// Where modes begin or cease to grow between two places, so that there are more or fewer than this.
fn exchange(zeros: &Along<'_>, a: &Place, b: &Place, middle: f64) -> Option<Stop> {
    let place = between(zeros, a, b, |place| Some(growing_at(zeros, &place.y) as f64 - middle))?;
    let modes = modes(zeros, &place.y);
    let rate = |mode: &Eigenvalue| mode.flow.map_or_else(|| mode.map.norm().ln(), |flow| flow.re).abs();
    let mode = modes.iter().min_by(|a, b| rate(a).total_cmp(&rate(b)))?;
    let (kind, frequency) = match mode.flow.unwrap_or(mode.map) {
        value if value.im != 0.0 => (BifurcationKind::Hopf, mode.frequency.abs()),
        value if mode.flow.is_none() && value.re < 0.0 => (BifurcationKind::PeriodDoubling, mode.frequency.abs()),
        _ => (BifurcationKind::BranchPoint, 0.0),
    };
    Some(Stop { place, mark: Some((kind, frequency)), growing: None })
}

impl Stop {
    fn of(zeros: &Along<'_>, place: Place, mark: Option<(BifurcationKind, f64)>) -> Self {
        let mut modes = modes(zeros, &place.y);
        if mark.is_some() {
            let still = |mode: &Eigenvalue| (mode.map - 1.0).norm();
            let least = (0..modes.len()).min_by(|&a, &b| still(&modes[a]).total_cmp(&still(&modes[b])));
            least.map(|least| modes.swap_remove(least));
        }
        Self { place, mark, growing: Some(growing(&modes)) }
    }
}

/// The modes at a place; none where they cannot be computed.
fn modes(zeros: &Along<'_>, y: &Array1<f64>) -> Vec<Eigenvalue> {
    let (exact, input, state) = zeros.state(y.view());
    let linear = Linearization::of(exact.as_ref(), state.view(), input.view());
    linear.and_then(|linear| linear.eigenvalues()).unwrap_or_default()
}

/// How many modes grow at a place.
pub(super) fn growing_at(zeros: &Along<'_>, y: &Array1<f64>) -> usize {
    growing(&modes(zeros, y))
}

fn growing(modes: &[Eigenvalue]) -> usize {
    modes.iter().filter(|mode| mode.grows()).count()
}
