//! A `Proxy-Authorization` field: no panic, positions that hold, and parse(print(x)) == x. What can
//! be Basic or Digest credentials is read as such.

#![no_main]

use http::{HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::{
    HashedA1,
    grammar::{Credentials, CredentialsBody, split_scheme},
    wire::basic::{Reading, UserPass},
};
use tower_proxy_auth_fuzz::{Shape, check_error};

fuzz_target!(|field: &[u8]| {
    let credentials = match Credentials::parse(field) {
        Ok(credentials) => credentials,
        Err(error) => {
            assert_eq!(split_scheme(field).expect_err("the same error"), error);
            return check_error(field, error);
        }
    };
    let split = split_scheme(field).expect("it has a scheme");
    assert_eq!(credentials.scheme(), split.scheme);
    assert_eq!(credentials.body_position(), split.rest_position);
    assert_eq!(&field[split.rest_position..][..split.rest.len()], split.rest);
    if let CredentialsBody::Token68(token68) = credentials.body() {
        assert_eq!(token68, split.rest);
    }

    check_basic(split.rest);
    check_digest(field, split.rest_position);

    let mut printed = Vec::new();
    let written = credentials.write_to(&mut printed);
    match Shape::of(field, credentials.body()) {
        Ok(shape) => {
            written.expect("what can be read can be printed");
            let again = Credentials::parse(&printed).expect("what was printed can be read");
            assert_eq!(again.scheme(), credentials.scheme());
            assert_eq!(Shape::of(&printed, again.body()), Ok(shape));
            let mut twice = Vec::new();
            again.write_to(&mut twice).expect("what can be read can be printed");
            assert_eq!(twice, printed);
        }
        Err(error) => {
            assert_eq!(written, Err(error));
            assert!(printed.is_empty());
            check_error(field, error);
        }
    }
});

/// Whatever is taken for a user-id and a password can be one.
fn check_basic(encoded: &[u8]) {
    let mut lenient = Reading::default();
    (lenient.latin1, lenient.nfc) = (true, true);
    for reading in [Reading::default(), lenient] {
        if let Ok(user_pass) = UserPass::decode(encoded, &reading) {
            let (user_id, password) = (user_pass.user_id(), user_pass.password());
            assert!(!user_id.is_empty() && !user_id.contains(':') && !password.is_empty());
            assert!(!user_id.chars().chain(password.chars()).any(char::is_control));
        }
    }
}

/// A response is never that of a secret that nobody used.
fn check_digest(field: &[u8], position: usize) {
    let Ok(field) = HeaderValue::from_bytes(field) else { return };
    if let Ok(credentials) = tower_proxy_auth::wire::digest::Credentials::parse(field, position, 32)
    {
        let function = credentials.algorithm().hash_function();
        let ha1 = HashedA1::new(function, "nobody", "nowhere", "nothing");
        assert!(!credentials.prove(&ha1, &Method::GET));
    }
}
