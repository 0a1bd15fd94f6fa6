//! Files of Digest secrets, as Apache's `htdigest` writes them: `--htdigest`.

use std::path::PathBuf;

use tower_proxy_auth::{Realm, backend::SecretsChain, digest::HashFunction};

use crate::Mistake;

const OPTION: &str = "--htdigest";

/// A file, and the hash function of what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DigestFile {
    path: PathBuf,
    function: HashFunction,
}

impl DigestFile {
    /// Reads `[ALGORITHM=]FILE`; a file without an algorithm is one for MD5, as Apache's are.
    pub(super) fn parse(text: &str) -> Self {
        let named = text.split_once('=').and_then(|(name, path)| {
            let function = super::arguments::function(name).ok()?;
            Some(Self { path: path.into(), function })
        });
        named.unwrap_or_else(|| Self { path: text.into(), function: HashFunction::Md5 })
    }
}

#[cfg(feature = "htdigest")]
pub(super) fn add(
    files: &[DigestFile],
    realm: &Realm,
    secrets: SecretsChain,
) -> Result<SecretsChain, Mistake> {
    use tower_proxy_auth::backend::htdigest::Htdigest;

    let Some((DigestFile { path, function }, others)) = files.split_first() else {
        return Ok(secrets);
    };
    let builder = Htdigest::builder(realm, path, *function);
    let builder = others
        .iter()
        .fold(builder, |builder, DigestFile { path, function }| builder.with_file(path, *function));
    let files = builder.on_change(super::reload_log::of(OPTION)).open();
    let files = files.map_err(|error| format!("{OPTION} {error}"))?;
    tracing::info!(
        users = files.user_count(),
        of_other_realms = files.skipped(),
        "{OPTION} was read"
    );
    Ok(secrets.with(files))
}

#[cfg(not(feature = "htdigest"))]
pub(super) fn add(_: &[DigestFile], _: &Realm, _: SecretsChain) -> Result<SecretsChain, Mistake> {
    Err(super::needs_feature(OPTION, "htdigest"))
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
            ("sha-1=users", "sha-1=users", HashFunction::Md5),
        ] {
            let expected = DigestFile { path: path.into(), function };
            assert_eq!(DigestFile::parse(text), expected, "{text}");
        }
    }
}
