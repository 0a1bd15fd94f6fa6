//! An LDAP directory that checks passwords: `--ldap`.

#[cfg(feature = "ldap")]
use std::error::Error as _;
use std::path::PathBuf;

#[cfg(feature = "ldap")]
use tower_proxy_auth::backend::ldap::{Ldap, LdapBuilder, LdapConfigError};

#[cfg(feature = "ldap")]
use super::messages::{self, in_options};
#[cfg(feature = "ldap")]
use crate::Mistake;

#[derive(Debug)]
#[cfg_attr(not(feature = "ldap"), expect(dead_code, reason = "only parsed"))]
pub(super) struct Directory {
    /// At least one server; further ones are replicas.
    pub(super) urls: Vec<String>,
    pub(super) start_tls: bool,
    pub(super) plaintext: bool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) lookup: Lookup,
    /// Whether the directory decides if a name matches.
    pub(super) ignores_case: bool,
    pub(super) group_attribute: Option<String>,
    pub(super) required_group: Option<String>,
    /// Empty for the default.
    pub(super) change_attributes: Vec<String>,
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
    /// Tests the servers. A failure is only logged, since they may recover.
    pub(super) async fn open(self) -> Result<Ldap, Mistake> {
        let ldap = self.build()?;
        if let Err(error) = ldap.check().await {
            let causes = messages::causes(error.source().unwrap_or(&error));
            tracing::warn!("--ldap: logins may fail at present: {causes}");
        }
        Ok(ldap)
    }

    fn build(self) -> Result<Ldap, Mistake> {
        let mut urls = self.urls.into_iter();
        let mut builder = Ldap::builder(urls.next().unwrap_or_default())
            .with_start_tls(self.start_tls)
            .insecure_plaintext(self.plaintext)
            .with_name_from_directory(self.ignores_case)
            .on_warning(|warning| tracing::warn!("--ldap: {warning}"));
        builder = urls.fold(builder, LdapBuilder::with_server);
        if let Some(file) = self.ca_file {
            builder = builder.with_ca_file(file);
        }
        let searches = match self.lookup {
            Lookup::Template(template) => {
                builder = builder.with_dn_template(template);
                Vec::new()
            }
            Lookup::Search { base, filter, name_attribute, bind_dn, password_file } => {
                let password = super::secret_file::read("--ldap-password-file", &password_file)?;
                builder = builder
                    .with_search(&base, &filter, &name_attribute)
                    .with_service_account(bind_dn, password);
                vec![
                    ("--ldap-base", base),
                    ("--ldap-filter", filter),
                    ("--ldap-name", name_attribute),
                ]
            }
        };
        if let Some(attribute) = self.group_attribute {
            builder = builder.with_group_attribute(attribute);
        }
        if let Some(group) = self.required_group {
            builder = builder.with_required_group(group);
        }
        if !self.change_attributes.is_empty() {
            builder = builder.with_change_attributes(self.change_attributes);
        }
        builder.build().map_err(|error| mistake(&error, &searches))
    }
}

/// The message for a mistake, with the names of options. `searches` has the options and values that
/// were given to `with_search`.
#[cfg(feature = "ldap")]
fn mistake(error: &LdapConfigError, searches: &[(&str, String)]) -> Mistake {
    let LdapConfigError::Invalid { option, value, problem } = error else {
        return messages::mistake("--ldap", error);
    };
    let typed = searches.iter().find(|(_, given)| *option == "with_search" && given == value);
    let option = typed.map_or_else(|| in_options(option), |(typed, _)| (*typed).to_owned());
    format!("{option}: {value:?} {}", in_options(problem))
}
