//! Trains one network on the twenty tasks of Yang et al. (2019), as the paper's are trained, and says how good it is at each.
//!
//! `cargo run --release --package psychrnn-examples --bin yang -- FOLDER [UPDATES] [UNITS] [RULE]…`
//!
//! Weights, checkpoints and `accuracy.csv` come into the folder, a row every thousand updates. Called again it goes on where it was, also after
//! it was killed, with the same bits; with a larger number of updates it goes further.

use std::fs;
use std::path::{Path, PathBuf};

use psychrnn::prelude::*;
use psychrnn::tasks::{Rule, Yang};
use psychrnn::train::Stop;

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, otherwise: usize| match arguments.get(place) {
        None => Ok(otherwise),
        Some(text) => text.parse().map_err(|_| Error::Argument {
            name: "argument".into(),
            expected: "a whole number".into(),
            got: format!("\"{text}\""),
        }),
    };
    let folder = PathBuf::from(arguments.first().map_or("target/yang", String::as_str));
    let (updates, units) = (number(1, 45_000)?, number(2, 256)?);
    let rules = arguments.iter().skip(3).map(|name| name.parse()).collect::<Result<Vec<Rule>>>()?;
    let rules = if rules.is_empty() { Rule::ALL.to_vec() } else { rules };
    let checkpoints = folder.join("checkpoints");
    fs::create_dir_all(&checkpoints).map_err(|source| Error::Io { action: "create", path: folder.clone(), source })?;

    let task = Yang::default().rules(&rules);
    let mut network = Rnn::new(&task, RnnConfig::yang().units(units).seed(SEED))?;
    let trainer = Trainer::default()
        .batch_size(64)
        .learning_rate(0.001)
        .schedule(Schedule::Steps { every: FINE, factor: 0.1 })
        .clip(Clip::Value(1.0))
        .seed(SEED)
        .record_every(10)
        .checkpoint(&checkpoints, Every::Seconds(120.0))
        .resume();
    let mut done = match fs::read_dir(&checkpoints).is_ok_and(|mut files| files.next().is_some()) {
        true => trainer.restore(&mut network)?.updates,
        false => 0,
    };
    while done < updates {
        done = updates.min((done / EVERY + 1) * EVERY);
        let training = trainer.clone().updates(done).train(&mut network, &task)?;
        if training.stop != Stop::Finished {
            println!("{training}");
            return Ok(());
        }
        network.save(folder.join("yang.npz"))?;
        let is_last = done == updates;
        let accuracies = accuracies(&network, &task, &rules, TRIALS[usize::from(is_last)])?;
        report(&folder.join("accuracy.csv"), &training, &rules, &accuracies)?;
    }
    Ok(())
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
    let mut names =
        vec!["updates".to_owned(), "trials".into(), "minutes".into(), "loss".into(), "worst".into(), "mean".into()];
    names.extend(rules.iter().map(Rule::to_string));
    let mut row = vec![training.updates as f64, training.trials as f64, minutes, training.final_loss(), worst, mean];
    row.extend(accuracies);
    let before = if path.exists() { Some(Table::load_csv(path)?) } else { None };
    let mut table = Table::new();
    for (name, number) in names.iter().zip(&row) {
        let mut column = match &before {
            Some(before) => before.numbers(name)?,
            None => Vec::new(),
        };
        column.push(*number);
        table.insert(name, column)?;
    }
    table.save_csv(path)?;
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
