//! Equations of the tests, held to finite differences.

use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, ArrayD};

use super::random;
use crate::dynamics::block::{Keep, Machine, Stepper};
use crate::dynamics::drive::{Drive, Matrices};
use crate::dynamics::kernel::lanes::{BatchMajor, Pool};
use crate::dynamics::kernel::noise::Noise;
use crate::dynamics::kernel::seen::{Rows, View};
use crate::dynamics::wiring::Counts;

pub(super) const N: usize = 5;
pub(super) const N_BATCH: usize = 3;
pub(super) const N_STEPS: usize = 45;
const N_IN: usize = 2;
const N_OUT: usize = 3;

/// The weights of a step, those of the readout, and the initial states.
#[derive(Clone)]
pub(super) struct Arrays {
    pub(super) step: Array2<f32>,
    readout: Array2<f32>,
    initial: Vec<Array2<f32>>,
}

impl Arrays {
    pub(super) fn new(initial: &[Array2<f32>]) -> Self {
        let (step, readout) = (random((N, N + 1 + N_IN), 0.8, 1), random((N_OUT, N + 1), 0.5, 2));
        Self { step, readout, initial: initial.to_vec() }
    }
}

/// What a run of [`N_STEPS`] steps gives, with noise in each.
pub(super) struct Ran {
    pub(super) states: Array3<f32>,
    loss: f64,
    /// The gradients of the loss with respect to all weights, and to the initial states.
    back: Option<(Array2<f32>, Vec<ArrayD<f32>>)>,
}

pub(super) fn noise() -> Array3<f32> {
    random((N_BATCH, N_STEPS, N), 1.0, 7)
}

pub(super) fn run(equation: &dyn Stepper, arrays: &Arrays, keep: Keep) -> Ran {
    let counts = Counts { n_in: N_IN, n_rec: N, n_sums: N, n_out: N_OUT };
    let factors = Array1::from_iter((0..N).map(|unit| 0.3 + 0.02 * unit as f32));
    let inputs = random((N_BATCH, N_STEPS, N_IN), 1.0, 4);
    let pull = (random((N_BATCH, N_STEPS, N_OUT), 1.0, 5), random((N_BATCH, N_STEPS, N), 0.5, 6));
    let matrices = Matrices { counts, step: &arrays.step, factors: &factors, readout: &arrays.readout };
    let machine = Machine::new(equation, matrices, &arrays.initial);
    let (pool, rows, none) = (Pool::default(), Rows::All, Rows::None);
    let mut view = View::new((N_BATCH, N_STEPS), (N, N_OUT), &rows, &none);
    let back = {
        let (block, seen) = view.blocks(&pool).pop().unwrap();
        let noise = Arc::new(Noise::Given(noise()));
        let drive = Drive::new(&pool, block, &BatchMajor::new(&inputs.view()), noise, None);
        let (tape, _) = machine.run(drive, keep, seen);
        assert_eq!(tape.is_some(), keep != Keep::Nothing);
        let (outputs, states) = (pull.0.view(), pull.1.view());
        let (outputs, states) = (BatchMajor::new(&outputs), BatchMajor::new(&states));
        let back = tape.as_ref().map(|tape| machine.run_back(tape, &outputs, Some(&states), false));
        back.map(|back| (back.sums, back.initial))
    };
    let total = |a: &Array3<f32>, b: &Array3<f32>| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let loss = total(&view.outputs, &pull.0) + total(&view.seen_states, &pull.1);
    Ran { states: view.seen_states, loss, back }
}

/// That the gradients are the differences of the loss, and the same bits if steps are run again.
pub(super) fn holds(equation: &dyn Stepper, initial: &[Array2<f32>]) {
    let arrays = Arrays::new(initial);
    let back = run(equation, &arrays, Keep::All).back.unwrap();
    assert_eq!(back, run(equation, &arrays, Keep::Every(1)).back.unwrap());
    let (sums, initial) = back;
    let difference = |change: &dyn Fn(&mut Arrays, f32)| {
        let loss = |by: f32| {
            let mut arrays = arrays.clone();
            change(&mut arrays, by);
            run(equation, &arrays, Keep::Nothing).loss
        };
        (loss(5e-3) - loss(-5e-3)) / 1e-2
    };
    let holds = |what: &str, gradient: f32, difference: f64| {
        let off = (f64::from(gradient) - difference).abs();
        assert!(off < 1e-2 * difference.abs().max(0.5), "{what}: {gradient} {difference}");
    };
    for post in 0..N {
        for pre in 0..N + 1 + N_IN {
            holds("step", sums[[post, pre]], difference(&|arrays, by| arrays.step[[post, pre]] += by));
        }
        for (number, gradients) in initial.iter().enumerate() {
            holds("initial", gradients[[0, post]], difference(&|arrays, by| arrays.initial[number][[0, post]] += by));
        }
        for output in 0..N_OUT {
            let change = |arrays: &mut Arrays, by| arrays.readout[[output, post]] += by;
            holds("readout", sums[[N + output, post]], difference(&change));
        }
    }
}
