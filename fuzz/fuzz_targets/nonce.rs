//! Nonces and nonce-counts: nothing forged is opened, and parse(print(x)) == x.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::{
    Realm,
    clock::Timestamp,
    digest::NonceKey,
    nonce_store::{NonceCount, NonceId},
};

static REALM: LazyLock<Realm> = LazyLock::new(|| Realm::new("proxy").expect("a realm"));
static KEY: LazyLock<NonceKey> = LazyLock::new(|| NonceKey::new(&[7; 32]).expect("a key"));

fuzz_target!(|bytes: &[u8]| {
    if let Some(id) = KEY.open(bytes, &REALM) {
        let again = KEY.seal(&id, &REALM);
        assert_eq!(again.as_str().as_bytes(), bytes, "one nonce has one text");
    }
    if let Some(count) = NonceCount::from_hex(bytes) {
        let printed = count.to_string();
        assert!(printed.as_bytes().eq_ignore_ascii_case(bytes));
        assert_eq!(NonceCount::from_hex(printed.as_bytes()), Some(count));
    }
    if let Some((numbers, rest)) = bytes.split_first_chunk::<24>() {
        check_printing(numbers, rest);
    }
});

/// Seals an id made of `numbers`, opens it, and then forges it with what is left of the input.
fn check_printing(numbers: &[u8; 24], rest: &[u8]) {
    let [issued, node, counter] = [0, 8, 16].map(|start| {
        let number = numbers[start..start + 8].try_into().expect("eight bytes");
        u64::from_be_bytes(number)
    });
    let id = NonceId::new(Timestamp::from_micros(issued), node, counter);
    let nonce = KEY.seal(&id, &REALM);
    assert_eq!(KEY.open(nonce.as_str().as_bytes(), &REALM), Some(id));

    let mut forged = nonce.as_str().as_bytes().to_vec();
    for change in rest.chunks_exact(2) {
        let position = usize::from(change[0]) % forged.len();
        forged[position] = change[1];
    }
    if forged != nonce.as_str().as_bytes() {
        assert_eq!(KEY.open(&forged, &REALM), None);
    }
}
