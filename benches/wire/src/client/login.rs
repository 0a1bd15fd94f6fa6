//! How a client authenticates.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{DigestSession, Response};
use crate::auth::User;

const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// The credentials of one client.
#[derive(Debug)]
pub enum Login {
    None,
    /// The field line.
    Basic(Vec<u8>),
    Digest(DigestSession),
    /// Sends credentials to a proxy that does not require them.
    Unasked(Box<Self>),
}

impl Login {
    pub fn basic(user: &User) -> Self {
        let (name, password) = (&user.name, &user.password);
        let token = STANDARD.encode(format!("{name}:{password}"));
        Self::Basic(format!("Proxy-Authorization: Basic {token}\r\n").into_bytes())
    }

    /// Adds the field line to a request, if there is one.
    pub(super) fn write_field(&mut self, request: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Basic(line) => request.extend_from_slice(line),
            Self::Digest(session) => session.write_field(request),
            Self::Unasked(login) => login.write_field(request),
        }
    }

    /// Accepts a challenge. Returns false if `response` has none that the client can answer.
    pub(super) fn challenged(&mut self, response: &Response) -> io::Result<bool> {
        match self {
            Self::Digest(session) if response.status == PROXY_AUTHENTICATION_REQUIRED => {
                session.challenged(response.challenges.iter().map(AsRef::as_ref))
            }
            _ => Ok(false),
        }
    }

    /// Continues after accepted credentials.
    pub(super) fn accepted(&mut self, response: &Response) -> io::Result<()> {
        match (self, &response.info) {
            (Self::Digest(session), Some(info)) => session.follow_nextnonce(info),
            _ => Ok(()),
        }
    }
}
