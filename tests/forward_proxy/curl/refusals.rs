//! Logins that fail.

use crate::{
    proxy_of_alice,
    support::{
        curl::{Head, curl},
        digest::parameter,
        origin::Origin,
    },
};

/// Checks the challenges of a 407.
#[track_caller]
fn check_challenges(answer: &Head) {
    assert_eq!(answer.status(), 407, "{answer:?}");
    let lines = answer.all("proxy-authenticate");
    assert_eq!(lines.len(), 3, "{answer:?}");
    assert!(lines.iter().all(|line| line.len() <= 1024), "{answer:?}");
    let scheme = |line: &str| {
        let (scheme, parameters) = line.split_once(' ').expect("a scheme");
        format!("{scheme} {}", parameter(parameters, "algorithm").unwrap_or_default())
    };
    let schemes: Vec<String> = lines.into_iter().map(scheme).collect();
    assert_eq!(schemes, ["Digest SHA-256", "Digest MD5", "Basic "]);
    assert_eq!(answer.all("cache-control"), ["no-store"]);
    assert_eq!(answer.all("www-authenticate"), [""; 0]);
    assert_eq!(answer.all("content-length").len(), 1);
}

#[test]
#[ignore = "needs curl"]
fn answers_407_without_the_right_password() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&["--user", "bob:builder"]));
    let url = origin.url("/");
    // The number of answers; all but the last are to requests for a challenge.
    let rows: &[(&[&str], usize)] = &[
        (&[], 1),
        (&["--proxy-user", "alice:rabbit", "--proxy-basic"], 1),
        (&["--proxy-user", "alice:rabbit", "--proxy-digest"], 2),
        (&["--proxy-user", "alice:rabbit", "--proxy-anyauth"], 2),
        (&["--proxy-user", "alice:builder", "--proxy-digest"], 2),
        (&["--proxy-user", "alice:", "--proxy-basic"], 1),
        (&["--proxy-user", "alice:", "--proxy-digest"], 2),
        (&["--proxy-user", "Alice:wonder", "--proxy-digest"], 2),
        (&["--proxy-user", "mallory:wonder", "--proxy-basic"], 1),
        (&["--proxy-user", "mallory:wonder", "--proxy-digest"], 2),
        (&["--user", "alice:wonder", "--basic"], 1),
    ];
    for (arguments, answers) in rows {
        let run = curl(&proxy, &[arguments, &[url.as_str()][..]].concat());
        assert_eq!((run.exit, run.answers.len()), (Some(0), *answers), "{}", run.log);
        run.answers.iter().for_each(check_challenges);
        assert!(run.text().starts_with("407 Proxy Authentication Required: "), "{:?}", run.text());
        assert!(!run.log.contains("stale=true"), "{}", run.log);

        // Without its tunnel, curl fails.
        let run = curl(&proxy, &[arguments, &["--proxytunnel", &url][..]].concat());
        assert_ne!(run.exit, Some(0), "{}", run.log);
        assert_eq!(run.answers.len(), *answers, "{}", run.log);
        run.answers.iter().for_each(check_challenges);
        assert_eq!(run.text(), "");
    }
    assert_eq!(origin.requests(), 0);
}

#[test]
#[ignore = "needs curl"]
fn keeps_the_login_at_the_origin() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/seen");
    let both = ["--proxy-user", "alice:wonder", "--proxy-digest", "--user", "bob:builder", &url];
    let run = curl(&proxy, &both);
    run.expect(run.text());
    let seen = run.text();
    assert!(seen.contains("authorization: Basic Ym9iOmJ1aWxkZXI=\n"), "{seen}");
    assert!(!seen.contains("proxy-authorization"), "{seen}");
}
