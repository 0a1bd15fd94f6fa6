//! A `Proxy-Authenticate` field line: no panic, positions that hold, and parse(print(x)) == x, of
//! each challenge and of the whole list.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::grammar::{Challenge, Challenges};
use tower_proxy_auth_fuzz::{Shape, check_error};

fuzz_target!(|field: &[u8]| {
    let mut challenges = Challenges::new(field);
    let mut read = Vec::new();
    let mut printed = Vec::new();
    while let Some(challenge) = challenges.next() {
        let challenge = match challenge {
            Ok(challenge) => challenge,
            Err(error) => {
                check_error(field, error);
                assert!(challenges.next().is_none(), "not fused");
                break;
            }
        };
        let shape = shape(field, &challenge);
        assert_eq!(&field[challenge.position()..][..shape.0.len()], shape.0);

        let mut alone = Vec::new();
        challenge.write_to(&mut alone);
        assert_eq!(read_list(&alone), [shape]);
        if !printed.is_empty() {
            printed.extend_from_slice(b", ");
        }
        printed.extend_from_slice(&alone);
        read.push(self::shape(field, &challenge));
    }
    assert_eq!(read_list(&printed), read);
});

fn read_list(field: &[u8]) -> Vec<(Vec<u8>, Shape)> {
    Challenges::new(field)
        .map(|challenge| shape(field, &challenge.expect("what was printed can be read")))
        .collect()
}

fn shape(field: &[u8], challenge: &Challenge<'_>) -> (Vec<u8>, Shape) {
    let body = Shape::of(field, challenge.body()).expect("the challenge was read to its end");
    (challenge.scheme().to_vec(), body)
}
