//! Notebooks without a browser: `cargo xtask notebook`, and the check that they are committed without outputs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::jupyter::Jupyter;
use crate::python;
use crate::run;
use crate::workspace::Workspace;

/// Executes notebooks, one after another, and leaves executed copies in the build directory.
pub(crate) fn execute(workspace: &Workspace, files: &[PathBuf]) -> Result<()> {
    if files.is_empty() {
        bail!("which notebook? For example `cargo xtask notebook notebooks/01-hello-world.ipynb`");
    }
    let here = env::current_dir().context("the current folder is gone")?;
    let files: Vec<PathBuf> = files.iter().map(|file| here.join(file)).collect();
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        bail!("there is no notebook {}", missing.display());
    }
    let jupyter = Jupyter::ensure(workspace)?;
    let folder = workspace.target()?.join("notebooks");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let results: Vec<_> = files.iter().map(|file| execute_one(&jupyter, file, &folder)).collect();
    python::clear(jupyter.session())?;
    let failed: Vec<_> = files.iter().zip(results).filter_map(|(file, result)| Some((file, result.err()?))).collect();
    if !failed.is_empty() {
        let lines: Vec<_> = failed.iter().map(|(file, error)| format!("    {}: {error:#}", file.display())).collect();
        bail!("{} of {} notebooks failed:\n\n{}\n", failed.len(), files.len(), lines.join("\n"));
    }
    Ok(())
}

fn execute_one(jupyter: &Jupyter, file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().unwrap_or_default().display();
    run::step(&format!("{name} (its first cell compiles the crate: 5 to 10 minutes in a fresh kernel)"), || {
        let mut python = jupyter.python();
        // One kernel at a time, so they can share a build folder: the second notebook starts warm. The user's own
        // start-up file for evcxr shall not decide whether a notebook works.
        python.env("EVCXR_TMPDIR", jupyter.session().join("evcxr"));
        python.env("EVCXR_CONFIG_DIR", jupyter.session().join("no-configuration"));
        python.args(["-c", include_str!("../assets/run_notebook.py")]).arg(file).arg(folder);
        let status = python.status().context("cannot start the Python of the notebook environment")?;
        if !status.success() {
            bail!("a cell failed, see above");
        }
        Ok(())
    })
}

/// Makes sure that no notebook is about to be committed with its outputs: they would hide what changed in the code.
pub(crate) fn check_clean(workspace: &Workspace) -> Result<()> {
    for path in committed(workspace)? {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let notebook: Value =
            serde_json::from_str(&text).with_context(|| format!("{} is not a notebook", path.display()))?;
        if has_outputs(&notebook) {
            bail!(
                "{} holds outputs. In JupyterLab: Edit, Clear Outputs of All Cells, then save",
                path.strip_prefix(&workspace.root).unwrap_or(&path).display()
            );
        }
    }
    Ok(())
}

/// The notebooks of the clone, in order.
fn committed(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let folder = workspace.root.join("notebooks");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ipynb"));
    paths.sort();
    Ok(paths)
}

fn has_outputs(notebook: &Value) -> bool {
    let cells = notebook["cells"].as_array().map(Vec::as_slice).unwrap_or_default();
    cells.iter().any(|cell| {
        !cell["execution_count"].is_null() || cell["outputs"].as_array().is_some_and(|outputs| !outputs.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;

    use super::*;

    #[test]
    fn outputs_and_counts_are_noticed() {
        let notebook = |count: Value, outputs: Value| json!({ "cells": [{ "cell_type": "markdown" }, { "execution_count": count, "outputs": outputs }] });
        assert!(!has_outputs(&notebook(Value::Null, json!([]))));
        assert!(has_outputs(&notebook(json!(1), json!([]))));
        assert!(has_outputs(&notebook(Value::Null, json!([{ "output_type": "stream" }]))));
    }

    /// The examples in the script that runs notebooks say what counts as a failure. Needs nothing but Python.
    #[test]
    fn failures_are_told_from_harmless_lines() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/run_notebook.py");
        let python = Command::new("python3").args(["-m", "doctest"]).arg(script).output().unwrap();
        assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stdout));
    }
}
