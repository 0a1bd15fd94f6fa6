//! The examples that are a forward proxy in one file.

use tempfile::TempDir;

use crate::{
    curl::{path, trusted_origin},
    support::{certificates, curl::curl, origin::Origin, proxy::Proxy},
};

/// Requests http:// and https:// resources through the proxy.
#[track_caller]
fn forwards(proxy: &Proxy, options: &[&str]) {
    let (plain, (secure, trust)) = (Origin::http(), trusted_origin());
    let get = |user, more: &[&str]| curl(proxy, &[options, &["--proxy-user", user], more].concat());
    for scheme in ["--proxy-basic", "--proxy-digest"] {
        let run = get("alice:wonder", &[scheme, &plain.url("/seen")]);
        assert!(run.text().starts_with("GET /seen HTTP/1.1\n"), "{}", run.log);
        assert!(!run.text().contains("proxy-"), "{}", run.text());

        let post = ["--data", "hello", &plain.url("/length")];
        get("alice:wonder", &[&[scheme][..], &post].concat()).expect("5");
        let tunnel = ["--cacert", path(&trust), &secure.url("/")];
        get("alice:wonder", &[&[scheme][..], &tunnel].concat()).expect("hello");

        for url in [plain.url("/"), secure.url("/")] {
            let run = get("alice:builder", &[scheme, &url]);
            assert_eq!(run.statuses().last(), Some(&407), "{}", run.log);
        }
    }
    assert_eq!((plain.requests(), secure.requests()), (4, 2));
}

#[test]
#[ignore = "needs curl"]
fn the_proxy_on_axum_forwards() {
    forwards(&Proxy::start_example("axum_proxy", &["127.0.0.1:0"]), &[]);
}

#[test]
#[ignore = "needs curl"]
fn the_proxy_on_hyper_forwards() {
    forwards(&Proxy::start_example("hyper_proxy", &["127.0.0.1:0"]), &[]);
}

#[test]
#[ignore = "needs curl"]
fn the_proxy_on_hyper_forwards_over_tls() {
    let folder = TempDir::new().unwrap();
    certificates::write(folder.path(), &["127.0.0.1".to_owned()]);
    let file = |name| folder.path().join(name).display().to_string();
    let (certificate, key) = (file("server.pem"), file("key.pem"));
    let proxy = Proxy::start_example("hyper_proxy", &["127.0.0.1:0", &certificate, &key]);
    forwards(&proxy, &["--proxy-cacert", &file("authority.pem")]);
}
