//! The grammar of RFC 9110 that authentication needs, and of RFC 8187.
//!
//! Everything here works on the bytes of one field, borrows from them and allocates nothing
//! (what prints appends to the caller's buffer; [`ExtValue::to_text`] says so itself). A byte is
//! looked at a small, fixed number of times, so a long field costs no more than its length.
//! Errors hold a reason and a place, and nothing that a peer sent. No type shows such bytes in
//! its `Debug` output either, a challenge's scheme excepted: they may be somebody's password.
//!
//! It is public for those who write a scheme of their own.
//!
//! ```text
//! credentials   = auth-scheme [ 1*SP ( token68 / #auth-param ) ]   ; RFC 9110, 11.4
//! challenge     = auth-scheme [ 1*SP ( token68 / #auth-param ) ]   ; RFC 9110, 11.3
//! auth-scheme   = token                                            ; RFC 9110, 11.1
//! auth-param    = token BWS "=" BWS ( token / quoted-string )      ; RFC 9110, 11.2
//! quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE          ; RFC 9110, 5.6.4
//! ext-value     = charset "'" [ language ] "'" value-chars         ; RFC 8187, 3.2.1
//! ```
//!
//! The classes of bytes are in [`chars`].
//!
//! # What is tolerated
//! What RFC 9110 asks a recipient to bear with, and clients do send:
//! - whitespace round the `=` of a parameter, and round commas;
//! - empty members of a list, at its beginning, in the middle and at its end;
//! - several spaces after the scheme, and whitespace at both ends of the field;
//! - a quoted-string where a parameter is defined as a token, and the reverse;
//! - a backslash in front of a byte that needs none;
//! - bytes from 0x80 up within a quoted-string, in whatever encoding.
//!
//! Nothing else is: no parameter without a value, no missing comma or closing quote, no control
//! character but the tab in a quoted-string, no line folding, no second credentials after a comma.
//!
//! # What is left to the caller
//! Whether a parameter occurs twice, which names are known, whether a value has the form that its
//! parameter asks for, and the length of the field.

mod auth_param;
mod challenge;
pub mod chars;
mod credentials;
mod cursor;
mod ext_value;
mod percent;
mod plain;
mod quoted;
mod runs;
mod syntax_error;
mod value;

pub use auth_param::{AuthParam, AuthParams, DEFAULT_MAX_PARAMETERS};
pub use challenge::{Challenge, Challenges};
pub use credentials::{Credentials, CredentialsBody, SchemeAndRest, split_scheme};
pub use ext_value::{ExtValue, PercentDecoded, write_ext_value};
pub(crate) use percent::percent_decode;
pub(crate) use plain::{Place, read_plain_params};
pub use quoted::{Unescaped, unescape, write_quoted};
pub use syntax_error::{SyntaxError, SyntaxErrorKind};
pub use value::Value;
