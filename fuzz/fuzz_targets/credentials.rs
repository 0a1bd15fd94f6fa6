//! A `Proxy-Authorization` field: no panic, nothing is forwarded, and only valid names and
//! passwords are looked up. Basic credentials that are accepted encode to the same bytes again.

#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::{
    Reason,
    digest::{Algorithm, UriCheck},
};
use tower_proxy_auth_fuzz::{Lookup, Proxy};

static STRICT: LazyLock<Proxy> =
    LazyLock::new(|| Proxy::new(|auth| auth, |basic| basic, |digest| digest));
static LENIENT: LazyLock<Proxy> = LazyLock::new(|| {
    Proxy::new(
        |auth| auth.with_latin1(true),
        |basic| basic.with_nfc(true),
        |digest| {
            let algorithms =
                Algorithm::ALL.iter().copied().filter(|&one| one != Algorithm::Md5Sess);
            let digest = digest.with_algorithms(algorithms).legacy_rfc2069(true);
            let digest = digest.with_userhash(true);
            digest.with_uri_check(UriCheck::lenient([]))
        },
    )
});

fuzz_target!(|field: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(field) else { return };
    for lookup in send(&STRICT, value.clone()) {
        if let Lookup::Basic { user_id, password } = lookup {
            let encoded = STANDARD.encode(format!("{user_id}:{password}"));
            assert!(field.trim_ascii_end().ends_with(encoded.as_bytes()));
        }
    }
    send(&LENIENT, value);
});

/// Sends the credentials and checks the look-ups.
fn send(proxy: &Proxy, field: HeaderValue) -> Vec<Lookup> {
    let (reason, lookups) = proxy.send(field);
    assert_eq!(reason == Reason::WrongPassword, !lookups.is_empty(), "{reason}");
    for lookup in &lookups {
        let (name, password) = match lookup {
            Lookup::Basic { user_id, password } => {
                assert!(!user_id.contains(':') && !password.is_empty());
                (user_id.as_str(), password.as_str())
            }
            Lookup::Name(name) => (name.as_str(), ""),
            Lookup::Userhash => continue,
        };
        assert!(!name.is_empty());
        assert!(!name.contains(char::is_control) && !password.contains(char::is_control));
    }
    lookups
}
