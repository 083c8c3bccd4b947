//! The search.

use std::sync::Arc;

use ndarray::{Array1, arr1};
use serde::{Deserialize, Serialize};

use super::boxes::all_zeros;
use super::fibers::Fibers;
use super::found::{Found, line_of};
use super::newton::newton;
use super::pieces::Pieces;
use super::regions::{MOST_UNITS, regions};
use super::set::{Completeness, FixedPoint, FixedPointSet};
use super::slow::slow_points;
use super::starts::{Starts, comes_back};
use super::still::Still;
use crate::caught::caught_in;
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

/// Finds the fixed points of a network: the states that stay, at an input that does.
///
/// A network that is told nothing new goes to states that stay: memories, choices. Between these lie others that stay only if nothing pushes
/// them, the saddles on which it is decided. All of them are *fixed points*, zeros of what drives the state: `G(x) = W f(x) + W_in u + b - x`
/// in a leaky network, at one input `u`, whatever `dt` and the time constants are. In the rate form `x` are the currents `W r + W_in u + b`,
/// and the state that stands still is `r = f(x)`. This finds them, and says what is known of whether these are all
/// ([`Completeness`]); [`FixedPointSet::at`] tells about each how the state moves next to it.
///
/// # How they are found
///
/// 1. *From states.* The search begins at states of a session, at such states with noise, and where the network comes to by itself. From
///    there Newton's method goes to a zero of `G`. It finds stable points, saddles and unstable ones alike, which a run of the network does
///    not, and to the last digits. A network of rectified units (ReLU) is linear while no unit's state changes its sign: it goes from
///    region to region by what would stand still there.
/// 2. *Along curves.* States where `G` points in one direction form curves, on which fixed points lie one after the other. From a point that is
///    known a curve leads to others: to saddles with two or three directions of escape, above all, which states miss. Curves in other
///    directions are followed until three of them have brought nothing new, and most points were met more than once
///    ([`FixedPointSet::estimated`]).
/// 3. *By proof*, where there is one: of up to 20 rectified units (28, if asked for) all regions are gone through; of up to three
///    units with a tanh, sigmoid, rectified tanh or softplus, boxes that cover all states. A linear network has one region.
///
/// # What is proved, and what is not
///
/// - That each of them *is* a fixed point. What is given as one has `max |G| <= 1e-12 (1 + max |x|)` (with a transfer function of your own, in single precision, 1e-6), and [`FixedPoint::certified`] is a distance
///   within which there is exactly one, by a theorem (Newton and Kantorovich). States that only move slowly are never among them:
///   [`FixedPoints::slow`] asks for these.
/// - That there are *no others*: [`Completeness::Proved`], and only this.
/// - That some are *missing*. Each point has an index, 1 or -1, and where no trajectory runs away these add up to 1, however many there are
///   (the degree of `-G`). With a tanh, a sigmoid, a rectified tanh and in an LSTM none can; of other transfer functions it is tried with
///   16 trajectories that begin far out. So if they do not, [`Completeness::Incomplete`] says that the search has not found all: more `curves`,
///   more `starts`, or a session whose states come closer may. If they do, [`Completeness::IndexConsistent`], nothing is proved: two points
///   with opposite indices may be missing. In trained networks of up to 100 units with 3 to 27 points none was, as far as others could tell.
/// - Nothing, where trajectories run away or a point is degenerate: [`Completeness::Undecided`].
///
/// A network may stand still along a *line*: where one of its modes neither grows nor decays, as by design in an integrator. In a piecewise
/// linear network such a line is found as what it is, with its direction and its ends ([`FixedLine`](super::FixedLine)), to a rate of a millionth of the
/// leak's. That of another network is nearly always a chain of fixed points and slow points, with time constants much longer than
/// that of a unit.
///
/// [`FixedPointSet::line_attractor`] says of either how fast the state drifts along it.
///
/// # What becomes of them
///
/// While an input, a gain of the weights or a lesion changes, fixed points move along branches, and two of them vanish where a branch turns:
/// [`FixedPointSet::along`], [`FixedPointSet::along_gain`] and [`FixedPointSet::towards`] follow these, also around their turns, and give
/// [`Branches`](super::Branches), whose `plot` is the bifurcation diagram.
///
/// The same seed gives the same bits, for any number of threads. Noise is left out.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::{Completeness, FixedPoints, Kind};
/// use psychrnn::prelude::*;
/// let mut weights = Weights::new();
/// weights.insert("W_in", array![[1.0], [-1.0]]);
/// weights.insert("W_rec", array![[1.0, -1.0], [-1.0, 1.0]]); // two units that excite themselves and inhibit each other
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
        let lines = lines.iter().map(|line| line_of(&still, line)).collect();
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
        let (still, states) = (found.still, &found.starts.unknowns);
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
            1 if decided && last_new >= ENOUGH.min(curves) => Completeness::IndexConsistent { curves, last_new },
            _ if decided && index_sum != 1 => Completeness::Incomplete { index_sum },
            _ => Completeness::Undecided { index_sum, curves, last_new },
        })
    }
}
