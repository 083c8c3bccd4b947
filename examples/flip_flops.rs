//! Trains flip-flops of three bits, each from another seed, and finds their fixed points: 8 should be stable, one a state of the memory, and
//! the indices of all should add up to 1.
//!
//! `cargo run --release --package psychrnn-examples --bin flip_flops -- [FOLDER] [SEEDS] [UNITS]`. The networks and a table go into the folder.

use std::path::PathBuf;
use std::time::Instant;

use psychrnn::analysis::FixedPoints;
use psychrnn::prelude::*;
use psychrnn::task::Criterion;
use psychrnn::tasks::FlipFlop;

const UPDATES: usize = 10_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or("target/flip-flops".into()));
    let mut number = |usual: usize| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (seeds, units) = (number(10) as u64, number(50));
    std::fs::create_dir_all(&folder).map_err(|source| Error::Io { action: "create", path: folder.clone(), source })?;

    let task = FlipFlop::default();
    let mut table = Table::new();
    let mut rows: [Vec<f64>; 7] = Default::default();
    for seed in 1..=seeds {
        let mut network = Rnn::new(&task, RnnConfig::default().units(units).transfer(Transfer::Tanh).seed(seed))?;
        let trainer = Trainer::default().updates(UPDATES).batch_size(128).learning_rate(0.003).seed(seed).silent();
        let validation = task.batch(500, Seed(seed).child("validation"))?;
        let goal = Criterion::Error { at_most: 0.02 };
        let training = trainer.validation(validation).check_every(100).until(goal).train(&mut network, &task)?;
        network.save(folder.join(format!("flip-flop-{units}-{seed}.npz")))?;

        let session = network.run(&task.batch(500, Seed(seed).child("held out"))?)?;
        let start = Instant::now();
        let points = FixedPoints::default().of(&network.simulator()?, &session)?;
        let seconds = start.elapsed().as_secs_f64();
        let stable = points.points.iter().filter(|point| point.is_stable()).count();
        println!(
            "seed {seed}: {} trials, error {:.3}; {} fixed points, {stable} stable, {}; {seconds:.2} s",
            training.trials,
            session.rms_error(),
            points.points.len(),
            points.completeness
        );
        let row = [
            seed as f64,
            training.trials as f64,
            session.rms_error(),
            points.points.len() as f64,
            stable as f64,
            points.index_sum() as f64,
            seconds,
        ];
        rows.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
    }
    let names = ["seed", "trials", "error", "fixed points", "stable", "index sum", "seconds"];
    for (name, column) in names.into_iter().zip(rows) {
        table.insert(name, column)?;
    }
    table.save_csv(folder.join("flip-flops.csv"))
}
