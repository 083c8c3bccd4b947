//! Files are written whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ndarray::{Array, ArrayView, Dimension, Ix1};
use ndarray_npy::{WritableElement, WriteNpyError, WriteNpyExt};
use tempfile::NamedTempFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{Error, Result};

/// Writes a file aside, in its own folder, and then puts it in the place of the old one. Where that fails, the old file
/// is as it was.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut std::fs::File>) -> Result<()>,
) -> Result<()> {
    let failed = |source| Error::io("write", path, source);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    let mut aside = create_in(folder).map_err(failed)?;
    let mut writer = BufWriter::new(aside.as_file_mut());
    write(&mut writer)?;
    writer.flush().map_err(failed)?;
    drop(writer);
    aside.as_file().sync_all().map_err(failed)?;
    aside.persist(path).map_err(|error| failed(error.error))?;
    // So that the new name, too, outlives a loss of power. Some file systems cannot; the file is there all the same.
    #[cfg(unix)]
    drop(File::open(folder).and_then(|folder| folder.sync_all()));
    Ok(())
}

/// Writes a compressed `.npz` file, whole or not at all.
pub(crate) fn write_npz(path: &Path, fill: impl FnOnce(&mut Npz<'_, '_>) -> Result<(), WriteNpyError>) -> Result<()> {
    write_whole(path, |writer| {
        let mut npz = Npz(ZipWriter::new(writer));
        let written = fill(&mut npz).and_then(|()| npz.0.finish().map_err(|error| std::io::Error::from(error).into()));
        written.map(drop).map_err(|error| Error::io("write", path, std::io::Error::other(error)))
    })
}

/// The entries of an `.npz` file, one after the other.
pub(crate) struct Npz<'a, 'b>(ZipWriter<&'a mut BufWriter<&'b mut File>>);

impl Npz<'_, '_> {
    /// Adds an array of numbers.
    pub(crate) fn array<T: WritableElement, D: Dimension>(
        &mut self,
        name: &str,
        array: ArrayView<'_, T, D>,
    ) -> Result<(), WriteNpyError> {
        self.start(name, array.len() * size_of::<T>())?;
        array.write_npy(&mut self.0)
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
        self.start(name, bytes.len())?;
        let mut head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        // The head is padded to a multiple of 64 bytes.
        while (10 + head.len() + 1) % 64 != 0 {
            head.push(' ');
        }
        head.push('\n');
        self.0.write_all(b"\x93NUMPY\x01\x00")?;
        self.0.write_all(&(head.len() as u16).to_le_bytes())?;
        self.0.write_all(head.as_bytes())?;
        Ok(self.0.write_all(bytes)?)
    }

    fn start(&mut self, name: &str, bytes: usize) -> Result<(), WriteNpyError> {
        let options = SimpleFileOptions::default().large_file(bytes >= 1 << 31);
        Ok(self.0.start_file(format!("{name}.npy"), options).map_err(std::io::Error::from)?)
    }
}

fn create_in(folder: &Path) -> std::io::Result<NamedTempFile> {
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
