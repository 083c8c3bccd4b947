//! What the programs have in common that train for long: they go on where they were, and add a row to a table on the way.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use psychrnn::prelude::*;
use psychrnn::train::Stop;

/// The argument at this place, from 0, or what is usual.
pub(crate) fn argument<T: FromStr>(place: usize, usual: T) -> Result<T> {
    match std::env::args().nth(1 + place) {
        None => Ok(usual),
        Some(text) => text.parse().map_err(|_| Error::Argument {
            name: format!("argument {}", 1 + place),
            expected: "a number".into(),
            got: format!("\"{text}\""),
        }),
    }
}

/// Trains so many updates, and tests the network every so many and at the end. Weights, under this name, and checkpoints come into the
/// folder, from which it goes on if it was killed, with the same bits.
pub(crate) fn train(
    (network, task): (&mut Rnn, &dyn TrialSource),
    trainer: &Trainer,
    (updates, every): (usize, usize),
    (folder, name): (&Path, &str),
    test: impl Fn(&Rnn, &Training) -> Result<()>,
) -> Result<()> {
    let checkpoints = folder.join("checkpoints");
    fs::create_dir_all(&checkpoints).map_err(|source| Error::Io {
        action: "create",
        path: checkpoints.clone(),
        source,
    })?;
    let trainer = trainer.clone().checkpoint(&checkpoints, Every::Seconds(120.0)).resume();
    let mut done = match fs::read_dir(&checkpoints).is_ok_and(|mut files| files.next().is_some()) {
        true => trainer.restore(network)?.updates,
        false => 0,
    };
    while done < updates {
        done = updates.min((done / every + 1) * every);
        let training = trainer.clone().updates(done).train(network, task)?;
        if training.stop != Stop::Finished {
            println!("{training}");
            break;
        }
        network.save(folder.join(name))?;
        test(network, &training)?;
    }
    Ok(())
}

/// Adds a row to a table, which is new if it is not there.
pub(crate) fn add_row(path: &Path, row: impl IntoIterator<Item = (String, f64)>) -> Result<()> {
    let before = if path.exists() { Some(Table::load_csv(path)?) } else { None };
    let mut table = Table::new();
    for (name, number) in row {
        let mut column = before.as_ref().map_or(Ok(Vec::new()), |before| before.numbers(&name))?;
        column.push(number);
        table.insert(&name, column)?;
    }
    table.save_csv(path)
}
