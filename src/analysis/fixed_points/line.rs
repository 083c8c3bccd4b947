//! Lines and rings of states that hardly move: how a network remembers a quantity.

use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate, stack};
use serde::{Deserialize, Serialize};

use super::arclength::place;
use super::fibers::Fiber;
use super::set::FixedPointSet;
use super::still::{Still, length};
use crate::analysis::Pca;
use crate::caught::caught_in;
use crate::dynamics::{Linearization, Mode};
use crate::{Error, Result};

/// A mode is slow if its time constant is so many times the longest of a unit.
const SLOW: f64 = 10.0;
/// Points lie on the line if their slowest mode does not turn and is so many times slower than the next one.
const APART: f64 = 2.0;
/// So many states are looked at between neighboring points, and on each exact line.
const BETWEEN: usize = 8;
/// What makes a line attractor of a line, see [`LineAttractor::is_attractor`].
const SHARE: f64 = 0.8;
const ALIGNED: f64 = 0.9;
const GAP: f64 = 5.0;
const HOLDS: f64 = 5.0;

/// How well states of a network along a line, or a ring, remember: how slowly they drift along it, and how fast they come back to it.
///
/// On the line lie the fixed points, the slow points, if these were looked for, and the exact lines of fixed points of the set whose slowest
/// mode does not turn and is at least twice as slow as the next one. They are ordered along their first principal component, those of a
/// ring by their angle in the plane of the first two. Between neighbors the line is where the flow goes along it: where
/// `G(x) = λ τ d` with the direction `d` from one to the other (a directional fiber), so that `|λ|` is the speed of the drift.
///
/// None of the scores, and no threshold of [`LineAttractor::is_attractor`], is a standard. Lines of trained networks are mostly
/// such approximate ones; see Mante V et al. (2013), doi:10.1038/nature12742, for selection vectors, and Seung HS (1996),
/// doi:10.1073/pnas.93.23.13339, for the idea.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::FixedPoints;
/// use psychrnn::prelude::*;
/// let mut weights = Weights::new();
/// weights.insert("W_in", array![[1.0], [-1.0]]);
/// weights.insert("W_rec", array![[0.0, -1.0], [-1.0, 0.0]]); // two units that inhibit each other
/// weights.insert("W_out", array![[1.0, -1.0]]);
/// weights.insert("b_rec", array![1.0, 1.0]);
/// weights.insert("b_out", array![0.0]);
/// weights.insert("init_state", array![[0.0, 0.0]]);
/// let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 100.0))?;
/// let line = FixedPoints::default().of(&simulator, None)?.line_attractor()?;
/// assert!(line.is_attractor()); // all x with x₁ + x₂ = 1 stand still
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LineAttractor {
    /// Whether it is a ring.
    pub is_ring: bool,
    /// States along it, `[n_states, n_state]`.
    #[serde(with = "crate::number")]
    pub states: Array2<f64>,
    /// The outputs there, `[n_states, n_out]`.
    #[serde(with = "crate::number")]
    pub outputs: Array2<f64>,
    /// How fast each drifts along it, per millisecond, `[n_states]`.
    #[serde(with = "crate::number")]
    pub speeds: Array1<f64>,
    /// Which of them are fixed points or slow points, or lie on an exact line, `[n_states]`.
    pub are_points: Vec<bool>,
    /// The share of all fixed points and slow points of the set that have one slow mode, and one only: one that does not turn, with a time
    /// constant of more than ten times the longest of a unit, growing or decaying.
    #[serde(with = "crate::number")]
    pub share: f64,
    /// How many times slower the slowest mode is than the next one, in the median.
    #[serde(with = "crate::number")]
    pub gap: f64,
    /// The share of the variance of the states that lies along their first principal component; of a ring in the plane of the first two.
    #[serde(with = "crate::number")]
    pub linearity: f64,
    /// How well the slowest mode points along the line: the mean of `|cos|` of the angle between its right eigenvector and the direction
    /// from the state before to the one after.
    #[serde(with = "crate::number")]
    pub alignment: f64,
    /// How well the slowest right eigenvectors of neighboring states agree, the mean of `|cos|`.
    #[serde(with = "crate::number")]
    pub coherence: f64,
    /// The same of the left eigenvectors, the selection vectors: how far the line reads the same input everywhere.
    #[serde(with = "crate::number")]
    pub selectivity: f64,
    /// How many milliseconds it takes at the least to drift along all of it: its length along the first component over the fastest speed. Of a
    /// ring its circumference.
    #[serde(with = "crate::number")]
    pub drift_time: f64,
    /// The time constant of the slowest of all other modes, in milliseconds: how long it takes to come back to the line. Infinite
    /// if one grows.
    #[serde(with = "crate::number")]
    pub return_time: f64,
}

impl LineAttractor {
    /// Whether it may be called a line attractor, or a ring attractor: a share of at least 0.8, an alignment of at least 0.9, a gap of at least 5,
    /// and a drift that takes at least five times as long as the return. These thresholds are ours.
    #[must_use]
    pub fn is_attractor(&self) -> bool {
        let holds = self.drift_time >= HOLDS * self.return_time;
        self.share >= SHARE && self.alignment >= ALIGNED && self.gap >= GAP && holds
    }
}

/// A state along the line.
struct At {
    x: Array1<f64>,
    state: Array1<f64>,
    speed: f64,
    is_point: bool,
    slowest: Mode,
    next: Option<Mode>,
    n_slow: usize,
}

impl FixedPointSet {
    /// The line along which states hardly move, with its scores; most of it is seen if slow points were looked for.
    ///
    /// # Errors
    /// If fewer than two points have a slowest mode that stands apart, so that there is no line.
    pub fn line_attractor(&self) -> Result<LineAttractor> {
        self.slow_line(false)
    }

    /// The ring along which states hardly move, as [`FixedPointSet::line_attractor`].
    ///
    /// # Errors
    /// If fewer than three points have a slowest mode that stands apart, so that there is no ring.
    pub fn ring_attractor(&self) -> Result<LineAttractor> {
        self.slow_line(true)
    }

    fn slow_line(&self, is_ring: bool) -> Result<LineAttractor> {
        let still = Still::new(self.exact.clone(), self.input.clone());
        let candidates = caught_in("the transfer function", || self.candidates(&still))?;
        let n_single = candidates.iter().filter(|at| at.n_slow == 1).count();
        let share = n_single as f64 / candidates.len() as f64;
        let points: Vec<At> = candidates.into_iter().filter(At::is_apart).collect();
        let least = if is_ring { 3 } else { 2 };
        if points.len() < least {
            let expected =
                format!("at least {least} whose slowest mode does not turn and is twice as slow as the next");
            return Err(Error::argument("fixed and slow points", expected, points.len()));
        }
        let line = filled(&still, ordered(points, is_ring)?, is_ring)?;
        scored(&still, line, share, is_ring)
    }

    /// The fixed points, the slow points, and states on the exact lines.
    fn candidates(&self, still: &Still) -> Result<Vec<At>> {
        let is_on_line = |state: &Array1<f64>| self.lines.iter().any(|line| line.state == *state);
        let points = self.points.iter().map(|point| &point.state).filter(|state| !is_on_line(state));
        let mut at: Vec<At> = Vec::new();
        for state in points.chain(self.slow.iter().map(|slow| &slow.state)) {
            at.push(At::new(still, still.unknowns(state.view()), true)?);
        }
        for line in self.lines.iter().filter(|line| line.directions.nrows() == 1) {
            // One without an end is looked at as far as its direction is long.
            let end = |side: usize, sign: f64| match &line.ends[side] {
                Some(end) => end.clone(),
                None => &line.state + &(&line.directions.row(0) * sign),
            };
            let (low, high) = (end(0, -1.0), end(1, 1.0));
            for number in 0..BETWEEN {
                let along = (number as f64 + 0.5) / BETWEEN as f64;
                let state = &low * (1.0 - along) + &high * along;
                at.push(At::new(still, still.unknowns(state.view()), true)?);
            }
        }
        Ok(at)
    }
}

impl At {
    fn new(still: &Still, x: Array1<f64>, is_point: bool) -> Result<Self> {
        let exact = still.exact.as_ref();
        let state = still.state(x.view());
        let modes = Linearization::of(exact, state.view(), still.input.view())?.modes()?;
        let mut modes = modes.modes;
        let slowness = |mode: &Mode| mode.eigenvalue.time_constant.abs();
        modes.sort_by(|a, b| slowness(b).total_cmp(&slowness(a)));
        let is_slow = |mode: &&Mode| slowness(mode) > SLOW * exact.tau() && mode.eigenvalue.frequency == 0.0;
        let n_slow = modes.iter().filter(is_slow).count();
        let mut modes = modes.into_iter();
        let Some(slowest) = modes.next() else {
            return Err(Error::argument("units", "at least one", "none"));
        };
        let speed = if is_point { 0.0 } else { length(&exact.flow(state.view(), still.input.view())) };
        Ok(Self { x, state, speed, is_point, slowest, next: modes.next(), n_slow })
    }

    /// How many times slower its slowest mode is than the next one.
    fn gap(&self) -> f64 {
        let slowness = |mode: &Mode| mode.eigenvalue.time_constant.abs();
        self.next.as_ref().map_or(f64::INFINITY, |next| slowness(&self.slowest) / slowness(next))
    }

    fn is_apart(&self) -> bool {
        self.slowest.eigenvalue.frequency == 0.0 && self.gap() >= APART
    }
}

/// The points in the order of the line.
fn ordered(mut points: Vec<At>, is_ring: bool) -> Result<Vec<At>> {
    let n_components = if is_ring { 2 } else { 1 };
    let states = rows(points.iter().map(|at| at.x.view()))?;
    let pca = Pca::fit(&states, n_components)?;
    let places = pca.project(&states)?;
    let order = |place: ArrayView1<'_, f64>| if is_ring { place[1].atan2(place[0]) } else { place[0] };
    let mut keyed: Vec<(f64, At)> = places.outer_iter().map(order).zip(points.drain(..)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(keyed.into_iter().map(|(_, at)| at).collect())
}

/// The line with states between its points.
fn filled(still: &Still, points: Vec<At>, is_ring: bool) -> Result<Vec<At>> {
    let n = still.n();
    let scale = still.exact.taus().cloned().unwrap_or_else(|| Array1::from_elem(n, still.exact.dt()));
    let first = is_ring.then(|| points[0].x.clone());
    let mut line: Vec<At> = Vec::new();
    let mut points = points.into_iter().peekable();
    while let Some(at) = points.next() {
        let from = at.x.clone();
        line.push(at);
        let Some(to) = points.peek().map(|next| &next.x).or(first.as_ref()) else { break };
        let away = to - &from;
        let direction = &away / length(&away);
        let fiber = Fiber { still, direction: &direction * &scale };
        let normal = concatenate![Axis(0), direction, [0.0]];
        let mut drift = 0.0;
        for number in 1..=BETWEEN {
            let near = &from + &(&away * (number as f64 / (BETWEEN + 1) as f64));
            // Where the line cannot be found there is a gap in it.
            let Some((place, _)) = place(&fiber, concatenate![Axis(0), near, [drift]], &normal) else { continue };
            drift = place.s();
            line.push(At::new(still, place.x().to_owned(), false)?);
        }
    }
    Ok(line)
}

fn scored(still: &Still, line: Vec<At>, share: f64, is_ring: bool) -> Result<LineAttractor> {
    let (n, exact) = (line.len(), still.exact.as_ref());
    let states = rows(line.iter().map(|at| at.state.view()))?;
    let pca = Pca::fit(&states, if is_ring { 2.min(states.ncols()) } else { 1 })?;
    let neighbors =
        |k: usize| if is_ring { ((k + n - 1) % n, (k + 1) % n) } else { (k.saturating_sub(1), (k + 1).min(n - 1)) };
    let real = |of: &Array1<num_complex::Complex64>| of.mapv(|part| part.re);
    let cos = |a: &Array1<f64>, b: &Array1<f64>| a.dot(b).abs() / (length(a) * length(b));
    let mean = |of: &dyn Fn(usize) -> f64, n: usize| (0..n).map(of).sum::<f64>() / n as f64;
    let along = |k: usize| {
        let (before, after) = neighbors(k);
        cos(&real(&line[k].slowest.right), &(&line[after].state - &line[before].state))
    };
    let pairs = if is_ring { n } else { n - 1 };
    let next = |k: usize| &line[(k + 1) % n];
    let mut gaps: Vec<f64> = line.iter().map(At::gap).collect();
    gaps.sort_by(f64::total_cmp);
    let extent = match is_ring {
        true => (0..n).map(|k| length(&(&next(k).state - &line[k].state))).sum(),
        false => {
            let places = pca.project(&states)?;
            let ends =
                places.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |ends, &x| (ends.0.min(x), ends.1.max(x)));
            ends.1 - ends.0
        }
    };
    let fastest = line.iter().fold(0.0_f64, |most, at| most.max(at.speed));
    let back = |at: &At| match at.next.as_ref().map(|mode| mode.eigenvalue.time_constant) {
        Some(decays) if decays >= 0.0 => decays,
        Some(_) => f64::INFINITY,
        None => 0.0,
    };
    let outputs: Vec<Array1<f64>> = line.iter().map(|at| exact.outputs(at.state.view())).collect();
    Ok(LineAttractor {
        is_ring,
        outputs: rows(outputs.iter().map(Array1::view))?,
        speeds: line.iter().map(|at| at.speed).collect(),
        are_points: line.iter().map(|at| at.is_point).collect(),
        share,
        gap: gaps[n / 2],
        linearity: pca.shares.sum(),
        alignment: mean(&along, n),
        coherence: mean(&|k| cos(&real(&line[k].slowest.right), &real(&next(k).slowest.right)), pairs),
        selectivity: mean(&|k| cos(&real(&line[k].slowest.left), &real(&next(k).slowest.left)), pairs),
        drift_time: extent / fastest,
        return_time: line.iter().map(back).fold(0.0, f64::max),
        states,
    })
}

/// Rows of a matrix.
fn rows<'a>(of: impl Iterator<Item = ArrayView1<'a, f64>>) -> Result<Array2<f64>> {
    Ok(stack(Axis(0), &of.collect::<Vec<_>>())?)
}
