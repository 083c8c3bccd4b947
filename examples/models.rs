//! Trains PyCog's example models to PyCog's criterion and writes each network and what was measured into a folder.
//!
//! `cargo xtask models` runs it; by hand: `cargo run --release --package psychrnn-examples --bin models -- FOLDER NAME…`. With `--list` it
//! names them all.

use std::path::PathBuf;

use psychrnn::models::Model;
use psychrnn::prelude::*;
use psychrnn::tasks::ParametricWorkingMemory;
use psychrnn::train::Stop;
use serde_json::json;

const SEED: u64 = 1;
/// The seed of the trials that are neither trained on nor validated with.
const HELD_OUT: Seed = Seed(3);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "--list").is_some() {
        Model::ALL.iter().for_each(|model| println!("{model}"));
        return Ok(());
    }
    let folder = PathBuf::from(arguments.next().unwrap_or("target/models".into()));
    std::fs::create_dir_all(&folder).map_err(|source| Error::Io { action: "create", path: folder.clone(), source })?;
    let models = arguments.map(|name| name.parse()).collect::<Result<Vec<Model>>>()?;
    for model in if models.is_empty() { Model::ALL.to_vec() } else { models } {
        println!("{model}");
        run(model, &folder)?;
    }
    Ok(())
}

fn run(model: Model, folder: &std::path::Path) -> Result<()> {
    let (task, config, criterion) = (model.task(), model.network().seed(SEED), model.criterion());
    let mut network = Rnn::new(task.as_ref(), config.clone())?;
    let easier = match model {
        Model::Romo => Some(growing_delay(&mut network)?),
        _ => None,
    };
    let trainer = model.trainer()?.seed(SEED);
    let training = trainer.train(&mut network, task.as_ref())?;
    // As in PyCog the weights with the smallest error on the validation trials; in `romo` those that are best by the criterion.
    network.use_best()?;
    network.save(folder.join(format!("{model}.npz")))?;

    let held_out = task.batch(model.n_validation().max(1000), HELD_OUT)?;
    let session = network.run(&held_out)?;
    let measure = session.measured_by(&criterion)?;
    let report = json!({
        "model": model,
        "criterion": criterion,
        "units": config.units,
        "dale": model != Model::RdmNodale,
        "noise": config.noise,
        "trainer": trainer,
        "updates": training.updates,
        "batch_size": training.batch_size,
        "trials": training.trials + easier.as_ref().map_or(0, |easier| easier.trials),
        "seconds": training.seconds + easier.as_ref().map_or(0.0, |easier| easier.seconds),
        "trials_of_easier_stages": easier.as_ref().map(|easier| easier.trials),
        "reached": training.stop == Stop::Reached,
        "validation_trials": model.n_validation(),
        "validations": training.checks.iter().map(|check| check.value).collect::<Vec<_>>(),
        "held_out_trials": held_out.n_trials(),
        "held_out": measure,
        "held_out_meets_criterion": criterion.met(&[measure]),
        "seeds": { "network": SEED, "training": SEED, "held_out": HELD_OUT.0 },
    });
    println!("  {} trials, {:.1} s; on fresh trials {measure:.3}", training.trials, training.seconds);
    let path = folder.join(format!("{model}.json"));
    std::fs::write(&path, format!("{report:#}\n")).map_err(|source| Error::Io { action: "write", path, source })?;
    Ok(())
}

/// Trains a network on parametric working memory while the delay grows from stage to stage. With the long delay from the start
/// it learns to judge by the second vibration alone, and stays there.
fn growing_delay(network: &mut Rnn) -> Result<Training> {
    let delays = [
        (20.0, 100.0),
        (200.0, 500.0),
        (600.0, 1000.0),
        (1200.0, 2000.0),
        (1600.0, 2400.0),
        (2000.0, 2600.0),
        (2300.0, 2900.0),
        (2500.0, 3200.0),
    ];
    let task = ParametricWorkingMemory::default().catch(0.0);
    let curriculum = delays.into_iter().fold(Curriculum::new().every(20).trials(300), |curriculum, (low, high)| {
        curriculum.stage(task.clone().delay(Duration::uniform(low, high)), 0.92)
    });
    let trainer = Trainer::default().updates(5000).batch_size(32).learning_rate(0.003).seed(SEED);
    trainer.loss(MeanSquaredError { per_mask: true }).clip(Clip::Global(1.0)).train_curriculum(network, &curriculum)
}
