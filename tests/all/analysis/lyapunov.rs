//! Lyapunov exponents: of a chaotic network by other programs, and of others by theory.

use std::fs::File;

use ndarray::{Array0, Array1, Array2, Axis, arr2, s};
use ndarray_npy::NpzReader;
use psychrnn::analysis::{Lyapunov, LyapunovExponents};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;

use crate::numbers::data;
use crate::perturbation::{LEAKY, net};

fn chaotic() -> Simulator {
    Simulator::load(data("analysis/chaos16_tanh.npz")).unwrap()
}

/// A network without input and biases that is still at 0.
fn quiet(recurrent: Array2<f32>, units: LeakyUnits) -> Simulator {
    let n = recurrent.nrows();
    let mut weights = Weights::new();
    weights.insert("W_in", Array2::zeros((n, 1)));
    weights.insert("W_out", Array2::ones((1, n)));
    weights.insert("b_rec", Array1::zeros(n));
    weights.insert("b_out", Array1::zeros(1));
    weights.insert("init_state", Array2::from_elem((1, n), 0.1));
    weights.insert("W_rec", recurrent);
    Simulator::new(&weights, units).unwrap()
}

/// A tenth of the truth's trajectory: within four of the standard errors of both.
#[test]
fn exponents_of_a_chaotic_network_are_those_of_other_programs() {
    let mut truth = NpzReader::new(File::open(data("analysis/chaos16_tanh.truth.npz")).unwrap()).unwrap();
    let exponents: Array1<f64> = truth.by_name("exponents_per_s").unwrap();
    let errors: Array1<f64> = truth.by_name("standard_error").unwrap();
    let largest: Array0<f64> = truth.by_name("largest_by_two_trajectories").unwrap();
    let dimension: Array0<f64> = truth.by_name("kaplan_yorke").unwrap();
    let found = Lyapunov::default().duration(80_000.0).burn_in(20_000.0).of(&chaotic()).unwrap();
    for i in 0..16 {
        let error = found.standard_errors[i].hypot(errors[i]);
        assert!((found.exponents[i] - exponents[i]).abs() < 4.0 * error, "{i}: {found:?}");
        assert!(error < 1.5, "{i}: {found:?}");
    }
    assert!((found.exponents[0] - largest[()]).abs() < 4.0 * found.standard_errors[0].hypot(errors[0]));
    assert!((found.kaplan_yorke - dimension[()]).abs() < 0.5, "{found:?}");
    let short = Lyapunov::default().duration(500.0).burn_in(0.0);
    let (all, two) = (short.clone().of(&chaotic()).unwrap(), short.count(2).of(&chaotic()).unwrap());
    assert!((&two.exponents - &all.exponents.slice(s![..2])).iter().all(|far| far.abs() < 1e-9));
    assert_eq!(found.table().n_rows(), 16);
}

/// They add up to how fast volumes shrink: the average of `ln |det J|`.
#[test]
fn exponents_add_up_to_the_determinant() {
    for kind in [1, 2, LEAKY - 1, LEAKY] {
        let net = net(kind, (2, 4, 1), 2);
        let simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap();
        let mut rng = Seed(1).stream(0);
        let inputs = Array2::from_shape_simple_fn((40, 2), || f64::from(rng.normal(0.0, 1.0)));
        let found = Lyapunov::default().burn_in(0.0).along(&simulator, &inputs).unwrap();
        let initial = net.weights.names().filter(|name| name.starts_with("init_"));
        let mut state: Array1<f64> =
            initial.flat_map(|name| net.weights.matrix(name).unwrap().row(0).mapv(f64::from).to_vec()).collect();
        let mut sum = 0.0;
        for input in inputs.outer_iter() {
            let linear = simulator.linearize(&state, input).unwrap();
            sum += linear.eigenvalues().unwrap().iter().map(|one| one.map.norm().ln()).sum::<f64>();
            state = linear.next;
        }
        let rate = sum / 40.0 / 0.01;
        assert!((found.exponents.sum() - rate).abs() < 1e-8 * rate.abs(), "{} {rate}", found.exponents.sum());
        assert_eq!(found.duration, 400.0);
    }
}

#[test]
fn at_a_stable_point_they_are_those_of_its_modes() {
    let recurrent = arr2(&[[0.2, -0.8, 0.0], [0.8, 0.2, 0.3], [0.0, 0.1, -0.4]]);
    let simulator = quiet(recurrent, LeakyUnits::new(10.0, 50.0).transfer(Transfer::Tanh));
    let found = Lyapunov::default().burn_in(20_000.0).of(&simulator).unwrap();
    let modes = simulator.linearize(&[0.0; 3], &[0.0]).unwrap().eigenvalues().unwrap();
    for (exponent, mode) in found.exponents.iter().zip(&modes) {
        assert!((exponent + 1000.0 / mode.time_constant_of_steps).abs() < 2e-3, "{found:?} {modes:?}");
    }
    assert_eq!(found.kaplan_yorke, 0.0);
}

/// A rectified unit that is silent in steps of its own time constant forgets all that it was.
#[test]
fn what_is_forgotten_at_once_is_minus_infinity() {
    let simulator = quiet(arr2(&[[1.0, 0.0], [-9.0, 0.0]]), LeakyUnits::new(10.0, 10.0));
    let found = Lyapunov::default().duration(1000.0).of(&simulator).unwrap();
    assert!(found.exponents[0].abs() < 1e-12 && found.exponents[1] == f64::NEG_INFINITY, "{found:?}");
    assert!(found.standard_errors[1].is_nan());
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<LyapunovExponents>(&text).unwrap().exponents, found.exponents);
}

#[test]
fn what_makes_no_sense_is_told() {
    let simulator = chaotic();
    let said = |settings: Lyapunov| settings.of(&simulator).unwrap_err().to_string();
    let quick = || Lyapunov::default().duration(100.0).burn_in(0.0);
    assert!(said(quick().duration(1.0)).contains("`duration` must be at least a step of 10 ms"));
    assert!(said(quick().duration(f64::NAN)).contains("`duration`"));
    assert!(said(quick().burn_in(-1.0)).contains("`burn_in`"));
    assert!(said(quick().count(17)).contains("`count` must be 1 to 16"));
    assert!(said(quick().count(0)).contains("`count`"));
    assert!(said(quick().start(&[0.0; 3])).contains("`start` must have shape [n_state = 16]"));
    assert!(said(quick().input(&[f64::NAN; 3])).contains("`input`"));
    assert!(Lyapunov::default().along(&simulator, &Array2::zeros((5, 1))).unwrap_err().to_string().contains("burn-in"));
    let exploding = quiet(arr2(&[[3.0]]), LeakyUnits::new(10.0, 20.0));
    let error = Lyapunov::default().of(&exploding).unwrap_err().to_string();
    assert!(error.contains("runs away"), "{error}");
    // One step has no blocks, and no standard error.
    let one = quick().duration(10.0).of(&simulator).unwrap();
    assert!(one.exponents.iter().all(|one| one.is_finite()) && one.standard_errors.iter().all(|error| error.is_nan()));
    assert_eq!(quick().count(1).of(&simulator).unwrap().exponents.len_of(Axis(0)), 1);
}
