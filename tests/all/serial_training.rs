//! Training on trials that follow one another.

use ndarray::{Array2, Axis, s};
use psychrnn::analysis::ChoiceHistory;
use psychrnn::prelude::*;
use psychrnn::task::{Answers, Blocks, Senses, Sessions, Transitions};
use psychrnn::tasks::RandomDots;
use psychrnn::train::Backend;

/// Trials of a fifth of a second, some of them without evidence.
fn dots() -> RandomDots {
    RandomDots::fixed_duration().catch(0.0).fixation(40.0).stimulus(100.0).decision(60.0).coherences(&[0.0, 0.1, 0.4])
}

fn repeating(p: f32) -> Answers<Transitions, RandomDots> {
    Transitions::repeat(p).of(dots())
}

/// Sessions of so many trials with pauses that are drawn, so that trials differ in length.
fn task(session: usize) -> impl Task {
    let senses = Senses::default().choice(true);
    Sessions::lasting(session).iti(Duration::uniform(0.0, 60.0)).senses(senses).of(repeating(0.8))
}

const ROWS: u64 = 3;
const ROW: u64 = 4;
const BATCH: u64 = ROWS * ROW;

fn network(task: &impl Task) -> Rnn {
    Rnn::new(task, RnnConfig::default().units(8).transfer(Transfer::Tanh).noise(0.1).seed(1)).unwrap()
}

fn trainer() -> Trainer {
    Trainer::default().batch_size(BATCH as usize).consecutive(ROW as usize).seed(4).optimizer(Sgd::default()).silent()
}

/// The trials of a row of an update that has sessions of twelve trials, counted from 0.
fn row(task: &impl Task, update: u64, row: u64) -> Batch {
    let first = (update / 3 * ROWS + row) * 12 + update % 3 * ROW;
    task.trials(first..first + ROW, Seed(4).child("training")).unwrap()
}

/// The network on trials one after another, from this state on.
fn run(network: &Rnn, start: Option<&Array2<f32>>, batch: &Batch) -> Session {
    let mut weights = network.weights().unwrap();
    start.into_iter().for_each(|start| weights.insert("init_state", start.clone()));
    Simulator::new(&weights, network.constants().unwrap()).unwrap().run_consecutively(batch).unwrap()
}

/// The state at the end.
fn end(session: &Session) -> Array2<f32> {
    let last = session.n_trials() - 1;
    session.states.slice(s![last, session.batch.lengths[last] - 1, ..]).to_owned().insert_axis(Axis(0))
}

/// Squared errors and the steps that they are of.
fn errors(session: &Session) -> (f64, usize) {
    let (batch, mut sum) = (&session.batch, 0.0);
    for ((z, target), mask) in session.outputs.iter().zip(&batch.targets).zip(&batch.mask) {
        sum += f64::from(mask * (z - target)).powi(2);
    }
    (sum, batch.lengths.iter().sum::<usize>() * batch.spec.n_out)
}

fn loss<'a>(sessions: impl IntoIterator<Item = &'a Session>) -> f64 {
    let (sum, steps) = sessions.into_iter().map(errors).fold((0.0, 0), |(a, b), (c, d)| (a + c, b + d));
    sum / steps as f64
}

#[test]
fn rows_are_sessions_that_go_on_from_update_to_update() {
    let task = task(12);
    for (backend, carried) in [(Backend::Kernel, true), (Backend::Libtorch, true), (Backend::Kernel, false)] {
        let mut network = network(&task);
        let validation = task.batch(12, Seed(9)).unwrap();
        // Steps too small to be seen in the losses.
        let trainer = trainer().learning_rate(1e-9).backend(backend).carry_state(carried);
        let trainer = trainer.validation(validation.clone()).check_every(4).updates(4);
        let training = trainer.train(&mut network, &task).unwrap();
        let mut states: Vec<Option<Array2<f32>>> = vec![None; ROWS as usize];
        for (update, &found) in training.losses.iter().enumerate() {
            // The fourth update begins new sessions.
            if update == 3 || !carried {
                states.fill(None);
            }
            let rows: Vec<Session> =
                (0..ROWS).map(|r| run(&network, states[r as usize].as_ref(), &row(&task, update as u64, r))).collect();
            let expected = loss(&rows);
            assert!((found - expected).abs() < 2e-5 * expected, "{backend:?} {update}: {found}, {expected}");
            states = rows.iter().map(|row| Some(end(row))).collect();
        }
        // A check has rows of as many trials, which begin.
        let rows: Vec<Session> = (0..3)
            .map(|row| run(&network, None, &validation.select(&(4 * row..4 * row + 4).collect::<Vec<_>>())))
            .collect();
        let (expected, found) = (loss(&rows), training.checks[0]);
        assert!((found.loss - expected).abs() < 2e-5 * expected, "{backend:?}: {} {expected}", found.loss);
        let correct = rows.iter().flat_map(|row| &row.correct).filter(|correct| **correct == Some(true)).count();
        assert_eq!(found.value, correct as f64 / 12.0, "metrics are of single trials");
    }
}

#[test]
fn gradients_go_back_through_all_trials_of_a_row() {
    const H: f32 = 1e-2;
    let task = task(12);
    let mut network = network(&task);
    let before = network.weights().unwrap();
    trainer().learning_rate(1e-3).clip(Clip::None).updates(1).train(&mut network, &task).unwrap();
    let after = network.weights().unwrap();
    for name in ["W_rec", "W_in", "b_rec", "init_state"] {
        for (at, &weight) in before.array(name).unwrap().indexed_iter() {
            let moved = |by: f32| {
                let mut weights = before.clone();
                let mut array = before.array(name).unwrap().clone();
                array[&at] += by;
                weights.insert(name, array);
                let simulator = Simulator::new(&weights, network.constants().unwrap()).unwrap();
                let rows: Vec<Session> =
                    (0..ROWS).map(|r| simulator.run_consecutively(&row(&task, 0, r)).unwrap()).collect();
                loss(&rows)
            };
            let expected = (moved(H) - moved(-H)) / (2.0 * f64::from(H));
            let found = f64::from(weight - after.array(name).unwrap()[&at]) / 1e-3;
            assert!((found - expected).abs() < 2e-2 * expected.abs() + 2e-3, "{name} {at:?}: {found}, {expected}");
        }
    }
}

#[test]
fn a_run_goes_on_with_its_sessions_bit_by_bit() {
    let task = task(12);
    let trainer = trainer().carry_state(true).learning_rate(0.01).optimizer(Adam::default()).check_every(2);
    let mut undisturbed = network(&task);
    let whole = trainer.clone().updates(5).train(&mut undisturbed, &task).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let saving = trainer.checkpoint(folder.path(), Every::Updates(1));
    saving.clone().updates(2).train(&mut network(&task), &task).unwrap();
    let mut resumed = network(&task);
    let training = saving.clone().resume().updates(5).threads(1).train(&mut resumed, &task).unwrap();
    assert_eq!((training.losses, training.checks), (whole.losses, whole.checks));
    assert_eq!(resumed.weights().unwrap(), undisturbed.weights().unwrap());
    let error = saving.consecutive(2).resume().updates(6).train(&mut resumed, &task).unwrap_err().to_string();
    assert!(error.contains("consecutive"), "{error}");
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let refused = |trainer: Trainer, session: usize| {
        let task = task(session);
        let error = trainer.updates(1).train(&mut network(&task), &task).unwrap_err().to_string();
        assert!(error.contains("consecutive"), "{error}");
    };
    refused(trainer().consecutive(5), 12);
    refused(trainer().consecutive(0), 12);
    refused(trainer(), 6);
}

/// In blocks in which most answers repeat the last one, and blocks in which most do not, a network that is shown its last choice comes to
/// expect both, and says so where there is no evidence.
#[test]
fn a_network_comes_to_expect_repetitions_and_alternations_in_their_blocks() {
    let blocks = Blocks::new([repeating(0.9), repeating(0.1)]).lasting(20..=40);
    let task = Sessions::lasting(100).senses(Senses::default().choice(true)).of(blocks);
    let mut network = Rnn::new(&task, RnnConfig::default().units(32).noise(0.05).seed(1)).unwrap();
    let trainer = Trainer::default().batch_size(400).consecutive(20).carry_state(true).clip(Clip::Global(1.0));
    trainer.learning_rate(0.005).updates(400).silent().train(&mut network, &task).unwrap();
    let simulator = network.simulator().unwrap().record(Recording::outputs());
    let trials = simulator.run_session(&task, 4000, Seed(7)).unwrap().trials();
    let shares = [0, 1].map(|kind| {
        let history = ChoiceHistory::of(&trials.only("block_kind", kind).unwrap()).unwrap();
        let counts = history.repeats_by("coherence", None).unwrap();
        counts.shares()[counts.levels.iter().position(|&level| level == 0.0).unwrap()]
    });
    assert!(shares[0] > 0.6 && shares[1] < 0.4, "{shares:?}");
}
