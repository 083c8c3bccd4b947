//! A process that computes when it is told to, and says how long it took.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::run;

/// A process that answers each line `WORK COUNT` with a line of JSON. It ends when it is dropped.
pub(super) struct Contestant {
    pub(super) who: &'static str,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    versions: String,
}

impl Contestant {
    /// Starts it and waits until it is ready.
    pub(super) fn start(who: &'static str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", run::shell(command)))?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("a process has no standard output")?);
        let mut contestant = Self { who, child, requests, answers, versions: String::new() };
        let hello = contestant.answer()?;
        contestant.versions = hello["versions"].as_str().unwrap_or_default().to_owned();
        Ok(contestant)
    }

    /// What it computes with.
    pub(super) fn versions(&self) -> &str {
        &self.versions
    }

    /// Asks for work and waits for the answer.
    pub(super) fn request(&mut self, work: &str, count: usize) -> Result<Value> {
        let requests = self.requests.as_mut().context("a process has no standard input")?;
        writeln!(requests, "{work} {count}").with_context(|| format!("{} has ended", self.who))?;
        self.answer()
    }

    /// Does some work so many times; the milliseconds of one.
    pub(super) fn turn(&mut self, work: &str, count: usize) -> Result<f64> {
        number(&self.request(work, count)?, "ms")
    }

    /// Makes updates, as this request asks for them; the loss before each.
    pub(super) fn losses(&mut self, request: &str, updates: usize) -> Result<Vec<f64>> {
        let answer = self.request(request, updates)?;
        let losses = answer["losses"].as_array().with_context(|| format!("{} tells no losses: {answer}", self.who))?;
        // A loss that is not a number agrees with none.
        Ok(losses.iter().map(|loss| loss.as_f64().unwrap_or(f64::NAN)).collect())
    }

    /// The most memory that it has had so far, in MiB, where the system tells.
    pub(super) fn peak_mib(&self) -> Option<f64> {
        peak_mib(&fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?)
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        let length = self.answers.read_line(&mut line).with_context(|| format!("cannot hear {}", self.who))?;
        if length == 0 {
            bail!("{} failed, see above ({})", self.who, self.child.wait()?);
        }
        serde_json::from_str(&line).with_context(|| format!("{} did not answer in JSON: {line}", self.who))
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // The end of its input tells it to end.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}

/// A number of an answer.
pub(super) fn number(answer: &Value, name: &str) -> Result<f64> {
    answer[name].as_f64().with_context(|| format!("an answer has no number `{name}`: {answer}"))
}

/// The line `VmHWM` of Linux's report on a process.
fn peak_mib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_is_read_from_the_status_of_a_process() {
        assert_eq!(peak_mib("Name:\tbench\nVmPeak:\t  9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 3 kB\n"), Some(2.0));
        assert_eq!(peak_mib("Name:\tbench\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_process_is_asked_and_answers_until_it_ends() {
        let talk = r#"
            echo '{"versions": "sh 1"}'
            while read -r work count; do
                test "$work" = fail && exit 3
                test "$work" = losses && { echo '{"losses": [0.5, null]}'; continue; }
                echo "{\"ms\": $count}"
            done"#;
        let mut shell = Contestant::start("shell", Command::new("sh").args(["-c", talk])).unwrap();
        assert_eq!(shell.versions(), "sh 1");
        assert_eq!(shell.turn("update", 7).unwrap(), 7.0);
        let losses = shell.losses("losses", 2).unwrap();
        assert!(losses[0] == 0.5 && losses[1].is_nan());
        assert!(shell.turn("fail", 1).unwrap_err().to_string().starts_with("shell failed"));
    }
}
