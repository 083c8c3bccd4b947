//! Taking apart what a cell writes: text, values that show themselves, and what evcxr says to itself.
//!
//! evcxr reads its own messages from the standard output of the process that runs cells, line by line, and keeps values back
//! until the cell has ended. Here everything is told apart as it comes, so that only evcxr's messages need go to evcxr.

use serde_json::{Map, Value};

/// Begins a value; the MIME type follows, and perhaps attributes that evcxr does not read: `alternatives=2` says that two
/// blocks are one value, `display=NAME` that it takes the place of the last value of that name.
const BEGIN: &str = "EVCXR_BEGIN_CONTENT ";
const END: &str = "EVCXR_END_CONTENT";
/// Lines that evcxr waits for. They may follow a half line of the cell's.
const DONE: &str = "EVCXR_EXECUTION_COMPLETE";
const PANICKED: &str = "EVCXR_PANIC_NOTIFICATION";
const RETURNED_ERROR: &str = "EVCXR_ERROR_OCCURRED";
const OTHERS: &[&str] = &["EVCXR_INPUT_REQUEST", "EVCXR_VARIABLE_CHANGED_TYPE:"];

/// What became of some output.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Stdout(String),
    Stderr(String),
    Display(Display),
    /// The cell failed.
    Failed(Failure),
    /// A line for evcxr.
    Message(String),
}

/// A value: its alternatives by MIME type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Display {
    pub(crate) data: Map<String, Value>,
    /// The name under which a later value takes its place.
    pub(crate) name: Option<String>,
}

/// A failed cell, as Jupyter wants it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) details: Vec<String>,
}

/// One block of a value that is still being written.
struct Block {
    mime: String,
    content: String,
    alternatives: Option<usize>,
    name: Option<String>,
}

/// What was written and is not yet told apart.
#[derive(Default)]
pub(crate) struct Output {
    line: Vec<u8>,
    stderr: Vec<u8>,
    block: Option<Block>,
    value: Display,
}

impl Output {
    /// Takes what was written to the standard error. It is kept for a moment: it may turn out to say why the cell failed.
    pub(crate) fn take_stderr(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
    }

    /// Whether a panic is being written.
    pub(crate) fn is_panicking(&self) -> bool {
        String::from_utf8_lossy(&self.stderr).contains("panicked at")
    }

    /// Takes what was written to the standard output; `stderr` gives what was written to the standard error before.
    pub(crate) fn take_stdout(&mut self, bytes: &[u8], mut stderr: impl FnMut() -> Vec<u8>) -> Vec<Event> {
        let mut events = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                self.take_line(line.strip_suffix('\n').unwrap_or(&line), &mut stderr, &mut events);
            }
        }
        events
    }

    /// Nothing more comes for the moment: what was kept back is shown.
    pub(crate) fn pause(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        self.show_value(&mut events);
        self.show_stderr(&mut events);
        // A half line, unless it is evcxr's.
        if self.block.is_none() && !self.line.is_empty() && !self.line.starts_with(b"EVCXR_") {
            text(&String::from_utf8_lossy(&std::mem::take(&mut self.line)), &mut events);
        }
        events
    }

    /// Nothing more comes: what was begun is shown as far as it came.
    pub(crate) fn end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.block.is_some() {
            let rest = std::mem::take(&mut self.line);
            let rest = String::from_utf8_lossy(&rest);
            if !rest.is_empty() {
                self.take_line(&rest, &mut Vec::new, &mut events);
            }
            self.end_block(&mut events);
        }
        events.extend(self.pause());
        events
    }

    fn end_block(&mut self, events: &mut Vec<Event>) {
        if let Some(block) = self.block.take() {
            self.add(block, events);
        }
    }

    fn take_line(&mut self, mut line: &str, stderr: &mut impl FnMut() -> Vec<u8>, events: &mut Vec<Event>) {
        if let Some(block) = &mut self.block {
            // The next block ends one that never ended. An end, or a message in the midst of it, may follow a half line of its content.
            let at = match line.strip_suffix(END) {
                Some(content) => Some(content.len()),
                None if line.starts_with(BEGIN) => Some(0),
                None => message(line),
            };
            let content = &line[..at.unwrap_or(line.len())];
            if at.is_none() || !content.is_empty() {
                if !block.content.is_empty() {
                    block.content.push('\n');
                }
                block.content.push_str(content);
            }
            let Some(at) = at else { return };
            line = &line[at..];
            self.end_block(events);
            if line == END {
                return;
            }
        }
        if let Some((before, header)) = line.split_once(BEGIN) {
            if !before.is_empty() {
                self.show_value(events);
                text(before, events);
            }
            self.block = Some(Block::new(header));
            return;
        }
        let Some(at) = message(line) else {
            self.show_value(events);
            text(&format!("{line}\n"), events);
            return;
        };
        self.show_value(events);
        text(&line[..at], events);
        let written = stderr();
        self.take_stderr(&written);
        let message = &line[at..];
        match message {
            PANICKED => self.panicked(events),
            RETURNED_ERROR => self.returned_error(events),
            _ => self.show_stderr(events),
        }
        events.push(Event::Message(message.to_owned()));
    }

    /// A block joins the value to which it belongs, which is shown when it is complete.
    fn add(&mut self, block: Block, events: &mut Vec<Event>) {
        if self.value.data.contains_key(&block.mime) || self.value.name != block.name {
            self.show_value(events);
        }
        let content = match block.mime.contains("json").then(|| serde_json::from_str(&block.content)) {
            Some(Ok(json)) => json,
            _ => Value::String(block.content),
        };
        self.value.name = block.name;
        self.value.data.insert(block.mime, content);
        if block.alternatives.is_some_and(|alternatives| self.value.data.len() >= alternatives) {
            self.show_value(events);
        }
    }

    fn show_value(&mut self, events: &mut Vec<Event>) {
        let value = std::mem::take(&mut self.value);
        if !value.data.is_empty() {
            // What came before on the standard error stays before.
            self.show_stderr(events);
            events.push(Event::Display(value));
        }
    }

    fn show_stderr(&mut self, events: &mut Vec<Event>) {
        if !self.stderr.is_empty() {
            events.push(Event::Stderr(String::from_utf8_lossy(&std::mem::take(&mut self.stderr)).into_owned()));
        }
    }

    /// The standard error ends with what the panic said.
    fn panicked(&mut self, events: &mut Vec<Event>) {
        let written = std::mem::take(&mut self.stderr);
        let written = String::from_utf8_lossy(&written);
        let (before, panic) = written.split_at(written.find("thread '").unwrap_or(written.len()));
        if !before.trim().is_empty() {
            events.push(Event::Stderr(before.trim_start_matches('\n').to_owned()));
        }
        // `thread 'NAME' (NUMBER) panicked at PLACE:`, the message, and how to get or what is the backtrace.
        let (head, rest) = panic.split_once('\n').unwrap_or((panic, ""));
        let end = ["\nstack backtrace:", "\nnote: "].iter().filter_map(|mark| rest.find(mark)).min();
        let message = rest[..end.unwrap_or(rest.len())].trim();
        let place = head.split_once("panicked at ").map_or("", |(_, place)| place.trim_end_matches(':'));
        events.push(Event::Failed(Failure {
            name: "panic".into(),
            message: if message.is_empty() { "the cell panicked".into() } else { message.into() },
            details: if place.is_empty() { Vec::new() } else { vec![format!("at {place}")] },
        }));
    }

    /// The standard error ends with the error.
    fn returned_error(&mut self, events: &mut Vec<Event>) {
        let written = std::mem::take(&mut self.stderr);
        let message = String::from_utf8_lossy(&written).trim().to_owned();
        events.push(Event::Failed(Failure { name: "error".into(), message, details: Vec::new() }));
    }
}

impl Block {
    fn new(header: &str) -> Self {
        let mut words = header.split_whitespace();
        let mime = words.next().unwrap_or("text/plain").to_owned();
        let mut block = Self { mime, content: String::new(), alternatives: None, name: None };
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            match key {
                "alternatives" => block.alternatives = value.parse().ok(),
                "display" => block.name = Some(value.to_owned()),
                _ => {}
            }
        }
        block
    }
}

/// Where in a line a message of evcxr's begins.
fn message(line: &str) -> Option<usize> {
    let ends = [DONE, PANICKED, RETURNED_ERROR].into_iter().find(|message| line.ends_with(message));
    ends.map(|message| line.len() - message.len()).or_else(|| OTHERS.iter().find_map(|message| line.find(message)))
}

/// Adds to the text before, if there is nothing in between.
fn text(text: &str, events: &mut Vec<Event>) {
    match events.last_mut() {
        _ if text.is_empty() => {}
        Some(Event::Stdout(before)) => before.push_str(text),
        _ => events.push(Event::Stdout(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(stdout: &str, stderr: &str) -> Vec<Event> {
        let mut output = Output::default();
        let mut stderr = stderr.as_bytes().to_vec();
        output.take_stdout(stdout.as_bytes(), || std::mem::take(&mut stderr))
    }

    fn display(data: &[(&str, &str)], name: Option<&str>) -> Event {
        let data = data.iter().map(|(mime, content)| ((*mime).to_owned(), (*content).into())).collect();
        Event::Display(Display { data, name: name.map(str::to_owned) })
    }

    fn stdout(text: &str) -> Event {
        Event::Stdout(text.into())
    }

    #[test]
    fn values_are_shown_where_they_were_made() {
        let written = "one\n\
            EVCXR_BEGIN_CONTENT text/html alternatives=2\n<b>\n</b>\nEVCXR_END_CONTENT\n\
            EVCXR_BEGIN_CONTENT text/plain alternatives=2\nb\nEVCXR_END_CONTENT\n\
            EVCXR_BEGIN_CONTENT image/png alternatives=1\nAA==\nEVCXR_END_CONTENT\n\
            two\nEVCXR_EXECUTION_COMPLETE\n";
        let expected = [
            stdout("one\n"),
            display(&[("text/html", "<b>\n</b>"), ("text/plain", "b")], None),
            display(&[("image/png", "AA==")], None),
            stdout("two\n"),
            Event::Message(DONE.into()),
        ];
        assert_eq!(events(written, ""), expected);
        // Whatever the pieces are in which it comes.
        for size in [1, 2, 7, 30] {
            let mut output = Output::default();
            let pieces = written.as_bytes().chunks(size);
            let pieces: Vec<_> = pieces.flat_map(|piece| output.take_stdout(piece, Vec::new)).collect();
            let joined = pieces.into_iter().fold(Vec::new(), |mut all, event| {
                match event {
                    Event::Stdout(piece) => text(&piece, &mut all),
                    event => all.push(event),
                }
                all
            });
            assert_eq!(joined, expected);
        }
    }

    #[test]
    fn blocks_without_attributes_are_joined_until_one_comes_twice() {
        let block = |mime: &str, content: &str| format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n");
        let written = block("text/html", "a") + &block("text/plain", "a") + &block("text/html", "b") + "end\n";
        let expected = [
            display(&[("text/html", "a"), ("text/plain", "a")], None),
            display(&[("text/html", "b")], None),
            stdout("end\n"),
        ];
        assert_eq!(events(&written, ""), expected);
    }

    #[test]
    fn a_named_value_keeps_its_name() {
        let written = "EVCXR_BEGIN_CONTENT text/plain alternatives=1 display=p7\n50 %\nEVCXR_END_CONTENT\n";
        assert_eq!(events(written, ""), [display(&[("text/plain", "50 %")], Some("p7"))]);
    }

    #[test]
    fn a_half_line_hides_no_message_of_evcxr() {
        let done = Event::Message(DONE.into());
        assert_eq!(events("no newlineEVCXR_EXECUTION_COMPLETE\n", ""), [stdout("no newline"), done]);
        let asked = Event::Message("EVCXR_INPUT_REQUEST:name?".into());
        assert_eq!(events("well: EVCXR_INPUT_REQUEST:name?\n", ""), [stdout("well: "), asked]);
    }

    #[test]
    fn a_value_that_is_never_ended_ends_with_its_cell() {
        let begin = "EVCXR_BEGIN_CONTENT text/plain\n";
        for end in [DONE, RETURNED_ERROR, PANICKED] {
            for (written, shown) in [("a\nb\n", "a\nb"), ("a\nb", "a\nb"), ("a\n\n", "a\n")] {
                let events = events(&format!("{begin}{written}{end}\n"), "");
                assert_eq!(events.first(), Some(&display(&[("text/plain", shown)], None)), "{end} {written:?}");
                assert_eq!(events.last(), Some(&Event::Message(end.into())));
            }
        }
        // So it does with its process, and what it is in does not hide a question.
        let mut output = Output::default();
        assert_eq!(output.take_stdout(format!("{begin}a\nb").as_bytes(), Vec::new), []);
        assert_eq!(output.end(), [display(&[("text/plain", "a\nb")], None)]);
        let asked = "EVCXR_INPUT_REQUEST:name?";
        let expected = [display(&[("text/plain", "a")], None), Event::Message(asked.into())];
        assert_eq!(events(&format!("{begin}a\n{asked}\n"), ""), expected);
        let expected = [display(&[("text/plain", "a")], None), display(&[("text/plain", "b")], None)];
        assert_eq!(events(&format!("{begin}a\n{begin}b\n{END}\nend\n"), "")[..2], expected);
        let half = format!("{begin}a{END}\nafter\n");
        assert_eq!(events(&half, ""), [display(&[("text/plain", "a")], None), stdout("after\n")]);
    }

    #[test]
    fn a_panic_is_a_failure_with_its_message() {
        let stderr = "before\n\nthread '<unnamed>' (7) panicked at src/lib.rs:9:5:\nindex out of bounds\nfor sure\n\
            stack backtrace:\n   0: core::panicking\nnote: Some details are omitted\n";
        let failure = Failure {
            name: "panic".into(),
            message: "index out of bounds\nfor sure".into(),
            details: vec!["at src/lib.rs:9:5".into()],
        };
        let expected = [Event::Stderr("before\n\n".into()), Event::Failed(failure), Event::Message(PANICKED.into())];
        assert_eq!(events("EVCXR_PANIC_NOTIFICATION\n", stderr), expected);
    }

    #[test]
    fn an_error_is_a_failure_and_other_words_are_not() {
        let failure = Failure { name: "error".into(), message: "`units` must be 1".into(), details: Vec::new() };
        let expected = [Event::Failed(failure), Event::Message(RETURNED_ERROR.into())];
        assert_eq!(events("EVCXR_ERROR_OCCURRED\n", "`units` must be 1\n"), expected);
        let expected = [Event::Stderr("careful\n".into()), Event::Message(DONE.into())];
        assert_eq!(events("EVCXR_EXECUTION_COMPLETE\n", "careful\n"), expected);
    }

    #[test]
    fn a_pause_shows_half_a_line_and_what_was_kept_back() {
        let mut output = Output::default();
        assert_eq!(output.take_stdout(b"working", Vec::new), []);
        output.take_stderr(b"careful\n");
        assert_eq!(output.pause(), [Event::Stderr("careful\n".into()), stdout("working")]);
        assert_eq!(output.take_stdout(b" on\n", Vec::new), [stdout(" on\n")]);
        // Half of a message is waited for.
        assert_eq!(output.take_stdout(b"EVCXR_EXEC", Vec::new), []);
        assert_eq!(output.pause(), []);
        assert_eq!(output.take_stdout(b"UTION_COMPLETE\n", Vec::new), [Event::Message(DONE.into())]);
    }
}
