//! The kernel's gradients: against finite differences of its own forward run, and against libtorch's.

use ndarray::Array3;
use psychrnn::dynamics::{Cell, CellOutput, Constants, Dynamics, Keep, Leak, Transfer};
use psychrnn::prelude::*;

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

/// A loss that is linear in outputs and states has known gradients with respect to both; those with respect to the weights
/// must be the differences of the loss.
fn check_against_differences(name: &str, weights: &Weights, constants: &Constants, n_batch: usize) {
    let (n_in, n_rec, n_out) = SIZES;
    let n_steps = 6;
    let inputs = random((n_batch, n_steps, n_in), 1.0, 30);
    let noise = random((n_batch, n_steps, n_rec), 1.0, 31);
    let d_outputs: Array3<f32> = random((n_batch, n_steps, n_out), 1.0, 32);
    let d_states: Array3<f32> = random((n_batch, n_steps, n_rec), 1.0, 33);
    let run = |weights: &Weights| {
        let network = Dynamics::new(weights, constants.clone()).unwrap();
        let tape = network.run(inputs.view(), Some(noise.view()), Keep::All).unwrap();
        let total =
            |a: &Array3<f32>, b: &Array3<f32>| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        (total(&tape.outputs, &d_outputs) + total(&tape.states, &d_states), network, tape)
    };
    let (_, network, tape) = run(weights);
    let gradients = network.backward(&tape, d_outputs.view(), Some(d_states.view())).unwrap();
    for parameter in weights.names() {
        let gradient = gradients.array(parameter).unwrap();
        assert_eq!(gradient.shape(), weights.array(parameter).unwrap().shape(), "{name} {parameter}");
        let scale = gradient.iter().fold(0.1_f32, |largest, g| largest.max(g.abs()));
        for i in 0..gradient.len() {
            let moved = |by: f32| {
                let mut array = weights.array(parameter).unwrap().clone();
                *array.iter_mut().nth(i).unwrap() += by;
                let mut weights = weights.clone();
                weights.insert(parameter, array);
                run(&weights).0
            };
            let h = 4e-3;
            let difference = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
            let ours = f64::from(*gradient.iter().nth(i).unwrap());
            assert!(
                (difference - ours).abs() < 4e-3 * f64::from(scale),
                "{name} {parameter} {i}: {ours} against {difference}"
            );
        }
    }
}

#[test]
fn gradients_are_the_differences_of_the_loss() {
    let smooth = Transfer::custom("smooth", |x| (x * x + 1.0).sqrt() + x, |x| x / (x * x + 1.0).sqrt() + 1.0);
    for transfer in [Transfer::Tanh, Transfer::Sigmoid, Transfer::Softplus, Transfer::Linear, smooth] {
        let leak = Leak::new(10.0, 40.0).tau(&[20.0, 30.0, 40.0, 80.0, 100.0]).noise(0.3).transfer(transfer.clone());
        check_against_differences(&transfer.to_string(), &leaky_weights(), &leak.into(), 3);
    }
    // More trials than a block holds, and an initial state for each.
    let mut weights = leaky_weights();
    weights.insert("init_state", random((35, SIZES.1), 0.5, 8));
    check_against_differences("many", &weights, &Leak::new(10.0, 40.0).transfer(Transfer::Tanh).into(), 35);
    for output in [CellOutput::Tanh, CellOutput::Sigmoid] {
        check_against_differences("lstm", &lstm_weights(1), &Cell { dt: 10.0, output }.into(), 3);
    }
    check_against_differences("lstm", &lstm_weights(4), &Cell { dt: 10.0, output: CellOutput::Tanh }.into(), 4);
}

#[test]
fn a_network_without_inputs_runs_on_its_own() {
    let mut weights = leaky_weights();
    weights.insert("W_in", ndarray::Array2::<f32>::zeros((SIZES.1, 0)));
    let network = Dynamics::new(&weights, Leak::new(10.0, 40.0)).unwrap();
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
    use psychrnn::train::Path;

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
        [Path::Kernel, Path::Libtorch].map(|path| {
            let mut network = build();
            let trainer = trainer().updates(3).batch_size(40).learning_rate(0.1).optimizer(Sgd::default()).silent();
            let training = trainer.path(path).train(network.as_mut(), &TwoLengths).unwrap();
            assert_eq!(training.path, path);
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
            ("Dale", plain().dale_ratio(0.75).autapses(false).transfer(Transfer::Softplus)),
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
}
