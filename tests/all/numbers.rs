//! The kernel against PsychRNN's numbers.

use std::path::PathBuf;

use ndarray::Array3;
use psychrnn::dynamics::{Dynamics, Keep, LeakyForm, LeakyUnits, Transfer, UnitNoise, standard_normal};
use psychrnn::prelude::*;

pub(crate) fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity").join(file)
}

pub(crate) fn cube(weights: &Weights, name: &str) -> Array3<f32> {
    weights.array(name).unwrap().clone().into_dimensionality().unwrap()
}

/// `|a - b| <= atol + rtol |b|` for each pair of numbers.
pub(crate) fn assert_close(what: &str, ours: &Array3<f32>, theirs: &Array3<f32>, rtol: f32, atol: f32) {
    assert_eq!(ours.dim(), theirs.dim(), "{what}");
    for ((at, a), b) in ours.indexed_iter().zip(theirs) {
        assert!((a - b).abs() <= atol + rtol * b.abs(), "{what} at {at:?}: {a} against {b}");
    }
}

/// PsychRNN's inputs as a batch without targets.
pub(crate) fn batch(inputs: &Array3<f32>, n_out: usize) -> Batch {
    let (n_batch, n_steps, n_in) = inputs.dim();
    let zeros = Array3::zeros((n_batch, n_steps, n_out));
    let spec = TaskSpec::new(n_in, n_out).dt(10.0).tau(100.0).duration(10.0 * n_steps as f32);
    Batch::from_arrays(&spec, inputs.clone(), zeros.clone(), zeros).unwrap()
}

/// The weights that PsychRNN's network used, under the names of a file.
pub(crate) fn effective(case: &Weights) -> Weights {
    let mut weights = Weights::new();
    for name in ["W_in", "W_rec", "W_out"] {
        weights.insert(name, case.matrix(&format!("{name}_eff")).unwrap());
    }
    for name in ["b_rec", "b_out", "init_state"] {
        weights.insert(name, case.vector(name).unwrap());
    }
    weights
}

#[test]
fn the_simulator_gives_psychrnns_states_and_outputs() {
    for (file, transfer) in [
        ("basic_relu", Transfer::Relu),
        ("basic_tanh", Transfer::Tanh),
        ("basic_sigmoid", Transfer::Sigmoid),
        ("basic_softplus", Transfer::Softplus),
    ] {
        let case = Weights::load(data(&format!("{file}.npz"))).unwrap();
        let simulator = Simulator::new(&effective(&case), LeakyUnits::new(10.0, 100.0).transfer(transfer)).unwrap();
        let outputs = cube(&case, "outputs");
        let session = simulator.run(&batch(&cube(&case, "inputs"), outputs.dim().2)).unwrap();
        assert_close(file, &session.states, &cube(&case, "states"), 1e-5, 2e-6);
        assert_close(file, &session.outputs, &outputs, 1e-5, 2e-6);
    }
}

#[test]
fn every_unit_may_have_its_own_time_constant() {
    let case = Weights::load(data("basic_tau_vector.npz")).unwrap();
    let tau = case.vector("tau").unwrap();
    let leak = LeakyUnits { tau: tau.to_vec(), ..LeakyUnits::new(10.0, 100.0).transfer(Transfer::Tanh) };
    let outputs = cube(&case, "outputs");
    let session =
        Simulator::new(&effective(&case), leak).unwrap().run(&batch(&cube(&case, "inputs"), outputs.dim().2)).unwrap();
    assert_close("states", &session.states, &cube(&case, "states"), 1e-5, 2e-6);
    assert_close("outputs", &session.outputs, &outputs, 1e-5, 2e-6);
}

/// The numbers of autograd in PyTorch.
#[test]
fn the_rate_form_is_that_of_another_program() {
    let case = Weights::load(data("networks/rate_leak.npz")).unwrap();
    let mut weights = Weights::new();
    for name in ["W_in", "W_rec", "W_out", "b_rec", "b_out", "init_state"] {
        weights.insert(name, case.array(&format!("weights/{name}")).unwrap().clone());
    }
    let leak = LeakyUnits::new(20.0, 100.0).form(LeakyForm::Rate).transfer(Transfer::Softplus).noise(0.05);
    let network = Dynamics::new(&weights, leak).unwrap();
    let run = network.run(cube(&case, "inputs").view(), Some(cube(&case, "noise").view()), Keep::All).unwrap();
    assert_close("states", &run.states, &cube(&case, "states"), 1e-6, 1e-6);
    assert_close("outputs", &run.outputs, &cube(&case, "outputs"), 1e-6, 1e-6);
    let d_states = cube(&case, "d_states");
    let gradients = network.backward(&run, cube(&case, "d_outputs").view(), Some(d_states.view())).unwrap();
    for name in weights.names() {
        let (ours, theirs) = (gradients.array(name).unwrap(), case.array(&format!("grad/{name}")).unwrap());
        assert_eq!(ours.shape(), theirs.shape(), "{name}");
        let far = ours.iter().zip(theirs).fold(0.0_f32, |far, (a, b)| far.max((a - b).abs() / (1.0 + b.abs())));
        assert!(far < 2e-6, "{name}: {far}");
    }
}

#[test]
fn perceptual_discrimination_is_psychrnns() {
    let case = Weights::load(data("task_perceptual_discrimination.npz")).unwrap();
    let value = |name: &str, trial: usize| case.vector(&format!("param_{name}")).unwrap()[trial];
    let [inputs, targets, mask] = ["inputs", "targets", "mask"].map(|name| cube(&case, name));
    for trial in 0..inputs.dim().0 {
        let (onset, stimulus) = (value("onset_time", trial), value("stim_duration", trial));
        let task = PerceptualDiscrimination::default()
            .noise(0.0)
            .onset(onset)
            .stimulus(stimulus)
            .coherences(&[value("coherence", trial)])
            .direction(value("direction", trial) as usize);
        let batch = task.batch(1, Seed(0)).unwrap();
        for (name, ours, theirs) in
            [("inputs", &batch.inputs, &inputs), ("targets", &batch.targets, &targets), ("mask", &batch.mask, &mask)]
        {
            let theirs = theirs.slice(ndarray::s![trial..=trial, .., ..]).to_owned();
            assert_close(&format!("{name} of trial {trial}"), ours, &theirs, 1e-6, 0.0);
        }
    }
}

#[test]
fn choices_are_scored_as_in_psychrnn() {
    let case = Weights::load(data("task_perceptual_discrimination.npz")).unwrap();
    let [inputs, targets, mask] = ["inputs", "targets", "mask"].map(|name| cube(&case, name));
    let spec = PerceptualDiscrimination::default();
    let batch = Batch::from_arrays(&TrialSource::spec(&spec).unwrap(), inputs, targets, mask).unwrap();
    let made_up: ndarray::Array4<f32> = case.array("test_outputs").unwrap().clone().into_dimensionality().unwrap();
    for (set, outputs) in made_up.outer_iter().enumerate() {
        let session = Session::new(batch.clone(), outputs.to_owned(), outputs.to_owned(), outputs.to_owned()).unwrap();
        let expected = case.vector("accuracy").unwrap()[set];
        assert!((session.accuracy() - f64::from(expected)).abs() < 1e-6);
        for (trial, correct) in session.correct.iter().enumerate() {
            assert_eq!(correct.map(f32::from), Some(case.matrix("correct").unwrap()[[set, trial]]));
        }
    }
}

#[test]
fn the_input_noise_has_psychrnns_standard_deviation() {
    let case = Weights::load(data("task_noise_sd.npz")).unwrap();
    let (dts, sds) = (case.vector("dt").unwrap(), case.vector("sd_perceptual_discrimination").unwrap());
    for (&dt, &sd) in dts.iter().zip(&sds) {
        // Before the stimulus there is nothing but noise.
        let task = PerceptualDiscrimination::default()
            .dt(dt)
            .duration(4000.0 * dt)
            .onset(3900.0 * dt)
            .stimulus(10.0 * dt)
            .coherences(&[0.0]);
        let batch = task.batch(10, Seed(4)).unwrap();
        let noise = batch.inputs.slice(ndarray::s![.., ..3900, ..]);
        let measured = noise.mapv(|x| f64::from(x).powi(2)).mean().unwrap().sqrt();
        assert!((measured / f64::from(sd) - 1.0).abs() < 0.02, "dt {dt}: {measured} against {sd}");
    }
}

/// A network of units that do nothing but hear noise, in steps of their time constant: `x = √2 σ n`.
fn only_noise(leak: LeakyUnits) -> psychrnn::Result<Simulator> {
    let mut weights = Weights::new();
    for (name, shape) in [("W_in", (3, 1)), ("W_rec", (3, 3)), ("W_out", (1, 3)), ("init_state", (1, 3))] {
        weights.insert(name, ndarray::Array2::<f32>::zeros(shape));
    }
    weights.insert("b_rec", ndarray::Array1::<f32>::zeros(3));
    weights.insert("b_out", ndarray::Array1::<f32>::zeros(1));
    Simulator::new(&weights, leak)
}

#[test]
fn units_have_noise_of_their_own_or_share_it() {
    let spec = TaskSpec::new(1, 1).dt(10.0).tau(10.0).duration(1000.0);
    let zeros = || ndarray::Array3::<f32>::zeros((300, 100, 1));
    let batch = Batch::from_arrays(&spec, zeros(), zeros(), zeros()).unwrap();
    let leak = || LeakyUnits::new(10.0, 10.0);
    let unit = standard_normal(batch.seed, &batch.numbers, 100, 3);
    let states = |leak: LeakyUnits| only_noise(leak).unwrap().run(&batch).unwrap().states;

    let sds = [0.5, 0.0, 2.0];
    let own = states(leak().unit_noise(UnitNoise::PerUnit(sds.to_vec())));
    for ((at, x), n) in own.indexed_iter().zip(&unit) {
        assert!((x - 2.0_f32.sqrt() * sds[at.2] * n).abs() < 1e-5);
    }

    // The first two share most of their noise, the third is against the first.
    let matrix = ndarray::arr2(&[[0.5, 0.6, -0.2], [0.6, 1.0, 0.0], [-0.2, 0.0, 0.4]]);
    let covariance = Covariance::new(matrix.clone()).unwrap();
    let shared = || leak().unit_noise(UnitNoise::Covariance(covariance.clone()));
    let x = states(shared());
    let rows = x.view().into_shape_with_order((30_000, 3)).unwrap();
    let seen = rows.t().dot(&rows) / 30_000.0;
    // Standard deviations of these means are below 0.02.
    assert!(seen.iter().zip(&matrix).all(|(seen, expected)| (seen - 2.0 * expected).abs() < 0.06), "{seen}");
    for n in [1, 3] {
        assert_eq!(psychrnn::threads::with_threads(n, || states(shared())), x);
    }
    let part = only_noise(shared()).unwrap().run(&batch.select(&[7, 40])).unwrap().states;
    assert_eq!(part, x.select(ndarray::Axis(0), &[7, 40]));
    // A perturbation that changes nothing runs through other code.
    let perturbed = only_noise(shared()).unwrap().scale_recurrent(.., .., 1.0, ..).run(&batch).unwrap().states;
    assert_eq!(perturbed, x);
    // Where all noise is shared, all units do the same.
    let one = states(leak().unit_noise(UnitNoise::Covariance(Covariance::new(ndarray::Array2::ones((3, 3))).unwrap())));
    assert!(
        one.outer_iter().flatten().count() == 90_000
            && one
                .lanes(ndarray::Axis(2))
                .into_iter()
                .all(|x| { (x[0] - x[1]).abs() < 1e-4 && (x[0] - x[2]).abs() < 1e-4 })
    );

    let refused = |leak: LeakyUnits| only_noise(leak).unwrap_err().to_string();
    assert!(refused(leak().unit_noise(UnitNoise::PerUnit(vec![0.1; 4]))).contains("n_rec = 3"));
    assert!(refused(leak().unit_noise(UnitNoise::PerUnit(vec![-0.1; 3]))).contains("positive"));
    assert!(refused(shared().noise(0.1)).contains("unit_noise"));
    for matrix in [ndarray::arr2(&[[1.0, 2.0], [2.0, 1.0]]), ndarray::arr2(&[[1.0, 0.5], [0.0, 1.0]])] {
        assert!(Covariance::new(matrix).unwrap_err().to_string().contains("covariance"));
    }
    let json = serde_json::to_string(&shared()).unwrap();
    assert_eq!(serde_json::from_str::<LeakyUnits>(&json).unwrap(), shared());
    assert!(serde_json::from_str::<LeakyUnits>(&json.replace("0.5", "-0.5")).is_err());
}
