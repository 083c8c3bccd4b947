//! The figures that are committed, in `data/figures`: for whoever has not compiled anything.
//!
//! They are kept by `cargo xtask figures --keep` and compared by `--check`. What is drawn without training is the same everywhere and is
//! compared byte for byte. Trained networks differ in their last bits from one kind of processor to the next, and after thousands of
//! updates in more: where such a figure is another one, its numbers must agree within [`TOLERANCE`].

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::figures::{read, write};
use crate::workspace::Workspace;

/// How far numbers of networks that other processors trained may differ: shares of trials, thresholds and widths of curves.
const TOLERANCE: f64 = 0.05;
/// The file with the numbers.
const NUMBERS: &str = "numbers.json";

/// A figure that was made anew.
pub(super) struct Made {
    pub(super) file: PathBuf,
    /// Its path in `data/figures`.
    pub(super) name: String,
    /// Whose numbers these are.
    pub(super) of: &'static str,
    /// Those by which it is known again; none, if nothing was trained.
    pub(super) numbers: Map<String, Value>,
}

/// What is done with the figures that were made.
pub(super) struct Kept {
    folder: PathBuf,
    is_check: bool,
}

impl Kept {
    /// They are to be committed.
    pub(super) fn keep(workspace: &Workspace) -> Self {
        Self { folder: workspace.root.join("data/figures"), is_check: false }
    }

    /// They are to be those that are committed.
    pub(super) fn check(workspace: &Workspace) -> Self {
        Self { is_check: true, ..Self::keep(workspace) }
    }

    /// Does it with these figures, which are `complete` if no other is committed.
    pub(super) fn all(&self, made: &[Made], complete: bool) -> Result<()> {
        let path = self.folder.join(NUMBERS);
        let mut numbers = if path.exists() { read(&path)? } else { Value::Object(Map::new()) };
        let mut wrong = Vec::new();
        for Made { file, name, of, numbers: anew } in made {
            let kept = self.folder.join(name);
            let bytes = fs::read(file).with_context(|| format!("there is no {}", file.display()))?;
            let is_same = fs::read(&kept).is_ok_and(|there| there == bytes);
            if !self.is_check {
                if !is_same {
                    fs::create_dir_all(kept.parent().unwrap_or(&self.folder))?;
                    fs::write(&kept, bytes).with_context(|| format!("cannot write {}", kept.display()))?;
                    println!("  kept: {name}");
                }
                if !anew.is_empty() {
                    numbers[*of] = anew.clone().into();
                }
            } else if !is_same {
                match anew.is_empty() || !agree(&numbers[*of], &anew.clone().into()) {
                    true => wrong.push(name.clone()),
                    false => println!("  drawn otherwise by this processor, with numbers that agree: {name}"),
                }
            }
        }
        let names: BTreeSet<&str> = made.iter().map(|made| made.name.as_str()).collect();
        let stale = files(&self.folder)?.into_iter().filter(|name| name != NUMBERS && !names.contains(name.as_str()));
        for name in stale.filter(|_| complete) {
            if self.is_check {
                wrong.push(format!("{name} (nothing draws it)"));
            } else {
                let path = self.folder.join(&name);
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                println!("  removed, since nothing draws it: {name}");
            }
        }
        if !self.is_check {
            write(&path, &numbers)?;
        }
        match wrong.as_slice() {
            [] => Ok(()),
            wrong => bail!(
                "these are not what is committed in data/figures: {}\n`cargo xtask figures --keep` brings them up to date",
                wrong.join(", ")
            ),
        }
    }
}

/// Whether these are the same but for what another processor may change.
fn agree(kept: &Value, anew: &Value) -> bool {
    match (kept, anew) {
        (Value::Object(kept), Value::Object(anew)) => {
            kept.keys().eq(anew.keys()) && kept.iter().all(|(name, kept)| agree(kept, &anew[name]))
        }
        (Value::Array(kept), Value::Array(anew)) => {
            kept.len() == anew.len() && kept.iter().zip(anew).all(|(kept, anew)| agree(kept, anew))
        }
        (Value::Number(kept), Value::Number(anew)) => {
            let distance = kept.as_f64().zip(anew.as_f64()).map(|(kept, anew)| (kept - anew).abs());
            distance.is_some_and(|distance| distance <= TOLERANCE)
        }
        _ => kept == anew,
    }
}

/// The files within a folder, by their path from there, in order.
pub(super) fn files(folder: &Path) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push(path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/"));
            }
        }
    }
    all.sort();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_agree_within_the_tolerance() {
        let kept = json!({ "accuracy": 0.9, "of": [0.1, { "width": 0.2 }], "significant": true });
        assert!(agree(&kept, &json!({ "accuracy": 0.93, "of": [0.1, { "width": 0.17 }], "significant": true })));
        for other in [
            json!({ "accuracy": 0.8, "of": [0.1, { "width": 0.2 }], "significant": true }),
            json!({ "accuracy": 0.9, "of": [0.1, { "width": 0.2 }], "significant": false }),
            json!({ "accuracy": 0.9, "of": [0.1], "significant": true }),
            json!({ "accuracy": 0.9 }),
            Value::Null,
        ] {
            assert!(!agree(&kept, &other), "{other}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let folder = std::env::temp_dir().join(format!("psychrnn-kept-{}", std::process::id()));
        let (kept, anew) = (folder.join("kept"), folder.join("anew"));
        fs::create_dir_all(&kept).unwrap();
        fs::create_dir_all(&anew).unwrap();
        let make = |name: &str, text: &str, accuracy: Option<f64>| {
            let file = anew.join(name);
            fs::write(&file, text).unwrap();
            let numbers = accuracy.map(|accuracy| ("accuracy".to_owned(), accuracy.into()));
            Made { file, name: name.to_owned(), of: "fig2", numbers: numbers.into_iter().collect() }
        };
        let keep = Kept { folder: kept.clone(), is_check: false };
        let check = Kept { folder: kept.clone(), is_check: true };
        keep.all(&[make("a.svg", "a", None), make("b.svg", "b", Some(0.9))], true).unwrap();
        check.all(&[make("a.svg", "a", None), make("b.svg", "other", Some(0.91))], true).unwrap();
        let error = check.all(&[make("a.svg", "other", None), make("b.svg", "other", Some(0.5))], true).unwrap_err();
        assert!(error.to_string().contains("a.svg, b.svg"), "{error}");
        let error = check.all(&[make("a.svg", "a", None)], true).unwrap_err().to_string();
        assert!(error.contains("b.svg (nothing draws it)"), "{error}");
        check.all(&[make("a.svg", "a", None)], false).unwrap();
        keep.all(&[make("a.svg", "a", None)], true).unwrap();
        check.all(&[make("a.svg", "a", None)], true).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}
