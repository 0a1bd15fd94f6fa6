//! The lines of a user file.

use super::{Content, FileError};

/// The lines of a file with their numbers from 1, trimmed. Skips a byte order mark, empty lines, and
/// comments, which begin with `#`.
pub(in crate::backend) fn lines(
    content: &Content,
) -> impl Iterator<Item = Result<(usize, &str), FileError>> {
    let bytes = content.bytes();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let numbered = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    numbered.filter_map(|(number, line)| match str::from_utf8(line.trim_ascii()) {
        Ok(line) if line.is_empty() || line.starts_with('#') => None,
        Ok(line) => Some(Ok((number, line))),
        Err(_) => Some(Err(FileError::in_line(content.path(), number, "it is not UTF-8"))),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[track_caller]
    fn read(bytes: &[u8], expected: &[(usize, &str)]) {
        let content = Content::new(Path::new("users"), bytes.to_vec().into());
        let read: Result<Vec<_>, _> = lines(&content).collect();
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn numbers_lines_from_one() {
        read(b"a:1\nb:2\n", &[(1, "a:1"), (2, "b:2")]);
        read(b"\n# a comment\n\t #another\n\n  a:1 \t\nb:2", &[(5, "a:1"), (6, "b:2")]);
        read(b"", &[]);
        read(b"\n\r\n \n", &[]);
    }

    #[test]
    fn skips_crlf_and_a_byte_order_mark() {
        read(b"\xEF\xBB\xBFa:1\r\nb:2\r\n", &[(1, "a:1"), (2, "b:2")]);
        read(b"\xEF\xBB\xBF# c\r\n\r\nb:2", &[(3, "b:2")]);
    }

    #[test]
    fn names_a_line_that_is_not_utf8() {
        let content = Content::new(Path::new("users"), b"a:1\nb\xE9:2\n".to_vec().into());
        let error = lines(&content).find_map(Result::err).unwrap();
        assert_eq!(error.to_string(), r#""users", line 2: it is not UTF-8"#);
    }
}
