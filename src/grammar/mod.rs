//! The grammar of credentials: the parts of RFC 9110 and RFC 8187 that authentication needs. The
//! lists with weights, by which clients choose a page, are in a file of their own.
//!
//! ```text
//! credentials   = auth-scheme [ 1*SP ( token68 / #auth-param ) ]   ; RFC 9110, 11.4
//! auth-scheme   = token                                            ; RFC 9110, 11.1
//! auth-param    = token BWS "=" BWS ( token / quoted-string )      ; RFC 9110, 11.2
//! quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE          ; RFC 9110, 5.6.4
//! ext-value     = charset "'" [ language ] "'" value-chars         ; RFC 8187, 3.2.1
//! ```
//!
//! Parsing borrows from the field and reads each byte a small, fixed number of times, so its cost
//! is linear in the length of the field. Errors have a reason and a position, but contain nothing
//! that the peer sent, since that may be a password.
//!
//! # Tolerated deviations
//! RFC 9110 asks recipients to tolerate the following, and clients do send it:
//! - whitespace around the `=` of a parameter and around commas;
//! - empty members of a list, at its start, in the middle and at its end;
//! - several spaces after the scheme, and whitespace at both ends of the field;
//! - a quoted-string where a parameter is defined as a token, and vice versa;
//! - a backslash before a byte that needs none;
//! - bytes from 0x80 up in a quoted-string, in any encoding.
//!
//! Everything else is refused: a parameter without a value, a missing comma or closing quote, a
//! control character other than the tab in a quoted-string, line folding, and a second set of
//! credentials after a comma.
//!
//! # What the caller checks
//! Duplicate parameters, unknown names, the form that a parameter requires of its value, and the
//! length of the field.

mod auth_param;
mod chars;
mod credentials;
mod cursor;
mod ext_value;
#[cfg(test)]
mod generators;
mod percent;
mod syntax_error;
mod value;
mod weighted;

pub(crate) use auth_param::{AuthParam, AuthParams};
pub(crate) use chars::is_tchar;
pub(crate) use credentials::{split_scheme, token68};
pub(crate) use ext_value::decode_ext_value;
pub(crate) use percent::percent_decode;
pub(crate) use syntax_error::SyntaxError;
#[cfg(test)]
pub(crate) use syntax_error::SyntaxErrorKind;
pub(crate) use value::Value;
pub(crate) use weighted::{MAX_WEIGHT, Weight, weighted};
