//! Files of Digest secrets, as Apache's `htdigest` writes them: `--htdigest`.

use std::path::PathBuf;

use tower_proxy_auth::digest::HashFunction;

use crate::Mistake;

/// A file and the hash function of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DigestFile {
    path: PathBuf,
    function: HashFunction,
}

impl DigestFile {
    /// Parses `[ALGORITHM=]FILE`; the algorithm is MD5 by default, as in Apache.
    ///
    /// # Errors
    /// The algorithm is unknown. Text with a slash before the first `=` is a path without
    /// algorithm.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        let Some((name, path)) = text.split_once('=').filter(|(name, _)| !name.contains('/'))
        else {
            return Ok(Self { path: text.into(), function: HashFunction::Md5 });
        };
        let function = name.parse().map_err(|_| {
            format!(
                "--htdigest {text:?}: unknown algorithm {name:?}: expected md5, sha-256 or \
                 sha-512-256; name a file like this ./{text}"
            )
        })?;
        Ok(Self { path: path.into(), function })
    }
}

#[cfg(feature = "htdigest")]
pub(super) fn open(
    files: &[DigestFile],
    realm: &tower_proxy_auth::Realm,
) -> Result<Option<tower_proxy_auth::backend::htdigest::Htdigest>, Mistake> {
    use tower_proxy_auth::backend::htdigest::Htdigest;

    const OPTION: &str = "--htdigest";
    let Some((DigestFile { path, function }, others)) = files.split_first() else {
        return Ok(None);
    };
    let mut builder = Htdigest::builder(realm, path, *function);
    for DigestFile { path, function } in others {
        builder = builder.with_file(path, *function);
    }
    let files = builder
        .on_change(super::reload_log::for_option(OPTION))
        .open()
        .map_err(|error| format!("{OPTION} {error}"))?;
    tracing::info!(
        users = files.user_count(),
        of_other_realms = files.skipped(),
        "{OPTION} loaded"
    );
    Ok(Some(files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_an_algorithm_and_any_name() {
        for (text, path, function) in [
            ("users", "users", HashFunction::Md5),
            ("md5=users", "users", HashFunction::Md5),
            ("sha-256=/a=b", "/a=b", HashFunction::Sha256),
            ("SHA-512-256=users", "users", HashFunction::Sha512_256),
            ("./sha-1=users", "./sha-1=users", HashFunction::Md5),
        ] {
            let expected = DigestFile { path: path.into(), function };
            assert_eq!(DigestFile::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_an_unknown_algorithm() {
        for text in ["sha256=users", "sha-1=/a/b", "=users"] {
            let mistake = DigestFile::parse(text).expect_err(text);
            assert!(mistake.contains("unknown algorithm"), "{mistake}");
        }
    }
}
