//! The parts of a response's head that a client needs.

use std::io;

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, PROXY_AUTHENTICATE, TRANSFER_ENCODING};

const MAX_FIELDS: usize = 32;

#[derive(Debug, Default)]
pub struct Response {
    pub status: u16,
    /// The length of the body; `None` if it ends with the connection.
    pub length: Option<usize>,
    /// Whether the proxy will close the connection.
    pub closes: bool,
    /// The `Proxy-Authenticate` fields.
    pub challenges: Vec<Box<[u8]>>,
    /// `Proxy-Authentication-Info`.
    pub info: Option<Box<[u8]>>,
}

impl Response {
    /// # Errors
    /// `head` is not valid, or the response is chunked, which no proxy here has a reason for.
    pub fn parse(head: &[u8]) -> io::Result<Self> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        parsed.parse(head).map_err(io::Error::other)?;
        let mut response = Self {
            status: parsed.code.unwrap_or_default(),
            closes: parsed.version == Some(0),
            ..Self::default()
        };
        for field in parsed.headers.iter() {
            response.read_field(field.name, field.value)?;
        }
        Ok(response)
    }

    fn read_field(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        let is = |other: HeaderName| name.eq_ignore_ascii_case(other.as_str());
        if is(CONTENT_LENGTH) {
            let text = std::str::from_utf8(value).map_err(io::Error::other)?;
            self.length = Some(text.parse().map_err(io::Error::other)?);
        } else if is(CONNECTION) || is(HeaderName::from_static("proxy-connection")) {
            self.closes = value.eq_ignore_ascii_case(b"close");
        } else if is(PROXY_AUTHENTICATE) {
            self.challenges.push(value.into());
        } else if is(HeaderName::from_static("proxy-authentication-info")) {
            self.info = Some(value.into());
        } else if is(TRANSFER_ENCODING) {
            return Err(io::Error::other("the response is chunked"));
        }
        Ok(())
    }
}
