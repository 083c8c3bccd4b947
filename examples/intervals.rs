//! Trains a network to reproduce intervals of two priors with so much noise that its measurements are uncertain, and says how far it draws them
//! towards the mean of each prior.
//!
//! `cargo run --release --package psychrnn-examples --bin intervals -- FOLDER [UPDATES] [UNITS] [NOISE]`
//!
//! Weights, checkpoints and `timing.csv` come into the folder, a row every thousand updates. Called again it goes on where it was, also after
//! it was killed, with the same bits.

mod staged;

use std::path::PathBuf;

use psychrnn::analysis::Timing;
use psychrnn::prelude::*;
use psychrnn::tasks::IntervalReproduction;
use staged::argument;

const SEED: u64 = 1;
/// After so many updates the learning rate is a tenth.
const FINE: u64 = 8000;
/// After how many updates it is tested.
const EVERY: usize = 1000;

fn main() -> Result<()> {
    let folder = argument(0, PathBuf::from("target/intervals"))?;
    let (updates, units, noise) = (argument(1, 9000)?, argument(2, 100)?, argument(3, 0.3)?);

    let task = IntervalReproduction::step();
    let config = RnnConfig::default().units(units).transfer(Transfer::Tanh).noise(noise).seed(SEED);
    let mut network = Rnn::new(&task, config.spectral_radius(1.0, RadiusOf::Raw))?;
    let trainer = Trainer::default()
        .batch_size(64)
        .learning_rate(0.001)
        .schedule(Schedule::Steps { every: FINE, factor: 0.1 })
        .clip(Clip::Global(1.0))
        .seed(SEED)
        .record_every(10);
    let held_out = task.batch(2000, Seed(3))?;
    staged::train((&mut network, &task), &trainer, (updates, EVERY), (&folder, "intervals.npz"), |network, training| {
        let session = network.run(&held_out)?;
        let (updates, minutes) = (training.updates as f64, training.seconds / 60.0);
        let about = [("updates", updates), ("minutes", minutes), ("loss", training.final_loss())];
        let mut row: Vec<(String, f64)> = about.map(|(name, number)| (name.to_owned(), number)).into();
        for (prior, name) in ["short", "long"].into_iter().enumerate() {
            let session = session.only("prior", prior)?;
            let produced = session.times_when("set", |z| z[1] > z[0])?;
            let timing = Timing::of_trials(&session.trials().numbers("interval")?, &produced)?;
            let numbers = [("slope", timing.slope), ("bias", timing.bias), ("sd", timing.sd)];
            row.extend(numbers.map(|(what, number)| (format!("{what} {name}"), number)));
        }
        let shown: Vec<String> = row.iter().map(|(name, number)| format!("{name} {number:.4}")).collect();
        println!("{}", shown.join(", "));
        staged::add_row(&folder.join("timing.csv"), row)
    })
}
