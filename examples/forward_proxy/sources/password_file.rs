//! A file of users and hashed passwords, as Apache's `htpasswd` writes it: `--htpasswd`.

use std::path::PathBuf;

#[derive(Debug)]
#[cfg_attr(not(feature = "htpasswd"), expect(dead_code, reason = "only parsed"))]
pub(super) struct PasswordFile {
    pub(super) path: PathBuf,
    /// The names of weak hashes to accept.
    pub(super) allowed: Vec<String>,
    /// Whether bcrypt ignores what follows the first 72 bytes of a password.
    pub(super) truncates: bool,
}

#[cfg(feature = "htpasswd")]
impl PasswordFile {
    pub(super) fn open(
        self,
        hashing: tower_proxy_auth::backend::password_hash::HashingPool,
    ) -> Result<tower_proxy_auth::backend::htpasswd::Htpasswd, crate::Mistake> {
        use tower_proxy_auth::backend::{
            htpasswd::Htpasswd,
            password_hash::{HashKind, HashPolicy},
        };

        const OPTION: &str = "--htpasswd";
        let mut policy = HashPolicy::new().allow_bcrypt_truncation(self.truncates);
        for name in &self.allowed {
            let kind =
                HashKind::from_name(name).filter(|kind| kind.is_weak()).ok_or_else(|| {
                    format!(
                        "{OPTION}-allow {name:?}: expected apr1, md5-crypt, sha, ssha, ssha256, \
                         ssha512 or plain"
                    )
                })?;
            policy = policy.allow_kind(kind);
        }
        let file = Htpasswd::builder(self.path)
            .with_hash_policy(policy)
            .with_hashing_pool(hashing)
            .on_change(super::reload_log::for_option(OPTION))
            .open()
            .map_err(|error| format!("{OPTION} {error}"))?;
        tracing::info!(users = file.user_count(), "{OPTION} loaded");
        Ok(file)
    }
}
