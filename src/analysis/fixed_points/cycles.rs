//! Cycles of a few steps.

use std::ops::RangeInclusive;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use super::pieces::Pieces;
use super::starts::Starts;
use super::still::{Still, largest, length};
use crate::caught::caught_in;
use crate::dynamics::linear::{Lu, eigenvalues};
use crate::random::Seed;
use crate::setters::setters;
use crate::simulate::{Session, Simulator};
use crate::table::{Table, Value};
use crate::{Error, Result, interrupt, threads};

/// The longest cycles that are looked for.
const LONGEST: usize = 8;
/// Newton's steps, and how often one is halved.
const ROUNDS: usize = 60;
const HALVINGS: i32 = 8;
/// So many sequences of regions are gone through one by one.
const MOST_SEQUENCES: f64 = 65_536.0;
/// How near a sequence of regions must come to its beginning for Newton's method to begin there, relative to `1 + max |x|`.
const CLOSED: f64 = 1e-6;
/// Within this of 0 a rectified unit is on its kink.
const NEAR_KINK: f64 = 1e-9;

/// Finds the cycles of a network at an input that stays the same: states that come back to themselves after `k` steps, and not before. Those of
/// `k = 1` are the fixed points.
///
/// These are cycles of the steps, as networks have that leap from one state to others, with `dt = τ` for instance. An oscillation of the
/// flow takes many short steps, and in general none of its states comes back exactly: its frequency is that of the modes of the point that it
/// goes around ([`Modes`](crate::dynamics::Modes)), its stability told by [`Lyapunov`](crate::analysis::Lyapunov).
///
/// A piecewise linear network is gone through one sequence of regions after the other where there are up to 65,536 of these, `2^(n_rec k)`, so that it is
/// proved that there are no others (after Eisenmann L et al. (2023), SCYFI, who draw them). Else, and for all other networks, Newton's method
/// on `F^k(x) - x` begins at states of the session or of runs, as in [`FixedPoints`](super::FixedPoints), and cycles may be missing.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::Cycles;
/// use psychrnn::prelude::*;
/// let mut weights = Weights::new();
/// weights.insert("W_in", array![[1.0]]);
/// weights.insert("W_rec", array![[-2.0]]); // a unit that silences itself
/// weights.insert("W_out", array![[1.0]]);
/// weights.insert("b_rec", array![1.0]);
/// weights.insert("b_out", array![0.0]);
/// weights.insert("init_state", array![[0.0]]);
/// let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 10.0))?;
/// let set = Cycles::default().periods(2..=4).of(&simulator, None)?;
/// assert!(set.proved && set.cycles.len() == 1);
/// assert_eq!(set.cycles[0].states, array![[-1.0], [1.0]]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cycles {
    /// The input `[n_in]`; without one it is 0 in all channels.
    pub input: Option<Vec<f64>>,
    /// The seed of what is drawn.
    pub seed: Seed,
    /// From how many states the search begins, besides a few that are always among them; 128.
    pub starts: usize,
    /// How many steps a cycle has: 2 to 4, and at the most 8.
    pub periods: RangeInclusive<usize>,
}

impl Default for Cycles {
    fn default() -> Self {
        Self { input: None, seed: Seed(0), starts: 128, periods: 2..=4 }
    }
}

/// The cycles of a network at one input.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CycleSet {
    /// The input `[n_in]`, constant in time.
    pub input: Array1<f64>,
    /// The cycles: the shortest first, then those with the fewest growing modes, then by their first numbers.
    pub cycles: Vec<Cycle>,
    /// Whether it is proved that there are no others of these periods.
    pub proved: bool,
    /// Whether the search was interrupted.
    pub interrupted: bool,
}

/// States each of which leads to the next one, and the last to the first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cycle {
    /// The states `[k, n_state]`, `x` of a leaky network, `r` in the rate form, `h` and after it `c` of an LSTM; that with the smallest first number first.
    pub states: Array2<f64>,
    /// The outputs there `[k, n_out]`.
    pub outputs: Array2<f64>,
    /// The eigenvalues `[n_state]` of the Jacobian of all `k` steps, the largest first: what becomes of a small push once around.
    pub multipliers: Array1<Complex64>,
    /// How many of them are larger than 1, so that the push grows.
    pub unstable: usize,
    /// How far the last state leads from the first, `max |F^k(x) - x|`.
    pub residual: f64,
    /// Whether the slope of the transfer function jumps at one of the states, so that the multipliers are those of one side.
    pub on_boundary: bool,
}

impl Cycle {
    /// Of how many steps it is.
    #[must_use]
    pub fn period(&self) -> usize {
        self.states.nrows()
    }

    /// Whether what is pushed away from it a little comes back.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.unstable == 0
    }
}

impl CycleSet {
    /// One row a cycle: its `period`, how many modes are `unstable`, its largest `|multiplier|`, and the `distance` between its farthest
    /// states.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        // All columns have one row a cycle, so no insertion can fail.
        let mut add = |name: &str, of: &dyn Fn(&Cycle) -> Value| drop(table.insert(name, self.cycles.iter().map(of)));
        add("period", &|cycle| cycle.period().into());
        add("unstable", &|cycle| cycle.unstable.into());
        add("|multiplier|", &|cycle| cycle.multipliers.first().map(|largest| largest.norm()).into());
        add("distance", &|cycle| {
            let pairs =
                cycle.states.outer_iter().flat_map(|a| cycle.states.outer_iter().map(move |b| length(&(&a - &b))));
            pairs.fold(0.0, f64::max).into()
        });
        table
    }
}

impl Cycles {
    setters! {
        /// The input `[n_in]`, constant in time.
        input: &[f64] => Some(input.to_vec());
        /// From how many states the search begins.
        starts: usize;
        /// How many steps a cycle has, 1 to 8.
        periods: RangeInclusive<usize>;
    }

    /// The seed of what is drawn.
    #[must_use]
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.seed = seed.into();
        self
    }

    /// The cycles of a network, perturbed as the simulator is by what lasts the whole trial, and without noise. The search begins at
    /// states of the session, or, without one (`None`), at states that the network comes to by itself.
    ///
    /// # Errors
    /// If a setting makes no sense, if the session is that of another network, has not the states of all units or has NaN among them, or if a
    /// perturbation does not last the whole trial.
    pub fn of<'a>(&self, simulator: &Simulator, session: impl Into<Option<&'a Session>>) -> Result<CycleSet> {
        let periods = self.periods.clone();
        if periods.is_empty() || *periods.start() == 0 || *periods.end() > LONGEST {
            let expected = format!("a range within 1..={LONGEST}");
            return Err(Error::argument("periods", expected, format!("{periods:?}")));
        }
        let exact = simulator.exact()?;
        let input = Array1::from(self.input.clone().unwrap_or_else(|| vec![0.0; exact.counts().n_in]));
        crate::dynamics::linearize::checked("input", "n_in", input.view(), exact.counts().n_in)?;
        let (still, initial, session) = (Still::new(exact, input), simulator.initial_states(), session.into());
        caught_in("the transfer function", || self.search(&still, &initial, session))
    }

    fn search(&self, still: &Still, initial: &[Array1<f64>], session: Option<&Session>) -> Result<CycleSet> {
        let work = interrupt::watch();
        let starts = Starts::new(still, initial, session, self.starts, self.seed)?;
        let starts: Vec<Array1<f64>> = starts.unknowns.iter().map(|x| still.state(x.view())).collect();
        let pieces = Pieces::of(still);
        let (mut cycles, mut proved) = (Vec::<Cycle>::new(), true);
        for period in self.periods.clone() {
            let around = Around { still, period, is_linear: pieces.is_some() };
            let sequences = pieces.as_ref().and_then(|pieces| Sequences::of(still, pieces, period));
            let (mut from, is_proof) = match sequences {
                Some(sequences) => sequences.closed(&around, &|| !work.is_interrupted())?,
                None => (starts.clone(), false),
            };
            if !is_proof {
                from.extend(starts.iter().cloned());
            }
            proved &= is_proof;
            let found =
                threads::map(from, |start| Ok((!work.is_interrupted()).then(|| around.newton(start)).flatten()))?;
            for states in found.into_iter().flatten() {
                let known =
                    |cycle: &Cycle| cycle.states.outer_iter().any(|state| around.is_same(state, states[0].view()));
                if !cycles.iter().any(known) {
                    cycles.push(around.cycle(states)?);
                }
            }
        }
        let order = |a: &Cycle, b: &Cycle| {
            let by_numbers = a.states.iter().zip(&b.states).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
            let by_kind = a.period().cmp(&b.period()).then(a.unstable.cmp(&b.unstable));
            by_kind.then(by_numbers.unwrap_or(std::cmp::Ordering::Equal))
        };
        cycles.sort_by(order);
        let interrupted = work.is_interrupted();
        Ok(CycleSet { input: still.input.clone(), cycles, proved: proved && !interrupted, interrupted })
    }
}

/// Steps of a network that are to lead back to where they began.
struct Around<'a> {
    still: &'a Still,
    period: usize,
    /// Whether the network is piecewise linear, so that a whole step of Newton's leads to the right place if it is in the right regions.
    is_linear: bool,
}

impl Around<'_> {
    /// The states from this one on, and after them where the last step leads; `None` if they run away.
    fn walk(&self, start: &Array1<f64>) -> Option<Vec<Array1<f64>>> {
        let mut states = vec![start.clone()];
        for step in 0..self.period {
            let next = self.still.exact.step(states[step].view(), self.still.input.view());
            if !largest(&next).is_finite() {
                return None;
            }
            states.push(next);
        }
        Some(states)
    }

    /// The Jacobian of all steps from these states.
    fn jacobian(&self, states: &[Array1<f64>]) -> Array2<f64> {
        let all = Array2::eye(states[0].len());
        states.iter().fold(all, |all, state| self.still.exact.jacobian(state.view(), self.still.input.view()).dot(&all))
    }

    /// The states of the cycle to which Newton's method leads.
    fn newton(&self, mut x: Array1<f64>) -> Option<Vec<Array1<f64>>> {
        let mut walk = self.walk(&x)?;
        for _ in 0..ROUNDS {
            let gap = &walk[self.period] - &x;
            let jacobian = self.jacobian(&walk[..self.period]);
            let stretch = 1.0 + jacobian.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let step = Lu::of(Array2::eye(x.len()) - jacobian)?.solve(gap.view());
            // What rounding in a step becomes on the way around.
            if self.still.is_zero(&x, &(&gap / stretch)) {
                walk.truncate(self.period);
                return self.is_shortest(&walk).then_some(walk);
            }
            let next = (0..=HALVINGS).find_map(|halvings| {
                let next = &x + &(&step * 0.5_f64.powi(halvings));
                let walk = self.walk(&next)?;
                let is_nearer = length(&(&walk[self.period] - &next)) < length(&gap);
                (self.is_linear || is_nearer).then_some((next, walk))
            });
            (x, walk) = next?;
        }
        None
    }

    /// Whether none but all steps together lead back.
    fn is_shortest(&self, states: &[Array1<f64>]) -> bool {
        let shorter = (1..self.period).filter(|&steps| self.period.is_multiple_of(steps));
        shorter.into_iter().all(|steps| !self.is_same(states[0].view(), states[steps].view()))
    }

    fn is_same(&self, a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> bool {
        self.still.is_near(&a.to_owned(), &b.to_owned())
    }

    /// What is told of a cycle.
    fn cycle(&self, mut states: Vec<Array1<f64>>) -> Result<Cycle> {
        let first = (0..states.len()).min_by(|&a, &b| states[a][0].total_cmp(&states[b][0]));
        states.rotate_left(first.unwrap_or(0));
        let exact = &self.still.exact;
        let walk = self.walk(&states[0]).unwrap_or_default();
        let gap = walk.last().map_or(f64::NAN, |last| largest(&(last - &states[0])));
        let mut multipliers = eigenvalues(self.jacobian(&states).view()).unwrap_or_default();
        multipliers.sort_by(|a, b| b.norm().total_cmp(&a.norm()));
        let stacked = |rows: &[Array1<f64>]| {
            let views: Vec<_> = rows.iter().map(Array1::view).collect();
            ndarray::stack(Axis(0), &views).map_err(Error::other)
        };
        let outputs: Vec<Array1<f64>> = states.iter().map(|state| exact.outputs(state.view())).collect();
        let on_kink = |state: &Array1<f64>| self.still.unknowns(state.view()).iter().any(|x| x.abs() <= NEAR_KINK);
        Ok(Cycle {
            unstable: multipliers.iter().filter(|multiplier| multiplier.norm() > 1.0).count(),
            multipliers: multipliers.into(),
            on_boundary: self.still.has_kink() && states.iter().any(on_kink),
            residual: gap,
            outputs: stacked(&outputs)?,
            states: stacked(&states)?,
        })
    }
}

/// The sequences of regions of a piecewise linear network, through each of which all steps together are `x' = A x + b`.
struct Sequences {
    /// A step in each region.
    steps: Vec<(Array2<f64>, Array1<f64>)>,
    period: usize,
}

impl Sequences {
    /// `None` if they are too many.
    fn of(still: &Still, pieces: &Pieces, period: usize) -> Option<Self> {
        let n = pieces.drive.len();
        let regions = if pieces.rectified { 2_f64.powi(n.try_into().ok()?) } else { 1.0 };
        if regions.powi(period.try_into().ok()?) > MOST_SEQUENCES {
            return None;
        }
        let step = |region: usize| {
            let slope = |unit: usize| if pieces.rectified { (region >> unit & 1) as f64 } else { 1.0 };
            still.exact.step_in(&Array1::from_shape_fn(n, slope), still.input.view())
        };
        Some(Self { steps: (0..regions as usize).map(step).collect::<Option<_>>()?, period })
    }

    /// The states from which the network does go through the regions of a sequence and comes back; and whether these are all, which they are not
    /// if there are many in one sequence.
    fn closed(&self, around: &Around<'_>, go_on: &(dyn Fn() -> bool + Sync)) -> Result<(Vec<Array1<f64>>, bool)> {
        let n = self.steps[0].1.len();
        let from = threads::map((0..self.steps.len()).collect(), |first: usize| {
            let (mut found, mut is_all) = (Vec::new(), true);
            // A cycle begins in each of its regions: that of the smallest number is enough.
            let (matrix, drive) = &self.steps[first];
            let mut waiting = vec![(1, matrix.clone(), drive.clone())];
            while let Some((depth, matrix, drive)) = waiting.pop() {
                if !go_on() {
                    break;
                }
                if depth < self.period {
                    let next = self.steps[first..].iter();
                    waiting.extend(next.map(|(a, b)| (depth + 1, a.dot(&matrix), a.dot(&drive) + b)));
                    continue;
                }
                let Some(lu) = Lu::of(Array2::eye(n) - matrix) else {
                    is_all = false;
                    continue;
                };
                let x = lu.solve(drive.view());
                let back = around.walk(&x);
                let gap = back.map_or(f64::INFINITY, |walk| largest(&(&walk[self.period] - &x)));
                if gap <= CLOSED * (1.0 + largest(&x)) {
                    found.push(x);
                }
            }
            Ok((found, is_all))
        })?;
        let is_all = from.iter().all(|(_, is_all)| *is_all) && go_on();
        Ok((from.into_iter().flat_map(|(found, _)| found).collect(), is_all))
    }
}
