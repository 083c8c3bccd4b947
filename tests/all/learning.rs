//! Every task is learned: accuracy on trials that the network has not seen.

use psychrnn::network::{Activity, Parameters, Sizes, Tensors, Trials};
use psychrnn::prelude::*;

fn learned(network: &mut dyn Network, task: &dyn TrialSource, updates: usize, rate: f64) -> f64 {
    let test = task.batch(500, Seed(99)).unwrap();
    let trainer = Trainer::default().updates(updates).batch_size(64).learning_rate(rate).seed(1).silent();
    let training = trainer.train(network, task).unwrap();
    assert!(training.final_loss() < 0.4 * training.losses[0], "{} from {}", training.final_loss(), training.losses[0]);
    network.run(&test).unwrap().accuracy()
}

fn discrimination() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().dt(20.0).duration(1000.0).coherences(&[0.3, 0.5])
}

fn delayed() -> DelayedDiscrimination {
    let short = DelayedDiscrimination::default().dt(20.0).duration(1000.0).fixation(100.0).first(200.0);
    short.delay(Duration::uniform(100.0, 300.0)).second(200.0).decision(200.0)
}

fn category() -> MatchToCategory {
    MatchToCategory::default().dt(20.0).fixation(100.0).stimulus(300.0).decision(200.0)
}

/// Which of two cues was shown before a delay.
struct Memory;

impl Task for Memory {
    type Trial = Cue;

    fn spec(&self) -> TaskSpec {
        let delay = Duration::uniform(320.0, 480.0);
        TaskSpec::new(3, 2).dt(20.0).tau(100.0).epoch("cue", 200.0).epoch("delay", delay).epoch("answer", 300.0)
    }

    fn draw(&self, rng: &mut TrialRng) -> Cue {
        Cue { side: rng.index(2) }
    }

    fn step(&self, _: f32, trial: &Cue, _: &mut TrialRng, now: &mut Step) {
        if now.is_in("cue") {
            now.input[trial.side] = 1.0;
        }
        if now.is_in("answer") {
            (now.input[2], now.target[trial.side]) = (1.0, 1.0);
            now.mask.fill(1.0);
        }
    }
}

#[derive(Clone, Trial)]
struct Cue {
    side: usize,
}

#[test]
fn a_delay_is_learned_sooner_where_gradients_are_kept_from_vanishing() {
    let updates = [0.0, 2.0].map(|strength| {
        let train = |seed: u64| {
            let initial = InitialWeights::pycog();
            let config = RnnConfig::default().units(50).dale_ratio(0.8).dale(Dale::Rectified).initial(initial);
            let config = config.spectral_radius(1.2, RadiusOf::Effective).noise(0.05).seed(seed);
            let mut network = Rnn::new(&Memory, config).unwrap();
            let trainer = Trainer::default().updates(1000).batch_size(20).learning_rate(0.003).seed(seed).silent();
            let trainer = trainer.loss(MeanSquaredError { per_mask: true }).clip(Clip::Global(1.0));
            let trainer = trainer.until(0.95).check_every(25).check_trials(200).vanishing_gradient(strength);
            let training = trainer.train(&mut network, &Memory).unwrap();
            let accuracy = network.run(&Memory.batch(500, Seed(1000)).unwrap()).unwrap().accuracy();
            assert!(accuracy > 0.9, "strength {strength}, seed {seed}: {accuracy}");
            training.updates
        };
        (0..3).map(train).sum::<usize>()
    });
    assert!(3 * updates[1] < 2 * updates[0], "{updates:?}");
}

#[test]
fn an_rnn_learns_each_task() {
    let tasks: [(&str, Box<dyn TrialSource>, usize); 3] = [
        ("perceptual discrimination", Box::new(discrimination()), 150),
        ("delayed discrimination", Box::new(delayed()), 400),
        ("match to category", Box::new(category()), 150),
    ];
    for (name, task, updates) in tasks {
        let mut network = Rnn::new(task.as_ref(), RnnConfig::default().units(40).seed(1)).unwrap();
        let accuracy = learned(&mut network, task.as_ref(), updates, 0.005);
        assert!(accuracy > 0.9, "{name}: {accuracy}");
    }
}

#[test]
fn an_lstm_learns_each_task() {
    let tasks: [(&str, Box<dyn TrialSource>, usize); 3] = [
        ("perceptual discrimination", Box::new(discrimination()), 150),
        ("delayed discrimination", Box::new(delayed()), 400),
        ("match to category", Box::new(category()), 150),
    ];
    for (name, task, updates) in tasks {
        let mut network = Lstm::new(task.as_ref(), LstmConfig::default().units(30).seed(1)).unwrap();
        let accuracy = learned(&mut network, task.as_ref(), updates, 0.01);
        assert!(accuracy > 0.9, "{name}: {accuracy}");
    }
}

#[test]
fn psychrnns_lstm_learns() {
    let task = category();
    let mut network = Lstm::new(&task, LstmConfig::psychrnn().units(30).seed(1)).unwrap();
    let accuracy = learned(&mut network, &task, 250, 0.01);
    assert!(accuracy > 0.9, "{accuracy}");
}

#[test]
fn constrained_networks_learn() {
    let task = discrimination();
    let config = RnnConfig::default().units(40).dale_ratio(0.8).autapses(false).noise(0.05).seed(2);
    let mut network = Rnn::new(&task, config).unwrap();
    let accuracy = learned(&mut network, &task, 250, 0.005);
    assert!(accuracy > 0.9, "{accuracy}");
}

#[test]
fn a_curriculum_ends_when_its_last_stage_is_passed() {
    let at = |coherence: f32| discrimination().coherences(&[coherence]);
    let curriculum =
        Curriculum::new().stage(at(0.7), 0.9).stage(at(0.4), 0.9).stage(at(0.2), 0.85).every(5).trials(200);
    let mut network = Rnn::new(&at(0.2), RnnConfig::default().units(40).seed(1)).unwrap();
    let trainer = Trainer::default().updates(800).batch_size(64).learning_rate(0.005).seed(1).silent();
    let training = trainer.train_curriculum(&mut network, &curriculum).unwrap();
    assert_eq!(training.stop, psychrnn::train::Stop::Reached);
    assert!(training.updates < 800);
    let passed: Vec<usize> = training.checks.iter().filter(|check| check.passed).map(|check| check.stage).collect();
    assert_eq!(passed, [0, 1, 2]);
    for check in &training.checks {
        assert_eq!(check.update % 5, 0);
        assert_eq!(check.passed, check.value >= [0.9, 0.9, 0.85][check.stage]);
    }
    let accuracy = network.run(&at(0.2).batch(1000, Seed(5)).unwrap()).unwrap().accuracy();
    assert!(accuracy > 0.8, "{accuracy}");
    // One stage by itself is the same thing as training until a threshold.
    let error = trainer.until(0.9).train_curriculum(&mut network, &curriculum).unwrap_err().to_string();
    assert!(error.contains("`until`"), "{error}");
    let mixed = Curriculum::new().stage(at(0.2), 0.9).stage(category(), 0.9).check().unwrap_err().to_string();
    assert!(mixed.contains("stage 1"), "{mixed}");
    assert!(Curriculum::new().check().is_err());
}

#[test]
fn training_stops_at_its_goal_and_leaves_its_traces() {
    let folder = tempfile::tempdir().unwrap();
    let task = discrimination().coherences(&[0.5]);
    let mut network = Rnn::new(&task, RnnConfig::default().units(40).seed(1)).unwrap();
    let lower_is_worse = |session: &Session| -session.outputs.iter().map(|z| (z - 0.5).abs()).sum::<f32>() as f64;
    let trainer = Trainer::default().updates(40).batch_size(16).record_every(4).save_every(10, folder.path()).silent();
    let training = trainer
        .clone()
        .until(Goal::at_least(1e9))
        .metric(lower_is_worse)
        .check_every(20)
        .train(&mut network, &task)
        .unwrap();
    assert_eq!(training.recorded, (1..=10).map(|i| 4 * i).collect::<Vec<_>>());
    assert_eq!(training.losses.len(), 10);
    assert_eq!(training.checks.iter().map(|check| check.update).collect::<Vec<_>>(), [20, 40]);
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["weights-000010.npz", "weights-000020.npz", "weights-000030.npz", "weights-000040.npz"]);
    let last = Rnn::load(folder.path().join("weights-000040.npz")).unwrap();
    assert_eq!(last.weights().unwrap(), network.weights().unwrap());
    let reached = trainer.updates(400).until(0.9).learning_rate(0.005).train(&mut network, &task).unwrap();
    assert_eq!(reached.stop, psychrnn::train::Stop::Reached);
    let path = folder.path().join("training.json");
    reached.save(&path).unwrap();
    let read: Training = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(read, reached);
}

/// PsychRNN's documentation defines a network with a feed-forward layer between the inputs and the recurrent units. All that
/// an `Rnn` can (constraints, noise) stays: the layer's weights are one more parameter of it.
struct FeedForwardInput {
    rnn: Rnn,
    n_in: usize,
}

impl FeedForwardInput {
    fn new(task: &dyn TrialSource, n_layer: usize) -> Result<Self> {
        let spec = task.spec()?;
        let mut rnn = Rnn::from_spec(
            &TaskSpec { n_in: n_layer, ..spec.clone() },
            RnnConfig::default().units(30).dale_ratio(0.8),
        )?;
        let mut rng = Seed(4).stream(0);
        let layer = ndarray::Array2::from_shape_simple_fn((n_layer, spec.n_in), || rng.normal(0.0, 0.5));
        rnn.parameters_mut().insert("W_layer", &layer)?;
        Ok(Self { rnn, n_in: spec.n_in })
    }
}

impl Network for FeedForwardInput {
    fn sizes(&self) -> Sizes {
        Sizes { n_in: self.n_in, ..self.rnn.sizes() }
    }
    fn parameters(&self) -> &Parameters {
        self.rnn.parameters()
    }
    fn parameters_mut(&mut self) -> &mut Parameters {
        self.rnn.parameters_mut()
    }
    fn effective(&self) -> Result<Tensors> {
        self.rnn.effective()
    }
    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let layer = trials.inputs.f_matmul(&weights.get("W_layer")?.f_tr()?)?.f_relu()?;
        self.rnn.forward(weights, &trials.with_inputs(layer))
    }
}

#[test]
fn a_network_of_ones_own_learns() {
    let task = discrimination();
    let mut network = FeedForwardInput::new(&task, 10).unwrap();
    let before = network.weights().unwrap();
    let accuracy = learned(&mut network, &task, 200, 0.005);
    assert!(accuracy > 0.9, "{accuracy}");
    let after = network.weights().unwrap();
    assert_ne!(before.array("W_layer").unwrap(), after.array("W_layer").unwrap());
    assert!(after.matrix("W_in").unwrap().iter().all(|&weight| weight >= 0.0));
}

#[test]
fn transfer_functions_of_ones_own_run_and_train() {
    let task = discrimination();
    let batch = task.batch(20, Seed(1)).unwrap();
    let train = |config: RnnConfig| {
        let mut network = Rnn::new(&task, config.units(10).seed(3)).unwrap();
        Trainer::default().updates(5).batch_size(16).silent().train(&mut network, &task).unwrap();
        network
    };
    let plain = || RnnConfig::default();
    let builtin = train(plain().transfer(Transfer::Tanh));
    let scalar = train(plain().transfer(Transfer::custom("tanh", f32::tanh, |x| 1.0 - x.tanh().powi(2))));
    let tensor = train(plain().tensor_transfer("tanh", |x| Ok(x.f_tanh()?)));
    let outputs = builtin.run(&batch).unwrap().outputs;
    for network in [&scalar, &tensor] {
        let difference = &network.run(&batch).unwrap().outputs - &outputs;
        assert!(difference.iter().all(|x| x.abs() < 1e-4));
    }
    let error = tensor.simulator().unwrap_err().to_string();
    assert!(error.contains("tanh") && error.contains("transfer"), "{error}");
}

#[test]
fn choices_are_learned_as_probabilities() {
    /// The first or the second channel was on: one output for each, of which one is right.
    #[derive(Clone, Trial)]
    struct Side {
        side: usize,
    }
    struct Sides;
    impl Task for Sides {
        type Trial = Side;
        fn spec(&self) -> TaskSpec {
            TaskSpec::new(2, 2).dt(20.0).epoch("cue", 200.0).epoch("answer", 200.0)
        }
        fn draw(&self, rng: &mut TrialRng) -> Side {
            Side { side: rng.index(2) }
        }
        fn step(&self, _: f32, trial: &Side, rng: &mut TrialRng, now: &mut Step) {
            now.mask.fill(f32::from(u8::from(now.is_in("answer"))));
            now.input.fill(rng.normal(0.0, 0.1));
            if now.is_in("cue") {
                now.input[trial.side] += 1.0;
            }
            now.target[trial.side] = 1.0;
        }
    }
    let test = Sides.batch(200, Seed(9)).unwrap();
    let config = || RnnConfig::default().units(16).seed(1);
    let train = |config: RnnConfig, trainer: Trainer| {
        let mut network = Rnn::new(&Sides, config).unwrap();
        trainer.updates(120).batch_size(32).learning_rate(0.01).silent().train(&mut network, &Sides).map(|_| network)
    };
    let categorical = CategoricalCrossEntropy { per_mask: true, ..CategoricalCrossEntropy::default() };
    let binary = BinaryCrossEntropy { per_mask: true, ..BinaryCrossEntropy::default() };
    for (readout, trainer) in [
        (Readout::Softmax, Trainer::default().loss(categorical)),
        (Readout::Sigmoid, Trainer::default().loss(binary)),
        (Readout::Linear, Trainer::default().loss(CategoricalCrossEntropy { logits: true, per_mask: true })),
    ] {
        let network = train(config().readout(readout), trainer).unwrap();
        let session = network.run(&test).unwrap();
        assert!(session.accuracy() > 0.97, "{readout}: {}", session.accuracy());
        if readout == Readout::Softmax {
            assert!(session.outputs.sum_axis(ndarray::Axis(2)).iter().all(|sum| (sum - 1.0).abs() < 1e-5));
        }
        // Files keep the readout.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.npz");
        network.save(&path).unwrap();
        assert_eq!(Rnn::load(&path).unwrap().run(&test).unwrap().outputs, session.outputs);
        assert_eq!(Simulator::load(&path).unwrap().run(&test).unwrap().outputs, session.outputs);
        // A perturbation that changes nothing runs through other code.
        let simulator = network.simulator().unwrap().scale_recurrent(.., .., 1.0, ..);
        assert_eq!(simulator.run(&test).unwrap().outputs, session.outputs);
    }
    for (readout, trainer, word) in [
        (Readout::Linear, Trainer::default().loss(categorical), "softmax"),
        (Readout::Sigmoid, Trainer::default().loss(BinaryCrossEntropy { logits: true, per_mask: true }), "logits"),
        (Readout::Softmax, Trainer::default().loss(CategoricalCrossEntropy { logits: true, per_mask: true }), "logits"),
    ] {
        let error = train(config().readout(readout), trainer).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let error = Rnn::new(&Sides, config().readout(Readout::RectifiedPower { power: 0.5 })).unwrap_err().to_string();
    assert!(error.contains("power") && error.contains("0.5"), "{error}");
}
