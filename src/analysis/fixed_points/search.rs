//! The search.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::{Array1, arr1};
use serde::{Deserialize, Serialize};

use super::boxes::all_zeros;
use super::continuum::Line;
use super::fibers::Fibers;
use super::newton::newton;
use super::pieces::{Pieces, Region};
use super::point::point;
use super::regions::{MOST_UNITS, regions};
use super::set::{Completeness, FixedLine, FixedPoint, FixedPointSet};
use super::slow::slow_points;
use super::starts::{Starts, comes_back};
use super::still::Still;
use crate::caught::caught_in;
use crate::dynamics::Kind;
use crate::dynamics::exact::Exact;
use crate::random::Seed;
use crate::setters::setters;
use crate::simulate::{Session, Simulator};
use crate::{Error, Result, interrupt, threads};

/// Networks of up to so many rectified units are gone through region by region unless they are not to be.
const PROVED: usize = 20;
/// So many curves in a row that bring nothing new are enough, and where it is not known what indices must add up to.
const ENOUGH: usize = 3;
const ENOUGH_IN_DOUBT: usize = 8;
/// With fewer than this missing by Chao's estimate none is.
const FEW: f64 = 0.5;
/// Of more units on the boundary the regions that meet there are not looked at.
const MOST_ON_BOUNDARY: usize = 10;

/// Finds the fixed points of a network at an input that stays the same: the states `x` at which
///
/// ```text
/// G(x) = W_rec f(x) + W_in u + b_rec - x = 0
/// ```
///
/// in a leaky network. They depend neither on `dt` nor on the time constants. (Of an LSTM they are found likewise, of the residual of its
/// `h`.) See the [module](super) for what is done and what is proved.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::{Completeness, FixedPoints, Kind};
/// use psychrnn::prelude::*;
/// let mut weights = Weights::new();
/// weights.insert("W_in", array![[1.0], [-1.0]]);
/// weights.insert("W_rec", array![[2.0, -1.0], [-1.0, 2.0]]); // two units that excite themselves and inhibit each other
/// weights.insert("W_out", array![[1.0, -1.0]]);
/// weights.insert("b_rec", array![0.0, 0.0]);
/// weights.insert("b_out", array![0.0]);
/// weights.insert("init_state", array![[0.0, 0.0]]);
/// let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 100.0).transfer(Transfer::Tanh))?;
///
/// let set = FixedPoints::default().input(&[0.0]).of(&simulator, None)?;
/// println!("{}", set.table());
/// assert_eq!(set.completeness, Completeness::Proved);
/// let stable = set.points.iter().filter(|point| point.kind == Kind::StableNode);
/// assert_eq!(stable.count(), 2);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedPoints {
    /// The input `[n_in]`; without one it is 0 in all channels.
    pub input: Option<Vec<f64>>,
    /// The seed of what is drawn.
    pub seed: Seed,
    /// From how many states the search begins, besides a few that are always among them; 128.
    pub starts: usize,
    /// How many curves are followed at the most; 32.
    pub curves: usize,
    /// Whether it must be proved that there are no others, see [`FixedPoints::exhaustive`].
    pub exhaustive: Option<bool>,
    /// Whether slow points are looked for, too.
    pub slow: bool,
}

impl Default for FixedPoints {
    fn default() -> Self {
        Self { input: None, seed: Seed(0), starts: 128, curves: 32, exhaustive: None, slow: false }
    }
}

impl FixedPoints {
    setters! {
        /// The input `[n_in]`, constant in time.
        input: &[f64] => Some(input.to_vec());
        /// From how many states the search begins.
        starts: usize;
        /// How many curves are followed at the most.
        curves: usize;
        /// Whether all regions in which the network is linear are gone through, so that it is proved that there are no other fixed points.
        /// Unless it is set, this is done for up to 20 rectified units; it can be done for up to 28, in half a minute. What takes no time is
        /// always done: linear networks, and up to three units with a tanh, sigmoid, rectified tanh or softplus.
        exhaustive: bool => Some(exhaustive);
        /// Whether slow points are looked for, too: minima of `½‖G‖²` that are no fixed points. Piecewise linear networks have none.
        slow: bool;
    }

    /// The seed of what is drawn.
    #[must_use]
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.seed = seed.into();
        self
    }

    /// The fixed points of a network, perturbed as the simulator is by what lasts the whole trial, and without noise. The search begins at
    /// states of the session, or, without one (`None`), at states that the network comes to by itself.
    ///
    /// # Errors
    /// If the input has not `n_in` finite numbers, if the session is that of another network, has not the states of all units or has NaN
    /// among them, if something is to be proved that cannot be, or if a perturbation does not last the whole trial.
    pub fn of<'a>(&self, simulator: &Simulator, session: impl Into<Option<&'a Session>>) -> Result<FixedPointSet> {
        let exact = simulator.exact()?;
        let input = self.input.clone().unwrap_or_else(|| vec![0.0; exact.counts().n_in]);
        self.search(exact, &input, &simulator.initial_states(), session.into())
    }

    /// Those at each of several inputs, `[n_in]` each.
    ///
    /// # Errors
    /// As [`FixedPoints::of`].
    pub fn of_each<'a, U: AsRef<[f64]>>(
        &self,
        inputs: impl IntoIterator<Item = U>,
        simulator: &Simulator,
        session: impl Into<Option<&'a Session>>,
    ) -> Result<Vec<FixedPointSet>> {
        let (exact, initial, session) = (simulator.exact()?, simulator.initial_states(), session.into());
        let of = |input: U| self.search(exact.clone(), input.as_ref(), &initial, session);
        inputs.into_iter().map(of).collect()
    }

    /// The fixed points of an equation.
    pub(crate) fn search(
        &self,
        exact: Arc<dyn Exact>,
        input: &[f64],
        initial: &[Array1<f64>],
        session: Option<&Session>,
    ) -> Result<FixedPointSet> {
        let n_in = exact.counts().n_in;
        if input.len() != n_in {
            return Err(Error::shape("input", format!("[n_in = {n_in}]"), &[input.len()]));
        }
        if let Some((channel, &value)) = input.iter().enumerate().find(|(_, u)| !u.is_finite()) {
            return Err(Error::NotFinite { name: "input".into(), value, at: format!("channel {channel}") });
        }
        caught_in("the transfer function", || self.found(exact, arr1(input), initial, session))
    }

    fn found(
        &self,
        exact: Arc<dyn Exact>,
        input: Array1<f64>,
        initial: &[Array1<f64>],
        session: Option<&Session>,
    ) -> Result<FixedPointSet> {
        let work = interrupt::watch();
        let go_on = || !work.is_interrupted();
        let still = Still::new(exact, input);
        let rest = still.residual(Array1::zeros(still.n()).view());
        if let Some((unit, &value)) = rest.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let at = format!("unit {unit} where all states are 0");
            return Err(Error::NotFinite { name: "what drives the units".into(), value, at });
        }
        let pieces = Pieces::of(&still);
        let starts = Starts::new(&still, initial, session, self.starts, self.seed)?;
        let mut found =
            Found { still: &still, pieces: pieces.as_ref(), starts: &starts, zeros: Vec::new(), lines: Vec::new() };
        let proved = self.begin(&mut found, &go_on)?;
        let completeness = match proved {
            true => Completeness::Proved,
            false => self.along_curves(&mut found, &go_on)?,
        };
        let estimated = if proved { found.zeros.len() as f64 } else { found.estimated() };
        let slow = if self.slow && pieces.is_none() { slow_points(&still, &starts, &go_on)? } else { Vec::new() };
        let Found { zeros, lines, .. } = found;
        let lines = lines.iter().map(line_of).collect();
        let mut points: Vec<FixedPoint> = zeros.into_iter().map(|zero| zero.point).collect();
        points.sort_by(|a, b| {
            let by_numbers = a.state.iter().zip(&b.state).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
            a.unstable.cmp(&b.unstable).then(by_numbers.unwrap_or(std::cmp::Ordering::Equal))
        });
        let interrupted = work.is_interrupted();
        let Still { input, exact, .. } = still;
        Ok(FixedPointSet { input, points, lines, slow, completeness, estimated, interrupted, exact })
    }

    /// Finds what can be found without curves, and says whether these are proved to be all.
    fn begin(&self, found: &mut Found<'_>, go_on: &(dyn Fn() -> bool + Sync)) -> Result<bool> {
        let (still, states) = (found.still, &found.starts.states);
        let n = still.n();
        let Some(pieces) = found.pieces else {
            let zeros = threads::map(states.clone(), |start| Ok(go_on().then(|| newton(still, &start)).flatten()))?;
            found.add(zeros.into_iter().flatten())?;
            let all = all_zeros(still, go_on);
            if all.is_none() && self.exhaustive == Some(true) && go_on() {
                let expected =
                    "left out where it cannot be done: it can for ReLU, linear, and up to three units of some others";
                return Err(Error::argument("exhaustive", expected, true));
            }
            let proved = all.is_some();
            found.add(all.unwrap_or_default())?;
            return Ok(proved);
        };
        let exhaustive = self.exhaustive.unwrap_or(n <= PROVED);
        let all = match pieces.rectified {
            false => Some(vec![vec![true; n]]),
            true if exhaustive && n > MOST_UNITS => {
                let expected = format!("left out for more than {MOST_UNITS} units");
                return Err(Error::argument("exhaustive", expected, format!("true for {n}")));
            }
            true if exhaustive => regions(&pieces.recurrent, &pieces.drive, go_on)?,
            true => None,
        };
        let proved = all.is_some();
        let (zeros, singular) = match all {
            Some(regions) => {
                let solved: Vec<_> = regions.into_iter().map(|region| (pieces.solve(&region), region)).collect();
                let singular = solved.iter().filter(|(x, _)| x.is_none()).map(|(_, region)| region.clone()).collect();
                (solved.into_iter().filter_map(|(x, _)| x).collect(), singular)
            }
            None => pieces.iterate(states, go_on)?,
        };
        found.add(zeros)?;
        found.add_lines(singular)?;
        Ok(proved)
    }

    /// Follows curves from one fixed point to others until nothing new comes.
    fn along_curves(&self, found: &mut Found<'_>, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Completeness> {
        let must_be_one = found.still.exact.is_bounded() || comes_back(found.still, self.seed)?;
        let fibers = Fibers::new(found.still, found.pieces, self.seed);
        let (mut curves, mut last_new) = (0, 0);
        // Without any drive the fixed points of rectified units other than 0 lie on lines to 0, and so do curves from there.
        let at_rest = found.pieces.is_some_and(|pieces| pieces.rectified && pieces.drive.iter().all(|&h| h == 0.0));
        while !at_rest && curves < self.curves && go_on() {
            let decided = must_be_one && found.is_regular();
            let enough = if decided { ENOUGH } else { ENOUGH_IN_DOUBT };
            let missing = found.estimated() - found.zeros.len() as f64;
            if last_new >= enough && missing < FEW && (found.index_sum() == 1 || !decided) {
                break;
            }
            // No more than are needed if none of them brings anything, so that their number does not depend on that of threads.
            let more = enough.saturating_sub(last_new).clamp(1, self.curves - curves);
            let known: Vec<Array1<f64>> = found.zeros.iter().map(|zero| zero.x.clone()).collect();
            let numbers = (curves..curves + more).collect();
            let met = threads::map(numbers, |number: usize| Ok(fibers.follow(number as u64, &known, go_on)))?;
            for zeros in met {
                curves += 1;
                last_new = if found.add(zeros)? { 0 } else { last_new + 1 };
            }
        }
        let index_sum = found.index_sum();
        let decided = must_be_one && found.is_regular() && curves > 0 && go_on();
        Ok(match index_sum {
            1 if decided => Completeness::IndexConsistent { curves, last_new },
            _ if decided => Completeness::Incomplete { index_sum },
            _ => Completeness::Undecided { index_sum, curves, last_new },
        })
    }
}

/// A zero of the residual, and how often it was met.
struct Zero {
    x: Array1<f64>,
    point: FixedPoint,
    has_index: bool,
    met: usize,
}

/// What was found so far.
struct Found<'a> {
    still: &'a Still,
    pieces: Option<&'a Pieces>,
    starts: &'a Starts,
    zeros: Vec<Zero>,
    lines: Vec<Line>,
}

impl Found<'_> {
    /// Adds zeros that were met on one way, and says whether one of them is new.
    fn add(&mut self, zeros: impl IntoIterator<Item = Array1<f64>>) -> Result<bool> {
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
    fn add_lines(&mut self, regions: Vec<Region>) -> Result<()> {
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

    fn index_sum(&self) -> i64 {
        self.zeros.iter().map(|zero| i64::from(zero.point.index)).sum()
    }

    /// Whether the index of each is known.
    fn is_regular(&self) -> bool {
        self.zeros.iter().all(|zero| zero.has_index)
    }

    /// Chao's estimate of how many there are.
    fn estimated(&self) -> f64 {
        let met = |times: usize| self.zeros.iter().filter(|zero| zero.met == times).count() as f64;
        let (once, twice) = (met(1), met(2));
        let missing = if twice > 0.0 { once * once / (2.0 * twice) } else { once * (once - 1.0).max(0.0) / 2.0 };
        self.zeros.len() as f64 + missing
    }
}

/// A line as it is shown.
fn line_of(line: &Line) -> FixedLine {
    let end = |side: usize| {
        let along = if side == 0 { -line.ends[0] } else { line.ends[1] };
        along.is_finite().then(|| line.at(along))
    };
    FixedLine { state: line.x.clone(), directions: line.directions.clone(), ends: [end(0), end(1)] }
}
