//! A file of lines that grows, survives a full disk, and can be renamed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// The file. Only its owner can read it.
///
/// After an error, a line may be in the file only in part. The next one then starts on a new line.
pub(super) struct AuditFile<W = File> {
    path: PathBuf,
    file: W,
    /// Whether the last line of the file has no end.
    is_partial: bool,
}

/// Lines that were not written.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) lines: usize,
    pub(super) error: io::Error,
}

impl AuditFile {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let (file, is_partial) = open(&path)?;
        Ok(Self { path, file, is_partial })
    }

    /// Opens the file of this name, which may be another one now. After an error, the old file stays
    /// in use.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        (self.file, self.is_partial) = open(&self.path)?;
        Ok(())
    }
}

impl<W: Write> AuditFile<W> {
    /// Writes lines, of which each has a line break at its end.
    ///
    /// # Errors
    /// Some lines, or all, were not written.
    pub(super) fn append(&mut self, lines: &str) -> Result<(), Loss> {
        if self.is_partial && !lines.is_empty() {
            self.write(b"\n")
                .map_err(|(_, error)| Loss { lines: count(lines.as_bytes()), error })?;
        }
        self.write(lines.as_bytes()).map_err(|(rest, error)| Loss { lines: count(rest), error })
    }

    /// # Errors
    /// The bytes from the first one that was not written.
    fn write<'a>(&mut self, mut bytes: &'a [u8]) -> Result<(), (&'a [u8], io::Error)> {
        while let Some(&last) = bytes.last() {
            let written = match self.file.write(bytes) {
                Ok(0) => return Err((bytes, io::ErrorKind::WriteZero.into())),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err((bytes, error)),
            };
            let (done, rest) = bytes.split_at(written.min(bytes.len()));
            self.is_partial = done.last().unwrap_or(&last) != &b'\n';
            bytes = rest;
        }
        Ok(())
    }
}

/// The number of lines, of which the first one may be the rest of one.
fn count(lines: &[u8]) -> usize {
    lines.iter().filter(|byte| **byte == b'\n').count()
}

/// Opens a file for appending, and returns whether its last line has no end.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // Devices and pipes have no last byte.
    let is_partial = file.metadata()?.is_file() && last_byte(path).is_ok_and(|byte| byte != b'\n');
    Ok((file, is_partial))
}

/// # Errors
/// The file is empty, or cannot be read.
fn last_byte(path: &Path) -> io::Result<u8> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    let [byte] = byte;
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A disk with room for a number of bytes.
    struct Disk {
        content: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Short writes, as for a pipe.
            let written = bytes.len().min(self.room).min(5);
            if written == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= written;
            self.content.extend(&bytes[..written]);
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn on_disk(room: usize) -> AuditFile<Disk> {
        let file = Disk { content: Vec::new(), room };
        AuditFile { path: PathBuf::new(), file, is_partial: false }
    }

    fn content(file: &AuditFile<Disk>) -> &str {
        std::str::from_utf8(&file.file.content).expect("text")
    }

    #[test]
    fn counts_the_lines_that_a_full_disk_has_no_room_for() {
        for (room, lost, written) in [
            (0, 3, ""),
            (3, 3, "{\"a"),
            (7, 3, "{\"a\":1}"),
            (8, 2, "{\"a\":1}\n"),
            (12, 2, "{\"a\":1}\n{\"b\""),
            (24, 0, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n"),
        ] {
            let mut file = on_disk(room);
            let result = file.append("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
            assert_eq!(result.err().map_or(0, |loss| loss.lines), lost, "{room}");
            assert_eq!(content(&file), written, "{room}");
        }
    }

    #[test]
    fn a_partial_line_does_not_corrupt_the_next_one() {
        for (room, more, written) in
            [(3, 100, "abc\nnext\n"), (8, 100, "abcdefg\nnext\n"), (0, 100, "next\n")]
        {
            let mut file = on_disk(room);
            assert_eq!(file.append("abcdefg\n").is_err(), room < 8);
            // Still full.
            if room < 8 {
                assert_eq!(file.append("lost\nlost\n").expect_err("full").lines, 2);
            }
            file.file.room = more;
            file.append("next\n").expect("there is room");
            assert_eq!(content(&file), written, "{room}");
        }
        // Room for the line break alone.
        let mut file = on_disk(3);
        file.append("abcdefg\n").expect_err("full");
        file.file.room = 1;
        assert_eq!(file.append("lost\n").expect_err("full").lines, 1);
        file.file.room = 100;
        file.append("next\n").expect("there is room");
        assert_eq!(content(&file), "abc\nnext\n");
    }

    #[test]
    fn appends_to_a_file_and_follows_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, old] = ["audit", "audit.1"].map(|name| folder.path().join(name));
        fs::write(&path, "partial").expect("writable");
        let mut file = AuditFile::open(path.clone()).expect("writable");
        file.append("1\n").expect("writable");
        fs::rename(&path, &old).expect("renamed");
        file.append("2\n").expect("writable");
        file.reopen().expect("writable");
        file.append("3\n").expect("writable");
        file.append("").expect("writable");
        assert_eq!(fs::read_to_string(&old).expect("text"), "partial\n1\n2\n");
        assert_eq!(fs::read_to_string(&path).expect("text"), "3\n");
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("a folder");
        assert!(file.reopen().is_err());
        file.append("4\n").expect("the old file is in use");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit");
        AuditFile::open(path.clone()).expect("writable");
        assert_eq!(fs::metadata(path).expect("it exists").permissions().mode() & 0o777, 0o600);
    }
}
