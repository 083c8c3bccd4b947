//! `cargo xtask lab --check`: what a notebook's user waits for, and what must hold, measured on this machine.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::cells::{self, Program};
use super::jupyter::{Jupyter, Wanted};
use crate::run;
use crate::setup::libtorch;
use crate::setup::python::clear;
use crate::workspace::{Workspace, copy};

/// What shows a value does not matter here.
const SHOWN: &str = "macro_rules! shown { ($cell:expr, $value:expr) => { drop($value) } }";
const HELLO_WORLD: &str = "01-hello-world";

/// Measures, prints, and writes `target/notebooks/lab.json`.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let jupyter = Jupyter::ensure(workspace, Wanted::Tested)?;
    let target = workspace.target()?;
    let libtorch = libtorch::ensure(workspace)?;
    compile_release(workspace, &target)?;
    // A copy of the library in which one source is another one.
    let changed = target.join("changed-library");
    clear(&changed)?;
    for part in ["Cargo.toml", "Cargo.lock", "build.rs", "derive", "src"] {
        copy(&workspace.root.join(part), &changed.join(part))?;
    }
    fs::write(changed.join("src/new.rs"), "// new\n").context("cannot change the copy of the library")?;
    let settings = json!({
        "clone": workspace.root,
        "changed": changed,
        "kernels": jupyter.kernels,
        "release": [target.join("release").join(cells::BINARY), Path::new(HELLO_WORLD)],
        "variables": { (libtorch::SEARCH_PATH): libtorch.libraries },
    });
    let text = run::step("measuring notebooks (three minutes on a quiet machine)", || {
        let mut python = jupyter.python();
        python.args(["-c", include_str!("../../assets/check_lab.py"), &settings.to_string()]);
        let output = python.stderr(Stdio::inherit()).output().context("cannot start Python")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        print!("{text}");
        if !output.status.success() {
            bail!("notebooks do not work, see above");
        }
        Ok(text)
    })?;
    clear(&changed)?;
    let found: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).context("no findings")?;
    let folder = target.join("notebooks");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join("lab.json");
    fs::write(&path, format!("{found:#}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\n{found:#}\n\n{}", path.display());
    let wrong: Vec<_> = found.as_object().into_iter().flatten().filter(|(_, value)| **value == json!(false)).collect();
    if !wrong.is_empty() {
        bail!("this must hold: {}", wrong.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

/// The hello world as a program, with which a notebook's training is compared.
fn compile_release(workspace: &Workspace, target: &Path) -> Result<()> {
    let notebook = workspace.root.join("notebooks").join(HELLO_WORLD).with_extension("ipynb");
    let package = target.join("hello-world-program");
    cells::package(workspace, &package, &[Program::read(&notebook)?], SHOWN)?;
    run::step("compiling the hello world in release mode (6 minutes the first time)", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--quiet", "--manifest-path"]).arg(package.join("Cargo.toml"));
        run::run(cargo.arg("--target-dir").arg(target))
    })
}
