//! Where things are: the clone, its build directory and the user's cache.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run;

/// The clone that this program was built in, and the folder that all clones share.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Downloads and builds that outlive a clone.
    pub(crate) cache: PathBuf,
}

impl Workspace {
    /// Finds both folders and makes the second.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask must lie in the clone of psychrnn")?;
        let cache = user_cache()?.join("psychrnn");
        fs::create_dir_all(&cache).with_context(|| format!("cannot make the cache folder {}", cache.display()))?;
        Ok(Self { root: root.to_owned(), cache })
    }

    /// Cargo, to be run at the root with the variables that a user's own `cargo` would see.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        // Cargo gave us the LIBTORCH of `.cargo/config.toml`. Cargo below us reads that file itself.
        if env::var_os("LIBTORCH").is_some_and(|value| Path::new(&value) == self.libtorch_link()) {
            cargo.env_remove("LIBTORCH");
        }
        cargo
    }

    /// The link that `.cargo/config.toml` gives to every build as LIBTORCH.
    pub(crate) fn libtorch_link(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    /// What Cargo knows about our packages.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let mut cargo = self.cargo();
        cargo.args(["metadata", "--format-version=1", "--no-deps"]);
        serde_json::from_str(&run::output(&mut cargo)?).context("`cargo metadata` did not answer in JSON")
    }

    /// The build directory, wherever the user keeps it.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let target = metadata["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
        Ok(target.into())
    }

    /// Waits until no other process holds the lock of this name, then holds it until the file is dropped.
    ///
    /// The system lets go of it when a process dies, so there is nothing to clear after an interruption.
    pub(crate) fn lock(&self, name: &str) -> Result<File> {
        let path = self.cache.join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        if file.try_lock().is_err() {
            run::say(&format!("  another cargo xtask is at work on {name}: waiting for it"));
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }
}

fn user_cache() -> Result<PathBuf> {
    // The standard says that a relative path in this variable is to be ignored.
    if let Some(path) = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        return Ok(path);
    }
    let Some(home) = env::home_dir() else {
        bail!("there is no home directory to keep downloads in: set XDG_CACHE_HOME to a folder for them");
    };
    Ok(home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }))
}

/// Copies a file, or a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("cannot copy {}", from.display());
    if !from.is_dir() {
        fs::create_dir_all(to.with_file_name("")).with_context(context)?;
        return fs::copy(from, to).map(|_| ()).with_context(context);
    }
    for entry in fs::read_dir(from).with_context(context)?.flatten() {
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
