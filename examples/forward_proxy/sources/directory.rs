//! An LDAP directory that checks passwords: `--ldap`.

use std::path::PathBuf;

#[derive(Debug)]
#[cfg_attr(not(feature = "ldap"), expect(dead_code, reason = "only parsed"))]
pub(super) struct Directory {
    /// At least one server; further ones are replicas.
    pub(super) urls: Vec<String>,
    pub(super) start_tls: bool,
    pub(super) plaintext: bool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) lookup: Lookup,
    pub(super) group_attribute: Option<String>,
    pub(super) required_group: Option<String>,
}

/// How to find the entry of a user.
#[derive(Debug)]
#[cfg_attr(not(feature = "ldap"), expect(dead_code, reason = "only parsed"))]
pub(super) enum Lookup {
    /// The name is inserted into this DN.
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

#[cfg(feature = "ldap")]
impl Directory {
    pub(super) fn open(self) -> Result<tower_proxy_auth::backend::ldap::Ldap, crate::Mistake> {
        use tower_proxy_auth::backend::ldap::{Ldap, LdapBuilder};

        let mut urls = self.urls.into_iter();
        let mut builder = Ldap::builder(urls.next().unwrap_or_default());
        builder = urls.fold(builder, LdapBuilder::with_server);
        if self.start_tls {
            builder = builder.with_start_tls(true);
        }
        if self.plaintext {
            builder = builder.insecure_plaintext(true);
        }
        if let Some(file) = self.ca_file {
            builder = builder.with_ca_file(file);
        }
        builder = match self.lookup {
            Lookup::Template(template) => builder.with_dn_template(template),
            Lookup::Search { base, filter, name_attribute, bind_dn, password_file } => {
                let password = super::secret_file::read("--ldap-password-file", &password_file)?;
                builder
                    .with_search(base, filter, name_attribute)
                    .with_service_account(bind_dn, password)
            }
        };
        if let Some(attribute) = self.group_attribute {
            builder = builder.with_group_attribute(attribute);
        }
        if let Some(group) = self.required_group {
            builder = builder.with_required_group(group);
        }
        builder.build().map_err(|error| format!("--ldap: {error}"))
    }
}
