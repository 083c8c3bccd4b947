//! The kernel's gradients: against finite differences in double precision, and against libtorch's.

use ndarray::{Array3, ArrayD, aview1, s};
use psychrnn::dynamics::{CellOutput, Constants, Dynamics, Keep, LeakyForm, LeakyUnits, LstmUnits, Readout, Transfer};
use psychrnn::prelude::*;

use crate::reference::{self, Arrays, Drive};

fn random<D: ndarray::Dimension>(
    shape: impl ndarray::ShapeBuilder<Dim = D>,
    scale: f32,
    seed: u64,
) -> ndarray::Array<f32, D> {
    let mut rng = Seed(seed).stream(0);
    ndarray::Array::from_shape_simple_fn(shape, || rng.normal(0.0, scale))
}

const SIZES: (usize, usize, usize) = (2, 5, 3);

fn leaky_weights() -> Weights {
    let (n_in, n_rec, n_out) = SIZES;
    let mut weights = Weights::new();
    weights.insert("W_in", random((n_rec, n_in), 0.5, 1));
    weights.insert("W_rec", random((n_rec, n_rec), 0.4, 2));
    weights.insert("W_out", random((n_out, n_rec), 0.5, 3));
    weights.insert("b_rec", random(n_rec, 0.3, 4));
    weights.insert("b_out", random(n_out, 0.3, 5));
    weights.insert("init_state", random((1, n_rec), 0.5, 6));
    weights
}

fn lstm_weights(rows: usize) -> Weights {
    let (n_in, n_rec, n_out) = SIZES;
    let mut weights = Weights::new();
    for (i, gate) in ["f", "i", "c", "o"].iter().enumerate() {
        weights.insert(&format!("W_{gate}"), random((n_rec + n_in, n_rec), 0.5, 10 + i as u64));
        weights.insert(&format!("b_{gate}"), random(n_rec, 0.3, 20 + i as u64));
    }
    weights.insert("W_out", random((n_out, n_rec), 0.5, 3));
    weights.insert("b_out", random(n_out, 0.3, 5));
    weights.insert("init_hidden", random((rows, n_rec), 0.5, 6));
    weights.insert("init_cell", random((rows, n_rec), 0.5, 7));
    weights
}

/// States and outputs in double precision.
fn in_double(
    weights: &Arrays,
    constants: &Constants,
    inputs: &Array3<f64>,
    noise: &Array3<f64>,
) -> (Array3<f64>, Array3<f64>) {
    let (n_batch, n_steps, n_rec) = noise.dim();
    let mut states = Array3::zeros((n_batch, n_steps, n_rec));
    let mut outputs = Array3::zeros((n_batch, n_steps, SIZES.2));
    for trial in 0..n_batch {
        let mut carried = reference::start(weights, trial);
        let mut shown = reference::shown(constants, &carried[0]);
        for t in 0..n_steps {
            let (inputs, noise) = (inputs.slice(s![trial, t, ..]), noise.slice(s![trial, t, ..]));
            let drive = Drive { sent: &shown, inputs, current: &vec![0.0; n_rec], noise };
            reference::step(weights, constants, &mut carried, &drive);
            shown = reference::shown(constants, &carried[0]);
            states.slice_mut(s![trial, t, ..]).assign(&aview1(&carried[0]));
            outputs.slice_mut(s![trial, t, ..]).assign(&aview1(&reference::outputs(
                weights,
                constants.readout(),
                &shown,
            )));
        }
    }
    (states, outputs)
}

/// A loss that is linear in outputs and states has known gradients with respect to both; those with respect to the weights
/// must be its differences, which are taken in double precision.
fn check_against_differences(name: &str, weights: &Weights, constants: &Constants, n_batch: usize) {
    let (n_in, n_rec, n_out) = SIZES;
    let n_steps = 6;
    let inputs = random((n_batch, n_steps, n_in), 1.0, 30);
    let noise = random((n_batch, n_steps, n_rec), 1.0, 31);
    let d_outputs: Array3<f32> = random((n_batch, n_steps, n_out), 1.0, 32);
    let d_states: Array3<f32> = random((n_batch, n_steps, n_rec), 1.0, 33);
    let network = Dynamics::new(weights, constants.clone()).unwrap();
    // An LSTM has none.
    let noisy = constants.noise() > 0.0;
    let run = network.run(inputs.view(), noisy.then(|| noise.view()), Keep::All).unwrap();
    let gradients = network.backward(&run, d_outputs.view(), Some(d_states.view())).unwrap();

    let doubled = |array: &Array3<f32>| array.mapv(f64::from);
    let (inputs, noise, d_outputs, d_states) =
        (doubled(&inputs), doubled(&noise), doubled(&d_outputs), doubled(&d_states));
    let mut weights = reference::in_double(weights);
    let (states, outputs) = in_double(&weights, constants, &inputs, &noise);
    for (what, ours, exact) in [("states", &run.states, &states), ("outputs", &run.outputs, &outputs)] {
        let apart = ours.iter().zip(exact).fold(0.0_f64, |apart, (a, b)| apart.max((f64::from(*a) - b).abs()));
        let scale = exact.iter().fold(1.0_f64, |largest, x| largest.max(x.abs()));
        assert!(apart < 1e-5 * scale, "{name} {what}: {apart} of {scale}");
    }
    let names: Vec<String> = weights.keys().cloned().collect();
    for parameter in names {
        let gradient = gradients.array(&parameter).unwrap();
        assert_eq!(gradient.shape(), weights[&parameter].shape(), "{name} {parameter}");
        let scale = gradient.iter().fold(0.1_f32, |largest, g| largest.max(g.abs()));
        for i in 0..gradient.len() {
            let mut moved = |by: f64| {
                *weights[&parameter].iter_mut().nth(i).unwrap() += by;
                let (states, outputs) = in_double(&weights, constants, &inputs, &noise);
                *weights[&parameter].iter_mut().nth(i).unwrap() -= by;
                (&outputs * &d_outputs).sum() + (&states * &d_states).sum()
            };
            let h = 1e-5;
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            let ours = f64::from(*gradient.iter().nth(i).unwrap());
            assert!(
                (difference - ours).abs() < 1e-4 * f64::from(scale),
                "{name} {parameter} {i}: {ours} against {difference}"
            );
        }
    }
}

#[test]
fn gradients_are_the_differences_of_the_loss() {
    let smooth = Transfer::custom("smooth", |x| (x * x + 1.0).sqrt() + x, |x| x / (x * x + 1.0).sqrt() + 1.0);
    let power = Transfer::RectifiedPower { power: 2.5 };
    let leak = LeakyUnits::new(10.0, 40.0).tau(&[20.0, 30.0, 40.0, 80.0, 100.0]).noise(0.3);
    for transfer in [Transfer::Tanh, Transfer::Sigmoid, Transfer::Softplus, Transfer::Linear, power, smooth] {
        for form in [LeakyForm::Current, LeakyForm::Rate] {
            let leak = leak.clone().transfer(transfer.clone()).form(form);
            check_against_differences(&format!("{form} {transfer}"), &leaky_weights(), &leak.into(), 3);
        }
    }
    for readout in [Readout::Sigmoid, Readout::Softmax, Readout::RectifiedPower { power: 2.0 }] {
        let leak = leak.clone().transfer(Transfer::Softplus).readout(readout);
        check_against_differences(&readout.to_string(), &leaky_weights(), &leak.into(), 3);
    }
    // More trials than a block holds, and an initial state for each.
    let mut weights = leaky_weights();
    weights.insert("init_state", random((35, SIZES.1), 0.5, 8));
    for form in [LeakyForm::Current, LeakyForm::Rate] {
        let leak = LeakyUnits::new(10.0, 40.0).transfer(Transfer::Tanh).form(form);
        check_against_differences("many", &weights, &leak.into(), 35);
    }
    for output in [CellOutput::Tanh, CellOutput::Sigmoid] {
        check_against_differences("lstm", &lstm_weights(1), &LstmUnits::new(10.0).output(output).into(), 3);
    }
    check_against_differences("lstm", &lstm_weights(4), &LstmUnits::new(10.0).readout(Readout::Softmax).into(), 4);
}

/// `Ω` by its formula, number by number in double precision, with the adjoints and states as they are.
fn omega(w_rec: &ArrayD<f64>, leak: &LeakyUnits, states: &Array3<f64>, adjoints: &Array3<f64>, bound: f64) -> f64 {
    let (n_batch, n_steps, n_rec) = states.dim();
    let alpha = |unit: usize| f64::from(leak.dt) / f64::from(leak.tau[unit % leak.tau.len()]);
    let slope = |x: f64| match leak.transfer {
        Transfer::Tanh => 1.0 - x.tanh().powi(2),
        Transfer::Softplus => 1.0 / (1.0 + (-x).exp()),
        _ => f64::from(u8::from(x > 0.0)),
    };
    let (mut sum, mut share) = (0.0, 0.0);
    for t in 0..n_steps - 1 {
        let (mut mean, mut counted) = (0.0, 0.0);
        for trial in 0..n_batch {
            let after = |unit: usize| adjoints[[trial, t + 1, unit]];
            let denominator: f64 = (0..n_rec).map(|unit| after(unit).powi(2)).sum();
            if denominator < bound {
                continue;
            }
            let before = |unit: usize| {
                let back: f64 = (0..n_rec).map(|post| after(post) * alpha(post) * w_rec[[post, unit]]).sum();
                (1.0 - alpha(unit)) * after(unit) + back * slope(states[[trial, t, unit]])
            };
            let numerator: f64 = (0..n_rec).map(|unit| before(unit).powi(2)).sum();
            mean += (numerator / denominator - 1.0).powi(2) / n_batch as f64;
            counted += 1.0 / n_batch as f64;
        }
        sum += mean;
        share += counted;
    }
    sum / share
}

#[test]
fn omega_is_that_of_the_formula_and_so_is_its_immediate_derivative() {
    let (n_in, n_rec, n_out) = SIZES;
    for (case, transfer) in [Transfer::Tanh, Transfer::Relu, Transfer::Softplus].into_iter().enumerate() {
        for tau in [vec![40.0], vec![20.0, 30.0, 40.0, 80.0, 100.0]] {
            let (n_batch, n_steps) = (35, 40);
            let leak = LeakyUnits::new(10.0, 40.0).tau(&tau).transfer(transfer.clone());
            let dynamics = Dynamics::new(&leaky_weights(), leak.clone()).unwrap();
            let run = dynamics.run(random((n_batch, n_steps, n_in), 1.0, 50).view(), None, Keep::All).unwrap();
            // Trials of other lengths: nothing comes from behind them, so that the last steps do not count.
            let mut pull = random((n_batch, n_steps, n_out), 1e-3, 60 + case as u64);
            for trial in 0..n_batch {
                pull.slice_mut(ndarray::s![trial, n_steps - trial % 7.., ..]).fill(0.0);
            }
            let (gradients, adjoints) = dynamics.backward_with_adjoints(&run, pull.view(), None).unwrap();
            assert_eq!(gradients, dynamics.backward(&run, pull.view(), None).unwrap());
            // With adjoints b_rec has the gradient Σ α δ.
            let d_b_rec = gradients.vector("b_rec").unwrap();
            for unit in 0..n_rec {
                let alpha = 10.0 / tau[unit % tau.len()];
                let sum: f32 = adjoints.slice(ndarray::s![.., .., unit]).sum() * alpha;
                assert!((sum - d_b_rec[unit]).abs() < 1e-4 * d_b_rec[unit].abs().max(1e-2), "{sum} {}", d_b_rec[unit]);
            }
            let (states, deltas) = (run.states.mapv(f64::from), adjoints.mapv(f64::from));
            let w_rec = leaky_weights().array("W_rec").unwrap().mapv(f64::from);
            let direct = |w_rec: &ArrayD<f64>, bound| omega(w_rec, &leak, &states, &deltas, bound);
            // One bound that no step misses and one that about a half misses.
            let mut norms: Vec<f64> =
                adjoints.lanes(ndarray::Axis(2)).into_iter().map(|d| f64::from(d.dot(&d))).collect();
            norms.sort_by(f64::total_cmp);
            for bound in [1e-20, norms[norms.len() / 2] * 1.001] {
                let ours = dynamics.vanishing(&run.states, &adjoints, bound).unwrap();
                let value = direct(&w_rec, bound);
                assert!((ours.omega - value).abs() < 1e-5 * value, "{transfer}: {} {value}", ours.omega);
                let size = ours.d_w_rec.iter().fold(0.0_f64, |size, g| size.max(f64::from(g.abs())));
                for ((post, pre), gradient) in ours.d_w_rec.indexed_iter() {
                    let moved = |by: f64| {
                        let mut w_rec = w_rec.clone();
                        w_rec[[post, pre]] += by;
                        direct(&w_rec, bound)
                    };
                    // Central differences of fourth order.
                    let h = 1e-3;
                    let difference = (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h);
                    assert!(
                        (difference - f64::from(*gradient)).abs() < 1e-5 * size,
                        "{transfer}: {difference} {gradient}"
                    );
                }
            }
            for n in [1, 3] {
                let again =
                    psychrnn::threads::with_threads(n, || dynamics.vanishing(&run.states, &adjoints, 1e-20).unwrap());
                assert_eq!(again, dynamics.vanishing(&run.states, &adjoints, 1e-20).unwrap());
            }
            let nothing = dynamics.vanishing(&run.states, &ndarray::Array3::zeros(adjoints.dim()), 1e-20).unwrap();
            assert!(nothing.omega == 0.0 && nothing.d_w_rec.iter().all(|g| *g == 0.0));
        }
    }
    let lstm = Dynamics::new(&lstm_weights(1), LstmUnits::new(10.0)).unwrap();
    let run = lstm.run(random((3, 8, n_in), 1.0, 1).view(), None, Keep::All).unwrap();
    let error = lstm.backward_with_adjoints(&run, random((3, 8, n_out), 1.0, 1).view(), None).unwrap_err().to_string();
    assert!(error.contains("LSTM"), "{error}");
}

#[test]
fn a_network_without_inputs_runs_on_its_own() {
    let mut weights = leaky_weights();
    weights.insert("W_in", ndarray::Array2::<f32>::zeros((SIZES.1, 0)));
    let network = Dynamics::new(&weights, LeakyUnits::new(10.0, 40.0)).unwrap();
    let tape = network.run(Array3::zeros((3, 8, 0)).view(), None, Keep::All).unwrap();
    assert!(tape.states.iter().all(|x| x.is_finite() && *x != 0.0));
    let gradients = network.backward(&tape, Array3::ones((3, 8, SIZES.2)).view(), None).unwrap();
    assert_eq!(gradients.array("W_in").unwrap().shape(), [SIZES.1, 0]);
    assert_eq!(gradients.array("W_rec").unwrap().shape(), [SIZES.1, SIZES.1]);
}

#[cfg(feature = "torch")]
mod against_libtorch {
    use super::*;
    use ndarray::Array2;
    use psychrnn::network::{Activity, Tensors, Trials};
    use psychrnn::tch::Kind;
    use psychrnn::train::Backend;

    /// Trials of two lengths.
    struct TwoLengths;
    impl Task for TwoLengths {
        type Trial = ();
        fn spec(&self) -> TaskSpec {
            TaskSpec::new(2, 2).epoch("all", Duration::choice(&[100.0, 300.0]))
        }
        fn draw(&self, _: &mut TrialRng) {}
        fn step(&self, t: f32, (): &(), rng: &mut TrialRng, now: &mut Step) {
            now.input[0] = rng.normal(0.5, 1.0);
            now.input[1] = rng.normal(-0.5, 1.0);
            now.target[0] = (t / 50.0).sin();
        }
    }

    /// The weights after a few updates on each path.
    fn both(build: impl Fn() -> Box<dyn Network>, trainer: impl Fn() -> Trainer) -> [Weights; 2] {
        [Backend::Kernel, Backend::Libtorch].map(|backend| {
            let mut network = build();
            let trainer = trainer().updates(3).batch_size(40).learning_rate(0.1).optimizer(Sgd::default()).silent();
            let training = trainer.backend(backend).train(network.as_mut(), &TwoLengths).unwrap();
            assert_eq!(training.backend, backend);
            network.weights().unwrap()
        })
    }

    fn assert_same(name: &str, [kernel, libtorch]: [Weights; 2], start: &Weights) {
        for parameter in start.names() {
            let (a, b) = (kernel.array(parameter).unwrap(), libtorch.array(parameter).unwrap());
            let moved = (b - start.array(parameter).unwrap()).iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= 1e-3 * moved + 1e-6, "{name} {parameter}: {a} against {b}, moved {moved}");
            }
        }
    }

    #[test]
    fn the_kernel_trains_as_libtorch_does() {
        let plain = || RnnConfig::default().units(12).seed(1).spectral_radius(0.9, RadiusOf::Raw);
        let configs = [
            ("relu", plain()),
            (
                "noise and time constants",
                plain().noise(0.2).tau(&(0..12).map(|i| 20.0 + 10.0 * i as f32).collect::<Vec<_>>()),
            ),
            ("noise of each unit", plain().noise_per_unit(&(0..12).map(|i| 0.03 * i as f32).collect::<Vec<_>>())),
            ("shared noise", plain().noise_covariance(Covariance::new(Array2::from_elem((12, 12), 0.04)).unwrap())),
            ("Dale", plain().dale_ratio(0.75).autapses(false).transfer(Transfer::Softplus)),
            ("rectified", plain().dale_ratio(0.75).dale(Dale::Rectified).inhibitory_outputs(true)),
            (
                "rate",
                plain()
                    .form(LeakyForm::Rate)
                    .noise(0.2)
                    .tau(&(0..12).map(|i| 20.0 + 10.0 * i as f32).collect::<Vec<_>>()),
            ),
            (
                "rate, Dale, shared noise",
                plain()
                    .form(LeakyForm::Rate)
                    .transfer(Transfer::Softplus)
                    .dale_ratio(0.75)
                    .noise_covariance(Covariance::new(Array2::from_elem((12, 12), 0.04)).unwrap()),
            ),
            ("masks", plain().recurrent_connectivity(Array2::eye(12)).transfer(Transfer::Tanh).freeze("b_rec")),
        ];
        let pull = |activity: &Activity, _: &Trials| {
            Ok(activity.outputs.square().mean(Kind::Float) + activity.states.abs().mean(Kind::Float))
        };
        let product = |weights: &Tensors, activity: &Activity, _: &Trials| {
            Ok(weights.get("W_out")?.square().sum(Kind::Float) * activity.rates.mean(Kind::Float) * 0.1)
        };
        for (name, config) in configs {
            let build = || Box::new(Rnn::new(&TwoLengths, config.clone()).unwrap()) as Box<dyn Network>;
            let start = build().weights().unwrap();
            assert_same(name, both(build, Trainer::default), &start);
            let penalties =
                || Trainer::default().regularizer(L2Rates::new(0.5)).regularizer(L1Weights::new("W_rec", 0.5));
            assert_same(name, both(build, penalties), &start);
            assert_same(name, both(build, || penalties().carry_state(true)), &start);
            assert_same(name, both(build, || Trainer::default().loss(pull).regularizer(product)), &start);
            let logits = BinaryCrossEntropy { logits: true, per_mask: true };
            assert_same(
                name,
                both(build, || Trainer::default().loss(logits).regularizer(L2Weights::new("W_in", 0.5))),
                &start,
            );
        }
        for config in [LstmConfig::default(), LstmConfig::psychrnn()] {
            let build =
                || Box::new(Lstm::new(&TwoLengths, config.clone().units(9).seed(2)).unwrap()) as Box<dyn Network>;
            let start = build().weights().unwrap();
            assert_same("lstm", both(build, || Trainer::default().regularizer(L2Rates::new(0.5))), &start);
        }
    }

    #[test]
    fn omega_moves_w_rec_alone_and_through_the_constraints() {
        let config = RnnConfig::default().units(12).dale_ratio(0.75).autapses(false).seed(3);
        let fixed = Array2::from_shape_fn((12, 12), |(i, j)| f32::from(u8::from((i + j) % 5 == 0)));
        let config = config.freeze_entries("W_rec", fixed.clone());
        let moved = |strength: f64| {
            let mut network = Rnn::new(&TwoLengths, config.clone()).unwrap();
            let trainer = Trainer::default().updates(1).batch_size(20).silent().vanishing_gradient(strength);
            let trainer = trainer.optimizer(Sgd::default()).learning_rate(1.0).clip(Clip::None);
            let raw = |network: &Rnn| -> Array2<f32> {
                let raw: ArrayD<f32> = network.parameters().get("W_rec").unwrap().try_into().unwrap();
                raw.into_dimensionality().unwrap()
            };
            let before = raw(&network);
            let training = trainer.train(&mut network, &TwoLengths).unwrap();
            // The report has it.
            assert_eq!(training.omegas.len(), usize::from(strength > 0.0));
            assert!(training.omegas.iter().all(|omega| *omega > 0.0));
            (before, raw(&network), network.weights().unwrap())
        };
        let [(start, none, without), (_, one, with), (_, two, _)] = [0.0, 0.01, 0.02].map(moved);
        for name in ["W_in", "W_out", "b_rec", "b_out", "init_state"] {
            assert_eq!(with.array(name).unwrap(), without.array(name).unwrap(), "{name}");
        }
        assert!((&one - &none).iter().any(|moved| moved.abs() > 1e-5));
        for (((at, none), one), two) in none.indexed_iter().zip(&one).zip(&two) {
            if fixed[at] == 1.0 || at.0 == at.1 {
                assert_eq!((*none, *one), (start[at], start[at]), "{at:?}");
            }
            // Twice the strength is twice the step.
            assert!((two - none - 2.0 * (one - none)).abs() < 1e-4 * (one - none).abs() + 1e-5, "{at:?}");
        }
        let refused = |trainer: Trainer, network: &mut dyn Network| {
            let trainer = trainer.vanishing_gradient(2.0).updates(1).silent();
            trainer.train(network, &TwoLengths).unwrap_err().to_string()
        };
        let mut network = Rnn::new(&TwoLengths, config.clone()).unwrap();
        assert!(refused(Trainer::default().backend(Backend::Libtorch), &mut network).contains("vanishing_gradient"));
        let mut lstm = Lstm::new(&TwoLengths, LstmConfig::default()).unwrap();
        assert!(refused(Trainer::default(), &mut lstm).contains("vanishing_gradient"));
        let negative = Trainer::default().vanishing_gradient(-1.0).silent().train(&mut network, &TwoLengths);
        assert!(negative.unwrap_err().to_string().contains("positive"));
    }

    /// How far one update without clipping moves the raw parameters on each path: the gradients.
    fn gradients(build: &dyn Fn() -> Box<dyn Network>, trainer: &Trainer, task: &dyn TrialSource) -> [Weights; 2] {
        [Backend::Kernel, Backend::Libtorch].map(|backend| {
            let mut network = build();
            let raw = |network: &dyn Network| -> Vec<(String, ArrayD<f32>)> {
                let parameters = network.parameters().iter();
                parameters.map(|(name, parameter)| (name.to_owned(), (&parameter.value).try_into().unwrap())).collect()
            };
            let before = raw(network.as_ref());
            let training = trainer.clone().backend(backend).train(network.as_mut(), task).unwrap();
            assert_eq!(training.backend, backend);
            let mut moved = Weights::new();
            for ((name, before), (_, after)) in before.into_iter().zip(raw(network.as_ref())) {
                moved.insert(&name, after - before);
            }
            moved
        })
    }

    #[test]
    fn gradients_are_libtorchs_whatever_the_network() {
        for case in 0..60 {
            let mut rng = Seed(case).stream(7);
            let units = 2 + rng.index(30);
            let transfers = [
                Transfer::Relu,
                Transfer::Tanh,
                Transfer::Sigmoid,
                Transfer::Softplus,
                Transfer::Linear,
                Transfer::RectifiedTanh,
                Transfer::RectifiedPower { power: 2.0 },
            ];
            let transfer = rng.choice(&transfers);
            let readout = rng.choice(&[
                Readout::Linear,
                Readout::Rectified,
                Readout::RectifiedPower { power: 1.5 },
                Readout::Sigmoid,
                Readout::Softmax,
            ]);
            let mut config = RnnConfig::default().units(units).seed(case).spectral_radius(0.8, RadiusOf::Raw);
            config = config.transfer(transfer.clone()).readout(readout);
            if matches!(transfer, Transfer::RectifiedPower { .. }) {
                // With strong weights activity explodes.
                config = config.spectral_radius(0.1, RadiusOf::Raw);
            }
            if rng.chance(0.5) {
                config = config.noise(rng.uniform(0.0, 0.5));
            }
            if rng.chance(0.4) {
                config = config.form(LeakyForm::Rate);
            }
            if rng.chance(0.3) {
                config = config.dale_ratio(0.8);
            }
            if rng.chance(0.3) {
                config = config.autapses(false);
            }
            if rng.chance(0.3) {
                let mask = Array2::from_shape_simple_fn((units, units), || f32::from(u8::from(rng.chance(0.6))));
                config = config.recurrent_connectivity(mask);
            }
            if rng.chance(0.3) {
                config = config.tau(&(0..units).map(|_| rng.uniform(10.0, 200.0)).collect::<Vec<_>>());
            }
            let is_lstm = rng.chance(0.25);
            let lstm =
                rng.choice(&[LstmConfig::default(), LstmConfig::psychrnn()]).units(units).readout(readout).seed(case);
            let build = || -> Box<dyn Network> {
                if is_lstm {
                    Box::new(Lstm::new(&TwoLengths, lstm.clone()).unwrap())
                } else {
                    Box::new(Rnn::new(&TwoLengths, config.clone()).unwrap())
                }
            };
            let mut trainer = Trainer::default().updates(1).batch_size(1 + rng.index(70)).seed(case).silent();
            trainer = trainer.optimizer(Sgd::default()).learning_rate(1.0).clip(Clip::None);
            if rng.chance(0.4) {
                trainer = trainer.regularizer(L2Rates::new(rng.uniform(0.0, 1.0).into()));
            }
            let [kernel, libtorch] = gradients(&build, &trainer, &TwoLengths);
            for name in libtorch.names() {
                let (ours, theirs) = (kernel.array(name).unwrap(), libtorch.array(name).unwrap());
                let scale = theirs.iter().fold(1e-3_f32, |scale, g| scale.max(g.abs()));
                let apart = ours.iter().zip(theirs).fold(0.0_f32, |apart, (a, b)| apart.max((a - b).abs()));
                assert!(
                    apart <= 1e-4 * scale,
                    "case {case}, {name} of {units} units, {transfer}, {readout}: {apart} of {scale}"
                );
            }
        }
    }
}
