//! The one plain value in a pickled array, recognized without unpickling anything: no object is made, and nothing is called.

/// A value that an array of one Python object holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pickled {
    /// `None`.
    None,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A function or a class, which a pickle only names: its module and its name.
    Named(String, String),
}

/// An operation of a pickle, as far as values depend on it.
#[derive(Clone, Debug, PartialEq)]
enum Operation {
    Value(Pickled),
    /// Takes a module and a name from the texts before it.
    Name,
    List,
    Append,
    /// Remembers what is there already.
    Memo,
    Other,
}

/// The value in the pickle of an array of one object, if it is a plain one. NumPy pickles such an array as a list of its objects.
pub(super) fn value(pickle: &[u8]) -> Option<Pickled> {
    let mut reader = Reader(pickle);
    let mut operations = Vec::new();
    while let Some(operation) = reader.next() {
        if operation != Operation::Memo {
            operations.push(operation);
        }
        if operations.len() > 200 {
            return None;
        }
    }
    let end = operations.iter().rposition(|operation| *operation == Operation::Append)?;
    let start = operations[..end].iter().rposition(|operation| *operation == Operation::List)?;
    match &operations[start + 1..end] {
        [Operation::Value(value)] => Some(value.clone()),
        [Operation::Value(Pickled::Text(module)), Operation::Value(Pickled::Text(name)), Operation::Name] => {
            Some(Pickled::Named(module.clone(), name.clone()))
        }
        _ => None,
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, n: usize) -> Option<u64> {
        Some(self.take(n)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// What follows, its length in so many bytes before it.
    fn counted(&mut self, n: usize) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number(n)?).ok()?;
        self.take(length)
    }

    fn line(&mut self) -> Option<String> {
        let end = self.0.iter().position(|&byte| byte == b'\n')?;
        let line = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(line).ok().map(str::to_owned)
    }

    /// The operation that comes next, of any protocol; `None` at the end, and at one that such arrays do not have.
    fn next(&mut self) -> Option<Operation> {
        let text = |bytes: &[u8]| Some(Operation::Value(Pickled::Text(std::str::from_utf8(bytes).ok()?.to_owned())));
        let number = |number: f64| Some(Operation::Value(Pickled::Number(number)));
        let skipped = |taken: Option<&[u8]>| taken.map(|_| Operation::Other);
        match self.take(1)?[0] {
            b'N' => Some(Operation::Value(Pickled::None)),
            b'G' => number(f64::from_be_bytes(self.take(8)?.try_into().ok()?)),
            b'K' => number(self.number(1)? as f64),
            b'M' => number(self.number(2)? as f64),
            b'J' => number(f64::from(self.number(4)? as u32 as i32)),
            b'F' | b'I' | b'L' => number(self.line()?.trim_end_matches('L').parse().ok()?),
            b'X' => text(self.counted(4)?),
            b'U' | 0x8c => text(self.counted(1)?),
            b'T' => text(self.counted(4)?),
            b'V' => text(self.line()?.as_bytes()),
            b'S' => text(self.line()?.trim_matches(['\'', '"']).as_bytes()),
            b'c' => Some(Operation::Value(Pickled::Named(self.line()?, self.line()?))),
            0x93 => Some(Operation::Name),
            b']' | b'l' => Some(Operation::List),
            b'a' => Some(Operation::Append),
            b'q' => self.take(1).map(|_| Operation::Memo),
            b'r' => self.take(4).map(|_| Operation::Memo),
            b'p' => self.line().map(|_| Operation::Memo),
            0x94 => Some(Operation::Memo),
            0x80 | b'h' => skipped(self.take(1)),
            b'j' => skipped(self.take(4)),
            b'g' => self.line().map(|_| Operation::Other),
            0x95 => skipped(self.take(8)),
            b'C' => skipped(self.counted(1)),
            b'B' => skipped(self.counted(4)),
            b'(' | b')' | b't' | 0x85..=0x89 | b'R' | b'b' => Some(Operation::Other),
            _ => None,
        }
    }
}
