//! The program, as tests start it.

use std::path::Path;
use std::process::Command;

pub(crate) fn psychrnn(arguments: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_psychrnn"));
    command.args(arguments);
    command
}

/// What the program says, and its exit code.
pub(crate) fn says(arguments: &[&Path]) -> (String, Option<i32>) {
    let output = psychrnn(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (text, output.status.code())
}

pub(crate) fn p(text: &str) -> &Path {
    Path::new(text)
}
