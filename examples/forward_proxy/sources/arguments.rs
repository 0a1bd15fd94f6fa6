//! The options of the command line that say where users come from.

use std::{path::PathBuf, time::Duration};

use clap::{Args, value_parser};

use tower_proxy_auth::digest::HashFunction;

use super::{
    Sources,
    cache::Cache,
    database::{Database, Url},
    digest_files::DigestFile,
    directory::{Directory, Lookup},
    password_file::PasswordFile,
    user_list,
};
use crate::Mistake;

#[derive(Args, Debug)]
#[group(id = "sources", multiple = true)]
pub(crate) struct SourceArguments {
    /// Who may use the proxy; repeat it for more. The name ends at the first colon. Without any
    /// source of users one is made up. (Other users of this machine can see the command line.)
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<String>,

    /// A file of such users, one per line; blank lines and lines that start with # are skipped.
    #[arg(long, value_name = "FILE")]
    users_file: Option<PathBuf>,

    /// A file as Apache's htpasswd writes it (bcrypt, SHA-crypt or Argon2), for Basic. It may
    /// change while the proxy runs.
    #[arg(long, value_name = "FILE")]
    htpasswd: Option<PathBuf>,

    /// A weak hash that is accepted in that file all the same: apr1, sha or plain.
    #[arg(long, value_name = "HASH", requires = "htpasswd")]
    htpasswd_allow: Vec<String>,

    /// A file as Apache's htdigest writes it, for Digest; repeat it for more algorithms: md5,
    /// sha-256 or sha-512-256. It may change while the proxy runs.
    #[arg(long, value_name = "[ALGORITHM=]FILE")]
    htdigest: Vec<String>,

    /// An LDAP server that checks passwords, for Basic, as in ldaps://ldap.example.org; repeat it
    /// for others that hold the same. Find users by --ldap-dn or --ldap-base.
    #[arg(long, value_name = "URL")]
    ldap: Vec<String>,

    /// The DN of a user, as in uid={user},ou=people,dc=example,dc=org.
    #[arg(long, value_name = "TEMPLATE", requires = "ldap", conflicts_with = "ldap_base")]
    ldap_dn: Option<String>,

    /// Where to search for users, which takes --ldap-bind-dn.
    #[arg(long, value_name = "DN", requires_all = ["ldap", "ldap_bind_dn", "ldap_password_file"])]
    ldap_base: Option<String>,

    /// What to search for.
    #[arg(long, value_name = "FILTER", default_value = "(uid={user})", requires = "ldap_base")]
    ldap_filter: String,

    /// The attribute that has to be the name as the client sent it.
    #[arg(long, value_name = "ATTRIBUTE", default_value = "uid", requires = "ldap_base")]
    ldap_name: String,

    /// Who searches.
    #[arg(long, value_name = "DN", requires = "ldap_base")]
    ldap_bind_dn: Option<String>,

    /// A file with the password of who searches.
    #[arg(long, value_name = "FILE", requires = "ldap_base")]
    ldap_password_file: Option<PathBuf>,

    /// Make ldap:// connections safe by StartTLS.
    #[arg(long, requires = "ldap")]
    ldap_starttls: bool,

    /// Certificates to trust for LDAP, in PEM, instead of the system's.
    #[arg(long, value_name = "FILE", requires = "ldap")]
    ldap_ca: Option<PathBuf>,

    /// The attribute that holds a user's groups, such as memberOf.
    #[arg(long, value_name = "ATTRIBUTE", requires = "ldap")]
    ldap_groups: Option<String>,

    /// The group that users have to be in.
    #[arg(long, value_name = "GROUP", requires = "ldap_groups")]
    ldap_required_group: Option<String>,

    /// Send passwords to LDAP servers without TLS, for all on the way to read.
    #[arg(long, requires = "ldap", conflicts_with = "ldap_starttls")]
    insecure_ldap_plaintext: bool,

    /// A database whose table holds the users, as in sqlite:users.db or postgres://HOST/NAME.
    #[arg(long, value_name = "URL", conflicts_with = "database_url_file")]
    database: Option<String>,

    /// A file with that URL, for one that holds a password.
    #[arg(long, value_name = "FILE")]
    database_url_file: Option<PathBuf>,

    /// What finds a user, the name being $1 (PostgreSQL) or ? [default: a select from the table
    /// users].
    #[arg(long, value_name = "SQL")]
    database_query: Option<String>,

    /// What is held for every user in the columns ha1_..., for Digest: md5, sha-256 or sha-512-256;
    /// repeat it for more.
    #[arg(long, value_name = "ALGORITHM", value_parser = function)]
    database_digest: Vec<HashFunction>,

    /// For how long what a file of hashes, a directory or a database said of a user is kept; a
    /// refusal for a tenth of that.
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=86_400))]
    cache: Option<u64>,
}

impl SourceArguments {
    /// # Errors
    /// One line that names what is wrong.
    pub(crate) fn checked(self) -> Result<Sources, Mistake> {
        let (directory, database) = (self.directory()?, self.database()?);
        let sources = Sources {
            users: user_list::read(&self.users, self.users_file.as_deref())?,
            password_file: self
                .htpasswd
                .map(|path| PasswordFile { path, allowed: self.htpasswd_allow }),
            digest_files: self.htdigest.iter().map(|text| DigestFile::parse(text)).collect(),
            directory,
            database,
            cache: Cache::new(self.cache.map(Duration::from_secs))?,
        };
        if self.cache.is_some() && !sources.has_a_slow_one() {
            return Err("--cache: no source of users is slow enough for it".to_owned());
        }
        Ok(sources)
    }

    fn database(&self) -> Result<Option<Database>, Mistake> {
        let url = match (&self.database, &self.database_url_file) {
            (Some(url), _) => Url::Given(url.clone()),
            (None, Some(path)) => Url::InFile(path.clone()),
            (None, None) if self.database_query.is_some() || !self.database_digest.is_empty() => {
                return Err("--database-query and --database-digest need --database or \
                            --database-url-file"
                    .to_owned());
            }
            (None, None) => return Ok(None),
        };
        let (query, functions) = (self.database_query.clone(), self.database_digest.clone());
        Ok(Some(Database { url, query, functions }))
    }

    fn directory(&self) -> Result<Option<Directory>, Mistake> {
        if self.ldap.is_empty() {
            return Ok(None);
        }
        let account = self.ldap_bind_dn.clone().zip(self.ldap_password_file.clone());
        let lookup = match (&self.ldap_dn, &self.ldap_base, account) {
            (Some(template), _, _) => Lookup::Template(template.clone()),
            (None, Some(base), Some((bind_dn, password_file))) => Lookup::Search {
                base: base.clone(),
                filter: self.ldap_filter.clone(),
                name_attribute: self.ldap_name.clone(),
                bind_dn,
                password_file,
            },
            _ => {
                return Err(
                    "--ldap needs a way to find users: give --ldap-dn, or --ldap-base with \
                            --ldap-bind-dn and --ldap-password-file"
                        .to_owned(),
                );
            }
        };
        Ok(Some(Directory {
            urls: self.ldap.clone(),
            start_tls: self.ldap_starttls,
            plaintext: self.insecure_ldap_plaintext,
            ca_file: self.ldap_ca.clone(),
            lookup,
            group_attribute: self.ldap_groups.clone(),
            required_group: self.ldap_required_group.clone(),
        }))
    }
}

/// A hash function by its name in Digest, in whatever case.
pub(super) fn function(text: &str) -> Result<HashFunction, String> {
    let named = |function: &HashFunction| function.to_string().eq_ignore_ascii_case(text);
    HashFunction::all().find(named).ok_or_else(|| "it takes md5, sha-256 or sha-512-256".to_owned())
}
