//! Credentials, [RFC 9110, 11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4): a scheme
//! and what it has to say.

use std::fmt;

use super::{
    auth_param::AuthParams,
    chars::is_token68_char,
    cursor::Cursor,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// A field cut in two behind its scheme. Made by [`split_scheme`].
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SchemeAndRest<'a> {
    /// The scheme as it was sent; never empty.
    pub scheme: &'a [u8],
    /// What follows the spaces after the scheme, without whitespace at its end. It may be empty.
    pub rest: &'a [u8],
    /// Where `rest` begins: an offset in bytes from the beginning of the field.
    pub rest_position: usize,
}

/// Credentials as one field carries them.
///
/// # Examples
/// ```
/// use tower_proxy_auth::grammar::{Credentials, CredentialsBody};
///
/// let credentials = Credentials::parse(b"bAsIc  YWxpY2U6d29uZGVy")?;
/// assert!(credentials.scheme_is("Basic"));
/// assert!(matches!(credentials.body(), CredentialsBody::Token68(b"YWxpY2U6d29uZGVy")));
/// assert_eq!(credentials.body_position(), 7);
/// # Ok::<(), tower_proxy_auth::grammar::SyntaxError>(())
/// ```
#[derive(Clone)]
pub struct Credentials<'a> {
    scheme: &'a [u8],
    body: CredentialsBody<'a>,
    body_position: usize,
}

/// What follows the scheme, in credentials and in a [`Challenge`](super::Challenge) alike.
#[derive(Clone)]
#[non_exhaustive]
pub enum CredentialsBody<'a> {
    /// Nothing, or nothing but empty list members.
    Empty,
    /// A token68: letters, digits and `-._~+/`, then any number of `=`. Schemes put their base64
    /// here; that it is base64 has not been checked.
    Token68(&'a [u8]),
    /// A list of parameters with at least one member, not yet read.
    Params(AuthParams<'a>),
}

/// Cuts `field` behind its scheme, without a look at what the rest is.
///
/// Whitespace at both ends of the field is dropped. The scheme ends at the end of the field or at
/// a space; there may be several.
///
/// # Errors
/// If the field does not begin with a token
/// ([`ExpectedScheme`](SyntaxErrorKind::ExpectedScheme)), or if another byte than a space follows
/// it ([`AfterScheme`](SyntaxErrorKind::AfterScheme)).
pub fn split_scheme(field: &[u8]) -> Result<SchemeAndRest<'_>, SyntaxError> {
    let mut cursor = Cursor::new(field, 0);
    cursor.skip_ows();
    cursor.drop_ows_at_end();
    let scheme = cursor.take_token();
    if scheme.is_empty() {
        return Err(cursor.error(SyntaxErrorKind::ExpectedScheme));
    }
    let spaces = cursor.take_while(|byte| byte == b' ');
    if spaces.is_empty() && !cursor.is_at_end() {
        return Err(cursor.error(SyntaxErrorKind::AfterScheme));
    }
    Ok(SchemeAndRest { scheme, rest: cursor.rest(), rest_position: cursor.position() })
}

impl<'a> Credentials<'a> {
    /// Reads the scheme of `field` and finds out of which form the rest is.
    ///
    /// It is a token68 only if it is one from beginning to end, so `a=` is one and `a=b` is not.
    /// Parameters are read, and their errors found, when their iterator is used.
    ///
    /// # Errors
    /// Those of [`split_scheme`].
    pub fn parse(field: &'a [u8]) -> Result<Self, SyntaxError> {
        let SchemeAndRest { scheme, rest, rest_position } = split_scheme(field)?;
        let mut cursor = Cursor::new(rest, rest_position);
        let body = match read_token68(&mut cursor) {
            Some(token68) if cursor.is_at_end() => CredentialsBody::Token68(token68),
            _ => {
                let params = AuthParams::new(rest, rest_position);
                if params.has_no_member() {
                    CredentialsBody::Empty
                } else {
                    CredentialsBody::Params(params)
                }
            }
        };
        Ok(Self { scheme, body, body_position: rest_position })
    }

    /// The scheme as it was sent; never empty.
    #[must_use]
    pub const fn scheme(&self) -> &'a [u8] {
        self.scheme
    }

    /// Whether the scheme is `name`: schemes are compared without regard to case.
    #[must_use]
    pub fn scheme_is(&self, name: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(name.as_bytes())
    }

    /// What follows the scheme.
    #[must_use]
    pub fn body(&self) -> CredentialsBody<'a> {
        self.body.clone()
    }

    /// Where that begins: an offset in bytes from the beginning of the field, for a token68 the
    /// one of its first byte.
    #[must_use]
    pub const fn body_position(&self) -> usize {
        self.body_position
    }

    /// Appends the credentials to `out`: one space after the scheme, `, ` between parameters, no
    /// whitespace round `=`, everything else as it was sent.
    ///
    /// # Errors
    /// The first error among the parameters; nothing has been appended then.
    pub fn write_to(&self, out: &mut Vec<u8>) -> Result<(), SyntaxError> {
        let before = out.len();
        let written = write(self.scheme, &self.body, out);
        if written.is_err() {
            out.truncate(before);
        }
        written
    }
}

pub(super) fn write(
    scheme: &[u8],
    body: &CredentialsBody<'_>,
    out: &mut Vec<u8>,
) -> Result<(), SyntaxError> {
    out.extend_from_slice(scheme);
    match body {
        CredentialsBody::Empty => {}
        CredentialsBody::Token68(token68) => {
            out.push(b' ');
            out.extend_from_slice(token68);
        }
        CredentialsBody::Params(params) => {
            let mut separator: &[u8] = b" ";
            for param in params.clone() {
                out.extend_from_slice(separator);
                param?.write_to(out);
                separator = b", ";
            }
        }
    }
    Ok(())
}

/// Reads a token68, if there is one, and the whitespace after it. What follows decides whether it
/// was meant to be one.
pub(super) fn read_token68<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = *cursor;
    if cursor.take_while(is_token68_char).is_empty() {
        return None;
    }
    cursor.take_while(|byte| byte == b'=');
    let token68 = cursor.since(start);
    cursor.skip_ows();
    Some(token68)
}

impl fmt::Debug for SchemeAndRest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some clients forget the scheme and send the credentials in its place: nothing is shown.
        f.debug_struct("SchemeAndRest")
            .field("scheme_length", &self.scheme.len())
            .field("rest_length", &self.rest.len())
            .field("rest_position", &self.rest_position)
            .finish()
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("scheme_length", &self.scheme.len())
            .field("body", &self.body)
            .field("body_position", &self.body_position)
            .finish()
    }
}

impl fmt::Debug for CredentialsBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Token68(token68) => write!(f, "Token68({} bytes)", token68.len()),
            Self::Params(params) => f.debug_tuple("Params").field(params).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::cursor::looks, *};

    #[test]
    fn splits_a_field_behind_its_scheme() {
        for (field, scheme, rest, rest_position) in [
            ("Basic YWJj", "Basic", "YWJj", 6),
            ("bAsIc   YWJj", "bAsIc", "YWJj", 8),
            (" \tDIGEST a=1 \t", "DIGEST", "a=1", 9),
            ("Basic", "Basic", "", 5),
            ("Basic  ", "Basic", "", 5),
            ("Basicxxx", "Basicxxx", "", 8),
            ("Basic \u{e9}", "Basic", "\u{e9}", 6),
            ("Basic \tx", "Basic", "\tx", 6),
        ] {
            let split = split_scheme(field.as_bytes()).expect("well-formed");
            assert_eq!(split.scheme, scheme.as_bytes(), "{field}");
            assert_eq!(split.rest, rest.as_bytes(), "{field}");
            assert_eq!(split.rest_position, rest_position, "{field}");
        }
    }

    #[test]
    fn refuses_a_field_without_a_scheme() {
        use SyntaxErrorKind::{AfterScheme, ExpectedScheme};
        for (name, field, kind, position) in [
            ("nothing", b"".as_slice(), ExpectedScheme, 0),
            ("blanks", b" \t ", ExpectedScheme, 3),
            ("a lone 0xE9", b"\xE9", ExpectedScheme, 0),
            ("a quoted-string", b" \"Basic\"", ExpectedScheme, 1),
            ("a comma first", b", Basic", ExpectedScheme, 0),
            ("0xE9 in it", b"Basic\xE9 x", AfterScheme, 5),
            ("a tab after it", b"Basic\tx", AfterScheme, 5),
            ("a comma after it", b"Basic, x", AfterScheme, 5),
            ("an equals sign after it", b"username=x", AfterScheme, 8),
            ("NUL after it", b"Basic\0", AfterScheme, 5),
        ] {
            let error = split_scheme(field).expect_err(name);
            assert_eq!(error, SyntaxError::new(kind, position), "{name}");
            assert_eq!(Credentials::parse(field).expect_err(name), error, "{name}");
        }
    }

    #[test]
    fn finds_out_what_the_rest_is() {
        for (field, form) in [
            ("Basic", "Empty"),
            ("Basic , ,", "Empty"),
            ("Basic YWxpY2U6d29uZGVy", "Token68(16 bytes)"),
            ("Basic YWJjZA== ", "Token68(8 bytes)"),
            ("Basic -._~+/", "Token68(6 bytes)"),
            ("Digest a=", "Token68(2 bytes)"),
            ("Digest a=b", "Params"),
            ("Digest a =b", "Params"),
            ("Digest a=\"", "Params"),
            ("Digest a=,b=1", "Params"),
            ("Basic YWJj ZGVm", "Params"),
            ("Basic YWJj, Basic YWJj", "Params"),
            ("Basic =", "Params"),
            ("Basic =YWJj", "Params"),
            ("Basic YW=Jj", "Params"),
            ("Basic \tYWJj", "Params"),
        ] {
            let credentials = Credentials::parse(field.as_bytes()).expect("a scheme");
            let shown = format!("{:?}", credentials.body());
            assert!(shown.starts_with(form), "{field}: {shown}");
        }
    }

    #[test]
    fn two_credentials_joined_by_a_comma_are_refused() {
        for field in [
            "Digest a=1, Digest b=2",
            "Digest a=1, Basic YWJj",
            "Basic YWJj, Digest a=1",
            "Basic YWJj, Basic YWJj",
            "Basic YWI=, Basic YWI=",
            "Basic YQ==, Basic YQ==",
            "Basic YWJj,Basic",
        ] {
            let credentials = Credentials::parse(field.as_bytes()).expect("a scheme");
            let CredentialsBody::Params(mut params) = credentials.body() else {
                panic!("{field} has a body that could be accepted");
            };
            assert!(params.any(|param| param.is_err()), "{field}");
            let mut out = b"kept".to_vec();
            assert!(credentials.write_to(&mut out).is_err(), "{field}");
            assert_eq!(out, b"kept", "{field}");
        }
    }

    #[test]
    fn prints_in_the_plainest_form() {
        for (field, printed) in [
            ("Basic  YWI= ", "Basic YWI="),
            (" Negotiate", "Negotiate"),
            ("DIGEST  ,a = 1,,b= \"x\\\"\",", "DIGEST a=1, b=\"x\\\"\""),
        ] {
            let mut out = Vec::new();
            let credentials = Credentials::parse(field.as_bytes()).expect("a scheme");
            credentials.write_to(&mut out).expect("well-formed");
            assert_eq!(out, printed.as_bytes());
        }
    }

    #[test]
    fn no_byte_is_looked_at_more_than_four_times() {
        let size = 1 << 20;
        for unit in [b"A".as_slice(), b" ", b"=", b",", b", ", b"a=b,", b"\"", b"\xE9", b"0"] {
            for prefix in [b"".as_slice(), b"Basic ", b"Basic a", b"Digest nc="] {
                let field = [prefix, &unit.repeat(size / unit.len())].concat();
                let looks = looks::during(|| drop(Credentials::parse(&field)));
                assert!(looks <= 4 * size, "{}: {looks} looks", unit.escape_ascii());
            }
        }
    }

    #[test]
    fn debug_output_shows_no_byte_of_them() {
        for field in ["secret", "Basic secret", "Digest secret=\"secret\""] {
            let credentials = Credentials::parse(field.as_bytes()).expect("a scheme");
            let split = split_scheme(field.as_bytes()).expect("a scheme");
            let shown = format!("{credentials:?} {split:?}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
