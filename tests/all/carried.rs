//! States that are carried over from trial to trial in training.

use ndarray::{Array2, Axis};
use psychrnn::prelude::*;
use psychrnn::simulate::Session;
use psychrnn::train::Backend;

/// Trials of two lengths with inputs at random.
struct Noise;

impl Task for Noise {
    type Trial = ();

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(2, 1).dt(10.0).tau(100.0).epoch("all", Duration::choice(&[100.0, 250.0]))
    }

    fn draw(&self, _: &mut TrialRng) {}

    fn step(&self, _: f32, (): &(), rng: &mut TrialRng, now: &mut Step) {
        now.input.iter_mut().for_each(|input| *input = rng.normal(0.3, 1.0));
        now.target[0] = 0.5;
    }
}

const ROWS: usize = 5;

fn network() -> Rnn {
    // Slow enough that the states at the beginning matter throughout.
    let config = RnnConfig::default().units(8).transfer(Transfer::Tanh).noise(0.1).dale_ratio(0.75).seed(1);
    Rnn::new(&Noise, config).unwrap()
}

fn trainer() -> Trainer {
    Trainer::default().batch_size(ROWS).seed(4).optimizer(Sgd::default()).silent().carry_state(true)
}

/// The batch of an update, counted from 0.
fn batch(update: u64) -> Batch {
    Noise.trials(update * ROWS as u64..(update + 1) * ROWS as u64, Seed(4).child("training")).unwrap()
}

/// The network from these states on.
fn run(network: &Rnn, start: Option<&Array2<f32>>, batch: &Batch) -> Session {
    let mut weights = network.weights().unwrap();
    start.into_iter().for_each(|start| weights.insert("init_state", start.clone()));
    Simulator::new(&weights, network.constants().unwrap()).unwrap().run(batch).unwrap()
}

fn ends(session: &Session) -> Array2<f32> {
    let rows = session.states.outer_iter().zip(&session.batch.lengths);
    let ends: Vec<_> = rows.map(|(states, &length)| states.index_axis_move(Axis(0), length - 1)).collect();
    ndarray::stack(Axis(0), &ends.iter().map(|end| end.view()).collect::<Vec<_>>()).unwrap()
}

/// The error where there is no padding.
fn loss(session: &Session) -> f64 {
    let errors = session.outputs.outer_iter().zip(&session.batch.lengths);
    let sum = |(outputs, &length): (ndarray::ArrayView2<'_, f32>, &usize)| {
        outputs.iter().take(length).map(|z| f64::from(z - 0.5).powi(2)).sum::<f64>()
    };
    errors.map(sum).sum::<f64>() / session.batch.lengths.iter().sum::<usize>() as f64
}

#[test]
fn a_trial_goes_on_where_the_one_before_it_ended() {
    for backend in [Backend::Kernel, Backend::Libtorch] {
        let mut network = network();
        let validation = Noise.batch(2 * ROWS + 1, Seed(9)).unwrap();
        // Steps too small to be seen in the losses.
        let trainer = trainer().learning_rate(1e-9).backend(backend).validation(validation.clone()).check_every(3);
        let training = trainer.clone().updates(3).train(&mut network, &Noise).unwrap();
        let (mut states, mut afresh) = (None, Vec::new());
        for (update, &found) in training.losses.iter().enumerate() {
            let session = run(&network, states.as_ref(), &batch(update as u64));
            let expected = loss(&session);
            assert!((found - expected).abs() < 1e-5 * expected, "{backend:?}, {update}: {found}, {expected}");
            afresh.push((loss(&run(&network, None, &session.batch)) - expected).abs() / expected);
            states = Some(ends(&session));
        }
        assert!(afresh[0] == 0.0 && afresh[1..].iter().all(|apart| *apart > 0.01), "{afresh:?}");
        // Checks go on from there, too, and training that is called again from where training was.
        let in_turn = |states: &Array2<f32>| {
            states.select(Axis(0), &(0..validation.n_trials()).map(|trial| trial % ROWS).collect::<Vec<_>>())
        };
        let expected = loss(&run(&network, states.as_ref().map(in_turn).as_ref(), &validation));
        assert!((training.checks[0].loss - expected).abs() < 1e-5 * expected, "{backend:?}");
        let training = trainer.clone().updates(1).train(&mut network, &Noise).unwrap();
        let expected = loss(&run(&network, states.as_ref(), &batch(3)));
        assert!((training.losses[0] - expected).abs() < 1e-5 * expected, "{backend:?}");
        // Another number of rows begins anew, as does training that carries nothing over.
        for other in [trainer.clone().batch_size(ROWS + 1), trainer.clone().carry_state(false)] {
            other.updates(1).train(&mut network, &Noise).unwrap();
            let carried = network.parameters().memory.carried.values().next().map(|states| states.len_of(Axis(0)));
            assert!(carried.is_none_or(|rows| rows == ROWS + 1));
        }
    }
}

#[test]
fn gradients_end_where_a_trial_begins() {
    const H: f32 = 1e-2;
    let mut network = network();
    trainer().learning_rate(1e-9).updates(1).train(&mut network, &Noise).unwrap();
    let states = ends(&run(&network, None, &batch(0)));
    let before = network.weights().unwrap();
    trainer().learning_rate(1e-3).clip(Clip::None).updates(1).train(&mut network, &Noise).unwrap();
    let after = network.weights().unwrap();
    for name in ["W_rec", "W_in", "b_rec", "W_out"] {
        for (at, &weight) in before.array(name).unwrap().indexed_iter() {
            // The sign of a weight is its own under Dale's principle.
            if weight.abs() < 2.0 * H && name != "b_rec" {
                continue;
            }
            let moved = |by: f32| {
                let mut weights = before.clone();
                let mut array = before.array(name).unwrap().clone();
                array[&at] += by;
                weights.insert(name, array);
                weights.insert("init_state", states.clone());
                loss(&Simulator::new(&weights, network.constants().unwrap()).unwrap().run(&batch(1)).unwrap())
            };
            let expected = (moved(H) - moved(-H)) / (2.0 * f64::from(H));
            let found = f64::from(weight - after.array(name).unwrap()[&at]) / 1e-3;
            assert!((found - expected).abs() < 2e-2 * expected.abs() + 2e-3, "{name} {at:?}: {found}, {expected}");
        }
    }
    assert_eq!(before.array("init_state").unwrap(), after.array("init_state").unwrap());
}

#[test]
fn what_is_carried_over_is_in_a_checkpoint() {
    let (mut undisturbed, mut in_two) = (network(), network());
    let trainer = trainer().learning_rate(0.05).optimizer(Adam::default());
    let whole = trainer.clone().updates(6).train(&mut undisturbed, &Noise).unwrap();
    let expected = undisturbed.weights().unwrap();
    trainer.clone().updates(2).train(&mut in_two, &Noise).unwrap();
    trainer.clone().updates(4).train(&mut in_two, &Noise).unwrap();
    assert_eq!(in_two.weights().unwrap(), expected);

    let folder = tempfile::tempdir().unwrap();
    let saving = trainer.checkpoint(folder.path(), Every::Updates(1));
    saving.clone().updates(3).train(&mut network(), &Noise).unwrap();
    let mut resumed = network();
    let training = saving.resume().updates(6).train(&mut resumed, &Noise).unwrap();
    assert_eq!((training.losses, resumed.weights().unwrap()), (whole.losses, expected));
}

#[test]
fn a_network_without_one_initial_state_is_refused() {
    let mut lstm = Lstm::new(&Noise, LstmConfig::default().units(4)).unwrap();
    let error = trainer().updates(1).train(&mut lstm, &Noise).unwrap_err().to_string();
    assert!(error.contains("carry_state"), "{error}");
}
