//! Files are written whole or not at all.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ndarray::{Array, ArrayView, Dimension, Ix1};
use ndarray_npy::{WritableElement, WriteNpyError, WriteNpyExt};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::{Error, Result, npz};

/// Writes a file aside, in its own folder, and then puts it in the place of the old one. Where that fails, the old file
/// is as it was. A link to a file stays, and the file that it points to is written; who may read it stays, too.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut std::fs::File>) -> Result<()>,
) -> Result<()> {
    let failed = |source| Error::io("write", path, source);
    let place = followed(path).map_err(failed)?;
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let old = match fs::metadata(&place) {
        Ok(old) if old.is_file() => Some(old),
        Ok(old) if old.is_dir() => return Err(failed(ErrorKind::IsADirectory.into())),
        Ok(_) => return Err(failed(io::Error::other("it is a device or a pipe, and no regular file"))),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if !folder.is_dir() {
        let problem = format!("there is no folder {}; make it first", folder.display());
        return Err(failed(io::Error::new(ErrorKind::NotFound, problem)));
    }
    // What the system says of the file aside would name that one.
    let within = |error: io::Error| {
        failed(io::Error::new(error.kind(), format!("{} in the folder {}", error.kind(), folder.display())))
    };
    let mut aside = create_in(folder).map_err(within)?;
    let mut writer = BufWriter::new(aside.as_file_mut());
    write(&mut writer)?;
    writer.flush().map_err(failed)?;
    drop(writer);
    if let Some(old) = old {
        // Some file systems have no permissions.
        drop(aside.as_file().set_permissions(old.permissions()));
    }
    aside.as_file().sync_all().map_err(failed)?;
    aside.persist(&place).map_err(|error| failed(error.error))?;
    // So that the new name, too, outlives a loss of power. Some file systems cannot; the file is there all the same.
    #[cfg(unix)]
    drop(File::open(folder).and_then(|folder| folder.sync_all()));
    Ok(())
}

/// Writes a file that is not there yet, whole; none if there is one, also if somebody else on a network writes it at the same moment.
/// It comes back open, to be written to.
#[cfg(feature = "torch")]
pub(crate) fn create_whole(path: &Path, bytes: &[u8]) -> Result<Option<File>> {
    let failed = |source| Error::io("write", path, source);
    let mut aside = create_in(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    aside.write_all(bytes).and_then(|()| aside.as_file().sync_all()).map_err(failed)?;
    match aside.persist_noclobber(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(failed(error.error)),
    }
}

/// Where a path leads if it is a link, also one to a file that is not there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(target) => place = place.parent().unwrap_or(Path::new("")).join(target),
            // It is no link.
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// Writes a value as JSON, whole or not at all.
#[cfg(feature = "torch")]
pub(crate) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    write_whole(path, |writer| {
        serde_json::to_writer_pretty(&mut *writer, value).map_err(|error| Error::io("write", path, error.into()))?;
        writer.write_all(b"\n").map_err(|error| Error::io("write", path, error))
    })
}

/// Reads what [`write_json`] wrote, for the error `what` it was.
#[cfg(feature = "torch")]
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let bytes = fs::read(path).map_err(|error| Error::io("read", path, error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::file(path, format!("it is no {what} that this version can read ({error})")))
}

/// Writes a compressed `.npz` file, whole or not at all.
pub(crate) fn write_npz(path: &Path, fill: impl FnOnce(&mut Npz<'_, '_>) -> Result<(), WriteNpyError>) -> Result<()> {
    write_whole(path, |writer| {
        let file = writer.get_ref().try_clone().map_err(|error| Error::io("write", path, error))?;
        let failed = RefCell::default();
        let sink = Sink { writer, failed: &failed, position: 0, end: 0 };
        let mut npz = Npz { zip: ZipWriter::new(sink), file, memory: 0 };
        npz.zip.set_comment(npz::OURS);
        let written = fill(&mut npz).and_then(|()| npz.zip.finish().map_err(|error| io::Error::from(error).into()));
        let written = written.map(drop).map_err(io::Error::other);
        failed.take().map_or(written, Err).map_err(|error| Error::io("write", path, error))
    })
}

/// Where an archive is written to. After the first error it takes all that still comes, for nothing: the archive's writer, which
/// would print an error of its own, comes to its end, and the one to be told is what the system said.
struct Sink<'a, 'b> {
    writer: &'a mut BufWriter<&'b mut File>,
    failed: &'a RefCell<Option<io::Error>>,
    position: u64,
    /// Behind the last byte.
    end: u64,
}

impl Sink<'_, '_> {
    /// What the file answers, as long as nothing has failed.
    fn ask<T>(&mut self, ask: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<T>) -> Option<T> {
        if self.failed.borrow().is_some() {
            return None;
        }
        ask(self.writer).map_err(|error| self.failed.replace(Some(error))).ok()
    }
}

impl Write for Sink<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ask(|writer| writer.write_all(bytes));
        self.position += bytes.len() as u64;
        self.end = self.end.max(self.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.ask(|writer| writer.flush());
        Ok(())
    }
}

impl Seek for Sink<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        let there = self.ask(|writer| writer.seek(to)).or(place);
        self.position = there.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// The entries of an `.npz` file, one after the other.
pub(crate) struct Npz<'a, 'b> {
    zip: ZipWriter<Sink<'a, 'b>>,
    /// The same file, to ask how long it is.
    file: File,
    /// What the entries so far take of the memory that a reader allows, see [`npz::allowance`].
    memory: u64,
}

impl Npz<'_, '_> {
    /// Adds an array of numbers.
    pub(crate) fn array<T: WritableElement, D: Dimension>(
        &mut self,
        name: &str,
        array: ArrayView<'_, T, D>,
    ) -> Result<(), WriteNpyError> {
        self.add(name, array.len(), array.len() * size_of::<T>(), |zip| array.write_npy(zip))
    }

    /// Adds a list of numbers.
    pub(crate) fn list<T: WritableElement>(
        &mut self,
        name: &str,
        list: impl IntoIterator<Item = T>,
    ) -> Result<(), WriteNpyError> {
        self.array(name, Array::<T, Ix1>::from_iter(list).view())
    }

    /// Adds a list of texts, which NumPy reads as `str`.
    pub(crate) fn texts(&mut self, name: &str, texts: &[String]) -> Result<(), WriteNpyError> {
        // Each text has room for as many characters as the longest, four bytes each.
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let padded = texts.iter().flat_map(|text| text.chars().chain(std::iter::repeat('\0')).take(longest));
        let bytes: Vec<u8> = padded.flat_map(|character| u32::from(character).to_le_bytes()).collect();
        self.entry(name, &format!("<U{longest}"), &format!("({},)", texts.len()), &bytes)
    }

    /// Adds an array by its type and shape as NumPy writes them, and its bytes.
    pub(crate) fn entry(&mut self, name: &str, descr: &str, shape: &str, bytes: &[u8]) -> Result<(), WriteNpyError> {
        let mut head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        // The head is padded to a multiple of 64 bytes.
        while (10 + head.len() + 1) % 64 != 0 {
            head.push(' ');
        }
        head.push('\n');
        self.add(name, bytes.len(), bytes.len(), |zip| {
            zip.write_all(b"\x93NUMPY\x01\x00")?;
            zip.write_all(&(head.len() as u16).to_le_bytes())?;
            zip.write_all(head.as_bytes())?;
            Ok(zip.write_all(bytes)?)
        })
    }

    /// Adds an entry, compressed unless the file would then be so much shorter than what it holds that it could not be told from one
    /// that is made to fill memory.
    fn add(
        &mut self,
        name: &str,
        elements: usize,
        bytes: usize,
        write: impl Fn(&mut ZipWriter<Sink<'_, '_>>) -> Result<(), WriteNpyError>,
    ) -> Result<(), WriteNpyError> {
        let options = SimpleFileOptions::default().large_file(bytes >= 1 << 31);
        let name = format!("{name}.npy");
        self.zip.start_file(&*name, options).map_err(io::Error::from)?;
        write(&mut self.zip)?;
        self.memory += 4 * elements as u64;
        // Half of what is allowed, so that there is room for what cannot be made smaller. The file may be a little longer already.
        if self.memory > npz::allowance(self.file.stream_position()?) / 2 {
            self.zip.abort_file().map_err(io::Error::from)?;
            self.zip
                .start_file(&*name, options.compression_method(CompressionMethod::Stored))
                .map_err(io::Error::from)?;
            write(&mut self.zip)?;
        }
        Ok(())
    }
}

fn create_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".psychrnn-");
    #[cfg(unix)]
    {
        // Temporary files are private by default; the umask decides here, as for any other file.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_whole(&path, |writer| writer.write_all(b"old").map_err(|e| Error::io("write", "file", e))).unwrap();
        let failed = write_whole(&path, |writer| {
            writer.write_all(b"half of the new").map_err(|e| Error::io("write", "file", e))?;
            Err(Error::Draw("no".into()))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let missing = folder.path().join("no/such/folder");
        assert!(write_whole(&missing, |_| Ok(())).unwrap_err().to_string().contains("such/folder"));
        assert!(write_whole(folder.path(), |_| Ok(())).is_err());
    }
}
