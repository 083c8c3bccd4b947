//! The equations in `f64`, held to finite differences and to their `f32` selves.

use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, ArrayView1, aview1, s};

use super::networks;
use crate::dynamics::exact::Exact;
use crate::dynamics::*;
use crate::random::Seed;

const TRANSFERS: [Transfer; 8] = [
    Transfer::Relu,
    Transfer::Tanh,
    Transfer::Sigmoid,
    Transfer::Softplus,
    Transfer::Linear,
    Transfer::RectifiedPower { power: 1.0 },
    Transfer::RectifiedPower { power: 2.5 },
    Transfer::RectifiedTanh,
];
const READOUTS: [Readout; 5] =
    [Readout::Linear, Readout::Rectified, Readout::RectifiedPower { power: 2.0 }, Readout::Sigmoid, Readout::Softmax];
const STEP: f64 = 1e-5;

/// Leaky networks with each transfer and output function and time constants of each unit, in both forms, and both LSTMs.
fn equations() -> Vec<Arc<dyn Exact>> {
    let [leaky, .., lstm] = networks();
    let taus: Vec<f32> = (0..7).map(|unit| 20.0 + 9.0 * unit as f32).collect();
    let functions = TRANSFERS.iter().zip(READOUTS.iter().cycle());
    let forms = functions.flat_map(|both| [(LeakyForm::Current, both), (LeakyForm::Rate, both)]);
    let constants = forms.map(|(form, (transfer, &readout))| -> Constants {
        LeakyUnits::new(10.0, 40.0).form(form).tau(&taus).transfer(transfer.clone()).readout(readout).into()
    });
    let mut all: Vec<_> = constants.map(|constants| constants.units().exact(leaky.arrays()).unwrap()).collect();
    let cells = [CellOutput::Tanh, CellOutput::Sigmoid].map(|output| LstmUnits::new(10.0).output(output));
    all.extend(cells.map(|cell| Constants::from(cell).units().exact(lstm.arrays()).unwrap()));
    all
}

/// Numbers that are near no kink.
fn drawn(n: usize, seed: u64) -> Array1<f64> {
    let mut rng = Seed(seed).stream(0);
    Array1::from_shape_simple_fn(n, || {
        let x = f64::from(rng.normal(0.0, 1.0));
        x + 0.05 * x.signum()
    })
}

/// The Jacobian of a function by differences, `[n_values, n]`.
fn by_differences(x: &Array1<f64>, f: impl Fn(ArrayView1<'_, f64>) -> Array1<f64>) -> Array2<f64> {
    let columns: Vec<Array1<f64>> = (0..x.len())
        .map(|i| {
            let moved = |by: f64| {
                let mut x = x.clone();
                x[i] += by;
                f(x.view())
            };
            (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
        })
        .collect();
    let views: Vec<_> = columns.iter().map(Array1::view).collect();
    ndarray::stack(ndarray::Axis(1), &views).unwrap()
}

fn assert_near(a: &Array2<f64>, b: &Array2<f64>, within: f64, what: &str) {
    assert_eq!(a.dim(), b.dim(), "{what}");
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < within * (1.0 + b.abs())), "{what}:\n{a}\n{b}");
}

#[test]
fn derivatives_are_differences() {
    for (number, exact) in equations().into_iter().enumerate() {
        let near = |a: &Array2<f64>, b: &Array2<f64>, what: &str| {
            assert_near(a, b, 1e-7, &format!("{what} of equation {number}"));
        };
        let (state, input, weights) = (drawn(exact.n_state(), 1), drawn(2, 2), drawn(7, 3));
        let (s, u, w) = (state.view(), input.view(), weights.view());
        near(&exact.jacobian(s, u), &by_differences(&state, |s| exact.step(s, u)), "jacobian");
        near(&exact.input_jacobian(s, u), &by_differences(&input, |u| exact.step(s, u)), "input_jacobian");
        near(&exact.output_jacobian(s), &by_differences(&state, |s| exact.outputs(s)), "output_jacobian");
        let x = drawn(7, 4);
        let residual = |x: ArrayView1<'_, f64>| exact.residual(x, u);
        near(&exact.residual_jacobian(x.view(), u), &by_differences(&x, residual), "residual_jacobian");
        let by_input = by_differences(&input, |u| exact.residual(x.view(), u));
        near(&exact.residual_input_jacobian(x.view(), u), &by_input, "residual_input_jacobian");
        let gradient = |x: ArrayView1<'_, f64>| exact.residual_jacobian(x, u).t().dot(&w);
        if let Some(flow) = exact.flow_jacobian(s, u) {
            near(&flow, &by_differences(&state, |s| exact.flow(s, u)), "flow_jacobian");
        }
        near(&exact.residual_hessian(x.view(), u, w), &by_differences(&x, gradient), "residual_hessian");
    }
}

/// The flow is how far a step leads from a state whose other numbers stand still. The residual is that of the unknowns, over `α` of a leaky
/// network: where the state is another, that to which the state would bring them.
#[test]
fn the_residual_is_what_a_step_moves() {
    for (number, exact) in equations().into_iter().enumerate() {
        let (x, input) = (drawn(7, 4), drawn(2, 2));
        let near = |a: &Array1<f64>, b: &Array1<f64>| {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "equation {number}: {a} {b}");
        };
        let state = exact.state_at_rest(x.view(), input.view());
        let moved = (exact.step(state.view(), input.view()) - &state) / exact.dt();
        near(&moved.slice(s![..7]).to_owned(), &exact.flow(state.view(), input.view()));
        assert!(moved.iter().skip(7).all(|other| other.abs() < 1e-13));
        let unknowns = |state: &Array1<f64>| exact.unknowns(state.view(), input.view());
        let are_of_state = unknowns(&Array1::zeros(state.len())) == Array1::<f64>::zeros(7);
        let brought = if are_of_state { Array1::zeros(7) } else { exact.residual(x.view(), input.view()) };
        near(&(unknowns(&state) - &x), &brought);
    }
}

/// A step of a piecewise linear network is the one of its region.
#[test]
fn steps_of_regions_are_those_of_the_equation() {
    for exact in equations() {
        let (state, input) = (drawn(exact.n_state(), 5), drawn(2, 2));
        let Some(transfer) = exact.transfer().filter(|one| matches!(one, Transfer::Relu | Transfer::Linear)) else {
            continue;
        };
        let slopes = exact.unknowns(state.view(), input.view()).mapv(|x| transfer.exact(x)[1]);
        let (matrix, drive) = exact.step_in(&slopes, input.view()).unwrap();
        let step = exact.step(state.view(), input.view());
        assert!((matrix.dot(&state) + drive - step).iter().all(|far| far.abs() < 1e-13));
    }
}

#[test]
fn functions_are_those_that_run() {
    let custom = Transfer::custom("ramp", |x| (x * x + 1.0).sqrt() + x, |x| x / (x * x + 1.0).sqrt() + 1.0);
    for transfer in TRANSFERS.iter().chain([&custom]) {
        for x in [-30.0, -2.0, -0.3, 0.0, 0.3, 1.0, 2.5, 30.0_f64] {
            let [rate, slope, curvature] = transfer.exact(x);
            let near = |a: f64, b: f32| (a - f64::from(b)).abs() <= 1e-6 * (1.0 + a.abs());
            assert!(near(rate, transfer.rate(x as f32)), "{transfer} at {x}: {rate}");
            assert!(near(slope, transfer.slope(x as f32)), "{transfer} at {x}: slope {slope}");
            if x != 0.0 {
                let within = if matches!(transfer, Transfer::Custom(_)) { 2e-3 } else { 1e-8 };
                let difference = (transfer.exact(x + STEP)[1] - transfer.exact(x - STEP)[1]) / (2.0 * STEP);
                let difference = if within > 1e-3 { 1.0 / (x * x + 1.0).powf(1.5) } else { difference };
                assert!((curvature - difference).abs() < within * (1.0 + curvature.abs()), "{transfer} at {x}");
            }
        }
    }
    for readout in READOUTS {
        let sums = [-1.5_f32, 0.25, 2.0];
        let mut outputs = Array3::from_shape_vec((1, 1, 3), sums.to_vec()).unwrap();
        readout.apply(&mut outputs);
        let (exact, _) = readout.exact(&aview1(&sums).mapv(f64::from));
        assert!(exact.iter().zip(&outputs).all(|(a, &b)| (a - f64::from(b)).abs() < 1e-6), "{readout}");
    }
}

/// Where `tanh` is nearly 1, so that `1 - tanh²` is mostly rounding.
#[test]
fn slopes_far_out_are_not_rounded_away() {
    for x in [10.0, 15.0, 25.0_f64] {
        let [_, slope, _] = Transfer::Tanh.exact(x);
        let precise = 4.0 * (-2.0 * x).exp();
        assert!((slope / precise - 1.0).abs() < 1e-7, "{x}: {slope}");
    }
}
