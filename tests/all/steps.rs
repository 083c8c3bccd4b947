//! Single steps: the same bits as a run, and errors where a step makes no sense.

use ndarray::{Array2, Array3, Axis};
use proptest::prelude::*;
use psychrnn::prelude::*;

use super::perturbation::{KINDS, batch, net};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn step_by_step_a_run_is_the_same_bits(kind in 0..KINDS, n_batch in 1_usize..20, perturbed: bool, seed: u64) {
        let net = net(kind, (2, 4, 3), seed);
        let mut simulator = Simulator::new(&net.weights, net.constants.clone()).unwrap().initial_noise(0.2);
        if perturbed {
            simulator = simulator.silence(0, ..).clamp(1, 0.4, ..).stimulate([2, 3], 0.3, ..).add_noise(.., 0.2, ..);
            simulator = simulator.scale_recurrent(.., 1..3, 0.5, ..).scale_input(0, .., 2.0, ..).scale_output(3, 0, 0.0, ..);
        }
        let batch = batch((2, 3), n_batch, 12, seed);
        let run = simulator.run(&batch).unwrap();
        let mut state = simulator.start(n_batch, batch.seed).unwrap();
        for (t, inputs) in batch.inputs.axis_iter(Axis(1)).enumerate() {
            let now = simulator.step(&mut state, &inputs.to_owned()).unwrap();
            prop_assert_eq!(&now.rates, &run.rates.index_axis(Axis(1), t), "rates {}", t);
            prop_assert_eq!(&now.outputs, &run.outputs.index_axis(Axis(1), t), "outputs {}", t);
            prop_assert_eq!(&state.values[0], &run.states.index_axis(Axis(1), t), "states {}", t);
        }
        prop_assert_eq!(state.steps, 12);
    }
}

#[test]
fn a_step_that_makes_no_sense_is_an_error() {
    let net = net(1, (2, 4, 3), 1);
    let simulator = Simulator::new(&net.weights, net.constants).unwrap();
    let refused = |simulator: &Simulator, inputs: &Array2<f32>, change: fn(&mut Array2<f32>)| {
        let mut state = simulator.start(5, 1).unwrap();
        change(&mut state.values["init_state"]);
        let before = state.clone();
        let error = simulator.step(&mut state, inputs).unwrap_err().to_string();
        // What is compared may hold NaN.
        assert_eq!(format!("{state:?}"), format!("{before:?}"));
        error
    };
    let inputs = Array2::zeros((5, 2));
    let same = |_: &mut Array2<f32>| {};
    assert!(refused(&simulator, &Array2::zeros((4, 2)), same).contains("[n_trials = 5, n_in = 2]"));
    assert!(refused(&simulator, &Array2::from_elem((5, 2), f32::NAN), same).contains("inputs"));
    assert!(refused(&simulator, &inputs, |x| x[[1, 2]] = f32::INFINITY).contains("init_state"));
    assert!(refused(&simulator, &inputs, |x| *x = Array2::zeros((5, 3))).contains("init_state"));
    let windowed = simulator.clone().silence(0, 10.0..20.0);
    assert!(refused(&windowed, &inputs, same).contains("`..`"));
    let gain = simulator.clone().recurrent_gain(Array3::ones((5, 4, 4)));
    assert!(refused(&gain, &inputs, same).contains("recurrent_gain"));
}

#[test]
fn states_of_trials_stay_with_them_when_windows_reorder_these() {
    let mut net = net(1, (2, 4, 3), 3);
    let mut batch = batch((2, 3), 3, 12, 3);
    let starts = Array2::from_shape_fn((3, 4), |(trial, unit)| 0.3 * trial as f32 - 0.1 * unit as f32);
    net.weights.insert("init_state", starts.clone());
    // Units of the first trial are silent latest.
    batch.epochs = [60.0, 30.0, 10.0].map(|go| Epochs::new().until("wait", go).until("go", 120.0)).to_vec();
    let simulator = |weights: &Weights| Simulator::new(weights, net.constants.clone()).unwrap();
    let together = simulator(&net.weights).silence(0, Window::during("go")).run(&batch).unwrap();
    for trial in 0..3 {
        let mut weights = net.weights.clone();
        weights.insert("init_state", starts.select(Axis(0), &[trial]));
        let go = [60.0, 30.0, 10.0][trial];
        let alone = simulator(&weights).silence(0, go..).run(&batch).unwrap();
        assert_eq!(together.states.index_axis(Axis(0), trial), alone.states.index_axis(Axis(0), trial), "{trial}");
    }
}
