//! A `Proxy-Authorization` field: no panic, positions that hold, and parse(print(x)) == x.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::grammar::{Credentials, CredentialsBody, split_scheme};
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
