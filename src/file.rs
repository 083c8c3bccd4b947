//! Files are written whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

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
    Ok(())
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
