//! Where the search begins: states of a session, or those to which a network comes by itself.

use ndarray::{Array1, Array2, Axis, s};

use super::still::{Leaky, Still, largest, length};
use crate::random::{Seed, TrialRng};
use crate::simulate::{Session, Signal};
use crate::{Error, Result, threads};

/// The states of a session that are looked at, drawn from all.
const LOOKED_AT: usize = 2000;
/// The noise on states, relative to their root mean squared distance to the mean; over all units together.
const NOISE: f32 = 0.5;
/// How many runs are let go on by themselves, for how many of the longest time constants, in how many steps at most.
const RUNS: usize = 16;
const TIME_CONSTANTS: f64 = 20.0;
const STEPS: usize = 1000;
/// Steps of an equation without time constants.
const STEPS_OF_A_MAP: usize = 300;
/// A run has ended when its residual is this small, relative to `1 + max |x|`.
const AT_REST: f64 = 1e-9;
/// How far out it is tried whether trajectories come back, relative to what drives units, and for how many times the leak's.
const FAR: f64 = 1e3;
const LEAKS: f64 = 10.0;

/// The states of a network, and where to begin from them.
pub(super) struct Starts {
    /// The unknowns to begin from, `[n_rec]` each.
    pub(super) unknowns: Vec<Array1<f64>>,
    /// The mean of the units' states.
    pub(super) center: Array1<f64>,
    /// Their root mean squared distance to it.
    pub(super) spread: f64,
    /// The longest distance to it that is not outside.
    pub(super) outside: f64,
    /// How long the longest trial is, in milliseconds; of no session none.
    pub(super) longest: Option<f64>,
}

impl Starts {
    /// Half of `n` are states of the session, half such states with noise; besides there are 0, the initial states, and where runs from
    /// there and from such states come to. Without a session they are drawn evenly from the box in which such runs stay.
    pub(super) fn new(
        still: &Still,
        initial: &[Array1<f64>],
        session: Option<&Session>,
        n: usize,
        seed: Seed,
    ) -> Result<Self> {
        let mut rng = seed.child("starts").stream(0);
        let mut runs_from: Vec<Array1<f64>> = initial.iter().take(RUNS / 2).cloned().collect();
        let mut unknowns = vec![Array1::zeros(still.n())];
        unknowns.extend(initial.iter().take(RUNS).map(|state| still.unknowns(state.view())));
        // The states of the units, and the unknowns of these.
        let (states, all, longest) = match session {
            Some(session) => {
                let (states, longest) = of_session(still, session, &mut rng)?;
                let mut all = states.clone();
                all.outer_iter_mut().for_each(|mut x| x.assign(&still.unknowns(x.view())));
                runs_from.extend(all.outer_iter().take(RUNS - runs_from.len()).map(|x| still.state(x)));
                unknowns.extend(runs(still, runs_from)?.into_iter().filter_map(|run| run.last().cloned()));
                (states, all, Some(longest))
            }
            None => {
                let reach = reach(still);
                while runs_from.len() < RUNS {
                    let x = reach.mapv(|reach| reach * f64::from(rng.uniform(-1.0, 1.0)));
                    runs_from.push(still.state(x.view()));
                }
                let runs = runs(still, runs_from)?;
                unknowns.extend(runs.iter().filter_map(|run| run.last().cloned()));
                let all = in_box(still, &runs, &mut rng);
                let mut states = all.clone();
                states.outer_iter_mut().for_each(|mut x| x.assign(&still.state(x.view()).slice(s![..still.n()])));
                (states, all, None)
            }
        };
        let (center, distances) = spread_of(&states);
        let mean = |of: &dyn Fn(f64) -> f64| distances.iter().map(|&d| of(d)).sum::<f64>() / distances.len() as f64;
        let spread = root_mean_square(&distances);
        let noise = NOISE * root_mean_square(&spread_of(&all).1) as f32 / (still.n() as f32).sqrt();
        let noise = if longest.is_some() { noise } else { 0.0 };
        for (place, x) in all.outer_iter().cycle().take(n.min(2 * all.nrows())).enumerate() {
            let noisy = place >= n.div_ceil(2);
            unknowns.push(x.mapv(|x| if noisy { x + f64::from(rng.normal(0.0, noise)) } else { x }));
        }
        let outside = longest.map_or(f64::INFINITY, |_| 10.0 * mean(&|d| d));
        Ok(Self { unknowns, center, spread, outside, longest })
    }
}

/// The mean of rows, and their distances to it.
fn spread_of(rows: &Array2<f64>) -> (Array1<f64>, Vec<f64>) {
    let center = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
    let distances = rows.outer_iter().map(|row| length(&(&row - &center))).collect();
    (center, distances)
}

fn root_mean_square(numbers: &[f64]) -> f64 {
    (numbers.iter().map(|&d| d * d).sum::<f64>() / numbers.len() as f64).sqrt()
}

/// States of a session `[n, n_rec]`, in random order, and how long its longest trial is.
fn of_session(still: &Still, session: &Session, rng: &mut TrialRng) -> Result<(Array2<f64>, f64)> {
    let counts = still.exact.counts();
    if session.batch.spec.n_in != counts.n_in {
        let expected = format!("one of a network with {} inputs, as this one has", counts.n_in);
        return Err(Error::argument("session", expected, format!("one with {}", session.batch.spec.n_in)));
    }
    let states = session.signal(Signal::States)?;
    if states.len_of(Axis(2)) != counts.n_rec {
        let expected = format!("[n_batch, n_steps, n_rec = {}], of all units", counts.n_rec);
        return Err(Error::shape("states of the session", expected, states.shape()));
    }
    let lengths = &session.batch.lengths;
    let ends: Vec<usize> = lengths
        .iter()
        .scan(0, |sum, steps| {
            Some({
                *sum += steps;
                *sum
            })
        })
        .collect();
    let total = ends.last().copied().unwrap_or(0);
    let mut all = Array2::zeros((total.min(LOOKED_AT), counts.n_rec));
    for (mut row, place) in all.outer_iter_mut().zip(rand::seq::index::sample(rng, total, total.min(LOOKED_AT))) {
        let trial = ends.partition_point(|&end| end <= place);
        let step = place + lengths[trial] - ends[trial];
        row.assign(&states.slice(s![trial, step, ..]).mapv(f64::from));
        if let Some((unit, &value)) = row.indexed_iter().find(|(_, x)| !x.is_finite()) {
            let at = format!("unit {unit} in step {step} of trial {trial}");
            return Err(Error::NotFinite { name: "states of the session".into(), value, at });
        }
    }
    let longest = lengths.iter().max().copied().unwrap_or(0) as f64 * still.exact.dt();
    Ok((all, longest))
}

/// Where runs from these whole states go, the unknowns of each step; of those that run away nothing.
fn runs(still: &Still, from: Vec<Array1<f64>>) -> Result<Vec<Vec<Array1<f64>>>> {
    let exact = &still.exact;
    let steps = exact
        .taus()
        .map_or(STEPS_OF_A_MAP, |taus| (TIME_CONSTANTS * largest(taus) / exact.dt()).ceil().min(STEPS as f64) as usize);
    let run = |mut state: Array1<f64>| {
        let mut run = Vec::with_capacity(steps);
        for _ in 0..steps {
            let next = exact.step(state.view(), still.input.view());
            let (moved, size) = (largest(&(&next - &state)), 1.0 + largest(&next));
            if !size.is_finite() || size > 1e6 {
                return Ok(Vec::new());
            }
            run.push(still.unknowns(next.view()));
            state = next;
            if moved <= AT_REST * size {
                break;
            }
        }
        Ok(run)
    };
    threads::map(from, run)
}

/// Unknowns drawn evenly from the box in which runs stay once they have left where they began `[n, n_rec]`.
fn in_box(still: &Still, runs: &[Vec<Array1<f64>>], rng: &mut TrialRng) -> Array2<f64> {
    let n = still.n();
    let settled = |run: &Vec<Array1<f64>>| run.len() / 4;
    let mut bounds = vec![(f64::INFINITY, f64::NEG_INFINITY); n];
    for x in runs.iter().flat_map(|run| &run[settled(run)..]) {
        for ((low, high), &x) in bounds.iter_mut().zip(x) {
            (*low, *high) = (low.min(x), high.max(x));
        }
    }
    // Where all run away, so that the upper end is below the lower one, or to one point.
    let reach = reach(still);
    for ((low, high), reach) in bounds.iter_mut().zip(reach) {
        if *high - *low <= 1e-3 * reach {
            let middle = if low <= high { (*low + *high) / 2.0 } else { 0.0 };
            (*low, *high) = (middle - reach, middle + reach);
        }
    }
    Array2::from_shape_fn((LOOKED_AT, n), |(_, unit)| {
        let (low, high) = bounds[unit];
        low + (high - low) * f64::from(rng.uniform(0.0, 1.0))
    })
}

/// How far units may be driven where no rate is above 1; not less than 1.
pub(super) fn reach(still: &Still) -> Array1<f64> {
    let Some(Leaky { recurrent, drive, .. }) = still.leaky() else { return Array1::ones(still.n()) };
    let weights = recurrent.mapv(f64::abs).sum_axis(Axis(1));
    (drive.mapv(f64::abs) + weights).mapv(|reach| reach.max(1.0))
}

/// Whether trajectories of `dx/ds = G(x)` that begin far out come back, as far as some tell.
pub(super) fn comes_back(still: &Still, seed: Seed) -> Result<bool> {
    let reach = reach(still);
    let leap = 0.5 / (1.0 + still.leaky().map_or(1.0, |leaky| leaky.norm));
    let steps = (LEAKS / leap) as usize;
    let from = (0..RUNS as u64).map(|run| {
        let mut rng = seed.child("far out").stream(run);
        reach.mapv(|reach| FAR * reach * f64::from(rng.uniform(-1.0, 1.0)))
    });
    let back = threads::map(from.collect(), |start: Array1<f64>| {
        let (mut x, far) = (start.clone(), length(&start));
        for _ in 0..steps {
            x.scaled_add(leap, &still.residual(x.view()));
            let now = length(&x);
            if now.is_nan() || now > 100.0 * far {
                return Ok(false);
            }
        }
        Ok(length(&x) < far)
    })?;
    Ok(back.into_iter().all(|back| back))
}
