//! `.npz` files of any origin: which arrays there are, and their numbers and texts.
//!
//! What NumPy reads is read here, what is no array of numbers or texts is named with a reason, and a file is not believed: how long
//! an array is must follow from bytes that are there, and all arrays together may not take many times as much memory as the file is
//! long. Nothing is ever unpickled.

mod header;
mod pickle;
mod zip;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use ndarray::{ArrayD, ShapeBuilder};

use crate::error::{Skipped, skipped_list};
use crate::{Error, Result};
use header::{Header, Kind};
pub(crate) use pickle::Pickled;
use zip::{Directory, Entry, wrong};

/// What this library leaves in the comment of its files.
pub(crate) const OURS: &str = "psychrnn";
/// The longest pickle that is looked at.
const LONGEST_PICKLE: usize = 4096;
/// How many bytes may follow the elements of an array.
const MOST_BEHIND: u64 = 4096;

/// How much memory the arrays of a file of so many bytes may take, at four bytes an element: 16 MiB, and 64 bytes for each byte of
/// the file beyond 1 MiB. Deflation makes a thousand zeros one byte, so that a small file could fill any memory.
pub(crate) fn allowance(length: u64) -> u64 {
    (16 << 20) + 64 * length.saturating_sub(1 << 20)
}

/// An `.npz` file whose directory and heads are read, and hold together.
pub(crate) struct Npz {
    path: PathBuf,
    file: File,
    ours: bool,
    arrays: IndexMap<String, (Entry, Header)>,
    skipped: Vec<Skipped>,
}

/// An element of an array of numbers.
pub(crate) trait Number: Copy + Default {
    fn of_real(number: f64) -> Self;
    fn of_signed(number: i64) -> Self;
    fn of_unsigned(number: u64) -> Self;
}

macro_rules! numbers {
    ($($type:ty)+) => {$(
        impl Number for $type {
            fn of_real(number: f64) -> Self {
                number as $type
            }
            fn of_signed(number: i64) -> Self {
                number as $type
            }
            fn of_unsigned(number: u64) -> Self {
                number as $type
            }
        }
    )+};
}
numbers!(f32 f64 u8 u64 i64);

impl Npz {
    /// Opens a file.
    ///
    /// # Errors
    /// If it is missing, no regular file, no `.npz`, cut off, or made to take more memory than there may be.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let read = |source| Error::io("read", path, source);
        // Whoever opens a pipe waits for someone who writes to it.
        if !std::fs::metadata(path).map_err(read)?.is_file() {
            return Err(Error::file(path, "it is no regular file"));
        }
        let mut file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let directory = Directory::read(&mut file).map_err(|error| not_npz(path, &mut file, &error))?;
        let ours = directory.comment == OURS.as_bytes();
        let mut this = Self { path: path.to_owned(), file, ours, arrays: IndexMap::new(), skipped: Vec::new() };
        for entry in directory.entries {
            this.add(entry)?;
        }
        this.check_memory(length)?;
        Ok(this)
    }

    /// Whether this library wrote it.
    pub(crate) fn is_ours(&self) -> bool {
        self.ours
    }

    /// The names of all arrays, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// What else there is.
    pub(crate) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The shape of an array; `None` if there is none of that name.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.arrays.get(name).map(|(_, header)| header.shape.as_slice())
    }

    /// Whether there is an array of numbers of that name.
    pub(crate) fn has_numbers(&self, name: &str) -> bool {
        matches!(self.arrays.get(name), Some((_, Header { kind: Kind::Number { .. }, .. })))
    }

    /// The numbers that an array of that name holds: `b`, `i`, `u` or `f`, and their bytes.
    pub(crate) fn kind(&self, name: &str) -> Option<(u8, usize)> {
        match self.arrays.get(name)?.1.kind {
            Kind::Number { kind, bytes, .. } => Some((kind, bytes)),
            _ => None,
        }
    }

    /// Whether there is an array of bytes of that name: whole numbers from 0 to 255.
    pub(crate) fn has_bytes(&self, name: &str) -> bool {
        let kind = self.arrays.get(name).map(|(_, header)| &header.kind);
        matches!(kind, Some(Kind::Number { kind: b'u', bytes: 1, .. }))
    }

    /// Whether there is an array of texts of that name.
    pub(crate) fn has_texts(&self, name: &str) -> bool {
        matches!(self.arrays.get(name), Some((_, Header { kind: Kind::Text { .. } | Kind::Bytes { .. }, .. })))
    }

    /// The numbers of an array, of whatever type, in standard layout.
    ///
    /// # Errors
    /// If there is no such array of numbers, if it is broken, or if there is no memory for it.
    pub(crate) fn numbers<T: Number>(&mut self, name: &str) -> Result<ArrayD<T>> {
        self.array(name, "numbers", |kind, element| match *kind {
            Kind::Number { kind, bytes, big_endian } => Some(number(kind, &element[..bytes], big_endian)),
            _ => None,
        })
    }

    /// One number of an array, the first, as it was meant: 0.7 if it is what of 0.7 fits into 32 bits.
    ///
    /// # Errors
    /// As [`Npz::numbers`].
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>> {
        let single =
            matches!(self.arrays.get(name), Some((_, Header { kind: Kind::Number { kind: b'f', bytes: 4, .. }, .. })));
        Ok(if single {
            self.numbers::<f32>(name)?.first().map(|number| number.to_string().parse().unwrap_or(f64::from(*number)))
        } else {
            self.numbers::<f64>(name)?.first().copied()
        })
    }

    /// The texts of an array, without the zeros that fill them up.
    ///
    /// # Errors
    /// If there is no such array of texts, if it is broken, or if there is no memory for it.
    pub(crate) fn texts(&mut self, name: &str) -> Result<ArrayD<String>> {
        self.array(name, "texts", |kind, element| match *kind {
            Kind::Text { big_endian, .. } => {
                let character = |bytes: &[u8]| {
                    char::from_u32(whole(bytes, big_endian) as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
                };
                Some(element.chunks_exact(4).map(character).collect::<String>().trim_end_matches('\0').to_owned())
            }
            Kind::Bytes { .. } => Some(String::from_utf8_lossy(element).trim_end_matches('\0').to_owned()),
            _ => None,
        })
    }

    /// The plain value that an array of one pickled object holds, if it is one.
    pub(crate) fn pickled(&mut self, name: &str) -> Option<Pickled> {
        let (entry, header) = self.arrays.get(name)?;
        if header.kind != Kind::Object || header.length != 1 {
            return None;
        }
        let mut bytes = Vec::new();
        let whole = entry.open(&mut self.file, 4096).ok()?;
        whole.take((header.start + LONGEST_PICKLE) as u64).read_to_end(&mut bytes).ok()?;
        pickle::value(bytes.get(header.start..)?)
    }

    /// Forgets an array that was read.
    pub(crate) fn done(&mut self, name: &str) {
        self.arrays.shift_remove(name);
    }

    /// Leaves an array out, and says why.
    pub(crate) fn skip(&mut self, name: &str, why: impl Into<String>) {
        self.arrays.shift_remove(name);
        self.skipped.push(Skipped { name: name.to_owned(), why: why.into() });
    }

    /// The arrays that hold neither numbers nor texts are left out.
    pub(crate) fn skip_objects(&mut self) {
        let named =
            |(name, (_, header)): (&String, &(Entry, Header))| (header.kind == Kind::Object).then(|| name.clone());
        for name in self.arrays.iter().filter_map(named).collect::<Vec<_>>() {
            self.skip(&name, PICKLED);
        }
    }

    /// An error if nothing of what was wanted is there: it names what is, with reasons.
    pub(crate) fn nothing_of(&self, wanted: &str) -> Error {
        let pickled = self.skipped.iter().any(|skipped| skipped.why == PICKLED);
        let torch = self.skipped.iter().any(|skipped| skipped.name.ends_with("data.pkl"));
        let advice = if torch {
            ". PyTorch wrote it: save the numbers with numpy.savez(path, **{name: tensor.numpy() for name, tensor in model.state_dict().items()})"
        } else if pickled {
            ". It holds a pickled Python object; save it with numpy.savez(path, **weights)"
        } else {
            ""
        };
        let listed = if self.skipped.is_empty() { String::new() } else { format!(": {}", skipped_list(&self.skipped)) };
        Error::file(&self.path, format!("it holds no {wanted}{listed}{advice}"))
    }
}

/// Why an array of objects was skipped.
const PICKLED: &str = "a pickled Python object";

/// Opening.
impl Npz {
    /// Takes an entry in, as an array or as one that is skipped.
    fn add(&mut self, entry: Entry) -> Result<()> {
        let name = entry.name.strip_suffix(".npy").unwrap_or(&entry.name).to_owned();
        if name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..") {
            return Err(Error::file(
                &self.path,
                format!("the entry `{}` has a name that points out of the file", entry.name),
            ));
        }
        let closed = match entry.closed() {
            _ if name.ends_with('/') => Some("a folder".to_owned()),
            closed => closed,
        };
        if let Some(why) = closed {
            self.skip(&name, why);
            return Ok(());
        }
        match self.header(&entry) {
            Ok(Ok(Header { kind: Kind::Other(why), .. })) => self.skip(&name, why),
            Ok(Ok(header)) => {
                // NumPy, too, takes the last.
                if self.arrays.insert(name.clone(), (entry, header)).is_some() {
                    self.skipped.push(Skipped { name, why: "a later entry has the same name".to_owned() });
                }
            }
            Ok(Err(why)) => self.skip(&name, why),
            Err(error) => return Err(self.broken(&name, &error)),
        }
        Ok(())
    }

    /// The head of an entry, or why it is no array that can be read.
    fn header(&mut self, entry: &Entry) -> io::Result<Result<Header, String>> {
        let mut whole = entry.open(&mut self.file, 4096)?;
        let mut first = [0; 12];
        let mut read = 0;
        while read < first.len() {
            match whole.read(&mut first[read..])? {
                0 => break,
                n => read += n,
            }
        }
        if !first[..read].starts_with(b"\x93NUMPY") {
            return Ok(Err("it is not an array".to_owned()));
        }
        if read < first.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (start, length) = match Header::extent(&first) {
            Ok((_, length)) if length > header::LONGEST => {
                let why = format!("its head has {length} bytes, and NumPy reads at most {}", header::LONGEST);
                return Ok(Err(why));
            }
            Ok(extent) => extent,
            Err(why) => return Ok(Err(why)),
        };
        let mut dictionary = first[start..].to_vec();
        whole.take((length - dictionary.len().min(length)) as u64).read_to_end(&mut dictionary)?;
        if dictionary.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let header = Header::parse(&dictionary[..length], start).map_err(wrong)?;
        match &header.kind {
            Kind::Object | Kind::Other(_) => {}
            _ if header.size() > entry.size => {
                let problem = format!(
                    "it is cut off: its shape {:?} asks for {} bytes, and there are {}",
                    header.shape,
                    header.size(),
                    entry.size
                );
                return Err(wrong(problem));
            }
            _ if entry.size - header.size() > MOST_BEHIND => {
                return Err(wrong(format!("{} bytes follow its elements", entry.size - header.size())));
            }
            _ => {}
        }
        Ok(Ok(header))
    }

    fn check_memory(&self, length: u64) -> Result<()> {
        let of = |(_, header): &(Entry, Header)| match header.kind {
            Kind::Number { .. } => 4 * header.length as u64,
            // A text has a place of its own.
            Kind::Text { .. } | Kind::Bytes { .. } => {
                (header.length as u64).saturating_mul(32 + header.kind.bytes() as u64)
            }
            Kind::Object | Kind::Other(_) => 0,
        };
        let sum = self.arrays.values().map(of).fold(0, u64::saturating_add);
        if sum <= allowance(length) {
            return Ok(());
        }
        let problem = format!(
            "it is {} long and would take {} of memory, as only files do that are made to do harm, or arrays of few numbers that occur \
             again and again. If it is such a one, save it with numpy.savez in place of numpy.savez_compressed",
            bytes(length),
            bytes(sum)
        );
        Err(Error::file(&self.path, problem))
    }

    fn broken(&self, name: &str, error: &io::Error) -> Error {
        Error::file(&self.path, format!("the array `{name}` cannot be read: {}. {WHOLE}", words(error)))
    }
}

/// Reading.
impl Npz {
    fn array<T>(&mut self, name: &str, what: &str, of: impl Fn(&Kind, &[u8]) -> Option<T>) -> Result<ArrayD<T>>
    where
        T: Clone,
    {
        let Some((entry, header)) = self.arrays.get(name) else {
            return Err(Error::MissingArray {
                name: name.to_owned(),
                present: self.names().map(str::to_owned).collect(),
                skipped: self.skipped.clone(),
            });
        };
        let elements = elements(&mut self.file, entry, header, of);
        let elements = elements.and_then(|elements| elements.ok_or_else(|| wrong(format!("it does not hold {what}"))));
        let order = header.shape.as_slice().set_f(header.fortran);
        let array = elements.and_then(|elements| ArrayD::from_shape_vec(order, elements).map_err(io::Error::other));
        match array {
            Ok(array) if array.is_standard_layout() => Ok(array),
            Ok(array) => Ok(array.as_standard_layout().into_owned()),
            Err(error) => Err(self.broken(name, &error)),
        }
    }
}

/// The elements of an array in the order of the file; `None` if they are not of the wanted kind. Memory grows as they come, and the
/// check sum is that of all bytes of the entry.
fn elements<T>(
    file: &mut File,
    entry: &Entry,
    header: &Header,
    of: impl Fn(&Kind, &[u8]) -> Option<T>,
) -> io::Result<Option<Vec<T>>> {
    const CHUNK: usize = 1 << 16;
    let mut whole = Summed { source: entry.open(file, CHUNK)?, sum: crc32fast::Hasher::new() };
    io::copy(&mut (&mut whole).take(header.start as u64), &mut io::sink())?;
    let mut elements = Vec::new();
    let size = header.kind.bytes();
    let mut buffer = vec![0; size.saturating_mul(1.max(CHUNK / size.max(1))).min(header.length.saturating_mul(size))];
    while elements.len() < header.length {
        let missing = header.length - elements.len();
        // Texts without characters have no bytes.
        let n = buffer.len().checked_div(size).map_or(missing, |n| n.min(missing));
        whole.read_exact(&mut buffer[..n * size])?;
        if elements.capacity() - elements.len() < n {
            elements.try_reserve_exact(elements.len().max(n).min(missing)).map_err(io::Error::other)?;
        }
        for at in 0..n {
            match of(&header.kind, &buffer[at * size..(at + 1) * size]) {
                Some(element) => elements.push(element),
                None => return Ok(None),
            }
        }
    }
    io::copy(&mut whole, &mut io::sink())?;
    match whole.sum.finalize() == entry.sum {
        true => Ok(Some(elements)),
        false => Err(wrong("its check sum is another one")),
    }
}

/// What is read, with its check sum.
struct Summed<R> {
    source: R,
    sum: crc32fast::Hasher,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.sum.update(&buffer[..n]);
        Ok(n)
    }
}

/// The whole number in these bytes.
fn whole(bytes: &[u8], big_endian: bool) -> u64 {
    let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
    if big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
}

/// The number of this kind in these bytes.
fn number<T: Number>(kind: u8, bytes: &[u8], big_endian: bool) -> T {
    let bits = whole(bytes, big_endian);
    let unused = 64 - 8 * bytes.len() as u32;
    match (kind, bytes.len()) {
        (b'f', 2) => T::of_real(f64::from(half(bits as u16))),
        (b'f', 4) => T::of_real(f64::from(f32::from_bits(bits as u32))),
        (b'f', _) => T::of_real(f64::from_bits(bits)),
        // The sign is carried up.
        (b'i', _) => T::of_signed((bits << unused) as i64 >> unused),
        (b'b', _) => T::of_unsigned(u64::from(bits != 0)),
        _ => T::of_unsigned(bits),
    }
}

/// The number that these 16 bits mean: a sign, 5 bits of an exponent, 10 bits of a fraction. IEEE 754.
fn half(bits: u16) -> f32 {
    let fraction = f32::from(bits & 0x3ff);
    let size = match i32::from(bits >> 10 & 0x1f) {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1024.0 + fraction) * 2.0_f32.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// What to ask oneself about a file that does not open.
const WHOLE: &str = "Is the file whole, and was it written with numpy.savez or by this library?";

/// An error for a file that is no zip file, by what it is.
fn not_npz(path: &Path, file: &mut File, error: &io::Error) -> Error {
    let mut first = Vec::new();
    let begins = io::Seek::rewind(file).and_then(|()| file.take(24).read_to_end(&mut first));
    let kind = match first.as_slice() {
        _ if begins.is_err() => None,
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => {
            Some("it is a single array (.npy): save it with numpy.savez(path, W_rec=array), so that it has a name")
        }
        [] => Some("it is empty"),
        [0x80, ..] | [b'(', b'd' | b'l', b'p', ..] => {
            Some("it is a pickled Python object: save its arrays with numpy.savez(path, **weights)")
        }
        [0x89, b'H', b'D', b'F', ..] => Some(
            "it is an HDF5 file, as MATLAB and Keras write: read it in Python and save its arrays with numpy.savez(path, **weights)",
        ),
        [b'M', b'A', b'T', b'L', b'A', b'B', ..] => Some(
            "it is a MATLAB file: read it with scipy.io.loadmat and save its arrays with numpy.savez(path, **weights)",
        ),
        [0x1f, 0x8b, ..] => Some("it is compressed: unpack it first"),
        [b'{' | b'[', ..] => {
            Some("it is JSON: read it in Python and save its arrays with numpy.savez(path, **weights)")
        }
        [b'<', ..] => Some("it is a web page: was another address meant, that of the file itself?"),
        _ if first.starts_with(b"version https://git-lfs") => {
            Some("it only stands for a file that Git LFS keeps elsewhere: `git lfs pull` brings it")
        }
        _ => None,
    };
    let problem = kind.map_or_else(|| format!("it does not open as .npz: {}. {WHOLE}", words(error)), str::to_owned);
    Error::file(path, problem)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}

/// So many bytes in words.
fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
