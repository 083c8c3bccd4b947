//! The network in plain arrays: what its runs must have in common, whatever the equation.

mod differences;
mod exact;
mod noise_within;
mod plastic;

use super::noise::Noise;
use super::*;
use crate::random::Seed;
use crate::threads;
use crate::weights::Weights;
use ndarray::{Array, Array3, Dimension, ShapeBuilder, s};
use std::sync::Arc;

fn random<D: Dimension>(shape: impl ShapeBuilder<Dim = D>, scale: f32, seed: u64) -> Array<f32, D> {
    let mut rng = Seed(seed).stream(0);
    Array::from_shape_simple_fn(shape, || rng.normal(0.0, scale))
}

/// Leaky networks in both forms and an LSTM of 7 units, with 2 inputs and 3 outputs.
fn networks() -> [Dynamics; 5] {
    let mut leaky = Weights::new();
    let mut lstm = Weights::new();
    for (i, (name, shape)) in [("W_in", (7, 2)), ("W_rec", (7, 7)), ("init_state", (1, 7))].into_iter().enumerate() {
        leaky.insert(name, random(shape, 0.5, i as u64));
    }
    leaky.insert("b_rec", random(7, 0.5, 3));
    for (i, gate) in ["f", "i", "c", "o"].iter().enumerate() {
        lstm.insert(&format!("W_{gate}"), random((9, 7), 0.5, 10 + i as u64));
        lstm.insert(&format!("b_{gate}"), random(7, 0.5, 20 + i as u64));
    }
    for (i, name) in ["init_hidden", "init_cell"].into_iter().enumerate() {
        lstm.insert(name, random((1, 7), 0.5, 30 + i as u64));
    }
    for weights in [&mut leaky, &mut lstm] {
        weights.insert("W_out", random((3, 7), 0.5, 40));
        weights.insert("b_out", random(3, 0.5, 41));
    }
    let leak = |transfer| LeakyUnits::new(10.0, 40.0).noise(0.2).transfer(transfer);
    [
        Dynamics::new(&leaky, leak(Transfer::Relu)).unwrap(),
        Dynamics::new(&leaky, leak(Transfer::Softplus)).unwrap(),
        Dynamics::new(&leaky, leak(Transfer::Relu).form(LeakyForm::Rate)).unwrap(),
        Dynamics::new(&leaky, leak(Transfer::Softplus).form(LeakyForm::Rate)).unwrap(),
        Dynamics::new(&lstm, LstmUnits::new(10.0)).unwrap(),
    ]
}

fn drawn(network: &Dynamics, numbers: std::ops::Range<u64>) -> Noise {
    match network.constants().noise() > 0.0 {
        true => Noise::Drawn { seed: Seed(3), numbers: numbers.collect(), first: 0 },
        false => Noise::Off,
    }
}

#[test]
fn what_is_run_again_is_the_same_bits() {
    for network in networks() {
        // More steps than a chunk of the way back has, and more trials than a block.
        let (n_batch, n_steps) = (37, 150);
        let inputs = random((n_batch, n_steps, 2), 1.0, 1);
        let (d_outputs, d_states) = (random((n_batch, n_steps, 3), 1.0, 2), random((n_batch, n_steps, 7), 1.0, 4));
        let gradients = |keep| {
            let want = Want::states(keep);
            let noise = drawn(&network, 0..n_batch as u64);
            let run = network.run_with(&Pool::default(), inputs.view(), noise, None, &want).unwrap();
            let gradients = network.backward(&run, d_outputs.view(), Some(d_states.view())).unwrap();
            (run.states, run.outputs, gradients)
        };
        let (states, outputs, all) = gradients(Keep::All);
        for keep in [Keep::Every(1), Keep::Every(65), Keep::Every(149), Keep::Every(1000)] {
            assert_eq!(gradients(keep), (states.clone(), outputs.clone(), all.clone()), "{keep:?}");
        }
        let want = Want::outputs(Keep::Nothing);
        let run = network.run_with(&Pool::default(), inputs.view(), drawn(&network, 0..37), None, &want);
        let run = run.unwrap();
        assert_eq!((run.outputs, run.states.len()), (outputs, 0));
    }
}

#[test]
fn a_trial_does_not_depend_on_the_batch_that_it_is_in() {
    for network in networks() {
        let inputs = random((41, 30, 2), 1.0, 1);
        let run = |trials: std::ops::Range<usize>| {
            let noise = drawn(&network, trials.start as u64..trials.end as u64);
            let want = Want::states(Keep::Nothing);
            network.run_with(&Pool::default(), inputs.slice(s![trials, .., ..]), noise, None, &want).unwrap()
        };
        let all = run(0..41);
        for trials in [0..1, 5..6, 3..20, 8..41] {
            let part = run(trials.clone());
            assert_eq!(part.states, all.states.slice(s![trials.clone(), .., ..]));
            assert_eq!(part.outputs, all.outputs.slice(s![trials, .., ..]));
        }
    }
}

#[test]
fn activity_is_kept_whole_while_it_fits() {
    for network in networks() {
        let bytes = |keep| network.bytes_kept(keep, 6, 100) as usize;
        let whole = bytes(Keep::All);
        assert!(whole > bytes(Keep::Every(10)) && bytes(Keep::Every(10)) > bytes(Keep::Nothing));
        // The numbers of seven units, with whatever lies between them.
        assert!(whole >= 4 * 7 * 600, "{whole}");
        assert_eq!(network.keep_within(whole, 6, 100), Keep::All);
        assert_eq!(network.keep_within(whole - 1, 6, 100), Keep::Every(10));
        assert_eq!(network.bytes_kept(Keep::All, usize::MAX, usize::MAX), u64::MAX);
        assert!(network.bytes_at_work(Keep::All, usize::MAX, usize::MAX) > 1 << 60);
    }
}

#[test]
fn runs_of_ever_other_lengths_do_not_pile_up_memory() {
    for network in networks() {
        let run = |pool: &Pool, n_steps: usize| {
            let inputs = Array3::ones((20, n_steps, 2));
            let run = network.run_with(pool, inputs.view(), Noise::Off, None, &Want::outputs(Keep::All)).unwrap();
            drop(network.backward(&run, run.outputs.view(), None).unwrap());
        };
        threads::with_threads(1, || {
            let (longest, pool) = (Pool::default(), Pool::default());
            run(&longest, 60);
            let mut rng = Seed(5).stream(0);
            for _ in 0..30 {
                run(&pool, 20 + rng.index(41));
                assert!(pool.bytes() <= longest.most_bytes(), "{} {}", pool.bytes(), longest.most_bytes());
            }
        });
    }
}

#[test]
fn memory_of_earlier_runs_is_used_again() {
    let [leaky, ..] = networks();
    let pool = Pool::default();
    let inputs = random((40, 50, 2), 1.0, 1);
    let run = || {
        let run = leaky.run_with(&pool, inputs.view(), Noise::Off, None, &Want::states(Keep::Nothing)).unwrap();
        (run.states, run.outputs)
    };
    threads::with_threads(1, || {
        let (first, again, bytes) = (run(), run(), pool.bytes());
        assert!(first == again && bytes > 0);
        for _ in 0..3 {
            assert_eq!((run(), pool.bytes()), (first.clone(), bytes));
        }
    });
}

#[test]
fn chosen_rows_are_those_of_all() {
    let these = Rows::These(Arc::from([1, 4, 6]));
    for network in networks() {
        let inputs = random((37, 30, 2), 1.0, 1);
        let run = |states: Rows, rates: Rows| {
            let want = Want { states, rates, keep: Keep::Nothing, ends: false };
            network.run_with(&Pool::default(), inputs.view(), drawn(&network, 0..37), None, &want).unwrap()
        };
        let all = run(Rows::All, Rows::All);
        if let Constants::Leaky(units @ LeakyUnits { form: LeakyForm::Current, .. }) = network.constants() {
            let mut rates = Array3::zeros(all.states.dim());
            units.transfer.rates_into(all.states.as_slice().unwrap(), rates.as_slice_mut().unwrap());
            assert_eq!(all.rates, rates);
        } else {
            assert_eq!(all.rates, all.states);
        }
        let some = run(these.clone(), Rows::None);
        assert_eq!(some.states, all.states.select(ndarray::Axis(2), &[1, 4, 6]));
        assert_eq!((some.outputs, some.rates.dim()), (all.outputs, (37, 30, 0)));
        assert_eq!(run(Rows::None, these.clone()).rates, all.rates.select(ndarray::Axis(2), &[1, 4, 6]));
    }
}
