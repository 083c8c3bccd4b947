//! What stands between evcxr and Cargo: this program, in a folder `bin` that comes first in PATH and lies in a CARGO_HOME of the
//! kernel's own. Builds and cells have the user's.
//!
//! evcxr's analyser, rust-analyzer, takes the program `bin/cargo` in CARGO_HOME before any other. It asks Cargo for all crates and
//! reads them all, since any may implement a trait: of what a user waits for before the first figure that was half. But types
//! come from signatures, and in the library's own occur few of its 130 dependencies. So it is told of those.
//!
//! evcxr itself asks `rustup` where Cargo is. When a cell asks for one more crate, evcxr has Cargo look at that crate alone, and
//! Cargo forgets the versions of all others, so that the library would be compiled anew with whatever is newest. Before Cargo is
//! called again it gets the versions back.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::versions;

/// Variables of which the kernel has values of its own, and where the user's are kept.
const HOME: &str = "CARGO_HOME";
const USERS: [(&str, &str); 2] = [(HOME, "PSYCHRNN_CARGO_HOME"), ("PATH", "PSYCHRNN_PATH")];
/// In our CARGO_HOME: a link to Cargo itself.
const CARGO: &str = "cargo";
const LIBRARY: &str = "psychrnn";
/// What occurs in signatures of the library; with the feature `polars` also all of that.
const SEEN: &[&str] = &["ndarray", "num-complex", "num-traits", "plotters", "plotters-backend", "tch"];

/// The variables and the values that builds and cells must see, if the kernel sees others.
pub(crate) fn users() -> Vec<(&'static str, OsString)> {
    let users = USERS.map(|(name, kept)| Some((name, std::env::var_os(kept)?)));
    users.into_iter().flatten().collect()
}

/// The user's CARGO_HOME, and the kernel's own, if it has one.
fn homes() -> Option<(OsString, PathBuf)> {
    let (_, users) = users().into_iter().find(|(name, _)| *name == HOME)?;
    let folder = PathBuf::from(std::env::var_os(versions::FOLDER)?);
    Some((users, folder.join("cargo")))
}

/// Puts this program where the analyser and evcxr look for Cargo.
pub(crate) fn install() -> Result<()> {
    let Some((_, home)) = homes() else { return Ok(()) };
    let programs = home.join("bin");
    fs::create_dir_all(&programs).with_context(|| format!("cannot make {}", programs.display()))?;
    symlink(find_cargo()?, home.join(CARGO)).context("cannot link to Cargo")?;
    for name in ["cargo", "rustup"] {
        symlink(std::env::current_exe()?, programs.join(name)).context("cannot link to the kernel")?;
    }
    Ok(())
}

/// Cargo itself, not what stands for it in rustup's folder, if there is rustup.
fn find_cargo() -> Result<PathBuf> {
    let says = |program: &str, argument: &[&str]| {
        let output = Command::new(program).args(argument).envs(users()).output().ok()?;
        output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    };
    let found = says("rustup", &["which", "cargo"]).or_else(|| says("sh", &["-c", "command -v cargo"]));
    found.context("cannot find Cargo")
}

/// Does what was asked of Cargo or rustup, if this program was called by one of these names.
pub(crate) fn stand_in() -> Result<Option<ExitCode>> {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let Some((users_home, home)) = homes() else { return Ok(None) };
    let arguments: Vec<_> = arguments.collect();
    if Path::new(&name).ends_with("rustup") {
        if arguments == ["which", "cargo"] {
            println!("{}", home.join("bin/cargo").display());
            return Ok(Some(ExitCode::SUCCESS));
        }
        return Err(Command::new("rustup").args(&arguments).envs(users()).exec()).context("cannot start rustup");
    }
    if !Path::new(&name).ends_with("bin/cargo") {
        return Ok(None);
    }
    versions::restore_versions()?;
    let mut cargo = Command::new(home.join(CARGO));
    cargo.args(&arguments).envs(users());
    let of_analyser = std::env::var_os(HOME).is_some_and(|home| home != users_home);
    if !(of_analyser && arguments.iter().any(|argument| argument == "metadata")) {
        return Err(cargo.exec()).context("cannot start Cargo");
    }
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot start Cargo")?;
    match serde_json::from_slice(&output.stdout) {
        Ok(metadata) => println!("{}", trim(metadata)),
        Err(_) => print!("{}", String::from_utf8_lossy(&output.stdout)),
    }
    Ok(Some(if output.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

/// Leaves out the packages that only the library needs and that its signatures do not name.
fn trim(mut metadata: Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let is_seen = |name: &str| SEEN.contains(&name) || name.starts_with("polars");
    let packages = list(&metadata["packages"]);
    let nodes = list(&metadata["resolve"]["nodes"]);
    let named = |name: &dyn Fn(&str) -> bool| -> HashSet<String> {
        packages.iter().filter(|package| name(&text(&package["name"]))).map(|package| text(&package["id"])).collect()
    };
    let (library, mut kept) = (named(&|name| name == LIBRARY), named(&is_seen));
    let mut waiting: Vec<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    while let Some(id) = waiting.pop() {
        // What is kept because it is seen brings nothing with it, unless a cell asks for it, too.
        let of_cells = nodes.iter().find(|node| node["id"] == *id && !library.contains(&id));
        kept.insert(id);
        let dependencies = of_cells.map(|node| list(&node["dependencies"])).unwrap_or_default();
        waiting.extend(dependencies.iter().map(text).filter(|id| !kept.contains(id)));
    }
    let is_kept = |id: &Value| id.as_str().is_some_and(|id| kept.contains(id));
    let retain = |value: &mut Value, keep: &dyn Fn(&Value) -> bool| {
        if let Some(values) = value.as_array_mut() {
            values.retain(keep);
        }
    };
    retain(&mut metadata["packages"], &|package| is_kept(&package["id"]));
    let nodes = &mut metadata["resolve"]["nodes"];
    retain(nodes, &|node| is_kept(&node["id"]));
    for node in nodes.as_array_mut().into_iter().flatten() {
        retain(&mut node["dependencies"], &is_kept);
        retain(&mut node["deps"], &|dependency| is_kept(&dependency["pkg"]));
    }
    metadata
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_analyser_sees_what_cells_ask_for_and_what_signatures_name() {
        let graph = [
            ("ctx", &["psychrnn", "mine"][..]),
            ("psychrnn", &["ndarray", "tch", "zip", "shared"]),
            ("tch", &["torch-sys", "ndarray"]),
            ("torch-sys", &[]),
            ("zip", &[]),
            ("ndarray", &[]),
            ("mine", &["shared"]),
            ("shared", &[]),
        ];
        let node = |(name, needs): &(&str, &[&str])| {
            let deps: Vec<_> = needs.iter().map(|need| json!({ "pkg": need })).collect();
            json!({ "id": name, "dependencies": needs, "deps": deps })
        };
        let trimmed = trim(json!({
            "packages": graph.iter().map(|(name, _)| json!({ "id": name, "name": name })).collect::<Vec<_>>(),
            "workspace_members": ["ctx"],
            "resolve": { "nodes": graph.iter().map(node).collect::<Vec<_>>() },
        }));
        let names: Vec<_> = trimmed["packages"].as_array().unwrap().iter().map(|package| &package["name"]).collect();
        assert_eq!(names, ["ctx", "psychrnn", "tch", "ndarray", "mine", "shared"]);
        let nodes = trimmed["resolve"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), names.len());
        assert_eq!(nodes[1]["dependencies"], json!(["ndarray", "tch", "shared"]));
        assert_eq!(nodes[2]["deps"], json!([{ "pkg": "ndarray" }]));
    }
}
