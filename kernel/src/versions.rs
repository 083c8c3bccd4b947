//! The versions of dependencies with which the library was tested. Cargo forgets those that are not in use.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Where the template lies, and the folder that this kernel shall make for itself.
pub(crate) const TEMPLATE: &str = "PSYCHRNN_TEMPLATE";
pub(crate) const FOLDER: &str = "EVCXR_TMPDIR";
/// Within a template: the versions.
pub(crate) const VERSIONS: &str = "versions.lock";

/// Gives Cargo in this kernel's folder the versions back if it has forgotten them.
pub(crate) fn restore_versions() -> Result<()> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    match (variable(TEMPLATE), variable(FOLDER)) {
        (Some(template), Some(folder)) if !knows_library(&folder)? => keep_versions(&template, &folder),
        _ => Ok(()),
    }
}

/// Whether the library and all that it needs are among the versions in use.
fn knows_library(folder: &Path) -> Result<bool> {
    Ok(read(&folder.join("Cargo.lock"))?.is_some_and(|lock| lock.contains("name = \"psychrnn\"\n")))
}

/// Gives Cargo in a folder the versions of a template.
pub(crate) fn keep_versions(template: &Path, folder: &Path) -> Result<()> {
    match fs::copy(template.join(VERSIONS), folder.join("Cargo.lock")) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context("cannot copy the versions of dependencies")
        }
        _ => Ok(()),
    }
}

/// A text, if there is one.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_known_until_another_crate_is_looked_at() {
        let folder = std::env::temp_dir().join(format!("psychrnn-versions-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(!knows_library(&folder).unwrap());
        for (package, knows) in [("psychrnn", true), ("psychrnn-derive", false), ("rand", false)] {
            fs::write(folder.join("Cargo.lock"), format!("[[package]]\nname = \"{package}\"\n")).unwrap();
            assert_eq!(knows_library(&folder).unwrap(), knows, "{package}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
