//! What is said and drawn about a run.

use std::fs;
use std::path::PathBuf;

use psychrnn::analysis::Counts;
use psychrnn::experiment::Run;
use psychrnn::plot::Figure;
use psychrnn::prelude::*;
use psychrnn::train::Check;
use serde_json::json;

use crate::failure::{Failure, Outcome, UNFINISHED};
use crate::train::{not_finished, unfinished};
use crate::{numbers, say};

/// How many values a column may have to be a table of conditions.
const MOST_LEVELS: usize = 40;

/// Which trials a network is tested on.
#[derive(clap::Args)]
pub(crate) struct Tested {
    /// How many trials [default: as in the specification, 1000]
    #[arg(long, value_parser = numbers::count, allow_negative_numbers = true)]
    trials: Option<usize>,
    /// The seed of the trials [default: as in the specification, 0]
    #[arg(long, value_parser = numbers::whole, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Test the last weights, not the best ones
    #[arg(long)]
    last: bool,
}

impl Tested {
    /// What the network does, and how it stands with the run if that is not finished.
    fn session(&self, run: &Run) -> Outcome<(Session, Option<Failure>)> {
        let network = if self.last { run.last_network() } else { run.network() }?;
        let training = Training::of(network.as_ref())?;
        let unfinished = unfinished(run, &training)?;
        if training.updates == 0 {
            let what = format!("there is nothing to test: {}", not_finished(run, &training)?);
            return Err(Failure::Unfinished { code: UNFINISHED, what });
        }
        let mut held_out = run.specification().test().clone();
        held_out.trials = self.trials.unwrap_or(held_out.trials);
        held_out.seed = self.seed.map_or(held_out.seed, Seed);
        Ok((run.specification().session(network.as_ref(), &held_out.draw()?)?, unfinished))
    }
}

/// Performance on trials that were held out, and how often each choice was made at each level of what the task drew.
pub(crate) fn test(run: &Run, tested: &Tested) -> Outcome<()> {
    let (session, unfinished) = tested.session(run)?;
    say::out(format_args!("trials    {}", session.n_trials()))?;
    say::out(format_args!("accuracy  {:.4}", session.accuracy()))?;
    say::out(format_args!("error     {:.5}", session.rms_error()))?;
    let session = signed(session)?;
    for (column, levels) in conditions(&session)? {
        let names = ["trials", "share correct", "share choice 1"];
        say::out(format_args!("\n{column:>16} {:>8} {:>14} {:>16}", names[0], names[1], names[2]))?;
        for (level, rows) in levels {
            let correct = share(&rows, |row| session.correct[row]);
            let chosen = share(&rows, |row| session.choices[row].map(|choice| choice == 1));
            say::out(format_args!("{level:>16} {:>8} {correct:>14} {chosen:>16}", rows.len()))?;
        }
    }
    session.trials().save_csv(run.folder().join("trials.csv"))?;
    let summary = json!({
        "trials": session.n_trials(), "accuracy": session.accuracy(), "error": session.rms_error(),
    });
    let path = run.folder().join("test.json");
    fs::write(&path, format!("{summary:#}\n")).map_err(|source| Failure::io("write", &path, source))?;
    say::out(format_args!("\nwritten: test.json, trials.csv in {}", run.folder().display()))?;
    unfinished.map_or(Ok(()), Err)
}

/// The same session with a signed coherence wherever there are a coherence and a direction.
fn signed(mut session: Session) -> Outcome<Session> {
    session.batch = session.batch.with_signed()?;
    Ok(session)
}

/// The columns of conditions, numbers and texts that the task drew, few enough for a table: their values, and the trials with each.
fn conditions(session: &Session) -> Outcome<Vec<(String, Levels)>> {
    let values = &session.batch.values;
    let mut conditions = Vec::new();
    for name in values.names() {
        let levels = values.groups(name)?;
        if (2..=MOST_LEVELS).contains(&levels.len()) {
            conditions.push((name.to_owned(), levels));
        }
    }
    Ok(conditions)
}

type Levels = Vec<(Value, Vec<usize>)>;

/// In what share of some trials something is so, of those in which it can be.
fn share(rows: &[usize], is_so: impl Fn(usize) -> Option<bool>) -> String {
    let known: Vec<bool> = rows.iter().filter_map(|&row| is_so(row)).collect();
    match known.len() {
        0 => "-".to_owned(),
        n => format!("{:.3}", known.iter().filter(|&&so| so).count() as f64 / n as f64),
    }
}

/// The checks as a table, and the costs as a figure.
pub(crate) fn costs(run: &Run, drawn: &Drawn) -> Outcome<()> {
    let training = run.training()?;
    if let Some(unfinished) = unfinished(run, &training)? {
        say::beside(unfinished);
    }
    say::out(&training)?;
    if let Some(best) = training.best {
        let Check { update, loss, value, .. } = best;
        say::out(format_args!("best after update {update}: loss {loss:.6}, metric {value:.4}"))?;
    }
    if !training.checks.is_empty() {
        let [update, trials, stage, loss, error, metric] = ["update", "trials", "stage", "loss", "error", "metric"];
        say::out(format_args!("\n{update:>10} {trials:>12} {stage:>6} {loss:>12} {error:>10} {metric:>8}"))?;
    }
    for check in &training.checks {
        let trials = check.update * training.batch_size;
        let Check { update, stage, loss, error, value, .. } = check;
        say::out(format_args!("{update:>10} {trials:>12} {stage:>6} {loss:>12.6} {error:>10.5} {value:>8.4}"))?;
    }
    drawn.save(run, "costs", &training.plot_checks())
}

/// The weights of all connections.
pub(crate) fn structure(run: &Run, drawn: &Drawn) -> Outcome<()> {
    let weights = run.network()?.weights()?;
    let names: Vec<&str> = weights.names().filter(|name| name.starts_with("W_")).collect();
    let figures: Vec<Figure> = names.into_iter().map(|name| weights.plot(name)).collect::<psychrnn::Result<_>>()?;
    drawn.save(run, "structure", &Figure::join(figures))
}

/// All figures.
pub(crate) fn figures(run: &Run, tested: &Tested, drawn: &Drawn) -> Outcome<()> {
    let (session, _) = tested.session(run)?;
    drawn.save(run, "trial", &session.plot_trial(0)?)?;
    curves(&signed(session)?, run, drawn)?;
    costs(run, drawn)?;
    structure(run, drawn)
}

/// Psychometric curves over each level on whose sides different choices are correct, of all trials and of those with each text that
/// the task drew, such as a modality or a context.
fn curves(session: &Session, run: &Run, drawn: &Drawn) -> Outcome<()> {
    let texts = conditions(session)?;
    let texts = texts.iter().filter(|(_, levels)| levels.iter().all(|(value, _)| matches!(value, Value::Text(_))));
    let mut parts = vec![(String::new(), String::new(), (0..session.n_trials()).collect())];
    for (name, levels) in texts {
        for (value, rows) in levels {
            let file = file_name(name, &value.to_string(), parts.iter().map(|(file, ..)| file.as_str()));
            parts.push((file, format!(" ({name}: {value})"), rows.clone()));
        }
    }
    let mut any = false;
    for (name, column) in session.batch.values.iter() {
        let Some(levels) = column.iter().map(Value::number).collect::<Option<Vec<f64>>>() else { continue };
        for (file, part, rows) in &parts {
            if !tells_choices(session, &levels, rows) {
                continue;
            }
            any = true;
            let (levels, hits): (Vec<f64>, Vec<Option<bool>>) =
                rows.iter().map(|&row| (levels[row], session.choices[row].map(|choice| choice == 1))).unzip();
            let counts = Counts::of_trials(&format!("{name}{part}"), &levels, &hits);
            let counts = counts.map(|counts| counts.hit_name("Share of choice 1"));
            match counts.and_then(|counts| Psychometric::default().fit(&counts)).and_then(|fit| fit.plot()) {
                Ok(figure) => drawn.save(run, &format!("psychometric-{name}{file}"), &figure)?,
                Err(error) => say::out(format_args!("no curve over {name}{part}: {error}"))?,
            }
        }
    }
    if !any {
        say::out("no psychometric curve: the task has no level with one correct choice below and another above")?;
    }
    Ok(())
}

/// What the name of a file ends with for a condition. One that is taken, also but for capital letters, gets a number.
fn file_name<'a>(name: &str, value: &str, taken: impl Iterator<Item = &'a str>) -> String {
    let plain: String = value.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let taken: Vec<String> = taken.map(str::to_lowercase).collect();
    let numbers = std::iter::once(String::new()).chain((2..).map(|number| format!("_{number}")));
    let mut names = numbers.map(|number| format!("-{name}-{plain}{number}"));
    names.find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default()
}

/// Whether a level tells which choice is correct: 0 on one side and 1 on the other, but for one level between, such as 0.
fn tells_choices(session: &Session, levels: &[f64], rows: &[usize]) -> bool {
    let mut correct: Vec<(f64, usize)> = rows
        .iter()
        .filter_map(|&row| Some((levels[row] + 0.0, session.batch.correct_choice(row)?)))
        .filter(|(level, _)| !level.is_nan())
        .collect();
    correct.sort_by(|a, b| a.0.total_cmp(&b.0));
    let choices: Vec<Option<usize>> = correct
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| same.iter().all(|(_, choice)| *choice == same[0].1).then_some(same[0].1))
        .collect();
    let one_sided = |ends: [usize; 2]| {
        let first = choices.iter().take_while(|choice| **choice == Some(ends[0])).count();
        let last = choices.iter().rev().take_while(|choice| **choice == Some(ends[1])).count();
        first > 0 && last > 0 && first + last + 1 >= choices.len()
    };
    choices.len() > 2 && (one_sided([0, 1]) || one_sided([1, 0]))
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
        let folder = run.folder().join("figures");
        fs::create_dir_all(&folder).map_err(|source| Failure::io("create", &folder, source))?;
        let path: PathBuf = folder.join(format!("{name}.{}", self.format));
        figure.save(&path)?;
        say::out(format_args!("written: {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn conditions_that_differ_in_punctuation_have_files_of_their_own() {
        let mut files: Vec<String> = Vec::new();
        for value in ["a b", "a/b", "A b", "left"] {
            files.push(file_name("cue", value, files.iter().map(String::as_str)));
        }
        assert_eq!(files, ["-cue-a_b", "-cue-a_b_2", "-cue-A_b_3", "-cue-left"]);
    }
}
