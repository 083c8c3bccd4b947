//! What is said and drawn about a run.

use std::fs;
use std::path::PathBuf;

use psychrnn::plot::Figure;
use psychrnn::prelude::*;
use serde_json::json;

use crate::failure::{Failure, Outcome, UNFINISHED};
use crate::run::Run;

/// How many values a column may have to be a table of conditions.
const MOST_LEVELS: usize = 40;

/// Which trials a network is tested on.
#[derive(clap::Args)]
pub(crate) struct Tested {
    /// How many trials [default: as in the specification, 1000]
    #[arg(long)]
    trials: Option<usize>,
    /// The seed of the trials [default: as in the specification, 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Test the last weights, not the best ones
    #[arg(long)]
    last: bool,
}

impl Tested {
    /// What the network does, and how it stands with the run if that is not finished.
    fn session(&self, run: &Run) -> Outcome<(Session, Option<Failure>)> {
        let (training, network) = run.restore(self.last)?;
        let unfinished = unfinished(run, &training)?;
        if training.updates == 0 {
            let what = format!("there is nothing to test: {}", run.not_finished(&training)?);
            return Err(Failure::Unfinished { code: UNFINISHED, what });
        }
        Ok((network.run(&run.specification.test.draw(self.trials, self.seed)?)?, unfinished))
    }
}

/// That a run goes on, was stopped on the way, or has ended badly.
fn unfinished(run: &Run, training: &Training) -> Outcome<Option<Failure>> {
    Ok(match training.stop.is_end() {
        true => None,
        false => Some(Failure::Unfinished { code: UNFINISHED, what: run.not_finished(training)? }),
    })
}

/// Performance on trials that were held out, and how often each choice was made at each level of what the task drew.
pub(crate) fn test(run: &Run, tested: &Tested) -> Outcome<()> {
    let (session, unfinished) = tested.session(run)?;
    println!("trials    {}", session.n_trials());
    println!("accuracy  {:.4}", session.accuracy());
    println!("error     {:.5}", session.rms_error());
    for (column, session) in conditions(&session) {
        let correct = session.correct_by(&column)?;
        let chosen = session.choices_by(&column, 1).ok();
        println!("\n{column:>16} {:>8} {:>14} {:>16}", "trials", "share correct", "share choice 1");
        for (level, (n, share)) in correct.levels.iter().zip(correct.trials.iter().zip(correct.shares())) {
            let share_chosen = chosen.as_ref().and_then(|chosen| {
                let at = chosen.levels.iter().position(|other| other == level)?;
                chosen.shares().get(at).copied()
            });
            let share_chosen = share_chosen.map_or("-".to_owned(), |share| format!("{share:.3}"));
            println!("{level:>16} {n:>8} {share:>14.3} {share_chosen:>16}");
        }
    }
    session.trials().save_csv(run.folder.join("trials.csv"))?;
    let summary = json!({
        "trials": session.n_trials(), "accuracy": session.accuracy(), "error": session.rms_error(),
    });
    let path = run.folder.join("test.json");
    fs::write(&path, format!("{summary:#}\n")).map_err(|source| Failure::io("write", &path, source))?;
    println!("\nwritten: test.json, trials.csv in {}", run.folder.display());
    unfinished.map_or(Ok(()), Err)
}

/// The columns of conditions, each with the trials that have a value in it: numbers that the task drew, few enough for a table.
/// Where there are a coherence and a direction, one with both: the coherence, negative for direction 0.
fn conditions(session: &Session) -> Vec<(String, Session)> {
    let signed = session.clone().with("signed_coherence", ["coherence", "direction"], |[coherence, direction]| {
        if direction == 1.0 { coherence } else { -coherence }
    });
    let session = signed.unwrap_or_else(|_| session.clone());
    let names: Vec<String> = session.batch.values.names().map(str::to_owned).collect();
    let with_values = |name: String| {
        let known = session.filter(&name, |value| value.number().is_some_and(|number| !number.is_nan())).ok()?;
        let levels = known.correct_by(&name).ok()?.levels.len();
        (2..=MOST_LEVELS).contains(&levels).then_some((name, known))
    };
    names.into_iter().filter_map(with_values).collect()
}

/// The checks as a table, and the costs as a figure.
pub(crate) fn costs(run: &Run, drawn: &Drawn) -> Outcome<()> {
    let (training, _) = run.restore(true)?;
    if let Some(unfinished) = unfinished(run, &training)? {
        eprintln!("{unfinished}");
    }
    println!("{training}");
    if let Some(best) = training.best {
        println!("best after update {}: loss {:.6}, metric {:.4}", best.update, best.loss, best.value);
    }
    if !training.checks.is_empty() {
        println!("\n{:>10} {:>12} {:>6} {:>12} {:>10} {:>8}", "update", "trials", "stage", "loss", "error", "metric");
    }
    for check in &training.checks {
        let trials = check.update * training.batch_size;
        println!(
            "{:>10} {trials:>12} {:>6} {:>12.6} {:>10.5} {:>8.4}",
            check.update, check.stage, check.loss, check.error, check.value
        );
    }
    drawn.save(run, "costs", &training.plot_checks())
}

/// The weights of all connections.
pub(crate) fn structure(run: &Run, drawn: &Drawn) -> Outcome<()> {
    let (_, network) = run.restore(false)?;
    let weights = network.weights()?;
    let names: Vec<&str> = weights.names().filter(|name| name.starts_with("W_")).collect();
    let figures: Vec<Figure> = names.into_iter().map(|name| weights.plot(name)).collect::<psychrnn::Result<_>>()?;
    drawn.save(run, "structure", &Figure::join(figures))
}

/// All figures.
pub(crate) fn figures(run: &Run, tested: &Tested, drawn: &Drawn) -> Outcome<()> {
    let (session, _) = tested.session(run)?;
    drawn.save(run, "trial", &session.plot_trial(0)?)?;
    for (column, session) in conditions(&session) {
        // A curve needs choices that change with the condition; where there is none, there is no figure.
        let fit = session.choices_by(&column, 1).and_then(|counts| Psychometric::default().fit(&counts));
        if let Ok(figure) = fit.and_then(|fit| fit.plot()) {
            drawn.save(run, &format!("psychometric-{column}"), &figure)?;
        }
    }
    costs(run, drawn)?;
    structure(run, drawn)
}

/// How figures are saved.
#[derive(clap::Args)]
pub(crate) struct Drawn {
    /// The kind of the figures' files
    #[arg(long, default_value = "png", value_parser = ["png", "svg", "pdf"])]
    format: String,
}

impl Drawn {
    /// Saves a figure in the folder `figures` of a run.
    fn save(&self, run: &Run, name: &str, figure: &Figure) -> Outcome<()> {
        let folder = run.folder.join("figures");
        fs::create_dir_all(&folder).map_err(|source| Failure::io("create", &folder, source))?;
        let path: PathBuf = folder.join(format!("{name}.{}", self.format));
        figure.save(&path)?;
        println!("written: {}", path.display());
        Ok(())
    }
}
