//! The head of an array in NumPy's format: a Python dictionary with its type, the order of its axes and its shape.
//!
//! The parser of `ndarray-npy` (`py_literal`) takes no integers of Python 2 (`3L`), tries some broken texts for a time that doubles
//! with each bracket, and panics on sums of numbers; this one reads the few literals that occur.

use std::iter::Peekable;
use std::str::Chars;

/// The longest head that NumPy reads.
pub(super) const LONGEST: usize = 10_000;
/// How deep brackets may be within each other, and how many axes NumPy has.
const DEEPEST: usize = 16;
const MOST_AXES: usize = 64;

/// What an array is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Whether the first axis is the one along which neighbors in the file lie.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// How many elements there are, and where they begin.
    pub(super) length: usize,
    pub(super) start: usize,
}

/// The type of an array's elements.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Numbers: `b`, `i`, `u` or `f`, and their bytes.
    Number { kind: u8, bytes: usize, big_endian: bool },
    /// Texts of so many characters, of four bytes each.
    Text { characters: usize, big_endian: bool },
    /// Texts of so many bytes.
    Bytes { bytes: usize },
    /// Pickled Python objects.
    Object,
    /// What it is, in words.
    Other(&'static str),
}

impl Kind {
    /// How many bytes an element has, where that is known.
    pub(super) fn bytes(&self) -> usize {
        match *self {
            Self::Number { bytes, .. } | Self::Bytes { bytes } => bytes,
            Self::Text { characters, .. } => 4 * characters,
            Self::Object | Self::Other(_) => 0,
        }
    }

    /// The type that NumPy writes so: `<f4`, `|b1`, `>U12`, or without a byte order, or by its name.
    fn parse(descr: &str) -> Self {
        let big_endian = descr.starts_with('>');
        let (kind, bytes) = match descr.trim_start_matches(['<', '>', '=', '|']) {
            "?" | "bool" => ("b", 1),
            "half" | "e" | "float16" => ("f", 2),
            "float32" | "f" | "single" => ("f", 4),
            "float64" | "float" | "d" | "double" => ("f", 8),
            "int8" => ("i", 1),
            "int16" => ("i", 2),
            "int32" => ("i", 4),
            "int64" | "int" => ("i", 8),
            "uint8" => ("u", 1),
            "uint16" => ("u", 2),
            "uint32" => ("u", 4),
            "uint64" => ("u", 8),
            other => {
                let split = other.char_indices().nth(1).map_or(other.len(), |(at, _)| at);
                let (kind, rest) = other.split_at(split);
                // Dates have their unit behind the number.
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                (kind, rest[..digits].parse().unwrap_or(0))
            }
        };
        match (kind.as_bytes(), bytes) {
            (&[kind @ b'b'], 1) | (&[kind @ (b'i' | b'u')], 1 | 2 | 4 | 8) | (&[kind @ b'f'], 2 | 4 | 8) => {
                Self::Number { kind, bytes, big_endian }
            }
            (b"f", _) => Self::Other("numbers of more than 64 bits"),
            (b"c", _) => Self::Other("complex numbers"),
            (b"M", _) => Self::Other("dates"),
            (b"m", _) => Self::Other("times"),
            (b"V", _) => Self::Other("bytes without a type"),
            (b"O", _) => Self::Object,
            (b"U", characters) if characters <= usize::MAX / 8 => Self::Text { characters, big_endian },
            (b"S" | b"a", bytes) => Self::Bytes { bytes },
            _ => Self::Other("of a type that is not known"),
        }
    }
}

impl Header {
    /// How many bytes are before the dictionary, and how long it is, if these first 12 bytes are those of an array.
    pub(super) fn extent(first: &[u8; 12]) -> Result<(usize, usize), String> {
        match (first[6], first[7]) {
            (1, 0) => Ok((10, usize::from(u16::from_le_bytes([first[8], first[9]])))),
            (2 | 3, 0) => {
                let length = u32::from_le_bytes([first[8], first[9], first[10], first[11]]);
                Ok((12, usize::try_from(length).unwrap_or(usize::MAX)))
            }
            (major, minor) => {
                Err(format!("it is in version {major}.{minor} of NumPy's format, and 1.0 to 3.0 are read"))
            }
        }
    }

    /// What this dictionary says.
    pub(super) fn parse(dictionary: &[u8], start: usize) -> Result<Self, String> {
        let text = match std::str::from_utf8(dictionary) {
            Ok(text) => text.to_owned(),
            Err(_) => dictionary.iter().map(|&byte| char::from(byte)).collect(),
        };
        let unreadable = || "its head is not one that NumPy writes".to_owned();
        let mut reader = Reader { rest: text.chars().peekable(), depth: 0 };
        let literal = reader.literal().filter(|_| reader.rest.by_ref().all(char::is_whitespace));
        let Some(Literal::Dictionary(entries)) = literal else { return Err(unreadable()) };
        let (mut descr, mut order, mut shape) = (None, None, None);
        for (key, value) in entries {
            match key.as_str() {
                "descr" => descr = Some(value),
                "fortran_order" => order = Some(value),
                "shape" => shape = Some(value),
                _ => return Err(unreadable()),
            }
        }
        let kind = match descr.ok_or_else(unreadable)? {
            Literal::Text(descr) => Kind::parse(&descr),
            Literal::Sequence(_) => Kind::Other("records of several fields"),
            _ => return Err(unreadable()),
        };
        let (Some(Literal::Flag(fortran)), Some(Literal::Sequence(axes))) = (order, shape) else {
            return Err(unreadable());
        };
        let axes = axes.iter().map(|axis| match axis {
            Literal::Number(axis) => usize::try_from(*axis).ok(),
            _ => None,
        });
        let shape: Vec<usize> =
            axes.collect::<Option<_>>().ok_or("its shape has an axis that is not 0 or a positive whole number")?;
        if shape.len() > MOST_AXES {
            return Err(format!("it has {} axes, and NumPy has at most {MOST_AXES}", shape.len()));
        }
        // Axes of length 0 do not hide others that are too long.
        let bytes = shape.iter().map(|&axis| axis.max(1)).try_fold(kind.bytes().max(8), usize::checked_mul);
        bytes.filter(|&bytes| isize::try_from(bytes).is_ok()).ok_or("its shape is too large for any memory")?;
        let length = shape.iter().product();
        Ok(Self { kind, fortran, shape, length, start: start + dictionary.len() })
    }

    /// How many bytes the entry has, head and elements.
    pub(super) fn size(&self) -> u64 {
        self.start as u64 + (self.length * self.kind.bytes()) as u64
    }
}

/// A literal of Python, as far as heads have them.
enum Literal {
    Text(String),
    Flag(bool),
    Number(i128),
    /// A tuple or a list.
    Sequence(Vec<Literal>),
    Dictionary(Vec<(String, Literal)>),
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Reader<'_> {
    /// The next character that is not white.
    fn next(&mut self) -> Option<char> {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
        self.rest.next()
    }

    /// Whether the next character is this one, which is then taken.
    fn takes(&mut self, wanted: char) -> bool {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn literal(&mut self) -> Option<Literal> {
        let first = self.next()?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let literal = match first {
            '\'' | '"' => Literal::Text(self.text(first)?),
            '(' => Literal::Sequence(self.sequence(')')?),
            '[' => Literal::Sequence(self.sequence(']')?),
            '{' => Literal::Dictionary(self.dictionary()?),
            '-' | '+' | '0'..='9' => Literal::Number(self.number(first)?),
            _ => Literal::Flag(self.flag(first)?),
        };
        self.depth -= 1;
        Some(literal)
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                '\\' => text.push(self.rest.next()?),
                end if end == quote => return Some(text),
                character => text.push(character),
            }
        }
    }

    fn sequence(&mut self, end: char) -> Option<Vec<Literal>> {
        let mut literals = Vec::new();
        while !self.takes(end) {
            literals.push(self.literal()?);
            if !self.takes(',') {
                return self.takes(end).then_some(literals);
            }
        }
        Some(literals)
    }

    fn dictionary(&mut self) -> Option<Vec<(String, Literal)>> {
        let mut entries = Vec::new();
        while !self.takes('}') {
            let Literal::Text(key) = self.literal()? else { return None };
            if !self.takes(':') {
                return None;
            }
            entries.push((key, self.literal()?));
            if !self.takes(',') {
                return self.takes('}').then_some(entries);
            }
        }
        Some(entries)
    }

    fn number(&mut self, first: char) -> Option<i128> {
        let mut digits = String::from(first);
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        // As Python 2 wrote long integers.
        let _ = self.rest.next_if(|&c| c == 'L' || c == 'l');
        digits.parse().ok()
    }

    fn flag(&mut self, first: char) -> Option<bool> {
        let mut word = String::from(first);
        while let Some(letter) = self.rest.next_if(char::is_ascii_alphabetic) {
            word.push(letter);
        }
        match word.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(dictionary: &str) -> Result<Header, String> {
        Header::parse(dictionary.as_bytes(), 10)
    }

    #[test]
    fn heads_are_read_as_numpy_reads_them() {
        let same = [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }   \n",
            "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (3L, 2L)}",
            "{'shape':(3,2,),'fortran_order':False,'descr':'f4'}",
            "{ 'fortran_order' : False , 'descr' : 'float32' , 'shape' : [ +3, 2 ] , }",
        ];
        for text in same {
            let header = parse(text).unwrap();
            assert_eq!(header.kind, Kind::Number { kind: b'f', bytes: 4, big_endian: false }, "{text}");
            assert_eq!((header.shape.as_slice(), header.length, header.fortran), ([3, 2].as_slice(), 6, false));
        }
        let of =
            |descr: &str| parse(&format!("{{'descr': {descr}, 'fortran_order': True, 'shape': (0,)}}")).map(|h| h.kind);
        assert_eq!(of("'>i8'"), Ok(Kind::Number { kind: b'i', bytes: 8, big_endian: true }));
        assert_eq!(of("'<U7'"), Ok(Kind::Text { characters: 7, big_endian: false }));
        assert_eq!(of("'|O'"), Ok(Kind::Object));
        for other in [
            "'<M8[ns]'",
            "'<c16'",
            "'<f16'",
            "'|V8'",
            "'<q9'",
            "'T16'",
            "''",
            "[('a', '<f4'), ('b', [('c', '|O')], (2,))]",
        ] {
            assert!(matches!(of(other), Ok(Kind::Other(_))), "{other}");
        }
    }

    #[test]
    fn other_heads_are_refused() {
        let shape = |shape: &str| parse(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"));
        for refused in [
            "(-1, 2)",
            "(1.5,)",
            "('a',)",
            "3",
            "(99999999999999999999,)",
            "(4294967296, 4294967296)",
            "(0, 9223372036854775807)",
        ] {
            assert!(shape(refused).is_err(), "{refused}");
        }
        assert!(shape(&format!("({})", "1, ".repeat(65))).unwrap_err().contains("axes"));
        for text in ["", "{", "{}", "[]", "{'descr': '<f4'}", "{'a': 1}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for bracket in ["{", "[", "(", "{'descr': ", "(1, "] {
            assert!(parse(&bracket.repeat(1000)).is_err());
        }
    }
}
