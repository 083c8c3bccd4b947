//! Running other programs and saying so.

use std::cell::Cell;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _};
use std::panic;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

thread_local! {
    /// Whether the terminal is another thread's: see [`beside`].
    static ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// Says what is done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(&format!("→ {what}"));
    let start = Instant::now();
    let result = work()?;
    say(&format!("✓ {what}: {}", seconds(start.elapsed())));
    Ok(result)
}

/// Prints a line, over the progress bar that a program may have drawn.
pub(crate) fn say(line: &str) {
    let clear = if io::stdout().is_terminal() { "\r\x1b[K" } else { "" };
    println!("{clear}{line}");
}

/// Does two works at once. The terminal is the second's; of the first one sees the steps, and what its commands complain of if they
/// fail. What fails is told at once, and the other is done all the same, since it need not be done again.
pub(crate) fn beside<A: Send, B>(
    aside: impl FnOnce() -> Result<A> + Send,
    work: impl FnOnce() -> Result<B>,
) -> Result<(A, B)> {
    fn told<T>(result: Result<T>) -> Result<T> {
        result.inspect_err(|error| say(&format!("✗ {error}")))
    }
    let (aside, done) = thread::scope(|scope| {
        let aside = scope.spawn(|| {
            ASIDE.set(true);
            told(aside())
        });
        let done = told(work());
        (aside.join().unwrap_or_else(|cause| panic::resume_unwind(cause)), done)
    });
    match (aside, done) {
        (Ok(aside), Ok(done)) => Ok((aside, done)),
        (Err(error), Err(other)) => Err(anyhow!("{error:#}\n\nerror: {other:#}")),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
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
    say(&format!("  $ {line}"));
    let status = command.status().with_context(|| cannot_start(&line))?;
    if !status.success() {
        bail!("this command failed ({status}):\n\n    {line}\n");
    }
    Ok(())
}

/// Runs a command like [`run`], also aside; if it fails, `advice` says what to do about what it complained of on its standard error.
pub(crate) fn advised(command: &mut Command, advice: impl Fn(&str) -> String) -> Result<()> {
    let (line, aside) = (shell(command), ASIDE.get());
    if aside {
        command.stdin(Stdio::null()).stdout(Stdio::null());
    } else {
        say(&format!("  $ {line}"));
    }
    let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| cannot_start(&line))?;
    let mut complaints = String::new();
    for complaint in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let complaint = complaint.with_context(|| format!("cannot read what `{line}` says"))?;
        let complaint = String::from_utf8_lossy(&complaint);
        if !aside {
            eprintln!("{complaint}");
        }
        complaints += &complaint;
        complaints.push('\n');
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{line}`"))?;
    if !status.success() {
        let shown = if aside { &complaints } else { "" };
        let failed = anyhow!("{status}\n\n    {line}\n\n{shown}");
        return Err(failed.context(format!("{}. This command failed", advice(&complaints))));
    }
    Ok(())
}

fn cannot_start(line: &str) -> String {
    format!("cannot start `{line}`: is the program installed?")
}

/// Runs a command and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = shell(command);
    let output = command.stderr(Stdio::piped()).output().with_context(|| cannot_start(&line))?;
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
    fn what_a_program_complains_of_is_answered() {
        let complain = |script: &str| {
            advised(Command::new("sh").args(["-c", script]), |complaints| format!("advice on {}", complaints.trim()))
        };
        complain("echo harmless >&2").unwrap();
        let message = format!("{:#}", complain("echo disk >&2; exit 3").unwrap_err());
        assert!(message.starts_with("advice on disk. This command failed: exit status: 3\n\n    sh -c"), "{message}");
    }

    #[test]
    fn of_two_works_both_are_done_and_all_errors_told() {
        assert_eq!(beside(|| Ok(1), || Ok("one")).unwrap(), (1, "one"));
        let message = |error: anyhow::Error| format!("{error:#}");
        let failing = |what: &'static str| move || Err::<(), _>(anyhow!(what));
        assert_eq!(message(beside(failing("a"), || Ok(())).unwrap_err()), "a");
        assert_eq!(message(beside(|| Ok(()), failing("b")).unwrap_err()), "b");
        assert_eq!(message(beside(failing("a"), failing("b")).unwrap_err()), "a\n\nerror: b");
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(seconds(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(605)), "10 min 5 s");
    }
}
