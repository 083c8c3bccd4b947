//! The notebook side: a Python environment with JupyterLab, our kernel, the library compiled for notebooks, and a kernelspec
//! that joins them to libtorch.
//!
//! Environment, kernel and compiled library lie in the user's cache. The kernelspec lies in the clone's build directory, since
//! it names the libtorch of this clone; Jupyter is told to look there.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::run;
use crate::setup::libtorch::{self, Libtorch, SEARCH_PATH};
use crate::setup::machine::{self, Part};
use crate::setup::python::{self, Environment, Python};
use crate::workspace::Workspace;

/// The name of our kernel, and that of evcxr's own, on which notebooks must run too.
pub(crate) const OURS: &str = "psychrnn";
pub(crate) const STOCK: &str = "psychrnn-stock";
/// The folder of the user's cache in which all clones build the kernel: most of it is rust-analyzer, which stays the same.
const BUILD: &str = "kernel.build";
/// The name of a file beside a compiled library that says from which clone it is.
const CLONE: &str = "clone";
/// The features with which the library is compiled for notebooks: with none, and with each of these.
const FEATURES: [&str; 2] = ["", TABLES];
/// The feature for tables as data frames, which takes longer to compile than all else.
pub(crate) const TABLES: &str = "polars";

/// What may have to be made, with the minutes of an idle machine with two cores: of a first `cargo lab` there, which took 6 min 19 s.
const ENVIRONMENT: Part = Part { what: "a Python environment with JupyterLab", download: 47, minutes: 0.0, space: 400 };
const KERNEL: Part = Part { what: "the notebook kernel", download: 27, minutes: 3.2, space: 1100 };
const LIBRARY: Part = Part { what: "the library, compiled for notebooks", download: 23, minutes: 2.9, space: 1000 };

/// Everything that a notebook needs to run.
pub(crate) struct Jupyter {
    python: PathBuf,
    /// A folder of Jupyter data with our kernelspecs in it.
    data: PathBuf,
    libtorch: Libtorch,
    /// Our kernel.
    pub(crate) kernel: PathBuf,
    /// The compiled library.
    pub(crate) template: PathBuf,
    /// The folders of running kernels.
    pub(crate) kernels: PathBuf,
    root: PathBuf,
}

/// How much of it is needed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    /// What most notebooks ask for.
    Usual,
    /// The library with tables, too.
    Tables,
    /// What tests ask for: evcxr's own kernel besides.
    Tested,
}

impl Jupyter {
    /// Makes sure of libtorch, the Python environment, the kernel, the compiled library and the kernelspecs.
    pub(crate) fn ensure(workspace: &Workspace, wanted: Wanted) -> Result<Self> {
        let kernel = Kernel::of(workspace, wanted)?;
        let mut hasher = DefaultHasher::new();
        workspace.root.hash(&mut hasher);
        let template = workspace.cache.join(format!("templates/{:016x}/ready", hasher.finish()));
        announce(workspace, &kernel, &template)?;
        let bring = || Ok((libtorch::ensure(workspace)?, environment(workspace)?));
        // The kernel needs neither. Without it the terminal is free for what is brought.
        let (libtorch, python) = match kernel.is_ready() {
            true => bring()?,
            false => run::beside(bring, || kernel.ensure(workspace))?.0,
        };
        let data = workspace.target()?.join("jupyter");
        let (kernels, root) = (workspace.cache.join("kernels"), workspace.root.clone());
        let jupyter = Self { python, data, libtorch, kernel: kernel.program(), template, kernels, root };
        jupyter.compile_library(if wanted == Wanted::Tables { &FEATURES } else { &FEATURES[..1] })?;
        jupyter.write_kernelspec(OURS, &jupyter.kernelspec())?;
        jupyter.write_kernelspec(STOCK, &jupyter.stock_kernelspec())?;
        Ok(jupyter)
    }

    /// Python of the environment, with a variable that leads Jupyter to our kernels.
    pub(crate) fn python(&self) -> Command {
        let mut python = Command::new(&self.python);
        let mut paths = OsString::from(&self.data);
        if let Some(others) = env::var_os("JUPYTER_PATH") {
            paths.push(":");
            paths.push(others);
        }
        // evcxr's own kernel updates a kernelspec named `rust` in the first folder of JUPYTER_PATH, if there is one: there is
        // none in ours, and the user's stays as it is.
        python.env("JUPYTER_PATH", paths);
        python
    }

    /// Makes a folder for one run of evcxr's own kernel, from the compiled library, as our kernel does for itself.
    pub(crate) fn folder(&self, path: &Path) -> Result<()> {
        let mut make = self.kernel();
        run::run(make.env("EVCXR_TMPDIR", path).arg("--folder"))
    }

    /// Our kernel's program with the variables of a build.
    fn kernel(&self) -> Command {
        let mut kernel = Command::new(&self.kernel);
        kernel.envs(self.variables()).env("CXXFLAGS", cxxflags(&env::var("CXXFLAGS").unwrap_or_default()));
        kernel
    }

    /// Compiles the library as a notebook's first cell would.
    fn compile_library(&self, features: &[&str]) -> Result<()> {
        let step = match self.state(features)?.as_str() {
            "fresh" => return Ok(()),
            "changed" => "the library was changed: compiling it for notebooks (1 to 2 minutes)",
            _ => "compiling the library for notebooks (once for this clone)",
        };
        self.sweep()?;
        run::step(step, || {
            run::run(&mut self.build(features)).with_context(|| machine::advice(&self.template.with_file_name("")))
        })
    }

    /// Compiles the library with tables while the user already works, after everyone else's work.
    fn compile_tables_meanwhile(&self) -> Result<()> {
        if self.state(&FEATURES)? == "fresh" {
            return Ok(());
        }
        let path = self.template.with_file_name("tables.log");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut build = behind(&self.build(&FEATURES));
        build.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        build.spawn().context("cannot start the build of tables")?;
        println!(
            "  compiling the library with polars in the background (10 minutes or more, once for this clone): {}",
            path.display()
        );
        Ok(())
    }

    /// What the compiled library is worth.
    fn state(&self, features: &[&str]) -> Result<String> {
        let mut check = self.kernel();
        check.arg("--template-check").args([&self.template, &self.root]).args(features);
        Ok(run::output(&mut check)?.trim().to_owned())
    }

    fn build(&self, features: &[&str]) -> Command {
        let mut build = self.kernel();
        build.arg("--template").args([&self.template, &self.root]).args(features);
        build
    }

    /// Notes from which clone the compiled library is, and removes those of clones that are gone: each is a gigabyte.
    fn sweep(&self) -> Result<()> {
        let (ours, note) = (self.template.with_file_name(""), self.template.with_file_name(CLONE));
        fs::create_dir_all(&ours).with_context(|| format!("cannot make {}", ours.display()))?;
        fs::write(&note, self.root.as_os_str().as_encoded_bytes())
            .with_context(|| format!("cannot write {}", note.display()))?;
        for folder in ours.parent().map_or(Ok(Vec::new()), files_in)?.into_iter().filter(|path| path.is_dir()) {
            let clone = fs::read(folder.join(CLONE)).unwrap_or_default();
            if !Path::new(&*String::from_utf8_lossy(&clone)).exists() {
                python::clear(&folder)?;
            }
        }
        Ok(())
    }

    /// What the kernel, and all that it compiles, must see.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.display().to_string();
        let mut variables = vec![
            // evcxr builds in the dev profile. Training in a cell shall be as fast as in a release build.
            ("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false".to_owned()),
            ("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false".to_owned()),
            ("CARGO_PROFILE_DEV_OPT_LEVEL", "3".to_owned()),
            ("PSYCHRNN_TEMPLATE", path(&self.template)),
            // evcxr's analyser reads the standard library at each start; a part of it will do, and takes half the time.
            ("RUST_SRC_PATH", path(&self.template.join("standard-library"))),
            ("PSYCHRNN_CLONE", path(&self.root)),
        ];
        variables.extend(self.libtorch.variables.iter().cloned());
        variables
    }

    /// What Jupyter reads to start our kernel.
    fn kernelspec(&self) -> Value {
        // The folder is named after the process, so that whoever finds it knows whether it is in use. The analyser looks for
        // Cargo in CARGO_HOME and evcxr in PATH, and both find the kernel there.
        let start = format!(
            r#"{}; export EVCXR_TMPDIR={}/$$ PSYCHRNN_CARGO_HOME="${{CARGO_HOME:-$HOME/.cargo}}" PSYCHRNN_PATH="$PATH"; export CARGO_HOME="$EVCXR_TMPDIR/cargo"; export PATH="$CARGO_HOME/bin:$PATH"; exec "$0" --connection "$1""#,
            exports(&self.libtorch),
            run::quote(self.kernels.as_os_str())
        );
        self.spec("Rust (PsychRNN)", &start, &self.kernel)
    }

    /// The same for evcxr's own kernel. It would die of Jupyter's stop button, with all variables; a computation that wants
    /// the signal can still catch it.
    fn stock_kernelspec(&self) -> Value {
        let start = format!(r#"{}; trap '' INT; exec "$0" --control_file "$1""#, exports(&self.libtorch));
        self.spec("Rust (evcxr's own kernel)", &start, &self.kernel.with_file_name("stock-kernel"))
    }

    fn spec(&self, name: &str, start: &str, kernel: &Path) -> Value {
        json!({
            "argv": ["sh", "-c", start, kernel, "{connection_file}"],
            "display_name": name,
            "language": "rust",
            "interrupt_mode": "signal",
            "env": self.variables().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        })
    }

    fn write_kernelspec(&self, name: &str, spec: &Value) -> Result<()> {
        let folder = self.data.join("kernels").join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join("kernel.json");
        fs::write(&path, serde_json::to_string_pretty(spec)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The search path for libraries is set in the shell since macOS takes it away from what starts one.
fn exports(libtorch: &Libtorch) -> String {
    format!(
        r#"export CXXFLAGS="{}" {SEARCH_PATH}={}${{{SEARCH_PATH}:+:${SEARCH_PATH}}}"#,
        cxxflags("$CXXFLAGS"),
        run::quote(libtorch.libraries.as_os_str())
    )
}

/// The C++ half of tch only passes calls on: optimizing it hard takes a minute longer and makes nothing faster.
fn cxxflags(others: &str) -> String {
    format!("-O1 {others}")
}

/// Opens JupyterLab on the notebooks and stays until it ends.
pub(crate) fn lab(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let jupyter = Jupyter::ensure(workspace, Wanted::Usual)?;
    jupyter.compile_tables_meanwhile()?;
    println!("  opening JupyterLab on notebooks/. Stop with Ctrl-C");
    let mut lab = jupyter.python();
    lab.args(["-m", "jupyterlab"]).arg(format!("--MultiKernelManager.default_kernel_name={OURS}"));
    // Pictures that notebooks show lie beside their folder.
    lab.arg(format!("--ServerApp.root_dir={}", workspace.root.display()));
    lab.arg(format!("--ServerApp.preferred_dir={}", workspace.root.join("notebooks").display()));
    replace(lab.args(arguments))
}

/// A command that runs when nothing else does, and that Ctrl-C does not reach.
fn behind(command: &Command) -> Command {
    let mut behind = Command::new("nice");
    behind.args(["-n", "19"]).arg(command.get_program()).args(command.get_args());
    behind.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut behind, 0);
    behind
}

/// Becomes another program, which then asks back on Ctrl-C.
#[cfg(unix)]
fn replace(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec()).context("cannot start JupyterLab")
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> Result<()> {
    anyhow::bail!("`cargo xtask lab` runs on Linux and macOS. Start it yourself: {}", run::shell(command))
}

/// Says what is still to be made and how long it takes, and makes sure first that the machine has what that needs.
fn announce(workspace: &Workspace, kernel: &Kernel, template: &Path) -> Result<()> {
    let parts = [
        libtorch::missing(workspace),
        JUPYTERLAB.ready(workspace).is_none().then_some(ENVIRONMENT),
        (!kernel.is_ready()).then_some(KERNEL),
        (!template.is_dir()).then_some(LIBRARY),
    ];
    let [libtorch, environment, compiled, library] = parts;
    let parts: Vec<Part> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return Ok(());
    }
    let python = |module, part: Option<Part>, minors| part.map(|_| Python::with(module, minors).map(|_| ()));
    machine::check(
        [
            cfg!(windows).then(|| Err(anyhow::anyhow!(machine::WINDOWS))),
            python("pip", libtorch, python::ANY),
            python(python::VENV, environment, JUPYTERLAB.minors),
            compiled.map(|_| machine::has_rust(&workspace.root.join("kernel/Cargo.toml"))),
            library.map(|_| machine::has_compiler()),
            Some(machine::has_space(&workspace.cache, &parts, "XDG_CACHE_HOME")),
        ]
        .into_iter()
        .flatten(),
    )?;
    let beside = if compiled.is_some() { "Downloads go on beside the kernel's compilation. " } else { "" };
    let remarks = format!(
        "{beside}Meanwhile `cargo demo` in another terminal trains a first network.\n\
         Ctrl-C interrupts: what is done stays, and the same command goes on from there."
    );
    machine::announce("notebooks run", &parts, &remarks);
    Ok(())
}

/// A virtual environment with JupyterLab, which asks for Python 3.10.
const JUPYTERLAB: Environment = Environment {
    name: "jupyter",
    title: "JupyterLab: making a Python environment (once for all clones)",
    minors: 10..=u32::MAX,
    requirements: include_str!("../../assets/jupyter.txt"),
    alone: &[],
    module: "jupyterlab",
};

/// Its Python.
pub(crate) fn environment(workspace: &Workspace) -> Result<PathBuf> {
    JUPYTERLAB.ensure(workspace, |folder| {
        // No question about Jupyter's news at the first start.
        let settings = folder.join("etc/jupyter/labconfig/page_config.json");
        let quiet = json!({ "disabledExtensions": { "@jupyterlab/apputils-extension:announcements": true } });
        fs::create_dir_all(settings.with_file_name("")).context("cannot make the folder for JupyterLab's settings")?;
        fs::write(&settings, quiet.to_string()).with_context(|| format!("cannot write {}", settings.display()))
    })
}

/// Our kernel, compiled once for all clones that have the same; for tests evcxr's own beside it.
struct Kernel {
    folder: PathBuf,
    programs: &'static [&'static str],
}

impl Kernel {
    /// The kernel of a clone, compiled or not.
    fn of(workspace: &Workspace, wanted: Wanted) -> Result<Self> {
        let source = workspace.root.join("kernel");
        let mut hasher = DefaultHasher::new();
        for file in files(&source)? {
            file.strip_prefix(&source)?.hash(&mut hasher);
            fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
        }
        let folder = workspace.cache.join(format!("kernel-{:016x}", hasher.finish()));
        let programs: &[&str] =
            if wanted == Wanted::Tested { &["psychrnn-kernel", "stock-kernel"] } else { &["psychrnn-kernel"] };
        Ok(Self { folder, programs })
    }

    fn program(&self) -> PathBuf {
        self.folder.join(self.programs[0])
    }

    fn is_ready(&self) -> bool {
        self.programs.iter().all(|program| self.folder.join(program).exists())
    }

    fn ensure(&self, workspace: &Workspace) -> Result<()> {
        if self.is_ready() {
            return Ok(());
        }
        let _lock = workspace.lock("kernel")?;
        if self.is_ready() {
            return Ok(());
        }
        let folder = &self.folder;
        run::step("compiling the notebook kernel (once for all clones)", || {
            let build = workspace.cache.join(BUILD);
            let mut cargo = kernel_cargo(workspace);
            cargo.args(["build", "--release", "--locked", "--target-dir"]).arg(&build);
            cargo.args(self.programs.iter().flat_map(|program| ["--package", program]));
            run::run(&mut cargo).with_context(|| machine::advice(&workspace.cache))?;
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            for program in self.programs {
                // It appears when it is complete, also if another kernel runs from its place.
                let (built, half) = (build.join("release").join(program), folder.join(format!("{program}.half")));
                fs::copy(&built, &half).with_context(|| format!("cannot copy {}", built.display()))?;
                fs::rename(&half, folder.join(program)).context("cannot install the kernel")?;
            }
            Ok(())
        })
    }
}

/// Makes sure of the kernel alone, and says where it is.
pub(crate) fn kernel(workspace: &Workspace) -> Result<()> {
    let kernel = Kernel::of(workspace, Wanted::Usual)?;
    kernel.ensure(workspace)?;
    println!("{}", kernel.folder.display());
    Ok(())
}

/// Runs the kernel's own tests, from the build folder in which it was compiled.
pub(crate) fn test_kernel(workspace: &Workspace) -> Result<()> {
    Kernel::of(workspace, Wanted::Tested)?.ensure(workspace)?;
    let mut cargo = kernel_cargo(workspace);
    // Both packages, as when they are built: what they share is compiled once.
    cargo.args(["test", "--release", "--locked", "--workspace", "--target-dir"]);
    run::run(cargo.arg(workspace.cache.join(BUILD)))
}

/// Cargo, to be run in the kernel's workspace.
fn kernel_cargo(workspace: &Workspace) -> Command {
    let mut cargo = Command::new("cargo");
    // A part of rust-analyzer on which all others stand reads this variable when it is compiled. Nothing that we use depends
    // on its value, but a change of it would compile all of them again.
    cargo.current_dir(workspace.root.join("kernel")).env("CI", "true");
    cargo
}

/// All files below a folder but for build folders, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in files_in(folder)? {
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => files.extend(self::files(&path)?),
            false => files.push(path),
        }
    }
    files.sort();
    Ok(files)
}

/// The files and folders in a folder.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jupyter() -> Jupyter {
        let libtorch =
            Libtorch { libraries: "/my libs/lib".into(), variables: vec![("LIBTORCH", "/my libs".to_owned())] };
        let path = |path: &str| PathBuf::from(path);
        Jupyter {
            python: path("/python"),
            data: path("/data"),
            libtorch,
            kernel: path("/bin/psychrnn-kernel"),
            template: path("/template"),
            kernels: path("/my kernels"),
            root: path("/clone"),
        }
    }

    /// What a kernelspec does, with a program in place of the kernel that shows its surroundings.
    fn surroundings(spec: &Value, show: &str) -> String {
        let script = spec["argv"][2].as_str().unwrap().replace("exec \"$0\"", "set -- \"$0\"");
        let mut shell = Command::new("sh");
        shell.env(SEARCH_PATH, "/before").args(["-c", &format!("{script}; {show}"), "/kernel", "/connection"]);
        run::output(&mut shell).unwrap()
    }

    #[test]
    fn the_kernel_finds_libtorch_in_a_folder_with_a_space() {
        let spec = jupyter().kernelspec();
        assert_eq!(spec["env"]["LIBTORCH"], "/my libs");
        let show = format!("printf '%s %s %s' \"${SEARCH_PATH}\" \"${{EVCXR_TMPDIR%/*}}\" \"$*\"");
        assert_eq!(surroundings(&spec, &show), "/my libs/lib:/before /my kernels /kernel --connection /connection");
    }

    #[test]
    fn what_was_compiled_for_clones_that_are_gone_is_removed() {
        let [folder, clone] =
            ["templates", "clone"].map(|name| env::temp_dir().join(format!("psychrnn-{name}-{}", std::process::id())));
        fs::create_dir_all(&clone).unwrap();
        let of = |name: &str, root: &Path| {
            let template = folder.join(name).join("ready");
            fs::create_dir_all(template.join("target")).unwrap();
            Jupyter { template, root: root.to_owned(), ..jupyter() }
        };
        let ours = of("1", &folder);
        fs::write(folder.join("stray"), "").unwrap();
        ours.sweep().unwrap();
        fs::remove_file(folder.join("stray")).unwrap();
        let other = of("2", &clone);
        other.sweep().unwrap();
        ours.sweep().unwrap();
        assert!(other.template.exists());
        fs::remove_dir(&other.root).unwrap();
        ours.sweep().unwrap();
        assert_eq!(files(&folder).unwrap(), [ours.template.with_file_name(CLONE)]);
        assert!(ours.template.exists() && !other.template.exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_stock_kernel_survives_the_stop_button() {
        let show = "kill -INT $$; printf 'lives'";
        assert_eq!(surroundings(&jupyter().stock_kernelspec(), show), "lives");
    }

    #[test]
    fn a_build_outside_a_kernel_sees_what_a_kernel_sees() {
        let jupyter = jupyter();
        let shown = surroundings(&jupyter.kernelspec(), "printf '%s' \"$CXXFLAGS\"");
        assert_eq!(shown, cxxflags(&env::var("CXXFLAGS").unwrap_or_default()));
    }
}
