//! User names that curl must escape or encode.

use crate::support::{curl::curl, origin::Origin, proxy::Proxy};

#[test]
#[ignore = "needs curl"]
fn accepts_names_and_passwords_of_all_kinds() {
    const USERS: &[(&str, &str)] = &[
        ("Jürgen Öl", "pässword"),
        ("李 明", "密码:密码"),
        ("two words", " blanks around "),
        ("\"quoted\"", "\"quotes\""),
        ("back\\slash", "back\\\\slashes\\"),
        ("DOMAIN\\user\"", "x"),
        ("100%", "50%"),
        ("comma, equals=", "semi;colon"),
        ("customer-USER-country-jp", "a:b:c"),
    ];
    let users: Vec<String> =
        USERS.iter().map(|(name, password)| format!("{name}:{password}")).collect();
    let options: Vec<&str> = users.iter().flat_map(|user| ["--user", user]).collect();
    let (origin, proxy) = (Origin::http(), Proxy::start(&options));
    let url = origin.url("/");
    for user in &users {
        // libcurl percent-decodes this argument.
        let user = &user.replace('%', "%25");
        for way in ["--proxy-basic", "--proxy-digest"] {
            let run = curl(&proxy, &["--proxy-user", user, way, &url]);
            run.expect("hello");
            let run = curl(&proxy, &["--proxy-user", user, way, "--proxytunnel", &url]);
            run.expect("hello");
            let run = curl(&proxy, &["--proxy-user", &format!("{user}x"), way, &url]);
            assert_eq!(run.statuses().last(), Some(&407), "{}", run.log);
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn reads_an_escape_in_a_name_literally() {
    let (origin, proxy) = (Origin::http(), Proxy::start(&["--user", "per%20cent:%41"]));
    let url = origin.url("/");
    // Not with Digest: curl 7.88 decodes again when it answers the challenge.
    let run = curl(&proxy, &["--proxy-user", "per%2520cent:%2541", "--proxy-basic", &url]);
    run.expect("hello");
    let run = curl(&proxy, &["--proxy-user", "per%20cent:%41", "--proxy-basic", &url]);
    assert_eq!(run.statuses(), [407], "{}", run.log);
}

#[test]
#[ignore = "needs curl"]
fn keeps_names_apart_that_differ_in_escapes() {
    let origin = Origin::http();
    let url = origin.url("/");
    let proxy = Proxy::start(&["--user", "a\\b:wonder", "--user", "Ä:wonder"]);
    for other in ["a\\\\b:wonder", "a/b:wonder", "A\u{308}:wonder", "ä:wonder"] {
        for way in ["--proxy-basic", "--proxy-digest"] {
            let run = curl(&proxy, &["--proxy-user", other, way, &url]);
            assert_eq!(run.statuses().last(), Some(&407), "{other} {way}: {}", run.log);
        }
    }
    assert_eq!(origin.requests(), 0);
}
