//! The notebook side: a Python environment with JupyterLab, the evcxr kernel, and a kernelspec that joins it to libtorch.
//!
//! Environment and kernel lie in the user's cache and serve every clone. The kernelspec lies in the clone's build
//! directory, since it names the libtorch of this clone; Jupyter is told to look there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::libtorch::{self, Libtorch, SEARCH_PATH};
use crate::python::{self, Environment, clear};
use crate::run;
use crate::workspace::Workspace;

/// The version of `evcxr_jupyter` that our notebooks are tested with.
const EVCXR: &str = "0.22.0";

/// Everything that a notebook needs to run.
pub(crate) struct Jupyter {
    python: PathBuf,
    /// A folder of Jupyter data with our kernelspec in it.
    data: PathBuf,
    /// Where kernels build; emptied when the process of our number is gone.
    session: PathBuf,
}

impl Jupyter {
    /// Makes sure of libtorch, the Python environment, the kernel and the kernelspec.
    pub(crate) fn ensure(workspace: &Workspace) -> Result<Self> {
        let libtorch = libtorch::ensure(workspace)?;
        let python = environment(workspace)?;
        let evcxr = evcxr(workspace)?;
        let data = workspace.target()?.join("jupyter");
        let spec = data.join("kernels/psychrnn");
        fs::create_dir_all(&spec).with_context(|| format!("cannot make {}", spec.display()))?;
        let spec = spec.join("kernel.json");
        let text = serde_json::to_string_pretty(&kernelspec(&evcxr, &libtorch))?;
        fs::write(&spec, text).with_context(|| format!("cannot write {}", spec.display()))?;
        Ok(Self { python, data, session: session(workspace)? })
    }

    /// Python of the environment, with variables that lead Jupyter to our kernel and kernels to a folder for their builds.
    pub(crate) fn python(&self) -> Command {
        let mut python = Command::new(&self.python);
        let mut paths = OsString::from(&self.data);
        if let Some(others) = env::var_os("JUPYTER_PATH") {
            paths.push(":");
            paths.push(others);
        }
        // evcxr makes its build folders in TMPDIR. It updates a kernelspec named `rust` in the first folder of
        // JUPYTER_PATH, if there is one: there is none in ours, and the user's stays as it is.
        python.env("JUPYTER_PATH", paths).env("TMPDIR", &self.session);
        python
    }

    /// The folder for builds of kernels that this process starts.
    pub(crate) fn session(&self) -> &Path {
        &self.session
    }
}

/// Opens JupyterLab on the notebooks and stays until it ends.
pub(crate) fn lab(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let jupyter = Jupyter::ensure(workspace)?;
    println!(
        "  opening JupyterLab on notebooks/. The first cell of each notebook compiles the crate: 5 to 10 minutes. Stop with Ctrl-C"
    );
    let mut lab = jupyter.python();
    lab.args(["-m", "jupyterlab", "--MultiKernelManager.default_kernel_name=psychrnn"]);
    lab.arg(format!("--ServerApp.root_dir={}", workspace.root.join("notebooks").display()));
    lab.args(arguments);
    let result = foreground(&lab, jupyter.session());
    clear(jupyter.session())?;
    result
}

/// Runs a program that asks back on Ctrl-C. A shell that minds no Ctrl-C takes our place, waits for it and clears up.
#[cfg(unix)]
fn foreground(command: &Command, folder: &Path) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"trap : INT; folder=$1; shift; "$@"; status=$?; rm -rf "$folder"; exit $status"#, "lab"]);
    shell.arg(folder).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Err(shell.exec()).context("cannot start `sh`")
}

#[cfg(not(unix))]
fn foreground(command: &Command, _: &Path) -> Result<()> {
    anyhow::bail!("`cargo xtask lab` runs on Linux and macOS. Start it yourself: {}", run::shell(command))
}

/// The Python of a virtual environment with JupyterLab.
fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let environment = Environment {
        name: "jupyter",
        title: "JupyterLab: making a Python environment (about a minute, once for all clones)",
        minors: python::ANY,
        requirements: include_str!("../assets/jupyter.txt"),
        alone: &[],
        module: "jupyterlab",
    };
    environment.ensure(workspace, |folder| {
        // No question about Jupyter's news at the first start.
        let settings = folder.join("etc/jupyter/labconfig/page_config.json");
        let quiet = json!({ "disabledExtensions": { "@jupyterlab/apputils-extension:announcements": true } });
        fs::create_dir_all(settings.with_file_name("")).context("cannot make the folder for JupyterLab's settings")?;
        fs::write(&settings, quiet.to_string()).with_context(|| format!("cannot write {}", settings.display()))
    })
}

/// The evcxr kernel, compiled once.
fn evcxr(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.cache.join(format!("evcxr-{EVCXR}"));
    let program = root.join("bin/evcxr_jupyter");
    // Cargo moves the finished program there in one step.
    if program.exists() {
        return Ok(program);
    }
    let _lock = workspace.lock("evcxr")?;
    if program.exists() {
        return Ok(program);
    }
    run::step(&format!("evcxr {EVCXR}: compiling the notebook kernel (6 to 12 minutes, once for all clones)"), || {
        // A build folder of its own, so that an interrupted build goes on where it was.
        let build = workspace.cache.join(format!("evcxr-{EVCXR}.build"));
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&workspace.cache).args(["install", "--quiet", "--locked", "--root"]).arg(&root);
        cargo.arg("--target-dir").arg(&build).arg(format!("evcxr_jupyter@{EVCXR}"));
        run::run(&mut cargo)?;
        clear(&build)
    })?;
    Ok(program)
}

/// What Jupyter reads to start our kernel.
fn kernelspec(evcxr: &Path, libtorch: &Libtorch) -> Value {
    // Jupyter's stop button sends SIGINT. evcxr would die of it, with all variables; a computation that wants it can
    // still catch it. The search path is set here since macOS takes it away from what starts a shell. The C++ half of
    // tch only passes calls on: optimising it hard makes the first cell a minute slower and nothing faster.
    let start = format!(
        r#"trap '' INT; export CXXFLAGS="-O1 $CXXFLAGS" {SEARCH_PATH}={}${{{SEARCH_PATH}:+:${SEARCH_PATH}}}; exec "$0" --control_file "$1""#,
        run::quote(libtorch.libraries.as_os_str())
    );
    let mut variables = json!({
        // evcxr builds in the dev profile. Training in a cell shall be as fast as in a release build.
        "CARGO_PROFILE_DEV_DEBUG_ASSERTIONS": "false",
        "CARGO_PROFILE_DEV_OVERFLOW_CHECKS": "false",
        "CARGO_PROFILE_DEV_OPT_LEVEL": "3",
    });
    for (name, value) in &libtorch.variables {
        variables[*name] = value.as_str().into();
    }
    json!({
        "argv": ["sh", "-c", start, evcxr, "{connection_file}"],
        "display_name": "Rust (PsychRNN)",
        "language": "rust",
        "interrupt_mode": "signal",
        "env": variables,
    })
}

/// A fresh folder for the builds of kernels, named after this process. Folders of processes that are gone are removed.
///
/// It lies outside the clone: a package below a workspace that is not its member does not build.
fn session(workspace: &Workspace) -> Result<PathBuf> {
    let sessions = workspace.cache.join("sessions");
    fs::create_dir_all(&sessions).with_context(|| format!("cannot make {}", sessions.display()))?;
    for entry in fs::read_dir(&sessions).with_context(|| format!("cannot read {}", sessions.display()))?.flatten() {
        let owner = entry.file_name().to_string_lossy().parse::<u32>();
        // The shell's own `kill`: small systems have no other.
        if !owner.is_ok_and(|owner| run::succeeds(Command::new("sh").args(["-c", &format!("kill -0 {owner}")]))) {
            clear(&entry.path())?;
        }
    }
    let session = sessions.join(process::id().to_string());
    clear(&session)?;
    fs::create_dir(&session).with_context(|| format!("cannot make {}", session.display()))?;
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_finds_libtorch_in_a_folder_with_a_space() {
        let libtorch =
            Libtorch { libraries: "/my libs/lib".into(), variables: vec![("LIBTORCH", "/my libs".to_owned())] };
        let spec = kernelspec(Path::new("/evcxr_jupyter"), &libtorch);
        assert_eq!(spec["env"]["LIBTORCH"], "/my libs");
        // As Jupyter starts it, with a program in place of the kernel that shows its surroundings.
        let script = spec["argv"][2].as_str().unwrap().replace("exec \"$0\"", "set -- \"$0\"");
        let show = format!("printf '%s %s' \"${SEARCH_PATH}\" \"$*\"; kill -INT $$; echo ' and lives'");
        let mut shell = Command::new("sh");
        shell.env(SEARCH_PATH, "/before").args(["-c", &format!("{script}; {show}"), "/evcxr_jupyter", "/connection"]);
        assert_eq!(
            run::output(&mut shell).unwrap(),
            "/my libs/lib:/before /evcxr_jupyter --control_file /connection and lives\n"
        );
    }
}
