//! Rewrites header fields between client and origin.
//!
//! [RFC 9110, 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1): a proxy removes
//! `Connection`, every field that it names, and the fields that only concern one connection, in
//! both directions, also from trailers. The proxy adds its own fields afterwards, so that no
//! `Connection` field can remove them.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, COOKIE, HOST, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING,
        UPGRADE, VIA,
    },
};
use http_body::Frame;

/// The maximum number of fields in the head of a message.
pub(crate) const MAX_FIELDS: usize = 256;

/// Removed from every message.
///
/// The authentication layer removes `Proxy-Authorization` from the header. It is in this list so
/// that no password reaches an origin in trailers or with `--insecure-no-auth`.
const ALWAYS_REMOVED: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The fields of a message that only concern one connection.
#[derive(Clone, Debug)]
pub(crate) struct HopByHop {
    /// Those that `Connection` names.
    named: Vec<HeaderName>,
}

impl HopByHop {
    /// Removes the fields from `headers`.
    fn remove_from(headers: &mut HeaderMap) -> Self {
        // The transfer coding overrides it, and the next recipient must not see another length
        // (RFC 9112, 6.3).
        if headers.contains_key(TRANSFER_ENCODING) {
            headers.remove(CONTENT_LENGTH);
        }
        let named = tokens(headers, CONNECTION)
            .filter_map(|token| HeaderName::from_bytes(token).ok())
            .collect();
        let hop_by_hop = Self { named };
        hop_by_hop.remove_again(headers);
        hop_by_hop
    }

    /// Removes the fields from the trailers of the same message.
    pub(crate) fn remove_from_trailers(&self, frame: &mut Frame<Bytes>) {
        if let Some(trailers) = frame.trailers_mut() {
            self.remove_again(trailers);
        }
    }

    fn remove_again(&self, headers: &mut HeaderMap) {
        for name in ALWAYS_REMOVED.iter().chain(&self.named) {
            headers.remove(name);
        }
    }
}

/// Prepares the header of a request for the origin.
///
/// `host` is the authority of the request target; it replaces the `Host` field that the client
/// sent.
pub(crate) fn toward_origin(
    headers: &mut HeaderMap,
    host: HeaderValue,
    version: Version,
) -> HopByHop {
    let accepts_trailers = lists(headers, TE, "trailers");
    let hop_by_hop = HopByHop::remove_from(headers);
    if accepts_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if version == Version::HTTP_2 {
        join_cookies(headers);
    }
    headers.insert(HOST, host);
    headers.append(VIA, via(version));
    hop_by_hop
}

/// Prepares the header of a response for the client.
pub(crate) fn toward_client(headers: &mut HeaderMap, version: Version) -> HopByHop {
    let hop_by_hop = HopByHop::remove_from(headers);
    headers.append(VIA, via(version));
    hop_by_hop
}

/// Whether `Transfer-Encoding` is present and anything but a single `chunked`.
///
/// hyper only decodes the chunks, and `Transfer-Encoding` is removed, so the recipient would not
/// learn that the body is compressed, for example. And a recipient that supports a coding that this
/// proxy does not support could find another end of the message.
pub(crate) fn has_other_coding(headers: &HeaderMap) -> bool {
    if !headers.contains_key(TRANSFER_ENCODING) {
        return false;
    }
    let mut codings = tokens(headers, TRANSFER_ENCODING);
    let is_chunked = codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    !is_chunked || codings.next().is_some()
}

/// Whether the list field `name` contains `token`, ignoring case.
pub(crate) fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
}

/// The members of the list field `name`, over all of its lines.
///
/// They are bytes, so that a member that is not ASCII does not hide the others.
pub(crate) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

/// HTTP/2 may send the parts of a cookie as separate fields, HTTP/1.1 requires one line
/// ([RFC 9113, 8.2.3](https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3)).
fn join_cookies(headers: &mut HeaderMap) {
    let parts: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if parts.len() > 1
        && let Ok(line) = HeaderValue::from_bytes(&parts.join(&b"; "[..]))
    {
        headers.insert(COOKIE, line);
    }
}

/// The `Via` entry for a message that was received with `version`.
const fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::HTTP_10 => "1.0 forward_proxy",
        Version::HTTP_2 => "2 forward_proxy",
        _ => "1.1 forward_proxy",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn sent(lines: &[(&'static str, &'static str)], version: Version) -> HeaderMap {
        let mut headers = fields(lines);
        toward_origin(&mut headers, HeaderValue::from_static("origin.example"), version);
        headers
    }

    #[test]
    fn removes_hop_by_hop_fields() {
        let headers = sent(
            &[
                ("connection", "close, X-Mine"),
                ("connection", "keep-alive"),
                ("x-mine", "1"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("proxy-authorization", "Basic YTpi"),
                ("transfer-encoding", "chunked"),
                ("upgrade", "websocket"),
                ("accept", "*/*"),
            ],
            Version::HTTP_11,
        );
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "host", "via"]);
    }

    #[test]
    fn a_transfer_coding_overrides_the_length() {
        let mut headers = fields(&[("content-length", "3"), ("transfer-encoding", "chunked")]);
        toward_client(&mut headers, Version::HTTP_11);
        assert!(!headers.contains_key(CONTENT_LENGTH));
        let mut headers = fields(&[("content-length", "3")]);
        toward_client(&mut headers, Version::HTTP_11);
        assert!(headers.contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn connection_cannot_remove_fields_of_the_proxy() {
        let headers =
            sent(&[("connection", "via, host, te"), ("te", "trailers")], Version::HTTP_10);
        assert_eq!(headers[VIA], "1.0 forward_proxy");
        assert_eq!(headers[HOST], "origin.example");
        assert_eq!(headers[TE], "trailers");
    }

    #[test]
    fn te_keeps_trailers_only() {
        for (te, kept) in [("trailers, gzip;q=0.5", true), ("gzip", false), ("TRAILERS", true)] {
            let headers = sent(&[("te", te)], Version::HTTP_11);
            assert_eq!(headers.contains_key(TE), kept, "TE: {te}");
            assert_eq!(headers.contains_key(CONNECTION), kept, "TE: {te}");
        }
    }

    #[test]
    fn regression_non_ascii_bytes_do_not_hide_other_members() {
        let mut headers = fields(&[("x-mine", "1"), ("x-mine-too", "1"), ("accept", "*/*")]);
        let line = |bytes| HeaderValue::from_bytes(bytes).expect("a value");
        headers.append(CONNECTION, line(b"x-mine, \xff, x-mine-too"));
        headers.append(TE, line(b"\xff, trailers"));
        assert!(lists(&headers, TE, "trailers"));
        toward_client(&mut headers, Version::HTTP_11);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["accept", "via"]);
    }

    #[test]
    fn regression_chunked_is_the_only_known_coding() {
        for (lines, other) in [
            (&[][..], false),
            (&[&b"chunked"[..]], false),
            (&[b" , Chunked,"], false),
            (&[b"gzip, chunked"], true),
            (&[b"\xff", b"chunked"], true),
            (&[b"gzip\xff, chunked"], true),
            (&[b"chunked", b"chunked"], true),
            (&[b"chunked;q=1"], true),
            (&[b""], true),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_bytes(line).expect("a value"));
            }
            assert_eq!(has_other_coding(&headers), other, "{headers:?}");
        }
    }

    #[test]
    fn the_target_replaces_the_host_field() {
        let headers = sent(&[("host", "elsewhere.example")], Version::HTTP_11);
        assert_eq!(headers.get_all(HOST).iter().collect::<Vec<_>>(), ["origin.example"]);
    }

    #[test]
    fn joins_the_cookies_of_http_2() {
        let headers = sent(&[("cookie", "a=1"), ("cookie", "b=2")], Version::HTTP_2);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert_eq!(headers[VIA], "2 forward_proxy");
    }

    #[test]
    fn responses_keep_the_fields_for_the_client() {
        let mut headers = fields(&[
            ("connection", "x-private"),
            ("x-private", "1"),
            ("via", "1.1 earlier"),
            ("www-authenticate", "Basic realm=\"origin\""),
        ]);
        toward_client(&mut headers, Version::HTTP_11);
        assert!(!headers.contains_key("x-private"));
        assert!(headers.contains_key("www-authenticate"));
        let via: Vec<_> = headers.get_all(VIA).iter().collect();
        assert_eq!(via, ["1.1 earlier", "1.1 forward_proxy"]);
    }
}
