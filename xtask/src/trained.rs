//! `cargo xtask trained`: trains a network on each task of the library and keeps what was measured.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// Where the studies stand, a file for each folder of the library, and their tables beside them.
const FOLDER: &str = "data/trained";

/// Does the runs of these studies, all by default, in `target/trained`: those that are not done yet. Their tables are kept.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<()> {
    let folder = workspace.root.join(FOLDER);
    let all = studies(&folder)?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!("there is no study `{unknown}` in {FOLDER}; there are {}", all.join(", "));
    }
    let libraries = libtorch::ensure(workspace)?.libraries;
    run::step("compiling", || {
        let arguments = ["build", "--quiet", "--release", "--package", "psychrnn-cli"];
        run::run(workspace.cargo().args(arguments))
    })?;
    let (program, runs) = (workspace.target()?.join("release/psychrnn"), workspace.target()?.join("trained"));
    for name in all.iter().filter(|name| names.is_empty() || names.contains(name)) {
        let (file, done) = (folder.join(name).with_extension("toml"), runs.join(name));
        let psychrnn = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.env(libtorch::SEARCH_PATH, &libraries).arg("study").args(arguments);
            command
        };
        run::step(name, || run::run(psychrnn(&["run"]).arg(&file).arg("--folder").arg(&done)))?;
        run::output(psychrnn(&["table"]).arg(&done))?;
        let path = file.with_extension("csv");
        fs::copy(done.join("table.csv"), &path).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// The names of the studies, in order.
fn studies(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}
