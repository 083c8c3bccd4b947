//! Linear dynamics: against the equations step by step, against theory, and where there are none.

use ndarray::{Array1, Array2, Axis, arr1, arr2, s};
use num_complex::Complex64;
use psychrnn::dynamics::{Kind, LeakyUnits, Linearization};
use psychrnn::prelude::*;
use psychrnn::simulate::Units;

use crate::perturbation::{KINDS, LEAKY, net};
use crate::reference::{self, Drive};

const SIZES: (usize, usize, usize) = (2, 5, 3);

/// Perturbations of the whole trial, of every kind.
fn lasting() -> Vec<Perturbation> {
    let units = |units: &[usize]| Units::from(units);
    let effects = [
        Effect::Recurrent { from: units(&[0, 3]), to: Units::All, factor: -0.5 },
        Effect::Input { channels: units(&[1]), to: units(&[1, 2]), factor: 3.0 },
        Effect::Output { from: units(&[4]), channels: units(&[0]), factor: 2.0 },
        Effect::Stimulate { units: units(&[1, 4]), current: 0.7 },
        Effect::Noise { units: Units::All, sd: 5.0 },
        Effect::Clamp { units: units(&[2]), rate: 0.25 },
        Effect::Clamp { units: units(&[3]), rate: 0.0 },
    ];
    effects.into_iter().map(|effect| Perturbation::new(effect, ..)).collect()
}

fn perturbed(simulator: Simulator) -> Simulator {
    lasting().into_iter().fold(simulator, Simulator::perturb)
}

/// A step and the outputs before it, with all of [`lasting`] or without, in double precision.
fn by_hand(kind: usize, state: &Array1<f64>, input: &Array1<f64>, is_perturbed: bool) -> (Array1<f64>, Array1<f64>) {
    let net = net(kind, SIZES, 3);
    let mut weights = reference::in_double(&net.weights);
    let readout = net.constants.readout();
    let n = SIZES.1;
    let mut carried: Vec<Vec<f64>> = state.as_slice().unwrap().chunks(n).map(<[f64]>::to_vec).collect();
    let mut sent = reference::shown(&net.constants, &carried[0]);
    let mut current = [0.0; SIZES.1];
    if is_perturbed {
        (sent[2], sent[3]) = (f64::from(0.25_f32), 0.0);
        (current[1], current[4]) = (f64::from(0.7_f32), f64::from(0.7_f32));
        weights["W_out"][[0, 4]] *= 2.0;
        for (name, array) in &mut weights {
            match (name.as_str(), kind < LEAKY) {
                ("W_rec", true) => {
                    [0, 3].iter().for_each(|&from| array.index_axis_mut(Axis(1), from).mapv_inplace(|w| w * -0.5))
                }
                ("W_in", true) => [1, 2].iter().for_each(|&to| array[[to, 1]] *= 3.0),
                ("W_f" | "W_i" | "W_c" | "W_o", false) => {
                    [0, 3].iter().for_each(|&from| array.index_axis_mut(Axis(0), from).mapv_inplace(|w| w * -0.5));
                    [1, 2].iter().for_each(|&to| array[[n + 1, to]] *= 3.0);
                }
                _ => {}
            }
        }
    }
    let outputs = reference::outputs(&weights, readout, &sent);
    let noise = Array1::zeros(n);
    let drive = Drive { sent: &sent, inputs: input.view(), current: &current, noise: noise.view() };
    reference::step(&weights, &net.constants, &mut carried, &drive);
    (carried.concat().into(), outputs.into())
}

/// The Jacobian of a function by differences.
fn by_differences(at: &Array1<f64>, f: impl Fn(&Array1<f64>) -> Array1<f64>) -> Array2<f64> {
    let column = |i: usize| {
        let moved = |by: f64| {
            let mut at = at.clone();
            at[i] += by;
            f(&at)
        };
        (moved(1e-5) - moved(-1e-5)) / 2e-5
    };
    let columns: Vec<Array1<f64>> = (0..at.len()).map(column).collect();
    ndarray::stack(Axis(1), &columns.iter().map(Array1::view).collect::<Vec<_>>()).unwrap()
}

fn near(a: &Array2<f64>, b: &Array2<f64>) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn a_step_and_its_derivatives_are_those_of_the_equation() {
    for kind in 0..KINDS {
        let net = net(kind, SIZES, 3);
        let mut rng = Seed(kind as u64).stream(0);
        let state = Array1::from_shape_simple_fn(if kind < LEAKY { 5 } else { 10 }, || f64::from(rng.normal(0.0, 1.0)));
        let input = arr1(&[0.4, -1.1]);
        for is_perturbed in [false, true] {
            let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
            let simulator = if is_perturbed { perturbed(simulator) } else { simulator };
            let linear = simulator.linearize(&state, &input).unwrap();
            let (next, outputs) = by_hand(kind, &state, &input, is_perturbed);
            let all = linear.next.iter().zip(&next).chain(linear.outputs.iter().zip(&outputs));
            all.for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{kind} {is_perturbed}: {a} {b}"));
            let step = |state: &Array1<f64>, input: &Array1<f64>| by_hand(kind, state, input, is_perturbed);
            assert!(near(&linear.jacobian, &by_differences(&state, |x| step(x, &input).0)), "{kind} {is_perturbed}");
            assert!(
                near(&linear.input_jacobian, &by_differences(&input, |u| step(&state, u).0)),
                "{kind} {is_perturbed}"
            );
            assert!(
                near(&linear.output_jacobian, &by_differences(&state, |x| step(x, &input).1)),
                "{kind} {is_perturbed}"
            );
        }
    }
}

/// A run with the same perturbations, but for their noise.
#[test]
fn a_run_without_noise_follows_the_step() {
    for kind in 0..KINDS {
        let net = net(kind, SIZES, 3);
        let still = perturbed(Simulator::new(&net.weights, net.constants.clone()).unwrap());
        let mut batch = crate::perturbation::batch((2, 3), 1, 4, 1);
        batch.inputs.fill(0.3);
        let without_noise: Vec<_> =
            lasting().into_iter().filter(|one| !matches!(one.effect, Effect::Noise { .. })).collect();
        let runs = Simulator::new(&net.weights, net.constants.clone()).unwrap().noise(false);
        let session = without_noise.into_iter().fold(runs, Simulator::perturb).run(&batch).unwrap();
        let mut state: Array1<f64> = net
            .weights
            .names()
            .filter(|name| name.starts_with("init_"))
            .flat_map(|name| net.weights.matrix(name).unwrap().row(0).mapv(f64::from).to_vec())
            .collect();
        for step in 0..4 {
            state = still.linearize(&state, &[0.3, 0.3]).unwrap().next;
            let outputs = still.linearize(&state, &[0.3, 0.3]).unwrap().outputs;
            let ran = session.states.slice(s![0, step, ..]).mapv(f64::from);
            assert!((&ran - &state.slice(s![..5])).iter().all(|far| far.abs() < 1e-5), "{kind}");
            assert!(
                (&session.outputs.slice(s![0, step, ..]).mapv(f64::from) - &outputs).iter().all(|far| far.abs() < 1e-5)
            );
        }
    }
}

fn leaky(recurrent: Array2<f32>, inputs: Array2<f32>, outputs: Array2<f32>, units: LeakyUnits) -> Simulator {
    let n = recurrent.nrows();
    let mut weights = Weights::new();
    weights.insert("b_out", Array1::zeros(outputs.nrows()));
    weights.insert("W_rec", recurrent);
    weights.insert("W_in", inputs);
    weights.insert("W_out", outputs);
    weights.insert("b_rec", Array1::zeros(n));
    weights.insert("init_state", Array2::zeros((1, n)));
    Simulator::new(&weights, units).unwrap()
}

/// A linear network that integrates along (2, 1) what it reads along (1, 2), and a pair of units that rotate.
fn integrator() -> Linearization {
    let mut recurrent = Array2::zeros((4, 4));
    recurrent.slice_mut(s![..2, ..2]).assign(&arr2(&[[0.5, 1.0], [0.25, 0.5]]));
    recurrent.slice_mut(s![2.., 2..]).assign(&arr2(&[[0.5, -0.5], [0.5, 0.5]]));
    let inputs = arr2(&[[1.0], [0.0], [0.0], [0.0]]);
    let units = LeakyUnits::new(10.0, 40.0).transfer(Transfer::Linear);
    leaky(recurrent, inputs, arr2(&[[0.0, 3.0, 0.0, 0.0]]), units).linearize(&[0.0; 4], &[0.0]).unwrap()
}

fn assert_close(a: Complex64, b: Complex64) {
    assert!((a - b).norm() < 1e-12, "{a} {b}");
}

#[test]
fn modes_are_those_of_theory() {
    let modes = integrator().modes().unwrap();
    let [line, pair, conjugate, fast] = modes.modes.as_slice() else { panic!("{modes:?}") };
    assert!(line.eigenvalue.time_constant.abs() > 1e12 && modes.kind() == Kind::Degenerate);
    // r along (2, 1) of length 1, l along (1, 2) with l r = 1, and what they do with input and output.
    let size = 5_f64.sqrt();
    assert_close(line.right[0], (2.0 / size).into());
    assert_close(line.right[1], (1.0 / size).into());
    assert_close(line.left[0], (size / 4.0).into());
    assert_close(line.left[1], (size / 2.0).into());
    assert!((line.condition - 1.25).abs() < 1e-12);
    assert_close(line.input_load[0], (size / 4.0 / 40.0).into());
    assert_close(line.output_load[0], (3.0 / size).into());
    // λ = (0.5 ± 0.5 i - 1) / 40 per ms.
    assert_close(pair.eigenvalue.flow.unwrap(), Complex64::new(-0.5, 0.5) / 40.0);
    assert_close(conjugate.eigenvalue.flow.unwrap(), Complex64::new(-0.5, -0.5) / 40.0);
    assert_close(pair.eigenvalue.map, Complex64::new(0.875, 0.125));
    assert!((pair.eigenvalue.time_constant - 80.0).abs() < 1e-10);
    assert!((pair.eigenvalue.time_constant_of_steps + 10.0 / 0.875_f64.hypot(0.125).ln()).abs() < 1e-10);
    assert!((pair.eigenvalue.frequency - 1000.0 * 0.0125 / std::f64::consts::TAU).abs() < 1e-12);
    assert!(
        (pair.eigenvalue.frequency_of_steps - 100.0 * (0.125_f64 / 0.875).atan() / std::f64::consts::TAU).abs() < 1e-12
    );
    assert!((pair.condition - 1.0).abs() < 1e-12 && (fast.eigenvalue.time_constant - 40.0).abs() < 1e-10);
    // (A + Aᵀ) / 2 of the line and its neighbor is ((-1/2, 5/8), (5/8, -1/2)) / 40.
    assert!((modes.fastest_growth - 0.125 / 40.0).abs() < 1e-12);
    // ‖A‖² is (1/4 + 1 + 1/16 + 1/4 + 4/4) / 40², Σ|λ|² is (0 + 1 + 2/4 + 2/4) / 40².
    assert!((modes.non_normality - ((2.5625_f64 - 2.0) / 2.5625).sqrt()).abs() < 1e-12, "{}", modes.non_normality);
}

/// The Jacobian is the sum of what its modes do, and its loads those of its parts.
#[test]
fn modes_make_up_the_jacobian() {
    for kind in 0..KINDS {
        let net = net(kind, (2, 6, 2), 5);
        let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
        let state = Array1::linspace(-0.5, 1.0, if kind < LEAKY { 6 } else { 12 });
        let linear = simulator.linearize(&state, &[0.1, 0.2]).unwrap();
        let modes = linear.modes().unwrap();
        let mut made = Array2::<Complex64>::zeros(linear.jacobian.dim());
        let mut gain = Array2::<Complex64>::zeros((2, 2));
        for mode in &modes.modes {
            let (right, left) = (mode.right.view().insert_axis(Axis(1)), mode.left.view().insert_axis(Axis(0)));
            made += &(right.dot(&left) * mode.eigenvalue.map);
            let largest = mode.right.iter().max_by(|a, b| a.norm().total_cmp(&b.norm())).unwrap();
            assert!(largest.im.abs() < 1e-12 && largest.re > 0.0);
            // What a constant input does in the end: each mode adds what it lets in, keeps and shows.
            let through =
                mode.output_load.view().insert_axis(Axis(1)).dot(&mode.input_load.view().insert_axis(Axis(0)));
            gain += &(through * (10.0 / (1.0 - mode.eigenvalue.map)));
        }
        let off =
            |made: &Array2<Complex64>, true_: &Array2<f64>| made.iter().zip(true_).any(|(a, b)| (a - b).norm() > 1e-10);
        assert!(!off(&made, &linear.jacobian) && !off(&gain, &linear.steady_output_gain().unwrap()), "{kind}");
        let sizes: Vec<f64> = modes.eigenvalues().map(|one| one.flow.map_or(one.map.norm(), |flow| flow.re)).collect();
        assert!(sizes.windows(2).all(|pair| pair[0] >= pair[1]));
        let alone = linear.eigenvalues().unwrap();
        assert!(alone.iter().zip(modes.eigenvalues()).all(|(a, b)| (a.map.norm() - b.map.norm()).abs() < 1e-9));
        assert_eq!(modes.table().n_rows(), modes.modes.len());
    }
}

#[test]
fn the_steady_gain_is_where_a_little_more_input_leads() {
    let net = net(1, SIZES, 3);
    let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
    let rest = |input: [f64; 2]| {
        let mut state = Array1::zeros(5);
        for _ in 0..20_000 {
            state = simulator.linearize(&state, &input).unwrap().next;
        }
        state
    };
    let linear = simulator.linearize(&rest([0.2, 0.1]), &[0.2, 0.1]).unwrap();
    let gain = linear.steady_gain().unwrap();
    let difference = (rest([0.2001, 0.1]) - rest([0.1999, 0.1])) / 2e-4;
    assert!((&gain.column(0) - &difference).iter().all(|far| far.abs() < 1e-6), "{gain} {difference}");
    let kind = linear.modes().unwrap().kind();
    assert!(matches!(kind, Kind::StableNode | Kind::StableFocus), "{kind}");
}

#[test]
fn a_line_of_fixed_points_has_no_steady_gain() {
    let linear = integrator();
    assert!(linear.steady_gain().is_none() && linear.steady_output_gain().is_none());
    // One whose weights are rounded.
    let simulator = Simulator::load(crate::numbers::data("analysis/line_linear4.npz")).unwrap();
    let linear = simulator.linearize(&[0.0; 4], &[0.0; 2]).unwrap();
    assert!(linear.steady_gain().is_none());
    assert_eq!(linear.modes().unwrap().kind(), Kind::Degenerate);
}

/// The error of one step falls with the square of the distance, and what is linear is foretold for good.
#[test]
fn predictions_are_exact_to_first_order() {
    let net = net(1, SIZES, 3);
    let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
    let linear = simulator.linearize(&[0.3, -0.2, 0.1, 0.5, -0.4], &[0.2, 0.1]).unwrap();
    let errors = [1e-2, 1e-3].map(|by: f64| {
        let (first, input) = (&linear.state + by, arr1(&[0.2 + by, 0.1]));
        let next = simulator.linearize(&first, &input).unwrap().next;
        let inputs = ndarray::stack![Axis(0), input, input];
        linear.prediction_errors(&ndarray::stack![Axis(0), first, next], &inputs, 1).unwrap()[0]
    });
    assert!(errors[0] > 0.0 && (errors[0] / errors[1] / 100.0 - 1.0).abs() < 0.1, "{errors:?}");
    let states = integrator().predict(&[1.0, 0.5, 0.0, 0.0], &Array2::zeros((50, 1))).unwrap();
    assert!((&states.row(49) - &arr1(&[1.0, 0.5, 0.0, 0.0])).iter().all(|far| far.abs() < 1e-12));
    let inputs = Array2::zeros((3, 1));
    assert!(
        integrator().predict(&[0.0; 3], &inputs).is_err()
            && integrator().predict(&[0.0; 4], &Array2::zeros((3, 2))).is_err()
    );
    let walk = Array2::zeros((3, 4));
    assert!(integrator().prediction_errors(&walk, &inputs, 2).unwrap().iter().all(|&error| error == 0.0));
    for steps in [0, 3] {
        assert!(integrator().prediction_errors(&walk, &inputs, steps).is_err());
    }
}

/// In steps as long as this a mode grows that the flow lets decay.
#[test]
fn steps_and_flow_may_differ() {
    let spiral = arr2(&[[0.9, -3.0], [3.0, 0.9]]);
    let units = LeakyUnits::new(10.0, 20.0).transfer(Transfer::Linear);
    let simulator = leaky(spiral, arr2(&[[1.0], [0.0]]), arr2(&[[1.0, 0.0]]), units);
    let modes = simulator.linearize(&[0.0, 0.0], &[0.0]).unwrap().modes().unwrap();
    assert_eq!((modes.unstable(), modes.differing(), modes.kind()), (0, 2, Kind::StableFocus));
    assert!(modes.modes[0].eigenvalue.time_constant_of_steps < 0.0);
}

/// Each unit drives the next: one mode, which its neighbors coincide with.
#[test]
fn a_chain_of_units_has_no_loads() {
    let chain = Array2::from_shape_fn((4, 4), |(to, from)| if to == from + 1 { 2.0 } else { 0.0 });
    let units = LeakyUnits::new(10.0, 40.0).transfer(Transfer::Linear);
    let linear = leaky(chain, arr2(&[[1.0], [0.0], [0.0], [0.0]]), arr2(&[[0.0, 0.0, 0.0, 1.0]]), units);
    let linear = linear.linearize(&[0.0; 4], &[0.0]).unwrap();
    let modes = linear.modes().unwrap();
    assert!(modes.modes.iter().all(|mode| mode.condition.is_infinite() && mode.input_load[0].is_nan()));
    assert!(modes.eigenvalues().all(|one| (one.time_constant - 40.0).abs() < 1e-9) && modes.fastest_growth > 0.0);
    assert!((linear.steady_output_gain().unwrap()[[0, 0]] - 8.0).abs() < 1e-12);
    assert_eq!(modes.kind(), Kind::StableNode);
}

#[test]
fn what_cannot_be_linearized_is_told() {
    let net = net(0, SIZES, 3);
    let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
    let (state, input) = ([0.0; 5], [0.0; 2]);
    let said = |simulator: &Simulator, state: &[f64], input: &[f64]| {
        simulator.linearize(state, input).map(|_| ()).unwrap_err().to_string()
    };
    assert!(said(&simulator, &[0.0; 4], &input).contains("`state` must have shape [n_state = 5]"));
    assert!(said(&simulator, &state, &[0.0; 3]).contains("`input` must have shape [n_in = 2]"));
    assert!(said(&simulator, &[0.0, f64::NAN, 0.0, 0.0, 0.0], &input).contains("`state` must be finite"));
    assert!(said(&simulator.clone().silence(0, 0..100), &state, &input).contains("`window` must be"));
    assert!(said(&simulator.clone().silence(9, ..), &state, &input).contains("units"));
    let gains = ndarray::Array3::ones((3, 5, 5));
    assert!(said(&simulator.clone().recurrent_gain(gains), &state, &input).contains("recurrent_gain"));
    let of =
        |transfer: Transfer| Simulator::new(&net.weights, LeakyUnits::new(10.0, 100.0).transfer(transfer)).unwrap();
    let nan = of(Transfer::custom("nowhere", |_| f32::NAN, |_| f32::NAN));
    assert!(said(&nan, &state, &input).contains("finite"));
    let wild = of(Transfer::custom("wild", |_| panic!("no rates today"), |_| 1.0));
    assert!(said(&wild, &state, &input).contains("no rates today"));
}

/// The eigenvalues of all fixed points whose truth is known, in 40 digits or by LAPACK.
#[test]
fn eigenvalues_are_those_of_other_programs() {
    let folder = crate::numbers::data("analysis");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".truth.npz") else { continue };
        let mut truth = ndarray_npy::NpzReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let simulator = Simulator::load(path.with_file_name(format!("{name}.npz"))).unwrap();
        let Ok(inputs): Result<Array2<f64>, _> = truth.by_name("inputs") else { continue };
        let mut furthest = [0.0_f64; 2];
        for (k, input) in inputs.outer_iter().enumerate() {
            let Ok(points): Result<Array2<f64>, _> = truth.by_name(&format!("fixed_points_{k}")) else { continue };
            for (far, kind) in furthest.iter_mut().zip(["flow", "map"]) {
                let Ok(theirs): Result<ndarray::Array3<f64>, _> = truth.by_name(&format!("eig_{kind}_{k}")) else {
                    continue;
                };
                for (point, theirs) in points.outer_iter().zip(theirs.outer_iter()) {
                    let values = simulator.linearize(point, input).unwrap().modes().unwrap();
                    for theirs in theirs.outer_iter().map(|z| Complex64::new(z[0], z[1])) {
                        let ours =
                            values.eigenvalues().map(|one| if kind == "flow" { one.flow.unwrap() } else { one.map });
                        let nearest = ours.map(|ours| (ours - theirs).norm()).fold(f64::INFINITY, f64::min);
                        *far = far.max(nearest / theirs.norm());
                    }
                }
            }
        }
        assert!(furthest.iter().all(|&far| far < 1e-12), "{name}: {furthest:?}");
    }
}
