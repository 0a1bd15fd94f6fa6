//! A directory that checks passwords: `--ldap`.

use std::path::PathBuf;

use tower_proxy_auth::backend::ValidatorChain;

use super::cache::Cache;
use crate::Mistake;

const OPTION: &str = "--ldap";

/// How to find users in a directory, which is up to the directory to check.
#[derive(Debug)]
#[cfg_attr(not(feature = "ldap"), expect(dead_code, reason = "nobody asks the directory"))]
pub(super) struct Directory {
    /// Servers, one at least, asked in turn.
    pub(super) urls: Vec<String>,
    pub(super) start_tls: bool,
    pub(super) plaintext: bool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) lookup: Lookup,
    pub(super) group_attribute: Option<String>,
    pub(super) required_group: Option<String>,
}

#[derive(Debug)]
#[cfg_attr(not(feature = "ldap"), expect(dead_code, reason = "nobody asks the directory"))]
pub(super) enum Lookup {
    /// The name is put into this DN.
    Template(String),
    /// An account searches for the name.
    Search {
        base: String,
        filter: String,
        name_attribute: String,
        bind_dn: String,
        password_file: PathBuf,
    },
}

impl Directory {
    #[cfg(feature = "ldap")]
    pub(super) fn add_to(
        self,
        validator: ValidatorChain,
        cache: Cache,
    ) -> Result<ValidatorChain, Mistake> {
        use tower_proxy_auth::backend::ldap::{Ldap, LdapBuilder};

        let mut urls = self.urls.into_iter();
        let mut builder = Ldap::builder(urls.next().unwrap_or_default());
        builder = urls.fold(builder, LdapBuilder::with_server);
        if self.start_tls {
            builder = builder.with_start_tls();
        }
        if self.plaintext {
            builder = builder.insecure_plaintext();
        }
        if let Some(file) = self.ca_file {
            builder = builder.with_ca_file(file);
        }
        builder = match self.lookup {
            Lookup::Template(template) => builder.with_dn_template(template),
            Lookup::Search { base, filter, name_attribute, bind_dn, password_file } => {
                let password = super::secret_file::read("--ldap-password-file", &password_file)?;
                let builder = builder.with_search(base, filter, name_attribute);
                builder.with_service_account(bind_dn, password)
            }
        };
        if let Some(attribute) = self.group_attribute {
            builder = builder.with_group_attribute(attribute);
        }
        if let Some(group) = self.required_group {
            builder = builder.with_required_group(group);
        }
        let directory = builder.build().map_err(|error| format!("{OPTION}: {error}"))?;
        cache.add(validator, directory)
    }

    #[cfg(not(feature = "ldap"))]
    pub(super) fn add_to(self, _: ValidatorChain, _: Cache) -> Result<ValidatorChain, Mistake> {
        Err(super::needs_feature(OPTION, "ldap"))
    }
}
