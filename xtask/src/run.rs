//! Running other programs and saying so.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Says what is done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("→ {what}");
    let start = Instant::now();
    let result = work()?;
    println!("✓ {what}: {}", seconds(start.elapsed()));
    Ok(result)
}

/// A duration as a person reads it.
pub(crate) fn seconds(time: Duration) -> String {
    let total = time.as_secs_f64();
    if total < 100.0 {
        format!("{total:.1} s")
    } else {
        format!("{:.0} min {:.0} s", (total / 60.0).floor(), total % 60.0)
    }
}

/// Runs a command on our terminal; an error holds the command, ready to be pasted into a shell.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shell(command);
    println!("  $ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`: is the program installed?"))?;
    if !status.success() {
        bail!("this command failed ({status}):\n\n    {line}\n");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = shell(command);
    let output = command
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start `{line}`: is the program installed?"))?;
    if !output.status.success() {
        bail!(
            "this command failed ({}):\n\n    {line}\n\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command can be started and succeeds, without a word.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command as one types it into a shell, with the variables that we set for it.
pub(crate) fn shell(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables = variables.map(|(name, value)| format!("{}={}", name.display(), quote(value)));
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quote);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// A word as a shell wants it.
pub(crate) fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_can_be_pasted() {
        let mut command = Command::new("cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").env_remove("LIBTORCH").args(["doc", "it's", ""]);
        assert_eq!(shell(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s' ''");
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(seconds(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(605)), "10 min 5 s");
    }
}
