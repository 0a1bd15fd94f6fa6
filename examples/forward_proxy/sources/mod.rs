//! The sources of users: the order in which they are consulted, and the schemes that they serve.
//!
//! Every source is a command-line option and has a file here.

mod arguments;
#[cfg(any(feature = "htpasswd", feature = "ldap", feature = "sql"))]
mod cache;
mod database;
mod digest_files;
mod directory;
mod messages;
mod password_file;
#[cfg(any(feature = "htdigest", feature = "htpasswd"))]
mod reload_log;
#[cfg(any(feature = "ldap", feature = "sql", test))]
mod secret_file;
mod user_list;

use std::time::Duration;

use tower_proxy_auth::{
    Realm,
    backend::{SecretsChain, ValidatorChain},
};

pub(crate) use self::{
    arguments::{SourceArguments, missing_feature},
    messages::in_options,
    user_list::User,
};
use self::{
    database::Database, digest_files::DigestFile, directory::Directory, password_file::PasswordFile,
};
use crate::{Mistake, auth::Stores, upkeep::Reload};

/// The sources of users as given on the command line.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) users: Vec<User>,
    password_file: Option<PasswordFile>,
    digest_files: Vec<DigestFile>,
    directory: Option<Directory>,
    database: Option<Database>,
    /// How long answers are cached.
    #[cfg_attr(
        not(any(feature = "htpasswd", feature = "ldap", feature = "sql")),
        expect(dead_code, reason = "no source can be cached")
    )]
    cache: Option<Duration>,
}

/// The sources for each scheme; `None` if no source serves it.
pub(crate) struct Opened {
    pub(crate) validator: Option<ValidatorChain>,
    pub(crate) secrets: Option<SecretsChain>,
    /// One for each kind of watched files.
    pub(crate) reloads: Vec<Reload>,
}

impl Sources {
    pub(crate) fn is_empty(&self) -> bool {
        !self.serve_basic() && !self.serve_digest()
    }

    /// Whether any source is slow enough for a cache.
    fn has_cacheable(&self) -> bool {
        self.password_file.is_some() || self.directory.is_some() || self.database.is_some()
    }

    /// Whether any source learns of no changes by itself.
    pub(crate) const fn need_rechecks(&self) -> bool {
        self.directory.is_some() || self.database.is_some()
    }

    /// Whether any source stores hashes of passwords.
    const fn have_password_hashes(&self) -> bool {
        self.password_file.is_some() || self.database.is_some()
    }

    /// Whether any source can check passwords.
    pub(crate) fn serve_basic(&self) -> bool {
        !self.users.is_empty() || self.has_cacheable()
    }

    /// Whether any source holds Digest secrets.
    pub(crate) fn serve_digest(&self) -> bool {
        let in_database = self.database.as_ref().is_some_and(Database::serves_digest);
        !self.users.is_empty() || !self.digest_files.is_empty() || in_database
    }

    /// Opens files, and checks the table of a database and the servers of a directory.
    ///
    /// # Errors
    /// One line that names the option.
    pub(crate) async fn open(self, realm: &Realm, stores: &Stores) -> Result<Opened, Mistake> {
        #[cfg(not(feature = "password-hash"))]
        let _ = stores;
        let (basic, digest) = (self.serve_basic(), self.serve_digest());
        let (mut validator, mut secrets) = (ValidatorChain::new(), SecretsChain::new());
        #[cfg_attr(
            not(any(feature = "htdigest", feature = "htpasswd")),
            expect(unused_mut, reason = "no file is watched")
        )]
        let mut reloads = Vec::<Reload>::new();
        if !self.users.is_empty() {
            let users = user_list::open(realm, &self.users)?;
            (validator, secrets) = (validator.with(users.clone()), secrets.with(users));
        }
        #[cfg(feature = "htpasswd")]
        if let Some(file) = self.password_file {
            let file = file.open(stores.hashing.clone())?;
            validator = validator.with(file.clone());
            reloads.push(Box::new(move || file.reload()));
        }
        #[cfg(feature = "htdigest")]
        if let Some(files) = digest_files::open(&self.digest_files, realm)? {
            secrets = secrets.with(files.clone());
            reloads.push(Box::new(move || files.reload()));
        }
        #[cfg(feature = "ldap")]
        if let Some(directory) = self.directory {
            validator = validator.with(directory.open().await?);
        }
        #[cfg(feature = "sql")]
        if let Some(database) = self.database {
            let serves_digest = database.serves_digest();
            let users = database.open(realm, stores.hashing.clone()).await?;
            if serves_digest {
                secrets = cache::add_secrets(secrets, users.clone(), self.cache)?;
            }
            validator = validator.with(users);
        }
        #[cfg(any(feature = "htpasswd", feature = "ldap", feature = "sql"))]
        let validator = cache::verdicts(validator, self.cache)?;
        let (validator, secrets) = (basic.then_some(validator), digest.then_some(secrets));
        Ok(Opened { validator, secrets, reloads })
    }
}
