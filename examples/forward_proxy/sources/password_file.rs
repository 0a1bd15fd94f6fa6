//! A file of users and hashed passwords, as Apache's `htpasswd` writes it: `--htpasswd`.

use std::path::PathBuf;

use tower_proxy_auth::backend::ValidatorChain;

use super::cache::Cache;
use crate::Mistake;

const OPTION: &str = "--htpasswd";

#[derive(Debug)]
#[cfg_attr(not(feature = "htpasswd"), expect(dead_code, reason = "nobody opens the file"))]
pub(super) struct PasswordFile {
    pub(super) path: PathBuf,
    /// Names of weak hashes that are accepted all the same.
    pub(super) allowed: Vec<String>,
}

impl PasswordFile {
    #[cfg(feature = "htpasswd")]
    pub(super) fn add_to(
        self,
        validator: ValidatorChain,
        cache: Cache,
    ) -> Result<ValidatorChain, Mistake> {
        use tower_proxy_auth::backend::{
            htpasswd::Htpasswd,
            password_hash::{HashKind, HashPolicy},
        };

        let mut policy = HashPolicy::new();
        for name in &self.allowed {
            let kind = HashKind::from_name(name)
                .filter(|kind| kind.is_weak())
                .ok_or_else(|| format!("{OPTION}-allow {name:?}: it takes apr1, sha or plain"))?;
            policy = policy.allow_kind(kind);
        }
        let file = Htpasswd::builder(self.path).with_hash_policy(policy);
        let file = file.on_change(super::reload_log::of(OPTION)).open();
        let file = file.map_err(|error| format!("{OPTION} {error}"))?;
        tracing::info!(users = file.user_count(), "{OPTION} was read");
        cache.add(validator, file)
    }

    #[cfg(not(feature = "htpasswd"))]
    pub(super) fn add_to(self, _: ValidatorChain, _: Cache) -> Result<ValidatorChain, Mistake> {
        Err(super::needs_feature(OPTION, "htpasswd"))
    }
}
