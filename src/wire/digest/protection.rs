//! The parameters that come with `qop`, [RFC 7616, section 3.4].
//!
//! [RFC 7616, section 3.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4

use super::{
    CredentialsError, NonceCount,
    parameters::{Name, Parameters},
};
use crate::grammar::Value;

/// `qop`, `nc` and `cnonce`.
#[derive(Clone, Copy)]
pub(super) struct Protection {
    pub(super) qop: Value,
    pub(super) nc: Value,
    /// The number in `nc`.
    pub(super) count: NonceCount,
    pub(super) cnonce: Value,
}

impl Protection {
    /// Reads the parameters; `None` without `qop`, as in RFC 2069.
    pub(super) fn parse(parameters: &Parameters<'_>) -> Result<Option<Self>, CredentialsError> {
        let Some(qop) = parameters.get(Name::Qop) else { return Ok(None) };
        if !qop.eq_ignore_ascii_case("auth", parameters.field()) {
            return Err(CredentialsError::Improper("qop"));
        }
        let nc = parameters.required(Name::Nc)?;
        let count =
            NonceCount::from_hex(&parameters.text(nc)).ok_or(CredentialsError::Improper("nc"))?;
        let cnonce = parameters.required(Name::Cnonce)?;
        Ok(Some(Self { qop, nc, count, cnonce }))
    }
}
