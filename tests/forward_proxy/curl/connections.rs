//! Several requests in one run.

use crate::{
    proxy_of_alice,
    support::{curl::curl, digest::parameter, origin::Origin},
};

const ALICE: [&str; 3] = ["--proxy-user", "alice:wonder", "--proxy-digest"];

/// Nonce and nonce-count of all credentials of a run.
fn nonces<'a>(credentials: &[&'a str]) -> Vec<(String, String)> {
    let needed = |line: &'a str, name| {
        let parameters = line.strip_prefix("Digest ").expect("Digest");
        parameter(parameters, name).unwrap_or_else(|| panic!("no {name} in {line}"))
    };
    credentials.iter().map(|line| (needed(line, "nonce"), needed(line, "nc"))).collect()
}

#[test]
#[ignore = "needs curl"]
fn serves_several_urls_on_one_connection() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/");
    let run = curl(&proxy, &[&ALICE[..], &[url.as_str(); 4]].concat());
    run.expect("hellohellohellohello");
    // curl requests a challenge before each transfer.
    assert_eq!(run.statuses().iter().filter(|status| **status == 200).count(), 4, "{}", run.log);
    assert_eq!(run.connections, 1, "{}", run.log);
}

#[test]
#[ignore = "needs curl"]
fn accepts_the_next_nonce_count_within_a_transfer() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let run = curl(&proxy, &[&ALICE[..], &["--location", &origin.url("/moved")]].concat());
    run.expect("hello");
    assert_eq!(run.statuses(), [407, 302, 200], "{}", run.log);
    let nonces = nonces(&run.credentials());
    let [(first, one), (second, two)] = nonces.as_slice() else { panic!("{nonces:?}") };
    assert_eq!((one.as_str(), two.as_str()), ("00000001", "00000002"));
    assert_eq!(first, second, "the nonce is the same");
    assert_eq!(run.connections, 1, "{}", run.log);
}

#[test]
#[ignore = "needs curl"]
fn lets_curl_renew_an_expired_nonce_silently() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&["--nonce-lifetime", "1"]));
    let run = curl(&proxy, &[&ALICE[..], &["--location", &origin.url("/moved-late")]].concat());
    run.expect("hello");
    let stale = run.answers.iter().filter(|answer| {
        let lines = answer.all("proxy-authenticate");
        lines.iter().any(|line| parameter(line, "stale").as_deref() == Some("true"))
    });
    let stale: Vec<u16> = stale.map(|answer| answer.status()).collect();
    assert!(!stale.is_empty() && stale.iter().all(|status| *status == 407), "{}", run.log);
    let nonces = nonces(&run.credentials());
    assert_ne!(nonces.first().expect("some").0, nonces.last().expect("some").0);
}

#[test]
#[ignore = "needs curl"]
fn authenticates_each_tunnel() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let other = Origin::http();
    let urls = [origin.url("/"), other.url("/")];
    let run = curl(&proxy, &[&ALICE[..], &["--proxytunnel", &urls[0], &urls[1]]].concat());
    run.expect("hellohello");
    let connects = run.credentials();
    assert_eq!(connects.len(), 2, "{}", run.log);
    for (line, origin) in connects.iter().zip([&origin, &other]) {
        assert_eq!(parameter(line, "uri"), Some(origin.address().to_string()));
    }
}
