//! Where the users come from: in what order they are asked, and which schemes they can serve.
//!
//! Each source is a file here, and an option of the command line. Those that need a feature of the
//! crate say so when it is off.

mod arguments;
mod cache;
mod database;
mod digest_files;
mod directory;
mod password_file;
#[cfg(any(feature = "htdigest", feature = "htpasswd"))]
mod reload_log;
#[cfg(any(feature = "ldap", feature = "sql", test))]
mod secret_file;
mod user_list;

use tower_proxy_auth::{
    Realm,
    backend::{SecretsChain, ValidatorChain},
};

pub(crate) use self::{arguments::SourceArguments, user_list::User};
use self::{
    cache::Cache, database::Database, digest_files::DigestFile, directory::Directory,
    password_file::PasswordFile,
};
use crate::Mistake;

/// All that was said about where the users come from, checked as far as it goes without a look at
/// files and servers.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) users: Vec<User>,
    password_file: Option<PasswordFile>,
    digest_files: Vec<DigestFile>,
    directory: Option<Directory>,
    database: Option<Database>,
    cache: Cache,
}

/// What checks passwords, and what holds Digest secrets; `None` where no source can.
pub(crate) struct Opened {
    pub(crate) validator: Option<ValidatorChain>,
    pub(crate) secrets: Option<SecretsChain>,
}

impl Sources {
    /// Whether no source was given at all.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { users, password_file, digest_files, directory, database, cache: _ } = self;
        users.is_empty()
            && password_file.is_none()
            && digest_files.is_empty()
            && directory.is_none()
            && database.is_none()
    }

    /// Whether any source takes so long that a cache pays.
    fn has_a_slow_one(&self) -> bool {
        self.password_file.is_some() || self.directory.is_some() || self.database.is_some()
    }

    /// Whether any source can check passwords.
    pub(crate) fn serve_basic(&self) -> bool {
        !self.users.is_empty()
            || self.password_file.is_some()
            || self.directory.is_some()
            || self.database.is_some()
    }

    /// Whether any source holds Digest secrets.
    pub(crate) fn serve_digest(&self) -> bool {
        let in_database = self.database.as_ref().is_some_and(Database::serves_digest);
        !self.users.is_empty() || !self.digest_files.is_empty() || in_database
    }

    /// Opens files, and asks a database whether it is as it should be; other servers are called
    /// when they are first needed.
    ///
    /// # Errors
    /// One line that names what is wrong.
    pub(crate) async fn open(self, realm: &Realm) -> Result<Opened, Mistake> {
        let (basic, digest) = (self.serve_basic(), self.serve_digest());
        let (mut validator, mut secrets) = (ValidatorChain::new(), SecretsChain::new());
        if !self.users.is_empty() {
            let users = user_list::open(realm, &self.users)?;
            (validator, secrets) = (validator.with(users.clone()), secrets.with(users));
        }
        if let Some(file) = self.password_file {
            validator = file.add_to(validator, self.cache)?;
        }
        if !self.digest_files.is_empty() {
            secrets = digest_files::add(&self.digest_files, realm, secrets)?;
        }
        if let Some(directory) = self.directory {
            validator = directory.add_to(validator, self.cache)?;
        }
        if let Some(database) = self.database {
            (validator, secrets) = database.add_to(validator, secrets, realm, self.cache).await?;
        }
        Ok(Opened { validator: basic.then_some(validator), secrets: digest.then_some(secrets) })
    }
}

/// What to say where an option needs a feature that is off.
#[allow(dead_code, reason = "with all features, nobody needs it")]
fn needs_feature(option: &str, feature: &str) -> Mistake {
    format!("{option} needs the feature {feature}: build with --features {feature}")
}
