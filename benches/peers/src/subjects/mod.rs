//! The measured subjects, one kind in each file.

pub(crate) mod digest_auth;
pub(crate) mod floor;
pub(crate) mod hashes;
mod http_auth;
pub(crate) mod identity;
pub(crate) mod ours;
pub(crate) mod rama;
pub(crate) mod tower_http;

use crate::measure::Subject;

pub(crate) fn all() -> Vec<Subject> {
    [
        floor::subjects(),
        hashes::subjects(),
        identity::subjects(),
        ours::subjects(),
        tower_http::subjects(),
        rama::subjects(),
        digest_auth::subjects(),
        http_auth::subjects(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
