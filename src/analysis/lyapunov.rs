//! How fast neighboring trajectories part.

use linfa_linalg::qr::QRInto;
use ndarray::{Array1, Array2, ArrayView1, s};
use serde::{Deserialize, Serialize};

use crate::caught::caught_in;
use crate::dynamics::exact::Exact;
use crate::dynamics::linearize::checked;
use crate::setters::setters;
use crate::simulate::Simulator;
use crate::table::Table;
use crate::{Error, Result, interrupt};

/// Parts of the trajectory whose averages tell how sure an exponent is.
const BLOCKS: usize = 10;
/// The frame is made orthogonal before the fastest of its directions has grown over the slowest one by a million, which costs it six of
/// sixteen digits, and after so many steps.
const SPREAD: f64 = 13.8;
const MOST_STEPS: usize = 20;

/// The Lyapunov exponents of a network: how fast trajectories that begin next to each other part (positive) or come together (negative),
/// along the directions in which they do so fastest, second fastest and so on. A network is chaotic if the first is positive.
///
/// Along a trajectory without noise an orthogonal frame `Q` is carried on by the Jacobian `J` of each step, and made orthogonal again before
/// its directions become one, `J Q = Q' R`; the exponents are the averages of `ln |Rᵢᵢ|` over time (Benettin G et al. (1980), doi:10.1007/BF02128236; of recurrent
/// networks Engelken R, Wolf F, Abbott LF (2023), doi:10.1103/PhysRevResearch.5.043044). They add up to the average of `ln |det J| / dt`, and where
/// the network comes to a stable point they are `ln |μ| / dt` of its modes. Exponents are those of steps: with a shorter `dt` they come nearer
/// to those of the flow. An LSTM's are those of `h` and `c` together.
///
/// ```
/// use ndarray::{Array2, array};
/// use psychrnn::analysis::Lyapunov;
/// use psychrnn::prelude::*;
/// let mut weights = Weights::new();
/// weights.insert("W_in", array![[0.0], [0.0]]);
/// weights.insert("W_rec", array![[0.5, 0.0], [0.0, 0.0]]);
/// weights.insert("W_out", array![[1.0, 0.0]]);
/// weights.insert("b_rec", array![0.0, 0.0]);
/// weights.insert("b_out", array![0.0]);
/// weights.insert("init_state", array![[0.1, 0.0]]);
/// let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 100.0).transfer(Transfer::Tanh))?;
/// let found = Lyapunov::default().of(&simulator)?;
/// assert!((found.exponents[0] - 100.0 * 0.95_f64.ln()).abs() < 1e-6); // it comes to rest: steps of 0.1 (0.5 - 1)
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lyapunov {
    /// The input `[n_in]`, constant in time; without one it is 0 in all channels.
    pub input: Option<Vec<f64>>,
    /// The state `[n_state]` in which the trajectory begins; without one the initial state of the network.
    pub start: Option<Vec<f64>>,
    /// How long the trajectory is over which it is averaged, in milliseconds; 100 s.
    pub duration: f64,
    /// How long the trajectory before it is, which is left out, in milliseconds; 10 s.
    pub burn_in: f64,
    /// How many exponents are computed, the largest ones; without it all.
    pub count: Option<usize>,
}

impl Default for Lyapunov {
    fn default() -> Self {
        Self { input: None, start: None, duration: 100_000.0, burn_in: 10_000.0, count: None }
    }
}

impl Lyapunov {
    setters! {
        /// The input `[n_in]`, constant in time.
        input: &[f64] => Some(input.to_vec());
        /// The state `[n_state]` in which the trajectory begins: `x` of a leaky network, `r` in the rate form, `h` and after it `c` of an LSTM.
        start: &[f64] => Some(start.to_vec());
        /// How long the trajectory is over which it is averaged, in milliseconds.
        duration: f64;
        /// How long the trajectory before it is, which is left out, in milliseconds.
        burn_in: f64;
        /// How many exponents are computed, the largest ones.
        count: usize => Some(count);
    }

    /// The exponents at a constant input, without noise, of a network perturbed by what lasts the whole trial.
    ///
    /// # Errors
    /// If a setting makes no sense, if a perturbation does not last the whole trial, or if the trajectory runs away.
    pub fn of(&self, simulator: &Simulator) -> Result<LyapunovExponents> {
        let exact = simulator.exact()?;
        if !(self.duration >= exact.dt() && self.duration.is_finite()) {
            let expected = format!("at least a step of {} ms", exact.dt());
            return Err(Error::argument("duration", expected, self.duration));
        }
        let input = Array1::from(self.input.clone().unwrap_or_else(|| vec![0.0; exact.counts().n_in]));
        checked("input", "n_in", input.view(), exact.counts().n_in)?;
        let steps = (self.duration / exact.dt()).round() as usize;
        self.follow(simulator, exact.as_ref(), self.burn_in_steps(exact.as_ref())? + steps, |_| input.view())
    }

    /// The exponents on inputs `[n_steps, n_in]` that change, such as those of a trial, `batch.inputs.index_axis(Axis(0), trial).mapv(f64::from)`: of
    /// all steps after the burn-in, which for a trial is best 0.
    ///
    /// # Errors
    /// As of [`Lyapunov::of`], and if there are no more inputs than the burn-in has steps.
    pub fn along(&self, simulator: &Simulator, inputs: &Array2<f64>) -> Result<LyapunovExponents> {
        let exact = simulator.exact()?;
        for input in inputs.outer_iter() {
            checked("input of a step", "n_in", input, exact.counts().n_in)?;
        }
        let burn_in = self.burn_in_steps(exact.as_ref())?;
        if inputs.nrows() <= burn_in {
            let expected = format!("[n_steps, n_in], with more steps than the {burn_in} of the burn-in");
            return Err(Error::shape("inputs", expected, inputs.shape()));
        }
        self.follow(simulator, exact.as_ref(), inputs.nrows(), |step| inputs.row(step))
    }

    fn burn_in_steps(&self, exact: &dyn Exact) -> Result<usize> {
        if !(self.burn_in >= 0.0 && self.burn_in.is_finite()) {
            return Err(Error::argument("burn_in", "0 or a time in milliseconds", self.burn_in));
        }
        Ok((self.burn_in / exact.dt()).round() as usize)
    }

    /// Follows the trajectory for all of its steps, those of the burn-in first.
    fn follow<'a>(
        &self,
        simulator: &Simulator,
        exact: &dyn Exact,
        steps: usize,
        input: impl Fn(usize) -> ArrayView1<'a, f64>,
    ) -> Result<LyapunovExponents> {
        let (n, burn_in) = (exact.n_state(), self.burn_in_steps(exact)?);
        let count = self.count.unwrap_or(n);
        if count == 0 || count > n {
            return Err(Error::argument("count", format!("1 to {n}, as many as a state has numbers"), count));
        }
        let given = self.start.clone().map(Array1::from);
        let mut state = given.or_else(|| simulator.initial_states().into_iter().next()).unwrap_or_default();
        checked("start", "n_state", state.view(), n)?;
        let mut frame = Array2::<f64>::eye(n).slice_move(s![.., ..count]);
        let mut sums = Array2::<f64>::zeros((BLOCKS, count));
        let mut lengths = [0_usize; BLOCKS];
        let block = |step: usize| step.checked_sub(burn_in).map(|after| after * BLOCKS / (steps - burn_in));
        // When the frame was made orthogonal, and when it is at the latest.
        let (mut last, mut due) = (0, 1);
        let work = interrupt::watch();
        for step in 0..steps {
            if work.is_interrupted() {
                break;
            }
            let (jacobian, next) = caught_in("the transfer function", || {
                Ok((exact.jacobian(state.view(), input(step)), exact.step(state.view(), input(step))))
            })?;
            if let Some(&value) = next.iter().chain(&jacobian).find(|number| !number.is_finite()) {
                let at = format!("{} ms: the trajectory runs away", step as f64 * exact.dt());
                return Err(Error::NotFinite { name: "state of the network".into(), value, at });
            }
            state = next;
            frame = jacobian.dot(&frame);
            if step + 1 < due && block(step) == block(step + 1) {
                continue;
            }
            let (orthogonal, triangular) = frame.qr_into().map_err(Error::other)?.into_decomp();
            frame = orthogonal;
            let sizes = triangular.diag().mapv(|size| size.abs().ln());
            if let Some(block) = block(step) {
                lengths[block] += step + 1 - last;
                let mut sums = sums.row_mut(block);
                sums += &sizes;
            }
            let spread = sizes.fold(f64::NEG_INFINITY, |a, &b| a.max(b)) - sizes.fold(f64::INFINITY, |a, &b| a.min(b));
            let soon = ((step + 1 - last) as f64 * SPREAD / spread) as usize;
            (last, due) = (step + 1, step + 1 + soon.clamp(1, MOST_STEPS));
        }
        Ok(LyapunovExponents::of(sums, lengths, exact, work.is_interrupted()))
    }
}

/// What [`Lyapunov`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LyapunovExponents {
    /// The exponents `[count]`, the largest first, per second; minus infinity where a step forgets all about a direction, NaN if the work was
    /// interrupted before the first.
    #[serde(with = "crate::number")]
    pub exponents: Array1<f64>,
    /// Their standard errors `[count]`, by the averages of ten parts of the trajectory, one after the other; NaN if there are not ten.
    #[serde(with = "crate::number")]
    pub standard_errors: Array1<f64>,
    /// The dimension of the attractor by Kaplan and Yorke (doi:10.1007/BFb0064319): `j + (λ₁ + … + λⱼ) / |λⱼ₊₁|` with the largest `j` for which the
    /// sum is not negative; 0 if no exponent is positive or 0, as of a stable point. NaN if more exponents than were computed would be needed, and
    /// all numbers of a state if not even all add up to less than 0.
    #[serde(with = "crate::number")]
    pub kaplan_yorke: f64,
    /// How long the trajectory was over which it was averaged, in milliseconds.
    pub duration: f64,
    /// Whether the work was interrupted, so that the trajectory was shorter than asked for.
    pub interrupted: bool,
}

impl LyapunovExponents {
    /// From the sums over the steps of each block `[BLOCKS, count]`.
    fn of(sums: Array2<f64>, lengths: [usize; BLOCKS], exact: &dyn Exact, interrupted: bool) -> Self {
        let per_second = 1000.0 / exact.dt();
        let steps: usize = lengths.iter().sum();
        let each = |column: ArrayView1<'_, f64>| {
            let mean = column.sum() * per_second / steps as f64;
            let blocks = column.iter().zip(lengths).map(|(sum, steps)| sum * per_second / steps as f64);
            let variance = blocks.map(|block| (block - mean) * (block - mean)).sum::<f64>() / (BLOCKS - 1) as f64;
            (mean, (variance / BLOCKS as f64).sqrt())
        };
        let mut both: Vec<(f64, f64)> = sums.columns().into_iter().map(each).collect();
        both.sort_by(|a, b| b.0.total_cmp(&a.0));
        let exponents: Array1<f64> = both.iter().map(|(exponent, _)| *exponent).collect();
        Self {
            kaplan_yorke: kaplan_yorke(&exponents, exact.n_state()),
            exponents,
            standard_errors: both.into_iter().map(|(_, error)| error).collect(),
            duration: steps as f64 * exact.dt(),
            interrupted,
        }
    }

    /// One row an exponent, with its standard error.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        // Both columns have one row an exponent, so no insertion can fail.
        drop(table.insert("exponent (1/s)", self.exponents.iter().copied()));
        drop(table.insert("standard error", self.standard_errors.iter().copied()));
        table
    }
}

fn kaplan_yorke(exponents: &Array1<f64>, n: usize) -> f64 {
    let mut sum = 0.0;
    for (j, &exponent) in exponents.iter().enumerate() {
        if sum + exponent < 0.0 {
            return j as f64 + sum / exponent.abs();
        }
        sum += exponent;
    }
    if exponents.len() == n && !sum.is_nan() { n as f64 } else { f64::NAN }
}
