//! The directory of a zip file, and its entries one at a time.
//!
//! The crate `zip` writes our files. It is not asked to read those of others: it reserves memory for as many entries as a file says
//! it has, drops entries whose names occur twice, and does not notice those that overlap.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;

/// The fixed part of an entry of the directory, of an entry's own head, and of the end of the directory.
const IN_DIRECTORY: usize = 46;
const HEAD: usize = 30;
const END: usize = 22;
/// The end of a directory with long numbers, and what points to it.
const LONG_END: usize = 56;
const LOCATOR: usize = 20;
/// What a byte inflates to at most, and what a few of them may.
const MOST_PER_BYTE: u64 = 1032;

/// What is in a zip file.
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    pub(super) comment: Vec<u8>,
}

/// Where an entry is, and what is said of it.
pub(super) struct Entry {
    pub(super) name: String,
    /// How many bytes it has when it is unpacked, as the directory says.
    pub(super) size: u64,
    pub(super) sum: u32,
    method: u16,
    encrypted: bool,
    packed: u64,
    head: u64,
    start: u64,
}

/// An error in words.
pub(super) fn wrong(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

impl Directory {
    /// Reads the directory. All that it says is held to the length of the file before memory is asked for.
    pub(super) fn read(file: &mut File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        // A comment of at most 64 KiB may come last.
        let tail_at = length.saturating_sub((END + 0xffff) as u64);
        let tail = bytes_at(file, tail_at, length - tail_at)?;
        let end = (0..(tail.len() + 1).saturating_sub(END)).rev().find(|&at| tail[at..].starts_with(b"PK\x05\x06"));
        let end = end.ok_or_else(|| wrong("its end is not that of a zip file"))?;
        let (fields, comment) = tail[end..].split_at(END);
        let comment = comment.get(..usize::from(u16_at(fields, 20))).ok_or(io::ErrorKind::UnexpectedEof)?.to_vec();
        let mut end_at = tail_at + end as u64;
        let (mut count, mut size, mut offset) =
            (u64::from(u16_at(fields, 10)), u64::from(u32_at(fields, 12)), u64::from(u32_at(fields, 16)));
        if let Some(long_at) = end_at.checked_sub((LONG_END + LOCATOR) as u64) {
            let long = bytes_at(file, long_at, (LONG_END + LOCATOR) as u64)?;
            if long.starts_with(b"PK\x06\x06") && long[LONG_END..].starts_with(b"PK\x06\x07") {
                (count, size, offset) = (u64_at(&long, 32), u64_at(&long, 40), u64_at(&long, 48));
                end_at = long_at;
            }
        }
        let start = end_at.checked_sub(size).ok_or_else(|| wrong("its directory is longer than the file"))?;
        // What stands before the first entry moves all of them.
        let shift = start.checked_sub(offset).ok_or_else(|| wrong("its directory is not where its end says"))?;
        if count.saturating_mul(IN_DIRECTORY as u64) > size {
            return Err(wrong(format!("it says that it has {count} entries, and has no room for them")));
        }
        let entries = entries(&bytes_at(file, start, size)?, shift)?;
        let mut this = Self { entries, comment };
        this.place(file, start)?;
        Ok(this)
    }

    /// Finds where the bytes of each entry begin, and that no two entries have some in common.
    fn place(&mut self, file: &mut File, end: u64) -> io::Result<()> {
        let mut taken = Vec::with_capacity(self.entries.len());
        for entry in &mut self.entries {
            let outside = || wrong(format!("the entry `{}` lies outside of the file", entry.name));
            if entry.head.saturating_add(HEAD as u64) > end {
                return Err(outside());
            }
            let head = bytes_at(file, entry.head, HEAD as u64)?;
            if !head.starts_with(b"PK\x03\x04") {
                return Err(wrong(format!("the entry `{}` is not where the directory says", entry.name)));
            }
            entry.start = entry.head + HEAD as u64 + u64::from(u16_at(&head, 26)) + u64::from(u16_at(&head, 28));
            let last = entry.start.checked_add(entry.packed).filter(|&last| last <= end).ok_or_else(outside)?;
            if entry.method == 0 && !entry.encrypted && entry.size != entry.packed
                || entry.size > entry.packed.saturating_mul(MOST_PER_BYTE).saturating_add(MOST_PER_BYTE)
            {
                return Err(wrong(format!(
                    "the entry `{}` says that it has {} bytes, which {} packed ones cannot hold",
                    entry.name, entry.size, entry.packed
                )));
            }
            taken.push((entry.head, last));
        }
        taken.sort_unstable();
        match taken.windows(2).any(|pair| pair[0].1 > pair[1].0) {
            true => Err(wrong("its entries overlap, which only files made to do harm have")),
            false => Ok(()),
        }
    }
}

fn entries(mut directory: &[u8], shift: u64) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while !directory.is_empty() {
        let broken = || wrong("its directory is broken");
        if directory.len() < IN_DIRECTORY || !directory.starts_with(b"PK\x01\x02") {
            return Err(broken());
        }
        let (fields, rest) = directory.split_at(IN_DIRECTORY);
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(fields, at)));
        if rest.len() < name + extra + comment {
            return Err(broken());
        }
        let (name, rest) = rest.split_at(name);
        let [mut size, mut packed, mut head] = [24, 20, 42].map(|at| u64::from(u32_at(fields, at)));
        // Numbers of 32 bits that are full stand in the field 1, in this order, with 64.
        let mut long = field(&rest[..extra], 1).unwrap_or_default();
        for number in [&mut size, &mut packed, &mut head] {
            if *number == u64::from(u32::MAX) && long.len() >= 8 {
                *number = u64_at(long, 0);
                long = &long[8..];
            }
        }
        entries.push(Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            size,
            packed,
            sum: u32_at(fields, 16),
            method: u16_at(fields, 10),
            encrypted: u16_at(fields, 8) & 1 != 0,
            head: head.checked_add(shift).ok_or_else(broken)?,
            start: 0,
        });
        directory = &rest[extra + comment..];
    }
    Ok(entries)
}

impl Entry {
    /// Why its bytes cannot be had, if they cannot.
    pub(super) fn closed(&self) -> Option<String> {
        match self.method {
            _ if self.encrypted => Some("it is encrypted".to_owned()),
            0 | 8 => None,
            method => Some(format!("it is packed in a way (zip's method {method}) that NumPy does not write")),
        }
    }

    /// Its bytes, as far as they are asked for.
    pub(super) fn open<'a>(&self, file: &'a mut File, buffer: usize) -> io::Result<Box<dyn Read + 'a>> {
        file.seek(SeekFrom::Start(self.start))?;
        let packed = BufReader::with_capacity(buffer, file.take(self.packed));
        Ok(match self.method {
            0 => Box::new(packed),
            _ => Box::new(DeflateDecoder::new(packed).take(self.size)),
        })
    }
}

/// As many bytes, which are known to be there.
fn bytes_at(file: &mut File, at: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    if file.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// The extra field with this number.
fn field(mut extra: &[u8], number: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let length = usize::from(u16_at(extra, 2));
        let field = extra[4..].get(..length)?;
        if u16_at(extra, 0) == number {
            return Some(field);
        }
        extra = &extra[4 + length..];
    }
    None
}

fn number_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut number = [0; N];
    number.iter_mut().zip(bytes.iter().skip(at)).for_each(|(to, from)| *to = *from);
    number
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(number_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(number_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(number_at(bytes, at))
}
