//! `cargo xtask models`: trains PyCog's example models and puts what was measured into a table.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::libtorch;
use crate::run;
use crate::workspace::Workspace;

/// All models, in the order of the table.
const MODELS: [&str; 11] = [
    "rdm_nodale",
    "rdm_dense",
    "rdm_fixed",
    "rdm_varstim",
    "rdm_rt",
    "mante",
    "mante_areas",
    "multisensory",
    "romo",
    "lee",
    "sinewave",
];
/// The two that are trained fastest.
const QUICKEST: [&str; 2] = ["rdm_nodale", "rdm_dense"];

/// Trains the models with these names, all by default, into `target/models`, and puts their numbers together in `models.json`
/// and `models.md` there.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !MODELS.contains(&name.as_str())) {
        bail!("there is no model `{unknown}`; there are {}", MODELS.join(", "));
    }
    let names: Vec<&str> =
        MODELS.into_iter().filter(|name| names.is_empty() || names.iter().any(|n| n == name)).collect();
    let folder = workspace.target()?.join("models");
    train(workspace, &["--release"], &folder, &names)?;
    let mut all = Map::new();
    for name in MODELS {
        let path = folder.join(name).with_extension("json");
        if path.exists() {
            all.insert(name.to_owned(), read(&path)?);
        }
    }
    let table = table(&all);
    println!("\n{table}");
    write(&folder.join("models.json"), &format!("{:#}\n", Value::from(all)))?;
    write(&folder.join("models.md"), &table)?;
    println!("Networks and numbers: {}", folder.display());
    Ok(())
}

/// Trains the two quickest models and makes sure that they have learned their tasks.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target()?.join("models/check");
    train(workspace, &[], &folder, &QUICKEST)?;
    for name in QUICKEST {
        let report = read(&folder.join(name).with_extension("json"))?;
        if report["reached"] != true || report["held_out_meets_criterion"] != true {
            bail!("the model `{name}` has not learned its task: {report:#}");
        }
    }
    Ok(())
}

/// Builds the example `models` in this profile and runs it.
fn train(workspace: &Workspace, profile: &[&str], folder: &Path, names: &[&str]) -> Result<()> {
    let libtorch = libtorch::ensure(workspace)?;
    run::step("compiling", || {
        run::run(workspace.cargo().arg("build").args(profile).args(["--quiet", "--example", "models"]))
    })?;
    let built = if profile.is_empty() { "debug" } else { "release" };
    let program = workspace.target()?.join(built).join("examples/models");
    // One after another, so that what is done stays when one fails or all are interrupted.
    for name in names {
        // The numbers of an earlier run shall not pass for those of this one.
        let numbers = folder.join(name).with_extension("json");
        if numbers.exists() {
            fs::remove_file(&numbers).with_context(|| format!("cannot remove {}", numbers.display()))?;
        }
        run::step(name, || {
            run::run(Command::new(&program).arg(folder).arg(name).env(libtorch::SEARCH_PATH, &libtorch.libraries))
        })?;
    }
    Ok(())
}

/// The table in Markdown.
fn table(models: &Map<String, Value>) -> String {
    let mut text = String::from(
        "| model | units | PyCog's criterion | trials | seconds | on fresh trials | seed |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (name, report) in models {
        let number = |of: &Value, digits: usize| of.as_f64().map_or("?".to_owned(), |x| format!("{x:.digits$}"));
        let reached = if report["reached"] == true { "" } else { " (not reached)" };
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} | {}{reached} | {} | {} of {} trials | {} |",
            report["units"],
            criterion(&report["criterion"]),
            report["trials"],
            number(&report["seconds"], 0),
            number(&report["held_out"], 3),
            report["held_out_trials"],
            report["seeds"]["training"],
        );
    }
    text
}

/// A criterion in words.
fn criterion(criterion: &Value) -> String {
    let percent = |of: &Value| of.as_f64().map_or("?".to_owned(), |x| format!("{:.0} %", 100.0 * x));
    if let Some(accuracy) = criterion.get("accuracy") {
        format!("above {} correct, mean of {} validations", percent(&accuracy["above"]), accuracy["last"])
    } else if let Some(worst) = criterion.get("worst_condition") {
        format!("{} correct in the worst condition", percent(&worst["at_least"]))
    } else {
        format!("error at most {}", criterion["error"]["at_most"])
    }
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
