//! The lines of a user file.

use super::Content;

/// Returns the lines of a file with their numbers from 1, trimmed. Skips a byte order mark, empty
/// lines, and comments, which begin with `#`.
pub(in crate::backend) fn lines(content: &Content) -> impl Iterator<Item = (usize, &[u8])> {
    let bytes = content.bytes();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[track_caller]
    fn read(bytes: &[u8], expected: &[(usize, &str)]) {
        let content = Content::new(Path::new("users"), bytes.to_vec().into());
        let expected: Vec<_> =
            expected.iter().map(|&(number, line)| (number, line.as_bytes())).collect();
        assert_eq!(lines(&content).collect::<Vec<_>>(), expected);
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
}
