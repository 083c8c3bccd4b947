//! Trains a network on perceptual discrimination and writes its figures, its weights and a report into a folder.
//!
//! `cargo demo` runs it; by hand: `cargo run --release --package psychrnn-examples --bin demo -- FOLDER`.

use std::path::PathBuf;

use psychrnn::prelude::*;
use serde_json::json;

const SEED: u64 = 1;

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or("target/demo".into()));
    std::fs::create_dir_all(&folder).map_err(|source| Error::Io { action: "create", path: folder.clone(), source })?;

    let task = PerceptualDiscrimination::default();
    let mut network = Rnn::new(&task, RnnConfig::default().units(50).seed(SEED))?;
    let test = task.batch(2000, Seed(SEED + 1))?;
    let untrained = network.run(&test)?.accuracy();
    let training = Trainer::default().trials(50_000).seed(SEED).train(&mut network, &task)?;
    let session = network.run(&test)?;
    let weights = network.weights()?;

    for (name, figure) in [
        ("loss", training.plot_loss()),
        ("trial", session.plot_trial(0)?),
        ("states", session.plot_states(0, 0..20)?),
        ("weights", weights.plot("W_rec")?),
    ] {
        figure.save(folder.join(format!("{name}.png")))?;
        figure.save(folder.join(format!("{name}.svg")))?;
    }
    network.save(folder.join("weights.npz"))?;

    let report = json!({
        "task": "PerceptualDiscrimination",
        "seed": SEED,
        "units": network.config().units,
        "updates": training.updates,
        "trials": training.trials,
        "final_loss": training.final_loss(),
        "held_out_trials": test.n_trials(),
        "held_out_accuracy": session.accuracy(),
        "untrained_accuracy": untrained,
        "seconds": { "training": training.seconds, "drawing_trials": training.seconds_drawing },
        "versions": { "psychrnn": env!("CARGO_PKG_VERSION"), "tch": "0.26", "libtorch": "2.13.0" },
    });
    let path = folder.join("report.json");
    std::fs::write(&path, format!("{report:#}\n")).map_err(|source| Error::Io { action: "write", path, source })?;
    Ok(())
}
