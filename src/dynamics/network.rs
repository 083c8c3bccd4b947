//! A network in plain arrays.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array1, Array2};

use super::block::{Machine, Stepper};
use super::drive::Matrices;
use super::exact::Arrays;
use super::wiring::{Counts, Wiring};
use super::{Constants, Readout};
use crate::weights::Weights;
use crate::{Error, Result};

/// A network in plain arrays: an equation with its constants, effective weights and initial states.
#[derive(Clone)]
pub struct Dynamics {
    constants: Constants,
    wiring: Wiring,
    counts: Counts,
    equation: Arc<dyn Stepper>,
    /// What each sum is multiplied with.
    factors: Array1<f32>,
    /// `[n_sums, n_rec + 1 + n_in]`
    step: Array2<f32>,
    /// `[n_out, n_rec + 1]`
    readout: Array2<f32>,
    initial: Vec<Array2<f32>>,
}

impl Dynamics {
    /// The network with these effective weights and constants, of which [`LeakyUnits`](super::LeakyUnits) and
    /// [`LstmUnits`](super::LstmUnits) say which arrays there must be.
    ///
    /// # Errors
    /// If an array is missing, has the wrong shape or holds NaN, if the constants make no sense, or if the weights were trained with
    /// another transfer function.
    pub fn new(weights: &Weights, constants: impl Into<Constants>) -> Result<Self> {
        let constants = constants.into();
        let units = constants.units();
        units.check_whole()?;
        units.check_trained(weights)?;
        let weights = &*constants.unsqueezed(weights);
        let n_rec = constants.n_rec(weights)?;
        let wiring = units.wiring(n_rec);
        let counts = wiring.counts(weights)?;
        wiring.check(weights, &counts)?;
        let (equation, factors) = units.equation(n_rec)?;
        let [step, readout] = wiring.matrices(weights, &counts)?;
        let initial = wiring.initial().iter().map(|name| weights.rows(name, n_rec)).collect::<Result<_>>()?;
        Ok(Self { wiring, counts, equation, factors, step, readout, initial, constants })
    }

    /// The constants.
    #[must_use]
    pub fn constants(&self) -> Constants {
        self.constants.clone()
    }

    pub(super) fn constants_ref(&self) -> &Constants {
        &self.constants
    }

    /// The kind of network, as in "a leaky network".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.constants.units().name()
    }

    /// The numbers of input channels, of units and of output channels.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.counts.n_in, self.counts.n_rec, self.counts.n_out)
    }

    /// The same network in steps of `dt`, in milliseconds.
    pub(crate) fn in_steps_of(mut self, dt: f32) -> Result<Self> {
        self.constants = self.constants.units().in_steps_of(dt)?;
        (self.equation, self.factors) = self.constants.units().equation(self.counts.n_rec)?;
        Ok(self)
    }

    /// The initial states `[1, n_rec]`, or `[n_batch, n_rec]` for those of each trial, one for each number that a unit carries from step
    /// to step; that of the states that sessions have first.
    pub(crate) fn initial(&self) -> &[Array2<f32>] {
        &self.initial
    }

    /// The names of the initial states.
    pub(crate) fn initial_names(&self) -> &'static [&'static str] {
        self.wiring.initial()
    }

    /// As [`Dynamics::initial`], to be changed.
    pub(crate) fn initial_mut(&mut self) -> &mut [Array2<f32>] {
        &mut self.initial
    }

    /// The recurrent weights of all sums, `[n_sums, n_rec]`.
    pub(super) fn recurrent(&self) -> ndarray::ArrayView2<'_, f32> {
        self.step.slice(ndarray::s![.., ..self.counts.n_rec])
    }

    /// What each sum is multiplied with.
    pub(super) fn factors(&self) -> &Array1<f32> {
        &self.factors
    }

    pub(super) fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn equation(&self) -> &dyn Stepper {
        self.equation.as_ref()
    }

    /// The weights in `f64`.
    pub(crate) fn arrays(&self) -> Arrays {
        Arrays { counts: self.counts, step: self.step.mapv(f64::from), readout: self.readout.mapv(f64::from) }
    }

    /// The output function.
    pub(crate) fn output_function(&self) -> Readout {
        self.constants.readout()
    }

    /// The network with its weights packed, as the time loop needs it.
    pub(super) fn machine(&self) -> Machine<'_> {
        let matrices =
            Matrices { counts: self.counts, step: &self.step, factors: &self.factors, readout: &self.readout };
        Machine::new(self.equation(), matrices, &self.initial)
    }

    /// An error if there are initial states for another number of trials.
    pub(super) fn check_initial(&self, n_batch: usize) -> Result<()> {
        for (name, initial) in self.wiring.initial().iter().zip(&self.initial) {
            if initial.nrows() != 1 && initial.nrows() != n_batch {
                let expected = format!("[1, n_rec] or [n_batch = {n_batch}, n_rec]");
                return Err(Error::shape(*name, expected, initial.shape()));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Dynamics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_in, n_rec, n_out) = self.sizes();
        write!(f, "{} of {n_rec} units with {n_in} inputs and {n_out} outputs", self.kind())
    }
}
