//! References to other servers in the results of searches, which are never followed.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    address::Address,
    failure::{Failure, FailureKind},
};

/// A warning about a directory for the operator: see
/// [`LdapBuilder::on_warning`](super::LdapBuilder::on_warning).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LdapWarning<'a> {
    /// A search returned references to other servers, which are not followed. Reported once.
    UnfollowedReferences {
        /// The URL of the server that returned them.
        server: &'a str,
        /// The base of the search.
        base: &'a str,
    },
}

impl fmt::Display for LdapWarning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnfollowedReferences { server, base } => write!(
                f,
                "{server}: a search below {base:?} refers to other servers, which are not \
                 followed: users and groups that are only there are not found"
            ),
        }
    }
}

/// Called with each warning.
#[derive(Clone)]
pub(super) struct Observer(Arc<dyn Fn(LdapWarning<'_>) + Send + Sync>);

impl Observer {
    pub(super) fn new(observer: impl Fn(LdapWarning<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }
}

impl Default for Observer {
    fn default() -> Self {
        Self::new(|_| ())
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// The policy for references, shared by all servers of a directory.
pub(super) struct References {
    is_strict: bool,
    observer: Observer,
    is_reported: AtomicBool,
}

impl References {
    pub(super) fn new(is_strict: bool, observer: Observer) -> Self {
        Self { is_strict, observer, is_reported: AtomicBool::new(false) }
    }

    /// Checks the result of a search below `base` that returned references.
    pub(super) fn check(
        &self,
        server: &Address,
        base: &str,
        found_nothing: bool,
    ) -> Result<(), Failure> {
        if self.is_strict && found_nothing {
            let text = format!(
                "the search below {base:?} finds nothing and refers to other servers, which are \
                 not followed: use a base that is completely on this server"
            );
            return Err(Failure::new(FailureKind::Final, text));
        }
        if !self.is_reported.swap(true, Ordering::Relaxed) {
            let server = server.to_string();
            (self.observer.0)(LdapWarning::UnfollowedReferences { server: &server, base });
        }
        Ok(())
    }
}
