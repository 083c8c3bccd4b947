//! Running cells by evcxr, and what it says about them in the words of Jupyter.

use std::ops::Range;

use anyhow::Result;
use evcxr::{
    CommandContext, CompilationError, Error, EvalCallbacks, EvalContext, EvalContextOutputs, EvalOutputs, Theme,
};

use crate::cargo;
use crate::output::Failure;
use crate::relay::Relay;
use crate::template::{self, Folder};

/// A cell that the analyser looks at while the user reads. Afterwards it knows the types of which cells are usually made.
const USUAL: &str = "\
let task = PerceptualDiscrimination::default();
let mut network = Rnn::new(&task, RnnConfig::default())?;
let training = Trainer::default().train(&mut network, &task)?;
let session = network.run(&task.batch(1, Seed(2))?)?;
session.";

/// What runs cells.
pub(crate) struct Cells {
    context: CommandContext,
    folder: Option<Folder>,
    /// Whether evcxr expects `?` in cells.
    expects_errors: bool,
}

/// What can be written at a place of the code.
pub(crate) struct Completions {
    /// The characters that one of them replaces.
    pub(crate) range: Range<usize>,
    /// The code, what is shown of it, and what kind of thing it is.
    pub(crate) items: Vec<(String, String, &'static str)>,
}

impl Cells {
    /// Starts the process that runs cells; besides, what it writes before it has found us.
    pub(crate) fn start(relay: &Relay, folder: Option<Folder>) -> Result<(Self, EvalContextOutputs), Failure> {
        let start = || -> Result<_, Error> {
            let command = relay.command().map_err(|error| format!("{error:#}"))?;
            let (context, outputs) = EvalContext::with_subprocess_command(command)?;
            let mut context = CommandContext::with_eval_context(context);
            for (name, users) in cargo::users() {
                context.execute(&format!(":build_env {name}={}", users.display()))?;
            }
            context.execute(":load_config --quiet")?;
            Ok((context, outputs))
        };
        match start() {
            Ok((context, outputs)) => Ok((Self { context, folder, expects_errors: false }, outputs)),
            Err(error) => Err(failure(&error, "", 0)),
        }
    }

    /// Does while the user reads what the first cells would wait for.
    pub(crate) fn warm_up(&mut self) {
        self.expect_errors();
        let Some(clone) = self.folder.as_ref().and_then(Folder::compiled) else { return };
        let library = format!("{}\nuse psychrnn::prelude::*;\n", template::dependency(clone, ""));
        self.keep_versions();
        let usual = library + USUAL;
        // If something is wrong with the library, the user's own cell will say so.
        let _ = self.context.completions(&usual, usual.len());
    }

    /// What the user should know before this cell is compiled.
    pub(crate) fn note(&mut self, code: &str) -> Option<String> {
        self.folder.as_mut()?.note(code)
    }

    /// The process that runs cells.
    pub(crate) fn process(&self) -> std::sync::Arc<std::sync::Mutex<std::process::Child>> {
        self.context.process_handle()
    }

    /// Runs a cell, the `number`th. `ask` gets a line from the user: a prompt, and whether the answer is a secret.
    pub(crate) fn run(
        &mut self,
        code: &str,
        number: usize,
        ask: &dyn Fn(&str, bool) -> String,
    ) -> Result<EvalOutputs, Failure> {
        if code.contains(":dep") {
            self.keep_versions();
        }
        if code.contains('?') {
            self.expect_errors();
        }
        let mut callbacks = EvalCallbacks { input_reader: &|request| ask(&request.prompt, request.is_password) };
        self.context.execute_with_callbacks(code, &mut callbacks).map_err(|error| failure(&error, code, number))
    }

    /// Puts the code in place of a line number that only the generated source has.
    pub(crate) fn locate(&self, mut failure: Failure) -> Failure {
        for detail in &mut failure.details {
            let place: Option<usize> =
                detail.strip_prefix("at src/lib.rs:").and_then(|place| place.split(':').next()?.parse().ok());
            if let Some(line) = place
                && let Ok(source) = self.context.last_source()
                && let Some(code) = source.lines().nth(line - 1)
            {
                *detail = format!("at `{}`", code.trim());
            }
        }
        failure
    }

    /// What can be written at the `position`th character.
    pub(crate) fn complete(&mut self, code: &str, position: usize) -> Result<Completions> {
        let found = self.context.completions(code, byte(code, position))?;
        let range = character(code, found.start_offset)..character(code, found.end_offset);
        let items = found.completions.into_iter().map(|item| (item.code, item.label, item.kind)).collect();
        Ok(Completions { range, items })
    }

    /// The documentation of what stands at the `position`th character, as text and as HTML.
    pub(crate) fn inspect(&mut self, code: &str, position: usize) -> Option<(String, String)> {
        let start = byte(code, position);
        // evcxr looks at what ends here.
        let rest = code[start..].find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let end = rest.map_or(code.len(), |length| start + length);
        self.context.hover_at(code, end).ok().filter(|(text, _)| text != "No documentation found")
    }

    /// Lets evcxr know that cells have `?`. It learns that from the first cell that has one and does not compile; if the cell ends in
    /// one, it takes the failure for a value that cannot show itself, and shows a figure as text.
    fn expect_errors(&mut self) {
        if !self.expects_errors {
            self.expects_errors = self.context.execute("Ok::<(), String>(())?;").is_ok();
        }
    }

    fn keep_versions(&self) {
        if let Some(Err(error)) = self.folder.as_ref().map(Folder::keep_versions) {
            eprintln!("{error:#}");
        }
    }
}

/// What evcxr says of a cell that did not run to its end.
fn failure(error: &Error, code: &str, number: usize) -> Failure {
    match error {
        Error::CompilationErrors(errors) => {
            let message =
                errors.first().map_or_else(|| "the cell does not compile".to_owned(), |error| error.message());
            let details = errors.iter().flat_map(|error| report(error, code, number)).collect();
            Failure { name: "the cell does not compile".into(), message, details }
        }
        Error::SubprocessTerminated(how) => Failure {
            name: "the process that ran the cell ended".into(),
            message: how.trim().to_owned(),
            details: vec!["All variables are lost. The next cell starts with none.".into()],
        },
        error => Failure { name: "error".into(), message: error.to_string(), details: Vec::new() },
    }
}

/// An error of the compiler, with the lines of the cell that it is about.
fn report(error: &CompilationError, code: &str, number: usize) -> Vec<String> {
    let name = format!("cell {number}");
    if error.is_from_user_code()
        && let Some(report) = error.build_report(name.clone(), code.to_owned(), Theme::Light)
    {
        let mut text = Vec::new();
        if report.write(ariadne::sources([(name, code)]), &mut text).is_ok() {
            return String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        }
    }
    let mut lines = vec![format!("error: {}", error.message())];
    for message in error.spanned_messages() {
        lines.extend(message.lines.iter().cloned());
        if let Some(span) = &message.span {
            let (start, end) = (span.start_column.max(1), span.end_column.max(span.start_column + 1));
            lines.push(format!("{}{} {}", " ".repeat(start - 1), "^".repeat(end - start), message.label));
        }
    }
    lines.extend(error.help().into_iter().map(|help| format!("help: {help}")));
    lines
}

/// Jupyter counts characters, evcxr bytes.
fn byte(code: &str, character: usize) -> usize {
    code.char_indices().nth(character).map_or(code.len(), |(byte, _)| byte)
}

fn character(code: &str, byte: usize) -> usize {
    code.char_indices().take_while(|(at, _)| *at < byte).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_and_bytes_are_told_apart() {
        let code = "let π = \"é\"; x";
        for (at, (place, _)) in code.char_indices().enumerate() {
            assert_eq!(byte(code, at), place);
            assert_eq!(character(code, place), at);
        }
        assert_eq!(byte(code, 1000), code.len());
        assert_eq!(character(code, code.len()), code.chars().count());
    }
}
