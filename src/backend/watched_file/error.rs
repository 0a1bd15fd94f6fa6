//! Errors and events of user files.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A user file that cannot be read, or a line that cannot be used or is worth a warning.
///
/// `Display` is one line with the file, the line number and the problem; it shows neither a
/// password nor a hash. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileError(Arc<Details>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Details {
    path: PathBuf,
    line: Option<usize>,
    problem: String,
}

impl FileError {
    pub(in crate::backend) fn new(path: &Path, problem: impl Into<String>) -> Self {
        Self::at(path, None, problem)
    }

    pub(in crate::backend) fn in_line(
        path: &Path,
        line: usize,
        problem: impl Into<String>,
    ) -> Self {
        Self::at(path, Some(line), problem)
    }

    fn at(path: &Path, line: Option<usize>, problem: impl Into<String>) -> Self {
        Self(Arc::new(Details { path: path.to_owned(), line, problem: problem.into() }))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The number of the invalid line, from 1, if it is one line.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.0.line
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { path, line, problem } = &*self.0;
        write!(f, "{path:?}")?;
        if let Some(line) = line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {problem}")
    }
}

impl std::error::Error for FileError {}

/// The result of reading files.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum FileEvent<'a> {
    /// The new content is in force.
    Reloaded,
    /// A line cannot be used, or a file has no user. The rest of the files is in force. Each
    /// problem is reported once; after 100 problems, only their number.
    Unusable(&'a FileError),
    /// The hashes of users differ in cost, so response times can show which users exist. The error
    /// names two of them. Reported whenever such content is loaded.
    MixedCosts(&'a FileError),
    /// The files cannot be read. Their last content stays in force for a while. Each error is
    /// reported once.
    Failed(&'a FileError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_file_and_line() {
        let path = Path::new("/etc/proxy/users");
        let error = FileError::in_line(path, 3, "the user name is empty");
        assert_eq!(error.to_string(), r#""/etc/proxy/users", line 3: the user name is empty"#);
        assert_eq!((error.path(), error.line()), (path, Some(3)));
        let error = FileError::new(Path::new("a\nb"), "it is not there");
        assert_eq!(error.to_string(), r#""a\nb": it is not there"#);
        assert_eq!(error.line(), None);
    }
}
