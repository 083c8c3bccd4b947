//! What this machine is and has: asked before long work begins, so that nothing is missed in the middle of it.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::run;

/// What Windows lacks: libtorch is brought as for Linux, and notebooks are started by a shell.
pub(crate) const WINDOWS: &str = "on Windows psychrnn is used within its Linux, WSL: run `wsl --install` once, open `Ubuntu` from the \
    start menu, install Rust there (rustup.rs), and do in it what is said for Ubuntu";

/// A part of what the first start does.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// What it brings.
    pub(crate) what: &'static str,
    /// Megabytes to download.
    pub(crate) download: u32,
    /// Minutes of compiling on two cores, measured there.
    pub(crate) minutes: f64,
    /// Megabytes on the disk while it is made.
    pub(crate) space: u64,
}

/// Says what will be done before something works, and how long it takes here, if anything.
pub(crate) fn announce(before: &str, parts: &[Part], remarks: &str) {
    if !parts.is_empty() {
        println!("{}", announcement(before, parts, remarks, cores()));
    }
}

fn announcement(before: &str, parts: &[Part], remarks: &str, cores: usize) -> String {
    let work = |download: u32, minutes: f64| {
        let download = (download > 0).then(|| format!("{download} MB to download"));
        let compile = (minutes > 0.0).then(|| format!("{} of compiling", about(minutes * share(cores))));
        [download, compile].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let all = work(parts.iter().map(|part| part.download).sum(), parts.iter().map(|part| part.minutes).sum());
    let mut text = format!("Before {before}, on the {cores} cores of this machine: {all}\n\n");
    for part in parts {
        text += &format!("  {:<40} {}\n", part.what, work(part.download, part.minutes));
    }
    text + "\n" + remarks + "\n"
}

/// How many programs run at once.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The time of a build on so many cores, relative to two. Some crates wait for one another however many cores there are: a third
/// of the time on two.
fn share(cores: usize) -> f64 {
    const WAITING: f64 = 1.0 / 3.0;
    WAITING + (1.0 - WAITING) * 2.0 / cores as f64
}

fn about(minutes: f64) -> String {
    match minutes {
        ..0.75 => "less than a minute".to_owned(),
        ..1.5 => "about a minute".to_owned(),
        _ => format!("about {minutes:.0} minutes"),
    }
}

/// Makes sure that this machine has what these parts need, and names all that it lacks at once.
pub(crate) fn check(requirements: impl IntoIterator<Item = Result<()>>) -> Result<()> {
    let missing: Vec<String> =
        requirements.into_iter().filter_map(Result::err).map(|error| format!("  - {error:#}")).collect();
    if !missing.is_empty() {
        bail!("this machine lacks something. Mend it, then run this again:\n\n{}\n", missing.join("\n"));
    }
    Ok(())
}

/// A C++ compiler with its library, as libtorch's Rust side asks for it.
pub(crate) fn has_compiler() -> Result<()> {
    let name = env::var("CXX").unwrap_or("c++".to_owned());
    let mut words = name.split_whitespace();
    let mut compiler = Command::new(words.next().unwrap_or("c++"));
    if !run::succeeds(compiler.args(words).args(["-x", "c++", "-fsyntax-only", "-include", "string", "-"])) {
        bail!(
            "`{name}` compiles no C++. Install a compiler (on Debian and Ubuntu: `sudo apt-get install g++`, on Fedora: `sudo dnf \
             install gcc-c++`, on macOS: `xcode-select --install`), or name yours in the variable CXX"
        );
    }
    Ok(())
}

/// The version of Rust that a manifest asks for.
pub(crate) fn has_rust(manifest: &Path) -> Result<()> {
    let text = fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let asked =
        text.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap_or_default().trim_matches('"');
    let found = run::output(Command::new("rustc").arg("--version"))?;
    let found = found.split_whitespace().nth(1).unwrap_or_default();
    if numbers(found) < numbers(asked) {
        bail!("notebooks need Rust {asked} or newer, and this is {found}. With rustup: `rustup update`");
    }
    Ok(())
}

fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
}

/// Room on the disk of a folder, which the user moves by a variable.
pub(crate) fn has_space(folder: &Path, parts: &[Part], variable: &str) -> Result<()> {
    let wanted: u64 = parts.iter().map(|part| part.space).sum();
    match free_space(folder) {
        Some(free) if free < wanted => bail!(
            "{wanted} MB are needed on the disk of {}, and {free} are free. Make room there, or set {variable} to a folder on another disk",
            folder.display()
        ),
        _ => Ok(()),
    }
}

/// Megabytes that are free on the disk of a folder, there already or not, if `df` tells.
fn free_space(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    let answer = run::output(Command::new("df").arg("-Pk").arg(there)).ok()?;
    // The free kilobytes stand before the share in use, whatever the disk is called.
    let words: Vec<&str> = answer.lines().last()?.split_whitespace().collect();
    let share = words.iter().position(|word| word.ends_with('%'))?;
    Some(words.get(share.checked_sub(1)?)?.parse::<u64>().ok()? / 1024)
}

/// What to do about a build that failed, as far as this machine tells. `folder` is where it writes.
pub(crate) fn advice(folder: &Path) -> String {
    if let Err(error) = has_compiler() {
        return error.to_string();
    }
    if free_space(folder).is_some_and(|free| free < 100) {
        return format!("the disk of {} is full: make room there, then run this again", folder.display());
    }
    "see above what Cargo says. Where it cannot download, look at the connection, or name your proxy in the variable https_proxy; where a \
     compiler was killed, memory ran out: set CARGO_BUILD_JOBS=1. Then run this again, which goes on where it was"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [Part; 2] = [
        Part { what: "a library", download: 540, minutes: 0.0, space: 900 },
        Part { what: "a program", download: 50, minutes: 9.0, space: 100 },
    ];

    #[test]
    fn what_will_happen_is_said_for_this_machine() {
        let text = announcement("it opens", &PARTS, "Meanwhile, read.", 2);
        let all = "Before it opens, on the 2 cores of this machine: 590 MB to download, about 9 minutes of compiling\n";
        assert!(text.starts_with(all) && text.ends_with("\nMeanwhile, read.\n"), "{text}");
        assert!(
            text.contains(" 540 MB to download\n")
                && text.contains(" 50 MB to download, about 9 minutes of compiling\n"),
            "{text}"
        );
        // More cores help, but not without end.
        for (cores, minutes) in [(1, 15), (8, 4), (1000, 3)] {
            let text = announcement("it opens", &PARTS, "", cores);
            assert!(text.contains(&format!(" about {minutes} minutes of")), "{text}");
        }
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let lacks = |what: &'static str| Err(anyhow::anyhow!(what));
        let message = check([lacks("a compiler"), Ok(()), lacks("room")]).unwrap_err().to_string();
        assert!(message.contains("  - a compiler\n  - room\n"), "{message}");
        check([Ok(())]).unwrap();
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("1.100.0") > numbers("1.95"));
        assert!(numbers("1.95.0-nightly") >= numbers("1.95"));
        assert!(numbers("1.90.0") < numbers("1.95"));
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        has_rust(&manifest).unwrap();
    }

    #[test]
    fn room_on_the_disk_is_known() {
        let here = env::temp_dir();
        assert!(free_space(&here).is_some());
        has_space(&here, &[], "TMPDIR").unwrap();
        let endless = Part { space: u64::MAX, ..PARTS[0] };
        let message = has_space(&here, &[endless], "TMPDIR").unwrap_err().to_string();
        assert!(message.contains("are free. Make room there, or set TMPDIR to a folder on another disk"), "{message}");
    }
}
