//! Micro-benchmarks of what an update is made of: `cargo bench --bench micro`, with `-- forward` for those of that name.
//!
//! Batches have 128 trials of 200 steps. `cargo xtask bench` compares whole updates with other libraries.

// A benchmark has no one to hand an error to.
#![allow(clippy::expect_used)]

use divan::{Bencher, black_box};
use ndarray::Array3;
use psychrnn::dynamics::{Dynamics, Keep};
use psychrnn::prelude::*;

const N_BATCH: usize = 128;

fn main() {
    divan::main();
}

fn task() -> PerceptualDiscrimination {
    PerceptualDiscrimination::default()
}

fn batch() -> Batch {
    task().batch(N_BATCH, Seed(1)).expect("the task gives trials")
}

/// The networks that are measured.
#[derive(Clone, Debug)]
enum Net {
    Rnn(usize),
    With(Transfer, Readout),
    Noisy(usize),
    Lstm(usize),
}

impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

const NETS: [Net; 5] = [Net::Rnn(50), Net::Rnn(100), Net::Rnn(256), Net::Lstm(50), Net::Lstm(100)];

/// Each transfer function and readout, with 50 units.
fn functions() -> Vec<Net> {
    let power = 2.0;
    let transfers = [
        Transfer::Relu,
        Transfer::Tanh,
        Transfer::Sigmoid,
        Transfer::Softplus,
        Transfer::RectifiedTanh,
        Transfer::RectifiedPower { power },
        Transfer::custom("tanh of one's own", f32::tanh, |x| 1.0 - x.tanh().powi(2)),
    ];
    let readouts = [Readout::Sigmoid, Readout::Softmax, Readout::RectifiedPower { power }];
    let transfers = transfers.into_iter().map(|transfer| Net::With(transfer, Readout::Linear));
    transfers.chain(readouts.into_iter().map(|readout| Net::With(Transfer::Relu, readout))).collect()
}

impl Net {
    fn network(&self) -> Box<dyn Network> {
        let rnn = |units| RnnConfig::default().units(units).seed(1);
        match self {
            Self::With(transfer, readout) => {
                let config = rnn(50).transfer(transfer.clone()).readout(*readout);
                Box::new(Rnn::new(&task(), config).expect("the sizes make sense"))
            }
            Self::Rnn(units) => Box::new(Rnn::new(&task(), rnn(*units)).expect("the sizes make sense")),
            Self::Noisy(units) => Box::new(Rnn::new(&task(), rnn(*units).noise(0.05)).expect("the sizes make sense")),
            Self::Lstm(units) => {
                let config = LstmConfig::default().units(*units).seed(1);
                Box::new(Lstm::new(&task(), config).expect("the sizes make sense"))
            }
        }
    }

    fn dynamics(&self) -> Dynamics {
        let network = self.network();
        let constants = network.constants().expect("the kernel knows these networks");
        Dynamics::new(&network.weights().expect("a network has weights"), constants).expect("the weights fit")
    }
}

#[divan::bench(args = NETS)]
fn forward(bencher: Bencher, net: &Net) {
    let (dynamics, batch) = (net.dynamics(), batch());
    bencher.bench_local(|| dynamics.forward(black_box(batch.inputs.view()), None, None));
}

/// Forward and backward, with the gradient of the outputs given.
#[divan::bench(args = NETS.into_iter().chain(functions()))]
fn forward_and_backward(bencher: Bencher, net: &Net) {
    let (dynamics, batch) = (net.dynamics(), batch());
    let d_outputs = Array3::from_elem(batch.targets.dim(), 1e-3);
    bencher.bench_local(|| {
        let tape = dynamics.run(black_box(batch.inputs.view()), None, Keep::All).expect("the inputs fit");
        dynamics.backward(&tape, d_outputs.view(), None)
    });
}

#[divan::bench]
fn draw_a_batch(bencher: Bencher) {
    let task = task();
    bencher.bench_local(|| task.batch(black_box(N_BATCH), Seed(1)));
}

/// A run forward without recurrent noise and one with it: the difference is the noise. And with all functions.
#[divan::bench(args = [Net::Rnn(100), Net::Noisy(100)].into_iter().chain(functions()))]
fn simulate(bencher: Bencher, net: &Net) {
    let network = net.network();
    let constants = network.constants().expect("the kernel knows these networks");
    let weights = network.weights().expect("a network has weights");
    let simulator = Simulator::new(&weights, constants).expect("the weights fit");
    let batch = batch();
    bencher.bench_local(|| simulator.run(black_box(&batch)));
}

/// Ten updates by the trainer on a recorded batch: gradients, clipping, Adam, and what a run of training sets up.
#[divan::bench(args = NETS, sample_count = 10)]
fn ten_updates(bencher: Bencher, net: &Net) {
    let (mut network, batch) = (net.network(), batch());
    let trainer = Trainer::default().batch_size(N_BATCH).updates(10).silent();
    bencher.bench_local(|| trainer.train(network.as_mut(), black_box(&batch)));
}
