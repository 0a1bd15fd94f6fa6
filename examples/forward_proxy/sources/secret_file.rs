//! Secrets in files, so that they do not appear on the command line.

use std::{fs, path::Path};

use tower_proxy_auth::secret::Password;
use zeroize::Zeroizing;

use crate::Mistake;

/// Reads the secret in the file of `option`: its content without one line end at its end.
pub(super) fn read(option: &str, path: &Path) -> Result<Password, Mistake> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{option} {shown}: {error}"))?;
    // Wiped when it is dropped.
    let text = Zeroizing::new(text);
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    match password {
        "" => Err(format!("{option} {shown}: the file is empty")),
        _ if password.contains(char::is_control) => {
            Err(format!("{option} {shown}: the file contains a control character"))
        }
        _ => Ok(Password::new(password)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;

    #[test]
    fn a_secret_is_one_line_with_or_without_its_end() {
        for (content, expected) in [
            ("wonder", Ok("wonder")),
            ("wonder\n", Ok("wonder")),
            (" won der \r\n", Ok(" won der ")),
            ("", Err("the file is empty")),
            ("\n", Err("the file is empty")),
            ("wonder\n\n", Err("the file contains a control character")),
        ] {
            let mut file = NamedTempFile::new().expect("a file");
            file.write_all(content.as_bytes()).expect("written");
            let path = file.path().display();
            match (read("--option", file.path()), expected) {
                (Ok(password), Ok(expected)) => assert_eq!(password.expose(), expected),
                (Err(error), Err(expected)) => {
                    assert_eq!(error, format!("--option {path}: {expected}"));
                }
                (found, _) => panic!("{content:?}: {found:?}"),
            }
        }
        assert!(read("--option", Path::new("/nowhere/secret")).is_err());
    }
}
