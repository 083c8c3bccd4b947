//! Starting warm. A template is a build folder of evcxr's in which the library is compiled. Each kernel gets a folder of its
//! own, made from the template: compiled dependencies are hard links, everything that evcxr or Cargo writes in place is a
//! copy. So kernels start in seconds, and none waits for another's build. Nor for the template's own: it is made beside, and
//! takes its place each time when the library is complete with one more set of features.
//!
//! A template knows from what it was made: the toolchain, the variables of the build and the versions of dependencies (its
//! ground), and the library's sources. If the ground is another one now, kernels take nothing from it; if only the sources
//! are, they take the dependencies and compile the library themselves.

use std::fmt;
use std::fs::{self, File, FileTimes};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use evcxr::CommandContext;
use sha2::{Digest as _, Sha256};

use crate::cargo;
use crate::relay::{SEARCH_PATH, search_path};
use crate::versions::{FOLDER, TEMPLATE, VERSIONS, keep_versions, read};

/// The clone from which the template was made.
const CLONE: &str = "PSYCHRNN_CLONE";
/// Beside a template: the folder in which the next one is made.
const MAKING: &str = "making";
/// Within a template: what it is made from. Besides, of each complete build the sources.
const GROUND: &str = "ground";
/// Also within: where the analyser finds the standard library. The kernelspec names it, too.
const STANDARD_LIBRARY: &str = "standard-library";
/// The feature of which kernels say whether it is compiled.
const TABLES: &str = "polars";
/// Variables that change what is compiled.
const VARIABLES: &[&str] = &[
    "CARGO_PROFILE_DEV_DEBUG_ASSERTIONS",
    "CARGO_PROFILE_DEV_OPT_LEVEL",
    "CARGO_PROFILE_DEV_OVERFLOW_CHECKS",
    "CXXFLAGS",
    "LIBTORCH",
    "LIBTORCH_USE_PYTORCH",
];

/// What a template is worth now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// It is what a build would make.
    Fresh,
    /// The library's sources are other ones.
    Changed,
    /// The toolchain, the variables or the dependencies are other ones.
    Stale,
    /// There is none, or its build was interrupted.
    Missing,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "fresh",
            Self::Changed => "changed",
            Self::Stale => "stale",
            Self::Missing => "missing",
        })
    }
}

/// Compares a template with its clone, for all of these features.
pub(crate) fn state(template: &Path, clone: &Path, features: &[&str]) -> Result<State> {
    for features in features {
        match state_of(template, clone, features)? {
            State::Fresh => {}
            state => return Ok(state),
        }
    }
    Ok(State::Fresh)
}

fn state_of(template: &Path, clone: &Path, features: &str) -> Result<State> {
    Ok(match (read(&template.join(GROUND))?, read(&template.join(stamp(features)))?) {
        (None, _) => State::Missing,
        (Some(then), _) if then != ground(clone)? => State::Stale,
        (_, None) => State::Missing,
        (_, Some(then)) if then != sources(clone)? => State::Changed,
        _ => State::Fresh,
    })
}

/// Compiles the library of a clone into a template, once for each set of features. An interrupted build goes on where it was.
pub(crate) fn build(template: &Path, clone: &Path, features: &[&str]) -> Result<()> {
    let making = template.with_file_name(MAKING);
    fs::create_dir_all(&making).with_context(|| format!("cannot make {}", making.display()))?;
    let lock = lock(&making)?;
    if lock.try_lock().is_err() {
        println!("  waiting for another build of the library in {}", making.display());
        lock.lock().context("cannot lock the folder in which the library is compiled")?;
    }
    if read(&making.join(GROUND))?.as_ref() != Some(&ground(clone)?) {
        clear(&making)?;
        fs::create_dir_all(&making)?;
        fs::copy(clone.join("Cargo.lock"), making.join(VERSIONS)).context("cannot copy Cargo.lock")?;
        copy_standard_library(&making).context("cannot copy the sources of the standard library")?;
        fs::write(making.join(GROUND), ground(clone)?).context("cannot write to the template")?;
    }
    for features in features {
        if state_of(&making, clone, features)? != State::Fresh {
            let stamp = making.join(stamp(features));
            let _ = fs::remove_file(&stamp);
            let sources = sources(clone)?;
            // evcxr reads its folder from a variable, which only another process can be given.
            let mut compile = Command::new(std::env::current_exe()?);
            compile.env(FOLDER, &making).env(SEARCH_PATH, search_path()?).arg("--compile").arg(clone).arg(features);
            if !compile.status()?.success() {
                bail!("the library did not compile for notebooks");
            }
            fs::write(&stamp, sources).context("cannot write to the template")?;
        }
        if state_of(template, clone, features)? != State::Fresh {
            publish(&making, template).context("cannot put the template in its place")?;
        }
    }
    Ok(())
}

/// Puts what is made in the template's place, between two kernels that take from it.
fn publish(making: &Path, template: &Path) -> Result<()> {
    let [new, old] = ["new", "old"].map(|end| template.with_extension(end));
    clear(&new)?;
    clear(&old)?;
    copy(making, &new, true)?;
    let lock = lock(template)?;
    lock.lock()?;
    if template.exists() {
        fs::rename(template, &old)?;
    }
    fs::rename(&new, template)?;
    drop(lock);
    clear(&old)
}

fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Copies the parts of Rust's standard library from which evcxr's analyser learns types. It reads them at every start, and
/// what is left out (the intrinsics of all processors, above all) would take it half of its time.
fn copy_standard_library(making: &Path) -> Result<()> {
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).output().context("cannot start rustc")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&rustc.stdout).trim());
    for part in ["alloc", "core", "panic_abort", "panic_unwind", "proc_macro", "std", "unwind"] {
        let from = sysroot.join("lib/rustlib/src/rust/library").join(part).join("src");
        // Without the component `rust-src` the analyser knows less in any case.
        if from.is_dir() {
            copy_sources(&from, &making.join(STANDARD_LIBRARY).join(part).join("src"))?;
        }
    }
    Ok(())
}

fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_sources(&source, &target)?;
        } else if source.extension().is_some_and(|end| end == "rs") {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// Compiles the library as a cell that asks for it does.
pub(crate) fn compile(clone: &Path, features: &str) -> Result<()> {
    let (mut context, _outputs) = CommandContext::new().map_err(|error| anyhow::anyhow!("{error}"))?;
    let folder = std::env::var_os(FOLDER).context("no folder to compile in")?;
    keep_versions(Path::new(&folder), Path::new(&folder))?;
    let cell = format!("{}\nuse psychrnn::prelude::*;", dependency(clone, features));
    match context.execute(&cell) {
        Ok(_) => Ok(()),
        Err(evcxr::Error::CompilationErrors(errors)) => {
            let text = |error: &evcxr::CompilationError| match error.rendered() {
                rendered if rendered.is_empty() => error.message(),
                rendered => rendered,
            };
            bail!("{}", errors.iter().map(text).collect::<Vec<_>>().join("\n"))
        }
        Err(error) => bail!("{error}"),
    }
}

/// The line of a notebook that asks for the library.
pub(crate) fn dependency(clone: &Path, features: &str) -> String {
    let path = clone.display();
    match features {
        "" => format!(":dep psychrnn = {{ path = \"{path}\" }}"),
        _ => format!(":dep psychrnn = {{ path = \"{path}\", features = [\"{features}\"] }}"),
    }
}

/// The folder of this kernel.
pub(crate) struct Folder {
    path: PathBuf,
    template: PathBuf,
    clone: PathBuf,
    /// What the template was worth without and with tables.
    states: [State; 2],
    /// Whether the user knows that this takes longer.
    noted: bool,
}

impl Folder {
    /// Makes the folder as the variables say; none if they say nothing.
    pub(crate) fn make() -> Result<Option<Self>> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let (Some(path), Some(template), Some(clone)) = (variable(FOLDER), variable(TEMPLATE), variable(CLONE)) else {
            return Ok(None);
        };
        sweep(&path)?;
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        cargo::install()?;
        // Held by others only while two folders are renamed.
        let lock = lock(&template)?;
        lock.lock_shared().context("cannot lock the template")?;
        let states @ [state, _] = [state_of(&template, &clone, "")?, state_of(&template, &clone, TABLES)?];
        if matches!(state, State::Fresh | State::Changed) {
            copy(&template.join("target"), &path.join("target"), state == State::Fresh)
                .context("cannot make the kernel's folder from the template")?;
        }
        Ok(Some(Self { path, template, clone, states, noted: false }))
    }

    /// The clone whose library is compiled in it.
    pub(crate) fn compiled(&self) -> Option<&Path> {
        (self.states[0] == State::Fresh).then_some(&self.clone)
    }

    /// What the user of a cell that asks for the library should know before it is compiled; said once.
    pub(crate) fn note(&mut self, code: &str) -> Option<String> {
        let with_tables = code.contains(TABLES);
        let note = match self.states {
            _ if self.noted || !code.contains(":dep") => return None,
            [State::Changed, _] => "The library was changed, so this cell compiles it: about a minute.",
            [State::Stale, _] => {
                "The compiler, libtorch or a dependency was changed, so this cell compiles everything: 5 to 10 minutes."
            }
            [State::Missing, _] => "There is no compiled library, so this cell compiles everything: 5 to 10 minutes.",
            [State::Fresh, State::Changed] if with_tables => {
                "The library with polars was changed, so this cell compiles it: a minute or two."
            }
            [State::Fresh, State::Stale | State::Missing] if with_tables => {
                "The library is not yet compiled with polars, so this cell compiles both: 10 minutes or more."
            }
            _ => return None,
        };
        self.noted = true;
        Some(format!("{note} `cargo xtask lab` does so once for all notebooks.\n"))
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Dependencies that are about to be looked up shall have the versions that the library was tested with. Cargo forgets
    /// those that are not in use.
    pub(crate) fn keep_versions(&self) -> Result<()> {
        keep_versions(&self.template, &self.path)
    }
}

/// Removes the folders of kernels that are gone, and what is left in ours. Folders are named after processes.
fn sweep(ours: &Path) -> Result<()> {
    let Some(all) = ours.parent().filter(|all| all.is_dir()) else { return Ok(()) };
    for entry in fs::read_dir(all).with_context(|| format!("cannot read {}", all.display()))?.flatten() {
        let process = entry.file_name().to_string_lossy().parse().ok().and_then(rustix::process::Pid::from_raw);
        let gone = process.is_some_and(|process| rustix::process::test_kill_process(process).is_err());
        if gone || entry.path() == ours {
            // Another kernel may be about to remove it, too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Copies a build folder; without the compiled library, if it is of no use.
fn copy(from: &Path, to: &Path, library: bool) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, source, target) = (entry.file_name(), entry.path(), to.join(entry.file_name()));
        let name = name.to_string_lossy();
        // What was compiled for the template's own cells, and what only helps to compile the library again.
        let of_cells = ["ctx-", "libctx", "code_", "libcode_"].iter().any(|start| name.starts_with(start));
        if of_cells || name == "incremental" || (!library && name.contains("psychrnn")) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&source, &target, library)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if !is_compiled(&source) || fs::hard_link(&source, &target).is_err() {
            // Cargo compares times.
            fs::copy(&source, &target)?;
            File::options()
                .write(true)
                .open(&target)?
                .set_times(FileTimes::new().set_modified(entry.metadata()?.modified()?))?;
        }
    }
    Ok(())
}

/// Whether a file is only ever replaced, never written in place.
fn is_compiled(path: &Path) -> bool {
    let in_deps = path.parent().is_some_and(|folder| folder.ends_with("deps"));
    in_deps && path.extension().is_some_and(|end| ["rlib", "rmeta", "so", "dylib"].iter().any(|known| end == *known))
}

fn stamp(features: &str) -> String {
    format!("complete{features}")
}

/// A lock beside a folder, which stays when the folder is another one.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.with_extension("lock");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(&path).with_context(|| format!("cannot write {}", path.display()))
}

/// What the dependencies are compiled from.
fn ground(clone: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(Command::new("rustc").arg("-vV").output().context("cannot start rustc")?.stdout);
    for name in VARIABLES {
        hash.update(format!("{name}={:?}\n", std::env::var_os(name)));
    }
    for file in ["Cargo.toml", "Cargo.lock", "derive/Cargo.toml"] {
        add(&mut hash, clone, &clone.join(file))?;
    }
    Ok(text(hash))
}

/// What the library is compiled from.
fn sources(clone: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for part in ["build.rs", "derive/src", "src"] {
        add(&mut hash, clone, &clone.join(part))?;
    }
    Ok(text(hash))
}

fn add(hash: &mut Sha256, clone: &Path, path: &Path) -> Result<()> {
    if path.is_dir() {
        let mut paths: Vec<_> = fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        return paths.iter().try_for_each(|path| add(hash, clone, path));
    }
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    hash.update(format!("{} {}\n", path.strip_prefix(clone).unwrap_or(path).display(), content.len()));
    hash.update(content);
    Ok(())
}

fn text(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
