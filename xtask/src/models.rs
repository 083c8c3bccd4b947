//! `cargo xtask models`: trains PyCog's example models and puts what was measured into a table.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// The two that are trained fastest.
const QUICKEST: [&str; 2] = ["rdm_nodale", "rdm_dense"];

/// Trains the models with these names, all by default, into `target/models`, and puts their numbers together in `models.md` there.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<()> {
    let program = Program::build(workspace, &["--release"])?;
    let all = program.names()?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!("there is no model `{unknown}`; there are {}", all.join(", "));
    }
    let folder = workspace.target()?.join("models");
    let wanted = |name: &&String| names.is_empty() || names.contains(name);
    // One after another, so that what is done stays when one fails or all are interrupted.
    all.iter().filter(wanted).try_for_each(|name| program.train(name, &folder))?;
    let mut reports = Vec::new();
    for name in &all {
        let path = folder.join(name).with_extension("json");
        if path.exists() {
            reports.push((name.as_str(), read(&path)?));
        }
    }
    let table = table(&reports);
    println!("\n{table}");
    let path = folder.join("models.md");
    fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    println!("Networks and numbers: {}", folder.display());
    Ok(())
}

/// Trains the two quickest models and makes sure that they have learned their tasks.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let program = Program::build(workspace, &[])?;
    let folder = workspace.target()?.join("models/check");
    for name in QUICKEST {
        program.train(name, &folder)?;
        let report = read(&folder.join(name).with_extension("json"))?;
        if report["reached"] != true || report["held_out_meets_criterion"] != true {
            bail!("the model `{name}` has not learned its task: {report:#}");
        }
    }
    Ok(())
}

/// The program `models`, which trains one model.
struct Program {
    path: PathBuf,
    libraries: PathBuf,
}

impl Program {
    /// Builds it in this profile.
    fn build(workspace: &Workspace, profile: &[&str]) -> Result<Self> {
        let libraries = libtorch::ensure(workspace)?.libraries;
        run::step("compiling", || {
            // With the whole workspace, as for tests: alone, it would have dependencies with other features.
            let arguments = ["build", "--quiet", "--workspace", "--bin", "models"];
            run::run(workspace.cargo().args(arguments).args(profile))
        })?;
        let built = if profile.is_empty() { "debug" } else { "release" };
        Ok(Self { path: workspace.target()?.join(built).join("models"), libraries })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env(libtorch::SEARCH_PATH, &self.libraries);
        command
    }

    /// The names of all models, in the order of the table.
    fn names(&self) -> Result<Vec<String>> {
        Ok(run::output(self.command().arg("--list"))?.lines().map(str::to_owned).collect())
    }

    /// Trains a model; its network and its numbers come into the folder.
    fn train(&self, name: &str, folder: &Path) -> Result<()> {
        // The numbers of an earlier run shall not pass for those of this one.
        let numbers = folder.join(name).with_extension("json");
        if numbers.exists() {
            fs::remove_file(&numbers).with_context(|| format!("cannot remove {}", numbers.display()))?;
        }
        run::step(name, || run::run(self.command().arg(folder).arg(name)))
    }
}

/// The table in Markdown, as it stands in the documentation of `psychrnn::models`.
fn table(reports: &[(&str, Value)]) -> String {
    let mut text = String::from(
        "| model | PyCog's criterion | network | optimizer | trials | seconds | on fresh trials | seed |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (name, report) in reports {
        let reached = if report["reached"] == true { "" } else { " (not reached)" };
        let dale = if report["dale"] == true { "Dale" } else { "no Dale" };
        let (optimizer, rate) = (&report["trainer"]["optimizer"], &report["trainer"]["learning_rate"]);
        let optimizer = optimizer.as_object().and_then(|kinds| kinds.keys().next()).map_or("?", String::as_str);
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} units, {dale} | {optimizer}, {rate} | {}{reached} | {} | {} of {} trials | {} |",
            criterion(&report["criterion"]),
            report["units"],
            thousands(&report["trials"]),
            report["seconds"].as_f64().map_or("?".to_owned(), |seconds| format!("{seconds:.0}")),
            measure(&report["held_out"], &report["criterion"]),
            thousands(&report["held_out_trials"]),
            report["seeds"]["training"],
        );
    }
    text
}

/// A count with its thousands parted.
fn thousands(count: &Value) -> String {
    let digits = count.to_string();
    let parted = |(i, digit): (usize, char)| {
        let comma = i > 0 && (digits.len() - i).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(parted).collect()
}

/// What a criterion is about, as it was measured.
fn measure(value: &Value, criterion: &Value) -> String {
    match value.as_f64() {
        Some(error) if criterion.get("error").is_some() => format!("{error:.4}"),
        Some(share) => format!("{:.1} %", 100.0 * share),
        None => "?".to_owned(),
    }
}

/// A criterion in words.
fn criterion(criterion: &Value) -> String {
    let percent = |of: &Value| of.as_f64().map_or("?".to_owned(), |x| format!("{:.0} %", 100.0 * x));
    if let Some(accuracy) = criterion.get("accuracy") {
        format!("above {} correct", percent(&accuracy["above"]))
    } else if let Some(worst) = criterion.get("worst_condition") {
        format!("{} in the worst condition", percent(&worst["at_least"]))
    } else {
        format!("error at most {}", criterion["error"]["at_most"])
    }
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}
