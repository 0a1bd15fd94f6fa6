//! The command-line options for the sources of users.

use std::{path::PathBuf, time::Duration};

use clap::{Args, value_parser};

use tower_proxy_auth::digest::HashFunction;

use super::{
    Sources,
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
    /// A user of the proxy; repeat the option for more. The name ends at the first colon. Without
    /// any source of users, one user is generated. (Others on this machine can see the command
    /// line.)
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<String>,

    /// A file of such users, one per line; blank lines and lines that start with # are skipped.
    #[arg(long, value_name = "FILE")]
    users_file: Option<PathBuf>,

    /// A file written by Apache's htpasswd (bcrypt, SHA-crypt, Argon2 or yescrypt), for Basic. It
    /// may change while the proxy runs.
    #[arg(long, value_name = "FILE")]
    htpasswd: Option<PathBuf>,

    /// A weak hash to accept in that file: apr1, md5-crypt, sha, ssha, ssha256, ssha512 or plain;
    /// repeat the option for more.
    #[arg(long, value_name = "HASH", requires = "htpasswd")]
    htpasswd_allow: Vec<String>,

    /// Compare only the first 72 bytes of a password with a bcrypt hash, in that file or in a
    /// database, instead of refusing longer ones.
    #[arg(long)]
    allow_bcrypt_truncation: bool,

    /// A file written by Apache's htdigest, for Digest; repeat the option for other algorithms:
    /// md5 (the default), sha-256 or sha-512-256. It may change while the proxy runs.
    #[arg(long, value_name = "[ALGORITHM=]FILE")]
    htdigest: Vec<String>,

    /// An LDAP server that checks passwords, for Basic, such as ldaps://ldap.example.org; repeat
    /// the option for replicas. It needs --ldap-dn or --ldap-base.
    #[arg(long, value_name = "URL")]
    ldap: Vec<String>,

    /// The DN of a user, such as uid={user},ou=people,dc=example,dc=org.
    #[arg(long, value_name = "TEMPLATE", requires = "ldap", conflicts_with = "ldap_base")]
    ldap_dn: Option<String>,

    /// Where to search for users, as the account of --ldap-bind-dn.
    #[arg(long, value_name = "DN", requires_all = ["ldap", "ldap_bind_dn", "ldap_password_file"])]
    ldap_base: Option<String>,

    /// The filter of the search.
    #[arg(long, value_name = "FILTER", default_value = "(uid={user})", requires = "ldap_base")]
    ldap_filter: String,

    /// The attribute with the user's name, which must equal the name that the client sent.
    #[arg(long, value_name = "ATTRIBUTE", default_value = "uid", requires = "ldap_base")]
    ldap_name: String,

    /// Let the directory decide whether a name matches; most ignore case. The user-id is then the
    /// value of the attribute of --ldap-name or --ldap-dn in the directory, even if the filter
    /// finds users by other attributes, as in (|(uid={user})(mail={user})).
    #[arg(long, requires = "ldap")]
    ldap_ignore_case: bool,

    /// The account that searches.
    #[arg(long, value_name = "DN", requires = "ldap_base")]
    ldap_bind_dn: Option<String>,

    /// A file with the password of that account.
    #[arg(long, value_name = "FILE", requires = "ldap_base")]
    ldap_password_file: Option<PathBuf>,

    /// Encrypt ldap:// connections by StartTLS.
    #[arg(long, requires = "ldap")]
    ldap_starttls: bool,

    /// Certificates to trust for LDAP, in PEM, instead of those of the system.
    #[arg(long, value_name = "FILE", requires = "ldap")]
    ldap_ca: Option<PathBuf>,

    /// The attribute that holds the groups of a user, such as memberOf.
    #[arg(long, value_name = "ATTRIBUTE", requires = "ldap")]
    ldap_groups: Option<String>,

    /// The group that users must be in.
    #[arg(long, value_name = "GROUP", requires = "ldap_groups")]
    ldap_required_group: Option<String>,

    /// An attribute whose change ends the user's access, because it shows a new password or account
    /// status; repeat the option for more [default: userPassword, pwdChangedTime,
    /// pwdAccountLockedTime, pwdLastSet, userAccountControl, nsAccountLock].
    #[arg(long, value_name = "ATTRIBUTE", requires = "ldap_base")]
    ldap_change_attribute: Vec<String>,

    /// Send passwords to LDAP servers unencrypted.
    #[arg(long, requires = "ldap", conflicts_with = "ldap_starttls")]
    insecure_ldap_plaintext: bool,

    /// A database with a table of users, such as sqlite:users.db or postgres://HOST/NAME.
    #[arg(long, value_name = "URL", conflicts_with = "database_url_file")]
    database: Option<String>,

    /// A file with that URL, for a URL that contains a password.
    #[arg(long, value_name = "FILE")]
    database_url_file: Option<PathBuf>,

    /// The query that finds a user by name, $1 (PostgreSQL) or ? [default: a select from the table
    /// users].
    #[arg(long, value_name = "SQL")]
    database_query: Option<String>,

    /// A query without parameters that finds stored hashes, so that answers take the same time for
    /// known and unknown users from the start [default: the hashes of the table users].
    #[arg(long, value_name = "SQL")]
    database_cost_query: Option<String>,

    /// An algorithm whose column ha1_... is filled for every user, for Digest: md5, sha-256 or
    /// sha-512-256; repeat the option for more.
    #[arg(long, value_name = "ALGORITHM")]
    database_digest: Vec<HashFunction>,

    /// How long to cache the answers of an htpasswd file, LDAP or a database; refusals are cached
    /// for a tenth of that.
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=86_400))]
    cache: Option<u64>,
}

/// The message for `option`, such as `--ldap-dn`, if its feature is off.
pub(crate) fn missing_feature(option: &str) -> Option<Mistake> {
    const SQL: &str = "sql-sqlite, --features sql-postgres or --features sql-mysql";
    let (feature, is_on) = match option {
        _ if option.starts_with("--htpasswd") => ("htpasswd", cfg!(feature = "htpasswd")),
        _ if option.starts_with("--htdigest") => ("htdigest", cfg!(feature = "htdigest")),
        _ if option.starts_with("--ldap") || option.starts_with("--insecure-ldap") => {
            ("ldap", cfg!(feature = "ldap"))
        }
        _ if option.starts_with("--database") => (SQL, cfg!(feature = "sql")),
        "--metrics" => ("metrics", cfg!(feature = "metrics")),
        "--cache" => ("cached", cfg!(feature = "cached")),
        "--rules" => ("access-rules", cfg!(feature = "access-rules")),
        _ => return None,
    };
    (!is_on).then(|| format!("{option} needs a build with --features {feature}"))
}

impl SourceArguments {
    /// # Errors
    /// One line that names the option.
    pub(crate) fn checked(self) -> Result<Sources, Mistake> {
        let (directory, database) = (self.directory()?, self.database()?);
        let digest_files =
            self.htdigest.iter().map(|text| DigestFile::parse(text)).collect::<Result<_, _>>()?;
        let sources = Sources {
            users: user_list::read(&self.users, self.users_file.as_deref())?,
            password_file: self.htpasswd.map(|path| PasswordFile {
                path,
                allowed: self.htpasswd_allow,
                truncates: self.allow_bcrypt_truncation,
            }),
            digest_files,
            directory,
            database,
            cache: self.cache.map(Duration::from_secs),
        };
        if self.allow_bcrypt_truncation && !sources.have_password_hashes() {
            return Err("--allow-bcrypt-truncation needs --htpasswd, --database or \
                        --database-url-file"
                .to_owned());
        }
        if self.cache.is_some() && !sources.has_cacheable() {
            return Err("--cache needs --htpasswd, --ldap or --database".to_owned());
        }
        Ok(sources)
    }

    fn database(&self) -> Result<Option<Database>, Mistake> {
        let url = match (&self.database, &self.database_url_file) {
            (Some(url), _) => Url::Given(url.clone()),
            (None, Some(path)) => Url::InFile(path.clone()),
            (None, None)
                if self.database_query.is_some()
                    || self.database_cost_query.is_some()
                    || !self.database_digest.is_empty() =>
            {
                return Err("--database-query, --database-cost-query and --database-digest need \
                            --database or --database-url-file"
                    .to_owned());
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Database {
            url,
            query: self.database_query.clone(),
            cost_query: self.database_cost_query.clone(),
            functions: self.database_digest.clone(),
            truncates: self.allow_bcrypt_truncation,
        }))
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
                return Err("--ldap needs --ldap-dn, or --ldap-base with --ldap-bind-dn and \
                            --ldap-password-file"
                    .to_owned());
            }
        };
        Ok(Some(Directory {
            urls: self.ldap.clone(),
            start_tls: self.ldap_starttls,
            plaintext: self.insecure_ldap_plaintext,
            ca_file: self.ldap_ca.clone(),
            lookup,
            ignores_case: self.ldap_ignore_case,
            group_attribute: self.ldap_groups.clone(),
            required_group: self.ldap_required_group.clone(),
            change_attributes: self.ldap_change_attribute.clone(),
        }))
    }
}
