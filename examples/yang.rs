//! Trains one network on the twenty tasks of Yang et al. (2019), as the paper's are trained, and says how good it is at each.
//!
//! `cargo run --release --package psychrnn-examples --bin yang -- FOLDER [UPDATES] [UNITS] [RULE]…`
//!
//! Weights, checkpoints and `accuracy.csv` come into the folder, a row every thousand updates. Called again it goes on where it was, also after
//! it was killed, with the same bits; with a larger number of updates it goes further.

mod staged;

use std::path::{Path, PathBuf};

use psychrnn::prelude::*;
use psychrnn::tasks::{Rule, Yang};
use staged::argument;

const SEED: u64 = 1;
/// After so many updates the learning rate is a tenth. The paper's stays, for 156,250: by then an update of a whole rate spoils in one task what
/// it mends in another.
const FINE: u64 = 40_000;
/// The seed of the trials on which it is tested.
const HELD_OUT: Seed = Seed(3);
/// After how many updates it is tested.
const EVERY: usize = 1000;
/// On how many trials of each task on the way, and at the end.
const TRIALS: [usize; 2] = [128, 512];

fn main() -> Result<()> {
    let folder = argument(0, PathBuf::from("target/yang"))?;
    let (updates, units) = (argument(1, 45_000)?, argument(2, 256)?);
    let rules = std::env::args().skip(4).map(|name| name.parse()).collect::<Result<Vec<Rule>>>()?;
    let rules = if rules.is_empty() { Rule::ALL.to_vec() } else { rules };

    let task = Yang::default().rules(&rules);
    let mut network = Rnn::new(&task, RnnConfig::yang().units(units).seed(SEED))?;
    let trainer = Trainer::default()
        .batch_size(64)
        .learning_rate(0.001)
        .schedule(Schedule::Steps { every: FINE, factor: 0.1 })
        .clip(Clip::Value(1.0))
        .seed(SEED)
        .record_every(10);
    staged::train((&mut network, &task), &trainer, (updates, EVERY), (&folder, "yang.npz"), |network, training| {
        let is_last = training.updates == updates;
        let accuracies = accuracies(network, &task, &rules, TRIALS[usize::from(is_last)])?;
        report(&folder.join("accuracy.csv"), training, &rules, &accuracies)
    })
}

/// The share of trials of each task that are right, each trial with a timing of its own and noise of both kinds.
fn accuracies(network: &Rnn, task: &Yang, rules: &[Rule], n: usize) -> Result<Vec<f64>> {
    let of_rule = |rule: &Rule| {
        let trials = task.clone().only(&[*rule]).shared_by(1).batch(n, HELD_OUT)?;
        Ok(network.run(&trials)?.accuracy())
    };
    rules.iter().map(of_rule).collect()
}

/// Adds a row to the table, and shows it.
fn report(path: &Path, training: &Training, rules: &[Rule], accuracies: &[f64]) -> Result<()> {
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let worst = accuracies.iter().copied().fold(1.0, f64::min);
    let minutes = training.seconds / 60.0;
    let (updates, trials) = (training.updates as f64, training.trials as f64);
    let row = [("updates", updates), ("trials", trials), ("minutes", minutes), ("loss", training.final_loss())];
    let row = row.into_iter().chain([("worst", worst), ("mean", mean)]).map(|(name, number)| (name.to_owned(), number));
    staged::add_row(path, row.chain(rules.iter().map(Rule::to_string).zip(accuracies.iter().copied())))?;
    println!(
        "{} updates, {minutes:.1} min, loss {:.4}; worst {worst:.3}, mean {mean:.3}",
        training.updates,
        training.final_loss()
    );
    for (rule, accuracy) in rules.iter().zip(accuracies) {
        println!("  {rule:<16} {:<16} {accuracy:.3}", rule.paper_name());
    }
    Ok(())
}
