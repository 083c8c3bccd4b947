//! Networks that one number changes: an input, a gain, the strength of a lesion.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate, s};

use super::arclength::{Zeros, tolerance_of};
use super::pieces::Pieces;
use super::sides::Sides;
use super::still::Still;
use crate::dynamics::exact::{Arrays, Exact};

/// How far weights are changed for the difference of two residuals, relative to the unit of the number.
const STEP: f64 = 1e-5;

/// The networks and inputs that belong to the values of a number.
#[derive(Clone)]
pub(super) struct Family {
    /// The network at `from`, and its input.
    exact: Arc<dyn Exact>,
    input: Array1<f64>,
    from: f64,
    change: Change,
}

/// What becomes more by one unit of the number.
#[derive(Clone)]
enum Change {
    Input(Array1<f64>),
    /// The weights of `Arrays::step` and `Arrays::readout`.
    Weights(Array2<f64>, Array2<f64>),
}

impl Family {
    /// Inputs that go in a direction `[n_in]` from this one, which belongs to 0.
    pub(super) fn of_inputs(exact: Arc<dyn Exact>, input: Array1<f64>, direction: Array1<f64>) -> Self {
        Self { exact, input, from: 0.0, change: Change::Input(direction) }
    }

    /// Weights that go from those of this network, which belong to 0, to others, which belong to 1.
    pub(super) fn of_weights(exact: Arc<dyn Exact>, input: Array1<f64>, to: &Arrays) -> Self {
        let from = exact.arrays();
        let change = Change::Weights(&to.step - &from.step, &to.readout - &from.readout);
        Self { exact, input, from: 0.0, change }
    }

    /// Gains of the recurrent weights; this network's belong to 1.
    pub(super) fn of_gains(exact: Arc<dyn Exact>, input: Array1<f64>) -> Self {
        let arrays = exact.arrays();
        let mut step = arrays.step.clone();
        step.slice_mut(s![.., arrays.counts.n_rec..]).fill(0.0);
        let change = Change::Weights(step, Array2::zeros(arrays.readout.dim()));
        Self { exact, input, from: 1.0, change }
    }

    /// The value to which the network itself belongs.
    pub(super) fn from(&self) -> f64 {
        self.from
    }

    /// The network and its input at this value.
    pub(super) fn at(&self, number: f64) -> (Arc<dyn Exact>, Array1<f64>) {
        let by = number - self.from;
        match &self.change {
            Change::Input(direction) => (self.exact.clone(), &self.input + direction * by),
            Change::Weights(step, readout) => {
                let mut arrays = self.exact.arrays().clone();
                arrays.step.scaled_add(by, step);
                arrays.readout.scaled_add(by, readout);
                (self.exact.with(arrays), self.input.clone())
            }
        }
    }

    /// Its fixed points as zeros of a function of the states and of how many `unit`s the number is from the network's own value.
    pub(super) fn zeros(&self, unit: f64) -> Along<'_> {
        Along { family: self, unit, sides: None }
    }

    /// What branches of a piecewise linear network are polygons of; `None` if they are none.
    pub(super) fn pieces(&self) -> Option<Pieces> {
        match self.change {
            Change::Input(_) => Pieces::of(&Still::new(self.exact.clone(), self.input.clone())),
            Change::Weights(..) => None,
        }
    }

    /// How the residual changes with so much of the number, wherever it does so evenly.
    pub(super) fn by(&self, unit: f64) -> Array1<f64> {
        self.zeros(unit).by(Array1::zeros(self.exact.counts().n_rec + 1).view())
    }
}

/// The residual as a function of places.
pub(super) struct Along<'a> {
    family: &'a Family,
    unit: f64,
    sides: Option<Sides>,
}

impl<'a> Along<'a> {
    /// With the units on the sides where they are at a place, if that matters.
    pub(super) fn on_sides_of(self, y: &Array1<f64>) -> Self {
        let sides = Sides::of(self.family.exact.as_ref(), y.slice(s![..y.len() - 1]));
        Self { sides, ..self }
    }

    /// The value of the number at a place.
    pub(super) fn number(&self, y: ArrayView1<'_, f64>) -> f64 {
        self.family.from + self.unit * y[y.len() - 1]
    }

    /// The network, its input and its state at a place.
    pub(super) fn state(&self, y: ArrayView1<'_, f64>) -> (Arc<dyn Exact>, Array1<f64>, Array1<f64>) {
        let (exact, input) = self.family.at(self.number(y));
        let state = exact.state_at_rest(y.slice(s![..y.len() - 1]), input.view());
        (exact, input, state)
    }

    fn residual(&self, x: ArrayView1<'_, f64>, number: f64) -> Array1<f64> {
        let (exact, input) = self.family.at(number);
        let residual = exact.residual(x, input.view());
        match &self.sides {
            Some(sides) => sides.residual(exact.as_ref(), x, residual),
            None => residual,
        }
    }

    /// How the residual depends on the last number of a place.
    fn by(&self, y: ArrayView1<'_, f64>) -> Array1<f64> {
        let (x, number) = (y.slice(s![..y.len() - 1]), self.number(y));
        match &self.family.change {
            Change::Input(direction) => {
                let (exact, input) = self.family.at(number);
                exact.residual_input_jacobian(x, input.view()).dot(direction) * self.unit
            }
            // Exact but for rounding where the residual is linear in the weights.
            Change::Weights(..) => {
                let step = STEP * self.unit;
                (self.residual(x, number + step) - self.residual(x, number - step)) / (2.0 * STEP)
            }
        }
    }
}

impl Zeros for Along<'_> {
    fn value(&self, y: ArrayView1<'_, f64>) -> Array1<f64> {
        self.residual(y.slice(s![..y.len() - 1]), self.number(y))
    }

    fn slopes(&self, y: ArrayView1<'_, f64>) -> Array2<f64> {
        let x = y.slice(s![..y.len() - 1]);
        let (exact, input) = self.family.at(self.number(y));
        let jacobian = exact.residual_jacobian(x, input.view());
        let jacobian = match &self.sides {
            Some(sides) => sides.jacobian(exact.as_ref(), x, jacobian),
            None => jacobian,
        };
        concatenate![Axis(1), jacobian, self.by(y).insert_axis(Axis(1))]
    }

    fn tolerance(&self) -> f64 {
        tolerance_of(self.family.exact.as_ref())
    }

    fn crease(&self, from: &Array1<f64>, to: &Array1<f64>) -> Option<usize> {
        self.sides.as_ref()?.crease(from, to)
    }

    fn turn(&self, unknown: usize) {
        if let Some(sides) = &self.sides {
            sides.turn(unknown);
        }
    }
}
