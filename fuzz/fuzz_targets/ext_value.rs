//! The value of `username*`: no panic, only valid names are looked up, and parse(print(x)) == x.

#![no_main]

use std::sync::LazyLock;

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::Reason;
use tower_proxy_auth_fuzz::{Lookup, Proxy};

static PROXY: LazyLock<Proxy> =
    LazyLock::new(|| Proxy::new(|auth| auth, |basic| basic, |digest| digest));

fuzz_target!(|raw: &[u8]| {
    if let Some(name) = look_up(raw) {
        assert!(!name.is_empty() && !name.contains(char::is_control));
        assert_eq!(look_up(print(&name).as_bytes()), Some(name));
    }
    // Longer text can exceed the limit on fields once it is printed.
    if let Ok(text) = str::from_utf8(raw)
        && text.len() <= 4_096
    {
        let is_valid = !text.is_empty() && !text.contains(char::is_control);
        let name = look_up(print(text).as_bytes());
        assert_eq!(name.as_deref(), is_valid.then_some(text));
    }
});

/// Sends credentials for the user `value` and returns the name that was looked up.
fn look_up(value: &[u8]) -> Option<String> {
    let others = b"realm=proxy, nonce=n, uri=\"/\", qop=auth, nc=00000001, cnonce=c, \
                   response=00000000000000000000000000000000, username*=";
    let quote: &[u8] = if value.contains(&b'"') { b"" } else { b"\"" };
    let field = [b"Digest ".as_slice(), others, quote, value, quote].concat();
    let (reason, lookups) = PROXY.send(HeaderValue::from_bytes(&field).ok()?);
    match lookups.as_slice() {
        [] => {
            assert_ne!(reason, Reason::WrongPassword);
            None
        }
        [Lookup::Name(name)] => Some(name.clone()),
        other => panic!("several names: {other:?}"),
    }
}

fn print(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("UTF-8''{}", escaped.collect::<String>())
}
