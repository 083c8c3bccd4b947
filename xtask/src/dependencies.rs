//! What the project may depend on: licences, and crates that must be there once or not at all.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// Licences that let others use the crate under its own two.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates with another licence, and why they may stay.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "option-ext",
    "MPL-2.0",
    "evcxr finds the user's folders with it. That licence covers the crate's own files alone, which we neither change nor \
     publish, and the kernel is a program by itself: nothing of it gets into the library or into what is built with it",
)];

/// Crates whose values meet in one program, or that are too long to compile twice.
const ONCE: &[&str] = &["image", "linfa", "ndarray", "ndarray-npy", "plotters", "polars", "serde", "tch", "torch-sys"];

/// Crates that must not come in, and why.
const BANNED: &[(&str, &str)] = &[
    ("ndarray-linalg", "it needs a LAPACK on the user's machine"),
    ("openssl-sys", "it needs OpenSSL's headers on the user's machine"),
    ("servo-fontconfig-sys", "it needs fontconfig on the user's machine"),
    ("yeslogic-fontconfig-sys", "it needs fontconfig on the user's machine"),
];

/// Checks every dependency that our lock file and that of the kernel name.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    for (title, manifest) in [("the library", "Cargo.toml"), ("the notebook kernel", "kernel/Cargo.toml")] {
        let metadata = workspace.metadata(manifest, true)?;
        let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
        // Nothing depends on the kernel, so it alone may have exceptions.
        let exceptions = if manifest == "Cargo.toml" { &[] } else { EXCEPTIONS };
        let problems = problems(packages, exceptions);
        if !problems.is_empty() {
            bail!(
                "dependencies of {title} that this project does not want (see xtask/src/dependencies.rs):\n\n    {}\n",
                problems.join("\n    ")
            );
        }
        println!("  {title}: {} packages", packages.len());
    }
    Ok(())
}

fn problems(packages: &[Value], exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        versions.entry(name).or_default().push(package["version"].as_str().unwrap_or_default());
        if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            problems.push(format!("{name}: {reason}"));
        }
        let licence = package["license"].as_str().unwrap_or_default();
        let excepted =
            exceptions.iter().any(|(crate_name, its_licence, _)| (*crate_name, *its_licence) == (name, licence));
        if !excepted && !allowed(licence) {
            problems.push(format!("{name}: its licence is `{licence}`"));
        }
    }
    let twice = versions.iter().filter(|(name, versions)| ONCE.contains(name) && versions.len() > 1);
    problems.extend(twice.map(|(name, versions)| {
        format!("{name}: there are {} versions of it: {}", versions.len(), versions.join(", "))
    }));
    problems
}

/// Whether an SPDX expression leaves a choice that the list allows. An empty one does not.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest) && rest.is_empty()
}

fn any_of(words: &mut &[&str]) -> bool {
    let mut result = all_of(words);
    while skip(words, "OR") {
        result |= all_of(words);
    }
    result
}

fn all_of(words: &mut &[&str]) -> bool {
    let mut result = one(words);
    while skip(words, "AND") {
        result &= one(words);
    }
    result
}

fn one(words: &mut &[&str]) -> bool {
    if skip(words, "(") {
        return any_of(words) & skip(words, ")");
    }
    let Some((licence, rest)) = words.split_first() else { return false };
    *words = rest;
    // Exceptions only ever permit more.
    if skip(words, "WITH") {
        *words = words.get(1..).unwrap_or_default();
    }
    LICENCES.contains(licence)
}

fn skip(words: &mut &[&str], word: &str) -> bool {
    let found = words.first() == Some(&word);
    if found {
        *words = &words[1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn licences_are_read_as_written() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR AGPL-3.0) AND MIT", "MIT)", "(MIT"] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn doubled_and_banned_crates_are_named() {
        let package = |name: &str, version: &str| json!({ "name": name, "version": version, "license": "MIT" });
        let fine = [package("rand", "0.8.5"), package("rand", "0.9.0"), package("tch", "0.26.0")];
        assert!(problems(&fine, &[]).is_empty());
        let wrong = [package("ndarray", "0.15.6"), package("ndarray", "0.16.1"), package("ndarray-linalg", "0.16.0")];
        assert_eq!(problems(&wrong, &[]).len(), 2);
    }

    #[test]
    fn an_exception_is_for_one_crate_and_one_licence() {
        let exceptions = &[("a", "MPL-2.0", "why")];
        let package = |name: &str, licence: &str| [json!({ "name": name, "version": "1.0.0", "license": licence })];
        assert!(problems(&package("a", "MPL-2.0"), exceptions).is_empty());
        assert_eq!(problems(&package("a", "MPL-2.0"), &[]).len(), 1);
        assert_eq!(problems(&package("a", "GPL-3.0"), exceptions).len(), 1);
        assert_eq!(problems(&package("b", "MPL-2.0"), exceptions).len(), 1);
    }
}
