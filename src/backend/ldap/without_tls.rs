//! Replaces `tls` in a build without TLS.

use std::{io, path::PathBuf};

use ldap3::LdapConnSettings;

use super::config_error::LdapConfigError;

/// The configuration of TLS, which does not exist.
#[derive(Clone)]
pub(super) enum Config {}

pub(super) fn config(_: &[PathBuf]) -> Result<Config, LdapConfigError> {
    Err(LdapConfigError::FeatureIsOff)
}

pub(super) fn apply(_: LdapConnSettings, tls: &Config, _: bool) -> LdapConnSettings {
    match *tls {}
}

pub(super) fn is_of_tls(_: &io::Error) -> bool {
    false
}

pub(super) fn is_host_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use crate::backend::ldap::Ldap;

    #[test]
    fn names_the_feature_that_tls_needs() {
        let ldap = |url| Ldap::builder(url).with_dn_template("uid={user},dc=example,dc=org");
        for builder in [ldap("ldaps://host"), ldap("ldap://host").with_start_tls(true)] {
            let error = builder.build().unwrap_err().to_string();
            assert_eq!(
                error,
                "TLS was not compiled in: enable the feature tls-ring or tls-aws-lc-rs"
            );
        }
        assert!(ldap("ldap://host").insecure_plaintext(true).build().is_ok());
    }
}
