//! Training on libtorch: equal to the simulator, the same bits twice, and honest about bad input.

use ndarray::Array2;
use psychrnn::dynamics::Transfer;
use psychrnn::network::{Activity, Trials};
use psychrnn::prelude::*;
use psychrnn::tch::Tensor;
use psychrnn::train::{Clip, Loss};

use crate::numbers::assert_close;

fn short_task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default().duration(600.0)
}

/// What a network does by libtorch, whatever its own `run` does.
fn by_libtorch(network: &dyn Network, batch: &Batch) -> Session {
    let activity = psychrnn::tch::no_grad(|| network.forward(&network.effective()?, &Trials::new(batch)?)).unwrap();
    let array = |tensor: &Tensor| {
        let array: ndarray::ArrayD<f32> = tensor.try_into().unwrap();
        array.into_dimensionality().unwrap()
    };
    let [states, rates, outputs] =
        [activity.states, activity.rates, activity.outputs].map(|tensor| array(&tensor.contiguous()));
    Session::new(batch.clone(), states, rates, outputs).unwrap()
}

#[test]
fn kernel_and_libtorch_compute_the_same() {
    let task = short_task();
    let batch = task.batch(70, Seed(5)).unwrap();
    for (i, transfer) in [Transfer::Relu, Transfer::Tanh, Transfer::Sigmoid, Transfer::Softplus, Transfer::Linear]
        .into_iter()
        .enumerate()
    {
        let tau: Vec<f32> = (0..31).map(|unit| 20.0 + 10.0 * unit as f32).collect();
        let plain =
            RnnConfig::default().units(31).transfer(transfer).seed(i as u64).spectral_radius(0.9, RadiusOf::Raw);
        let noisy = plain.clone().noise(0.2).tau(&tau);
        let constrained = plain.clone().noise(0.1).dale_ratio(0.8).autapses(false);
        for config in [plain, noisy, constrained] {
            let network = Rnn::new(&task, config).unwrap();
            let (kernel, libtorch) = (network.run(&batch).unwrap(), by_libtorch(&network, &batch));
            assert_close("states", &kernel.states, &libtorch.states, 1e-5, 1e-5);
            assert_close("outputs", &kernel.outputs, &libtorch.outputs, 1e-5, 1e-5);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let task = short_task();
    let train = |threads, seed: u64| {
        let mut network = Rnn::new(&task, RnnConfig::default().units(20).noise(0.1).seed(seed)).unwrap();
        let trainer = Trainer::default().updates(12).batch_size(50).seed(seed).threads(threads).silent();
        let losses = trainer.train(&mut network, &task).unwrap().losses;
        (losses, network.weights().unwrap(), network.run(&task.batch(40, Seed(1)).unwrap()).unwrap())
    };
    let one = train(1, 3);
    for threads in [1, 2, 5] {
        let other = train(threads, 3);
        assert_eq!(one.0, other.0);
        assert_eq!(one.1, other.1);
        assert_eq!(one.2, other.2);
    }
    assert_ne!(one.0, train(1, 4).0);
}

#[test]
fn perceptual_discrimination_is_learned() {
    let task = PerceptualDiscrimination::default().dt(20.0).coherences(&[0.3, 0.5]);
    let mut network = Rnn::new(&task, RnnConfig::default().units(30).seed(1)).unwrap();
    let test = task.batch(1000, Seed(99)).unwrap();
    let before = network.run(&test).unwrap().accuracy();
    let trainer = Trainer::default().updates(150).batch_size(64).learning_rate(0.003).seed(1).silent();
    let training = trainer.train(&mut network, &task).unwrap();
    let after = network.run(&test).unwrap().accuracy();
    assert!((0.3..0.7).contains(&before) && after > 0.95, "{before} {after}");
    assert!(training.final_loss() < 0.3 * training.losses[0]);
    assert_eq!((training.updates, training.trials), (150, 9600));
}

#[test]
fn constraints_hold_after_training() {
    let task = short_task();
    let mut mask = Array2::ones((20, 20));
    mask.slice_mut(ndarray::s![..5, 10..]).fill(0.0);
    let config = RnnConfig::default().units(20).recurrent_connectivity(mask.clone()).autapses(false).dale_ratio(0.75);
    let mut network = Rnn::new(&task, config.freeze("W_in").freeze("b_out")).unwrap();
    let before = network.weights().unwrap();
    Trainer::default().updates(20).batch_size(32).learning_rate(0.05).silent().train(&mut network, &task).unwrap();
    let after = network.weights().unwrap();
    for frozen in ["W_in", "b_out"] {
        assert_eq!(before.array(frozen).unwrap(), after.array(frozen).unwrap());
    }
    for trained in ["W_rec", "W_out", "b_rec", "init_state"] {
        assert_ne!(before.array(trained).unwrap(), after.array(trained).unwrap());
    }
    for ((post, pre), &weight) in after.matrix("W_rec").unwrap().indexed_iter() {
        let absent = post == pre || mask[[post, pre]] == 0.0;
        assert!(if absent {
            weight == 0.0
        } else if pre < 15 {
            weight >= 0.0
        } else {
            weight <= 0.0
        });
    }
    for ((_, pre), &weight) in after.matrix("W_out").unwrap().indexed_iter() {
        assert!(if pre < 15 { weight >= 0.0 } else { weight == 0.0 });
    }
}

#[test]
fn a_saved_network_runs_and_trains_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.npz");
    let task = short_task();
    let batch = task.batch(20, Seed(2)).unwrap();
    let network = Rnn::new(&task, RnnConfig::default().units(16).noise(0.1).dale_ratio(0.8).seed(7)).unwrap();
    network.save(&path).unwrap();
    let loaded = Rnn::load(&path).unwrap();
    assert_eq!(loaded.config(), network.config());
    assert_eq!(loaded.weights().unwrap(), network.weights().unwrap());
    assert_eq!(loaded.run(&batch).unwrap(), network.run(&batch).unwrap());
    assert_eq!(Simulator::load(&path).unwrap().run(&batch).unwrap(), network.run(&batch).unwrap());

    let weights = Weights::load(&path).unwrap();
    let contradicting = RnnConfig::default().units(16).autapses(false);
    let error = Rnn::with_weights(&task, contradicting, &weights).unwrap_err().to_string();
    assert!(error.contains("W_rec[0, 0]"), "{error}");
    let wrong_size = Rnn::with_weights(&task, RnnConfig::default().units(17), &weights).unwrap_err().to_string();
    assert!(wrong_size.contains("`units`"), "{wrong_size}");
}

#[test]
fn a_saved_lstm_runs_and_trains_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lstm.npz");
    let task = short_task();
    let batch = task.batch(20, Seed(2)).unwrap();
    for config in [LstmConfig::default(), LstmConfig::psychrnn()] {
        let train = |network: &mut Lstm| {
            Trainer::default().updates(3).batch_size(8).silent().train(network, &task).unwrap().losses
        };
        let mut network = Lstm::new(&task, config.units(9).seed(7)).unwrap();
        train(&mut network);
        network.save(&path).unwrap();
        let mut loaded = Lstm::load(&path).unwrap();
        assert_eq!(loaded.config(), network.config());
        assert_eq!(loaded.weights().unwrap(), network.weights().unwrap());
        assert_eq!(Simulator::load(&path).unwrap().run(&batch).unwrap(), network.run(&batch).unwrap());
        network = Lstm::with_weights(&task, network.config().clone(), &network.weights().unwrap()).unwrap();
        assert_eq!(train(&mut loaded), train(&mut network));
        let error = Rnn::load(&path).unwrap_err().to_string();
        assert!(error.contains("Rnn"), "{error}");
    }
}

/// A gain on the recurrent weights is the same as other recurrent weights; one trial and one channel are enough to run.
#[test]
fn recurrent_weights_can_change_from_step_to_step() {
    struct OneChannel;
    impl Task for OneChannel {
        type Trial = ();
        fn spec(&self) -> TaskSpec {
            TaskSpec::new(1, 1).duration(100.0)
        }
        fn draw(&self, _: &mut TrialRng) {}
        fn step(&self, _: f32, (): &(), rng: &mut TrialRng, now: &mut Step<'_>) {
            now.input[0] = rng.normal(0.0, 1.0);
        }
    }
    let batch = OneChannel.batch(1, Seed(1)).unwrap();
    let half = || ndarray::Array3::from_elem((10, 6, 6), 0.5);
    let rnn = Rnn::new(&OneChannel, RnnConfig::default().units(6).transfer(Transfer::Tanh).seed(1)).unwrap();
    let lstm = Lstm::new(&OneChannel, LstmConfig::default().units(6).seed(1)).unwrap();
    let mut halved = rnn.weights().unwrap();
    halved.insert("W_rec", halved.matrix("W_rec").unwrap() * 0.5);
    let expected = Rnn::with_weights(&OneChannel, rnn.config().clone(), &halved).unwrap().run(&batch).unwrap();
    let session = rnn.simulator().unwrap().recurrent_gain(half()).run(&batch).unwrap();
    assert_close("rnn", &session.states, &expected.states, 1e-6, 1e-7);
    halved = lstm.weights().unwrap();
    for gate in ["W_f", "W_i", "W_c", "W_o"] {
        let mut weights = halved.matrix(gate).unwrap();
        weights.slice_mut(ndarray::s![..6, ..]).mapv_inplace(|w| 0.5 * w);
        halved.insert(gate, weights);
    }
    let expected = Lstm::with_weights(&OneChannel, lstm.config().clone(), &halved).unwrap().run(&batch).unwrap();
    let session = lstm.simulator().unwrap().recurrent_gain(half()).run(&batch).unwrap();
    assert_close("lstm", &session.states, &expected.states, 1e-6, 1e-7);
    let error = lstm.simulator().unwrap().recurrent_gain(ndarray::Array3::ones((9, 6, 6))).run(&batch).unwrap_err();
    assert!(error.to_string().contains("`recurrent_gain`"), "{error}");
}

/// Trials of two lengths, with a target throughout.
struct TwoLengths;
impl Task for TwoLengths {
    type Trial = ();
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 2).epoch("all", Duration::choice(&[100.0, 400.0]))
    }
    fn draw(&self, _: &mut TrialRng) {}
    fn step(&self, _: f32, (): &(), rng: &mut TrialRng, now: &mut Step<'_>) {
        now.input[0] = rng.normal(0.0, 1.0);
        now.target[1] = 1.0;
    }
}

#[test]
fn padding_counts_in_no_denominator() {
    let network = Rnn::new(&TwoLengths, RnnConfig::default().units(10).noise(0.1)).unwrap();
    let loss = |batch: &Batch| {
        let trials = Trials::new(batch).unwrap();
        let activity = network.forward(&network.effective().unwrap(), &trials).unwrap();
        MeanSquaredError::default().loss(&activity, &trials).unwrap().double_value(&[])
    };
    let batch = TwoLengths.batch(12, Seed(1)).unwrap();
    let steps: usize = batch.lengths.iter().sum();
    assert!(steps < 12 * batch.n_steps());
    let alone: f64 =
        (0..12).map(|i| loss(&TwoLengths.trials(i..i + 1, Seed(1)).unwrap()) * batch.lengths[i as usize] as f64).sum();
    assert!((loss(&batch) - alone / steps as f64).abs() < 1e-6);
    let valid = Trials::new(&batch).unwrap().valid().unwrap().unwrap();
    assert_eq!(valid.sum(psychrnn::tch::Kind::Float).double_value(&[]), steps as f64);
}

/// A loss of the user's own, here one that pulls all outputs to a number.
#[derive(Debug)]
struct Pull(f64);
impl Loss for Pull {
    fn loss(&self, activity: &Activity, _: &Trials) -> Result<Tensor> {
        Ok((&activity.outputs - self.0).square().mean(psychrnn::tch::Kind::Float))
    }
}

#[test]
fn a_loss_of_ones_own_trains() {
    let task = short_task();
    let mut network = Rnn::new(&task, RnnConfig::default().units(10)).unwrap();
    let trainer = Trainer::default().updates(150).batch_size(8).learning_rate(0.02).loss(Pull(0.7)).silent();
    assert!(trainer.train(&mut network, &task).unwrap().final_loss() < 0.01);
}

#[test]
fn arguments_that_make_no_sense_are_refused_by_name() {
    let task = short_task();
    let refused = |config: RnnConfig| Rnn::new(&task, config).unwrap_err().to_string();
    let plain = RnnConfig::default;
    for (config, name) in [
        (plain().units(0), "`units`"),
        (plain().noise(-0.1), "`noise`"),
        (plain().noise(f32::NAN), "`noise`"),
        (plain().tau(&[100.0, 50.0]), "`tau`"),
        (plain().tau(&[5.0]), "`tau`"),
        (plain().spectral_radius(0.0, RadiusOf::Raw), "`radius`"),
        (plain().freeze("W_recc"), "W_recc"),
        (plain().dale_ratio(0.0), "`dale_ratio`"),
        (plain().dale_ratio(1.5), "`dale_ratio`"),
        (plain().units(3).dale_ratio(0.1), "`dale_ratio`"),
        (plain().units(4).recurrent_connectivity(Array2::ones((3, 4))), "`recurrent_connectivity`"),
        (plain().units(4).input_connectivity(Array2::from_elem((4, 2), 1.5)), "`input_connectivity`"),
        (plain().units(4).input_connectivity(Array2::from_elem((4, 2), -0.5)), "`input_connectivity`"),
    ] {
        let error = refused(config);
        assert!(error.contains(name), "{error}");
    }
    let mut network = Rnn::new(&task, plain().units(5)).unwrap();
    let weights = network.weights().unwrap();
    let trainer = || Trainer::default().updates(2).batch_size(4).silent();
    for (trainer, name) in [
        (trainer().updates(0), "`updates`"),
        (trainer().trials(0), "`trials`"),
        (trainer().batch_size(0), "`batch_size`"),
        (trainer().learning_rate(-1.0), "`learning_rate`"),
        (trainer().learning_rate(f64::NAN), "`learning_rate`"),
        (trainer().optimizer(Adam { beta1: 1.0, ..Adam::default() }), "`beta1`"),
        (trainer().optimizer(Sgd { momentum: -0.1, nesterov: false }), "`momentum`"),
        (trainer().schedule(Schedule::custom(|_| f64::NAN)), "`schedule`"),
        (trainer().regularizer(L2Weights::new("W_rec", -1.0)), "regularizer"),
        (trainer().regularizer(L2Weights::new("W_re", 1.0)), "`W_re`"),
        (trainer().record_every(0), "`record_every`"),
        (trainer().until(f64::NAN), "`until`"),
        (trainer().clip(Clip::PerParameter(0.0)), "`clip`"),
        (trainer().threads(0), "`threads`"),
    ] {
        let error = trainer.train(&mut network, &task).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let error = trainer().train(&mut network, &TwoLengths).unwrap_err().to_string();
    assert!(error.contains("n_in"), "{error}");
    let error = trainer().train(&mut network, &short_task().dt(20.0)).unwrap_err().to_string();
    assert!(error.contains("dt"), "{error}");
    assert!(network.run(&TwoLengths.batch(2, Seed(0)).unwrap()).is_err());
    assert_eq!(network.weights().unwrap(), weights);
}

/// Scores one trial in fifty.
struct Seldom;

impl Task for Seldom {
    type Trial = ();
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 1).duration(50.0)
    }
    fn draw(&self, _: &mut TrialRng) {}
    fn step(&self, _: f32, (): &(), rng: &mut TrialRng, now: &mut Step<'_>) {
        now.mask.fill(f32::from(u8::from(rng.number() % 50 == 7)));
    }
}

#[test]
fn trials_in_which_nothing_counts_are_refused_before_anything_is_learned() {
    let trainer = || Trainer::default().updates(3).batch_size(2).silent();
    let task = short_task();
    let mut network = Rnn::new(&task, RnnConfig::default().units(5)).unwrap();
    let before = network.weights().unwrap();
    let rest = psychrnn::tasks::Rest::of(&task).unwrap().duration(100.0);
    let recorded = rest.batch(4, Seed(0)).unwrap();
    for source in [&rest as &dyn TrialSource, &recorded] {
        let error = trainer().train(&mut network, source).unwrap_err().to_string();
        assert!(error.contains("`mask` must be other than 0 somewhere"), "{error}");
    }
    let error = trainer().validation(recorded.clone()).train(&mut network, &task).unwrap_err().to_string();
    assert!(error.contains("`mask of the validation`"), "{error}");
    assert_eq!(network.weights().unwrap(), before);
    // It runs, and a small batch may be without.
    network.run(&recorded).unwrap();
    let mut network = Rnn::new(&Seldom, RnnConfig::default().units(5)).unwrap();
    trainer().train(&mut network, &Seldom).unwrap();
}

#[test]
fn training_that_diverges_stops_with_the_last_finite_weights() {
    let task = short_task();
    let mut network = Rnn::new(&task, RnnConfig::default().units(10).spectral_radius(1e4, RadiusOf::Raw)).unwrap();
    let weights = network.weights().unwrap();
    let error = Trainer::default().updates(3).silent().train(&mut network, &task).unwrap_err().to_string();
    assert!(error.contains("diverged at update 1"), "{error}");
    assert_eq!(network.weights().unwrap(), weights);
}

#[test]
fn long_gradients_are_clipped_for_each_parameter() {
    // With plain gradients Adam's first moment after one step is (1 - β₁) g, so its norm shows the clipping; here the
    // first step of two trainers that differ only in the limit must differ for a large loss and agree for a small one.
    let task = short_task();
    let train = |clip, target| {
        let mut network = Rnn::new(&task, RnnConfig::default().units(6).seed(2)).unwrap();
        let trainer = Trainer::default().updates(2).batch_size(8).loss(Pull(target)).clip(clip).silent();
        trainer.train(&mut network, &task).unwrap();
        network.weights().unwrap()
    };
    assert_ne!(train(Clip::PerParameter(1.0), 50.0), train(Clip::None, 50.0));
    assert_eq!(train(Clip::PerParameter(1e6), 50.0), train(Clip::None, 50.0));
}

#[test]
fn an_ensemble_is_its_networks_trained_one_by_one() {
    let task = |coherence: f32| PerceptualDiscrimination::default().coherences(&[coherence]);
    let trainer = |seed: u64| Trainer::default().updates(6).batch_size(20).seed(seed).silent();
    let network = |seed: u64| Rnn::new(&task(0.3), RnnConfig::default().units(8 + seed as usize).seed(seed)).unwrap();
    let curriculum =
        || Curriculum::new().stage(task(0.5), 0.3).stage(task(0.1), Goal::custom(|_| false)).every(2).trials(10);
    let mut ensemble = Ensemble::new().silent();
    for seed in 0..4 {
        ensemble.add(&format!("plain {seed}"), network(seed), trainer(seed), task(0.3));
    }
    ensemble.add_curriculum("curriculum", network(7), trainer(7), curriculum());
    // This one cannot be trained; the others are none the worse for it.
    ensemble.add("wrong", network(5), trainer(5), MatchToCategory::default());
    let report = ensemble.train().unwrap();

    for seed in 0..4 {
        let mut alone = network(seed);
        let training = trainer(seed).threads(2).train(&mut alone, &task(0.3)).unwrap();
        let member = &ensemble.members[seed as usize];
        assert_eq!(member.network.weights().unwrap(), alone.weights().unwrap(), "{}", member.name);
        assert_eq!(report.members[seed as usize].training.as_ref().unwrap().losses, training.losses);
    }
    let mut alone = network(7);
    let training = trainer(7).train_curriculum(&mut alone, &curriculum()).unwrap();
    assert_eq!(ensemble.members[4].network.weights().unwrap(), alone.weights().unwrap());
    assert_eq!(report.members[4].training.as_ref().unwrap().checks, training.checks);

    assert!(report.members[5].error.as_ref().unwrap().contains("n_in"), "{:?}", report.members[5].error);
    assert!(report.trainings().unwrap_err().to_string().contains("wrong"));
    let table = report.table();
    assert_eq!(table.column("updates").unwrap()[0], 6.into());
    assert_eq!(table.column("updates").unwrap()[5], Value::Missing);

    let mut twice = Ensemble::new().silent();
    assert!(twice.train().is_err());
    twice.add("a", network(1), trainer(1), task(0.3));
    twice.add("a", network(2), trainer(2), task(0.3));
    assert!(twice.train().unwrap_err().to_string().contains("name"));
}

#[test]
fn little_memory_gives_the_same_bits() {
    let task = PerceptualDiscrimination::default();
    let train = |memory: usize| {
        let mut network = Rnn::new(&task, RnnConfig::default().units(30).noise(0.1)).unwrap();
        let trainer =
            Trainer::default().updates(3).batch_size(40).memory(memory).regularizer(L2Rates::new(0.1)).silent();
        let training = trainer.train(&mut network, &task).unwrap();
        (network.weights().unwrap(), training.losses)
    };
    assert_eq!(train(0), train(1024));
}

#[test]
fn a_card_that_is_not_there_is_refused_and_the_network_stays_as_it_was() {
    let task = short_task();
    let mut network = Rnn::new(&task, RnnConfig::default().units(5)).unwrap();
    let before = network.weights().unwrap();
    let trainer = Trainer::default().updates(1).device(Device::Cuda(99)).silent();
    let message = trainer.train(&mut network, &task).unwrap_err().to_string();
    assert!(message.starts_with("cannot compute on cuda:99: ") && message.contains("setup --cuda"), "{message}");
    assert_eq!(network.weights().unwrap(), before);
    let message = trainer.backend(psychrnn::train::Backend::Kernel).train(&mut network, &task).unwrap_err().to_string();
    assert!(message.contains("`backend` must be libtorch on cuda:99"), "{message}");
}
