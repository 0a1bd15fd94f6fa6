//! The options of the `Connection` field, [RFC 9110, section 7.6.1].
//!
//! [RFC 9110, section 7.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, Entry},
};

pub(super) fn has_option(headers: &HeaderMap, wanted: &[u8]) -> bool {
    headers.get_all(header::CONNECTION).iter().flat_map(options).any(|option| is(option, wanted))
}

/// Removes `name` from the options of `Connection`. Otherwise, a client could make the inner proxy
/// drop the field as hop-by-hop.
pub(super) fn remove_option(headers: &mut HeaderMap, name: &HeaderName) {
    // `entry` may grow the map.
    if !headers.contains_key(header::CONNECTION) {
        return;
    }
    let Entry::Occupied(mut entry) = headers.entry(header::CONNECTION) else { return };
    for value in entry.iter_mut() {
        let is_named = |option| is(option, name.as_ref());
        if !options(value).any(is_named) {
            continue;
        }
        let kept: Vec<_> = options(value).filter(|option| !is_named(option)).collect();
        // A field value without some of its members is valid.
        if let Ok(shorter) = HeaderValue::from_bytes(&kept.join(&b',')) {
            *value = shorter;
        }
    }
}

fn options(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|&byte| byte == b',')
}

fn is(option: &[u8], name: &[u8]) -> bool {
    option.trim_ascii().eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_remove_the_field_as_hop_by_hop() {
        let name = HeaderName::from_static("x-user");
        for (sent, expected) in [
            ("x-user", ""),
            ("close, X-User", "close"),
            ("X-USER ,close,x-user", "close"),
            ("close, x-user2", "close, x-user2"),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::CONNECTION, HeaderValue::from_static("keep-alive"));
            headers.append(header::CONNECTION, HeaderValue::from_static(sent));
            remove_option(&mut headers, &name);
            let left: Vec<_> = headers.get_all(header::CONNECTION).iter().collect();
            assert_eq!(left, ["keep-alive", expected], "{sent}");
        }
        let mut headers = HeaderMap::new();
        remove_option(&mut headers, &name);
        assert!(headers.is_empty());
    }
}
