//! Nonces and nonce-counts, under a right response: a forged nonce is never accepted, and a count
//! is eight hex digits other than zeros.

#![no_main]

use std::sync::LazyLock;

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use md5::{Digest, Md5};
use tower_proxy_auth::Reason;
use tower_proxy_auth_fuzz::{HA1, Proxy, REALM};

static PROXY: LazyLock<Proxy> =
    LazyLock::new(|| Proxy::new(|auth| auth, |basic| basic, |digest| digest));
static NONCE: LazyLock<String> = LazyLock::new(|| PROXY.nonce());

fuzz_target!(|bytes: &[u8]| {
    // libFuzzer finds the genuine nonce by itself.
    for nonce in [bytes, &forged(bytes)] {
        if nonce != NONCE.as_bytes() {
            refuse(nonce, b"00000001", Reason::NonceUnknown);
        }
    }
    let is_count = bytes.len() == 8 && bytes.iter().all(u8::is_ascii_hexdigit);
    let is_allowed = is_count && bytes != b"00000000";
    let reason = if is_allowed { Reason::NonceUnknown } else { Reason::ImproperParameter };
    refuse(b"unknown", bytes, reason);
});

/// Changes the bytes of the genuine nonce: each pair in `changes` is a position and a byte.
fn forged(changes: &[u8]) -> Vec<u8> {
    let mut forged = NONCE.clone().into_bytes();
    for change in changes.chunks_exact(2) {
        let position = usize::from(change[0]) % forged.len();
        forged[position] = change[1];
    }
    forged
}

/// Sends credentials with a right response, which must be refused for this reason. Bytes that a
/// field cannot contain are skipped.
fn refuse(nonce: &[u8], count: &[u8], expected: Reason) {
    let a2 = hash(b"GET:/");
    let parts = [HA1.as_bytes(), b":", nonce, b":", count, b":c:auth:", a2.as_bytes()];
    let response = hash(&parts.concat());
    let field = [
        b"Digest username=nobody, uri=\"/\", algorithm=MD5, qop=auth, cnonce=c, realm=",
        REALM.as_bytes(),
        b", nonce=\"",
        &escaped(nonce),
        b"\", nc=\"",
        &escaped(count),
        b"\", response=",
        response.as_bytes(),
    ];
    let Ok(field) = HeaderValue::from_bytes(&field.concat()) else { return };
    let (reason, _) = PROXY.send(field);
    assert!(reason == expected || reason == Reason::FieldTooLong, "{reason}, not {expected}");
}

fn escaped(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|&byte| [b'\\', byte]).collect()
}

fn hash(text: &[u8]) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
