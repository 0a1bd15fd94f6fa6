//! Header fields on their way through: what belongs to one connection stays behind.
//!
//! [RFC 9110, 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1): a proxy removes
//! `Connection`, every field that it names, and the fields known to be about one connection alone,
//! in both directions. What the proxy adds itself is added afterwards, so that no `Connection`
//! field can take it away again. Trailers are cleaned of the same fields (`response_body.rs`).

use http::{
    HeaderMap, HeaderName, HeaderValue, Version,
    header::{CONNECTION, COOKIE, HOST, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, VIA},
};

/// The name under which this proxy appears in `Via`.
const PSEUDONYM: &str = "forward_proxy";

/// The fields of one message that are about one connection alone.
#[derive(Clone, Debug)]
pub(crate) struct HopByHop {
    names: Vec<HeaderName>,
}

impl HopByHop {
    /// Those that `Connection` names, and those that always are.
    fn of(headers: &HeaderMap) -> Self {
        let named =
            tokens(headers, CONNECTION).filter_map(|token| HeaderName::from_bytes(token).ok());
        let known = [CONNECTION, TE, TRANSFER_ENCODING, UPGRADE]
            .into_iter()
            .chain(["keep-alive", "proxy-connection"].map(HeaderName::from_static));
        Self { names: named.chain(known).collect() }
    }

    /// Takes them out of the header of the message, or of its trailers.
    pub(crate) fn remove_from(&self, headers: &mut HeaderMap) {
        for name in &self.names {
            headers.remove(name);
        }
    }
}

/// Makes the header of a client's request fit for the origin. What stays behind must not go on in
/// trailers either.
///
/// `host` is the authority of the request target: it wins over whatever `Host` the client sent.
pub(crate) fn toward_origin(
    headers: &mut HeaderMap,
    host: HeaderValue,
    version: Version,
) -> HopByHop {
    let trailers = lists(headers, TE, "trailers");
    let mut hop_by_hop = HopByHop::of(headers);
    // The authentication layer has taken this field out of the header already. It is removed here
    // all the same, so that no password goes to an origin in trailers, nor when the proxy runs with
    // `--insecure-no-auth`.
    hop_by_hop.names.push(PROXY_AUTHORIZATION);
    hop_by_hop.remove_from(headers);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if version == Version::HTTP_2 {
        join_cookies(headers);
    }
    headers.insert(HOST, host);
    append_via(headers, version);
    hop_by_hop
}

/// Makes the header of an origin's response fit for the client. What stays behind must not go on
/// in trailers either.
pub(crate) fn toward_client(headers: &mut HeaderMap, version: Version) -> HopByHop {
    let hop_by_hop = HopByHop::of(headers);
    hop_by_hop.remove_from(headers);
    append_via(headers, version);
    hop_by_hop
}

/// Whether there is a `Transfer-Encoding` that says anything but chunked, once.
///
/// hyper takes the chunks apart and leaves what is inside as it is, and `Transfer-Encoding` stays
/// behind: the other side would not know that the body is still, say, compressed. And what is not
/// understood here might be understood there, with another end of the message.
pub(crate) fn has_other_coding(headers: &HeaderMap) -> bool {
    let mut codings = tokens(headers, TRANSFER_ENCODING);
    let chunked = codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    headers.contains_key(TRANSFER_ENCODING) && !(chunked && codings.next().is_none())
}

/// Whether the list field `name` holds `token`, in any case of its letters.
pub(crate) fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
}

/// The members of the list field `name`, over all of its lines.
///
/// They are bytes: one that is no ASCII must not hide the others.
pub(crate) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

/// HTTP/2 may send the pieces of a cookie as fields of their own; HTTP/1.1 wants one line
/// ([RFC 9113, 8.2.3](https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3)).
fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(line) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(COOKIE, line);
    }
}

/// `version` is that of the message as it was received.
fn append_via(headers: &mut HeaderMap, version: Version) {
    let received = match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    if let Ok(via) = HeaderValue::try_from(format!("{received} {PSEUDONYM}")) {
        headers.append(VIA, via);
    }
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
    fn hop_by_hop_fields_stay_behind() {
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
    fn connection_cannot_take_away_what_the_proxy_adds() {
        let headers =
            sent(&[("connection", "via, host, te"), ("te", "trailers")], Version::HTTP_10);
        assert_eq!(headers[VIA], "1.0 forward_proxy");
        assert_eq!(headers[HOST], "origin.example");
        assert_eq!(headers[TE], "trailers");
    }

    #[test]
    fn te_keeps_trailers_alone() {
        for (te, kept) in [("trailers, gzip;q=0.5", true), ("gzip", false), ("TRAILERS", true)] {
            let headers = sent(&[("te", te)], Version::HTTP_11);
            assert_eq!(headers.contains_key(TE), kept, "TE: {te}");
            assert_eq!(headers.contains_key(CONNECTION), kept, "TE: {te}");
        }
    }

    #[test]
    fn regression_bytes_beyond_ascii_do_not_hide_what_is_beside_them() {
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
    fn regression_only_chunked_is_a_known_coding() {
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
    fn the_target_wins_over_the_host_field() {
        let headers = sent(&[("host", "elsewhere.example")], Version::HTTP_11);
        assert_eq!(headers.get_all(HOST).iter().collect::<Vec<_>>(), ["origin.example"]);
    }

    #[test]
    fn cookies_of_http_2_become_one_line() {
        let headers = sent(&[("cookie", "a=1"), ("cookie", "b=2")], Version::HTTP_2);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert_eq!(headers[VIA], "2 forward_proxy");
    }

    #[test]
    fn responses_keep_what_is_for_the_client() {
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
