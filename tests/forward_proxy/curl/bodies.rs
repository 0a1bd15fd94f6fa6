//! Requests with a body.

use super::{path, trusted_origin};
use crate::{
    proxy_of_alice,
    support::{curl::curl_with_input, origin::Origin},
};

const BODY: usize = 5 * 1024 * 1024;

/// Bytes without repetition.
fn body() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    (0..BODY / 4).flat_map(|_| next()).collect()
}

#[test]
#[ignore = "needs curl"]
fn delivers_every_byte_exactly_once() {
    let body = body();
    for way in ["--proxy-basic", "--proxy-digest", "--proxy-anyauth"] {
        let (http, (https, certificate)) = (Origin::http(), trusted_origin());
        let proxy = proxy_of_alice(&[]);
        for origin in [&http, &https] {
            for expect in ["Expect:", "Expect: 100-continue"] {
                let before = origin.requests();
                let url = origin.url("/echo");
                let arguments = [
                    "--proxy-user",
                    "alice:wonder",
                    way,
                    "--cacert",
                    path(&certificate),
                    "--header",
                    expect,
                    "--data-binary",
                    "@-",
                    &url,
                ];
                let run = curl_with_input(&proxy, &arguments, &body);
                let status = run.statuses().pop();
                assert_eq!((run.exit, status), (Some(0), Some(200)), "{}", run.log);
                assert!(run.body == body, "{way} {expect} {url}: {} bytes", run.body.len());
                assert_eq!(origin.requests() - before, 1, "{way} {expect} {url}");
            }
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn does_not_ask_for_the_body_of_a_refused_request() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/length");
    let body = body();
    for user in [&[][..], &["--proxy-user", "alice:rabbit", "--proxy-basic"]] {
        // After a second without an answer, curl would send the body anyway.
        let arguments = ["--expect100-timeout", "20", "--data-binary", "@-", &url];
        let run = curl_with_input(&proxy, &[user, &arguments].concat(), &body);
        assert_eq!(run.requests[0].all("expect"), ["100-continue"], "{}", run.log);
        assert_eq!(run.statuses(), [407], "{}", run.log);
        assert_eq!(run.exit, Some(0));
        assert!(run.text().starts_with("407 Proxy Authentication Required: "));
    }
    assert_eq!(origin.requests(), 0);
}

#[test]
#[ignore = "needs curl"]
fn lets_curl_read_the_407_while_it_sends_the_body() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/length");
    for user in [&[][..], &["--proxy-user", "alice:rabbit", "--proxy-basic"]] {
        let arguments = ["--header", "Expect:", "--data-binary", "@-", &url];
        let run = curl_with_input(&proxy, &[user, &arguments].concat(), &body());
        assert_eq!((run.exit, run.statuses()), (Some(0), vec![407]), "{}", run.log);
        assert!(run.text().starts_with("407 Proxy Authentication Required: "), "{}", run.log);
        assert_eq!(run.answers[0].all("connection"), ["close"]);
    }
    assert_eq!(origin.requests(), 0);
}
