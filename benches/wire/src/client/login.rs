//! What a client sends to be let in, and what it does with the proxy's answer.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Answer, DigestSession};
use crate::auth::User;

const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// The credentials of one client.
#[derive(Debug)]
pub enum Login {
    None,
    /// The whole field line.
    Basic(Vec<u8>),
    Digest(DigestSession),
    /// Sends what it would send to a proxy that had challenged it, to one that does not ask.
    Unasked(Box<Self>),
}

impl Login {
    pub fn basic(user: &User) -> Self {
        let (name, password) = (&user.name, &user.password);
        let token = STANDARD.encode(format!("{name}:{password}"));
        Self::Basic(format!("Proxy-Authorization: Basic {token}\r\n").into_bytes())
    }

    /// Adds the field line, if there is one yet, to a request.
    pub(super) fn write_field(&mut self, request: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Basic(line) => request.extend_from_slice(line),
            Self::Digest(session) => session.write_field(request),
            Self::Unasked(login) => login.write_field(request),
        }
    }

    /// Takes up a challenge. False if `answer` holds none that should be answered: with the same
    /// nonce again, it would be refused again.
    pub(super) fn challenged(&mut self, answer: &Answer) -> io::Result<bool> {
        match self {
            Self::Digest(session) if answer.status == PROXY_AUTHENTICATION_REQUIRED => {
                session.challenged(answer.challenges.iter().map(AsRef::as_ref))
            }
            _ => Ok(false),
        }
    }

    /// Takes up what came with the answer to accepted credentials.
    pub(super) fn accepted(&mut self, answer: &Answer) -> io::Result<()> {
        match (self, &answer.info) {
            (Self::Digest(session), Some(info)) => session.follow_nextnonce(info),
            _ => Ok(()),
        }
    }
}
