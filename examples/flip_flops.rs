//! Trains flip-flops of three bits.

use std::path::PathBuf;

use psychrnn::prelude::*;
use psychrnn::tasks::FlipFlop;

fn main() -> Result<()> {
    let mut a = std::env::args().skip(1);
    let folder = PathBuf::from(a.next().unwrap());
    let units: usize = a.next().unwrap().parse().unwrap();
    let seeds: u64 = a.next().unwrap().parse().unwrap();
    let lr: f64 = a.next().unwrap().parse().unwrap();
    let tau: f32 = a.next().unwrap().parse().unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    let task = if tau > 10.0 {
        FlipFlop::default().tau(tau).interval(200.0).pulse(50.0).settle(100.0).duration(2000.0)
    } else {
        FlipFlop::default()
    };
    for seed in 1..=seeds {
        let config = RnnConfig::default().units(units).transfer(Transfer::Tanh).seed(seed);
        let mut network = Rnn::new(&task, config)?;
        let validation = task.batch(500, Seed(22))?;
        let trainer = Trainer::default().updates(10_000).batch_size(128).learning_rate(lr).seed(seed).silent();
        let trainer = trainer.validation(validation).check_every(100).until(psychrnn::task::Criterion::Error {
            at_most: std::env::var("AT").map_or(0.1, |x| x.parse().unwrap()),
        });
        let start = std::time::Instant::now();
        let training = trainer.train(&mut network, &task)?;
        let session = network.run(&task.batch(1000, Seed(3))?)?;
        println!(
            "seed {seed}: {} updates, {} trials, {:?} {:.1} s, error {:.4}",
            training.updates,
            training.trials,
            training.stop,
            start.elapsed().as_secs_f64(),
            session.rms_error()
        );
        network.save(folder.join(format!("flipflop{units}_{seed}.npz")))?;
        session
            .select(&(0..32).collect::<Vec<_>>())
            .save(folder.join(format!("flipflop{units}_{seed}.session.npz")))?;
    }
    Ok(())
}
