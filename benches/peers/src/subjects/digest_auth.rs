//! The crate `digest_auth` on a server: it parses the field and computes the response. It does not
//! verify nonces, record nonce-counts or build a refusal.

use std::{iter, mem};

use digest_auth::{AuthContext, AuthorizationHeader};
use tower_proxy_auth::digest::{Algorithm, AuthInfo};

use crate::{
    digest_client::DigestClient,
    engine::{self, PASSWORD, URI, USER, challenges, users},
    measure::{Subject, Work},
};

/// The compared algorithms.
pub(crate) const ALGORITHMS: [Algorithm; 2] = [Algorithm::Md5, Algorithm::Sha256];

pub(crate) fn accepted(algorithm: Algorithm) -> String {
    format!("digest_auth, {algorithm} parsed, computed and compared")
}

pub(crate) fn subjects() -> Vec<Subject> {
    let subject =
        |algorithm| Subject::new(accepted(algorithm), Checks { algorithm, fields: Vec::new() });
    ALGORITHMS.map(subject).into()
}

struct Checks {
    algorithm: Algorithm,
    fields: Vec<String>,
}

impl Work for Checks {
    fn prepare(&mut self, operations: usize) {
        let auth = engine::digest(users(1), self.algorithm, AuthInfo::Off);
        let mut client = DigestClient::of(&challenges(&auth));
        let field = || client.credentials(USER, PASSWORD).to_string();
        self.fields = iter::repeat_with(field).take(operations).collect();
    }

    fn run(&mut self, operations: usize) {
        for field in self.fields.drain(..operations) {
            assert!(is_right(&field));
        }
    }
}

fn is_right(field: &str) -> bool {
    let Ok(mut header) = AuthorizationHeader::parse(field) else { return false };
    let sent = mem::take(&mut header.response);
    header.digest(&AuthContext::new(USER, PASSWORD, URI));
    sent == header.response
}
