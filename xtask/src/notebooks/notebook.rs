//! Notebooks without a browser: `cargo xtask notebook`, and the check that they are committed without outputs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cells::{self, Program};
use super::jupyter::{Jupyter, OURS, STOCK, TABLES, Wanted};
use super::markdown;
use crate::run;
use crate::setup::libtorch;
use crate::setup::python;
use crate::workspace::Workspace;

/// The folder of the build directory in which executed copies are.
const EXECUTED: &str = "notebooks";

/// Where the executed copy of a notebook is, or will be.
pub(crate) fn executed_copy(workspace: &Workspace, file: &Path) -> Result<PathBuf> {
    Ok(workspace.target()?.join(EXECUTED).join(file.file_name().unwrap_or_default()))
}

/// Executes notebooks, one after another, and leaves executed copies in the build directory. Of pages the code is compiled.
pub(crate) fn execute(workspace: &Workspace, files: &[PathBuf]) -> Result<()> {
    let (pages, files): (Vec<PathBuf>, Vec<PathBuf>) =
        files.iter().cloned().partition(|file| file.extension().is_some_and(|extension| extension == "md"));
    if !pages.is_empty() {
        let page = |page: &PathBuf| Program::page(workspace, Path::new(""), page).transpose();
        let programs = pages.iter().filter_map(page).collect::<Result<Vec<_>>>()?;
        run::step("compiling the code of pages (minutes the first time)", || compile(workspace, &programs))?;
        if files.is_empty() {
            return Ok(());
        }
    }
    let asks = |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| text.contains(TABLES));
    let wanted = if files.iter().any(asks) { Wanted::Tables } else { Wanted::Usual };
    let jupyter = Jupyter::ensure(workspace, wanted)?;
    execute_all(workspace, &jupyter, &files, OURS)
}

/// Executes a notebook by our kernel and by evcxr's own.
pub(crate) fn test(workspace: &Workspace, file: &str) -> Result<()> {
    let jupyter = Jupyter::ensure(workspace, Wanted::Tested)?;
    let files = [workspace.root.join(file)];
    execute_all(workspace, &jupyter, &files, OURS)?;
    // The kernel makes its folder, and this one removes it.
    let folder = jupyter.kernels.join(process::id().to_string());
    jupyter.folder(&folder)?;
    let result = execute_all(workspace, &jupyter, &files, STOCK);
    python::clear(&folder)?;
    result
}

/// Runs the cells of all notebooks of the clone as ordinary code, and compiles those of the README and of the pages in a folder.
pub(crate) fn run_as_programs(workspace: &Workspace, pages: &Path) -> Result<()> {
    let mut programs = committed(workspace)?.iter().map(|path| Program::read(path)).collect::<Result<Vec<_>>>()?;
    let notebooks = programs.len();
    programs.extend(Program::page(workspace, &workspace.root, Path::new("README.md"))?);
    for page in markdown::pages(pages)? {
        programs.extend(Program::page(workspace, pages, page.strip_prefix(pages)?)?);
    }
    let binary = compile(workspace, &programs)?;
    let libtorch = libtorch::ensure(workspace)?;
    let folder = workspace.target()?.join("notebooks/programs");
    // A study that an earlier run has done would not be done.
    python::clear(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    cells::copy_inputs(workspace, &folder)?;
    for program in &programs[..notebooks] {
        let mut run = Command::new(&binary);
        run.arg(&program.name).current_dir(&folder).env(libtorch::SEARCH_PATH, &libtorch.libraries);
        run::output(&mut run).with_context(|| format!("the notebook {} failed", program.name))?;
    }
    Ok(())
}

/// Compiles programs into one binary, which shows nothing, and says where it is.
fn compile(workspace: &Workspace, programs: &[Program]) -> Result<PathBuf> {
    const SHOWN: &str = "macro_rules! shown { ($cell:expr, $value:expr) => { drop($value) } }";
    libtorch::ensure(workspace)?;
    let target = workspace.target()?;
    let package = target.join("notebook-programs");
    cells::package(workspace, &package, programs, SHOWN)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--quiet", "--manifest-path"]).arg(package.join("Cargo.toml"));
    run::run(cargo.arg("--target-dir").arg(&target))?;
    Ok(target.join("debug").join(cells::BINARY))
}

fn execute_all(workspace: &Workspace, jupyter: &Jupyter, files: &[PathBuf], kernel: &str) -> Result<()> {
    if files.is_empty() {
        bail!("which notebook? For example `cargo xtask notebook notebooks/01-hello-world.ipynb`");
    }
    let here = env::current_dir().context("the current folder is gone")?;
    let files: Vec<PathBuf> = files.iter().map(|file| here.join(file)).collect();
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        bail!("there is no notebook {}", missing.display());
    }
    let folder = workspace.target()?.join(if kernel == OURS { EXECUTED } else { "notebooks/stock" });
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let count = |i: usize| if files.len() > 1 { format!(" ({i} of {})", files.len()) } else { String::new() };
    let execute = |(i, file): (usize, &PathBuf)| execute_one(jupyter, file, &folder, kernel, &count(i + 1));
    let results: Vec<_> = files.iter().enumerate().map(execute).collect();
    let failed: Vec<_> = files.iter().zip(results).filter_map(|(file, result)| Some((file, result.err()?))).collect();
    if !failed.is_empty() {
        let lines: Vec<_> = failed.iter().map(|(file, error)| format!("    {}: {error:#}", file.display())).collect();
        bail!("{} of {} notebooks failed:\n\n{}\n", failed.len(), files.len(), lines.join("\n"));
    }
    Ok(())
}

fn execute_one(jupyter: &Jupyter, file: &Path, folder: &Path, kernel: &str, count: &str) -> Result<()> {
    let name = file.file_name().unwrap_or_default().display();
    run::step(&format!("{name}, by the kernel {kernel}{count}"), || {
        let mut python = jupyter.python();
        // The user's own start-up file for evcxr shall not decide whether a notebook works.
        python.env("EVCXR_CONFIG_DIR", folder.join("no-configuration"));
        python.args(["-c", include_str!("../../assets/run_notebook.py")]).arg(file).arg(folder).arg(kernel);
        if kernel == STOCK {
            let build = jupyter.kernels.join(process::id().to_string());
            // At its start this kernel forgets the versions with which the library was compiled.
            let (from, to) = (jupyter.template.join("versions.lock"), build.join("Cargo.lock"));
            python.arg(format!("!cp {} {}", run::quote(from.as_os_str()), run::quote(to.as_os_str())));
            python.env("EVCXR_TMPDIR", build);
        }
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
pub(crate) fn committed(workspace: &Workspace) -> Result<Vec<PathBuf>> {
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
