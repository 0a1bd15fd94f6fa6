//! Users in a directory.

use std::{fs, thread, time::Duration};

use crate::support::{
    scene::{Scene, Way::Basic},
    slapd::{PEOPLE, SERVICE, Setup},
    user_file::UserFile,
};

fn options(url: &str, authority: &str, secret: &str) -> Vec<String> {
    let options = [
        ["--ldap", url],
        ["--ldap-ca", authority],
        ["--ldap-base", PEOPLE],
        ["--ldap-bind-dn", SERVICE.0],
        ["--ldap-password-file", secret],
    ];
    options.concat().into_iter().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs curl, slapd"]
fn accepts_users_of_a_directory_as_it_changes() {
    let slapd = Setup::new().user("alice", "wonder").start();
    let secret = UserFile::new(SERVICE.1);
    let secret = secret.path().display().to_string();
    let authority = slapd.authority().display().to_string();
    let (url, tls_url) = (slapd.url(), slapd.tls_url());
    let template = format!("uid={{user}},{PEOPLE}");
    let mut start_tls = options(&url, &authority, &secret);
    start_tls.push("--ldap-starttls".to_owned());
    let direct = ["--ldap", &tls_url, "--ldap-ca", &authority, "--ldap-dn", &template];
    let plain = ["--ldap", &url, "--insecure-ldap-plaintext", "--ldap-dn", &template];
    for options in [
        options(&tls_url, &authority, &secret),
        start_tls,
        direct.map(str::to_owned).to_vec(),
        plain.map(str::to_owned).to_vec(),
    ] {
        slapd.set_password("alice", "wonder");
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let scene = Scene::new(&options);
        scene.accepts(Basic, "alice:wonder");
        scene.refuses(Basic, "alice:wonder2");
        scene.refuses(Basic, "carol:wonder");
        scene.refuses(Basic, "*:wonder");
        slapd.set_password("alice", "changed");
        scene.refuses(Basic, "alice:wonder");
        scene.accepts(Basic, "alice:changed");
    }
}

#[test]
#[ignore = "needs curl, slapd"]
fn answers_503_while_the_directory_is_down() {
    let slapd = Setup::new().user("alice", "wonder").start();
    let secret = UserFile::none();
    fs::write(secret.path(), format!("{}\n", SERVICE.1)).unwrap();
    let secret = secret.path().display().to_string();
    let authority = slapd.authority().display().to_string();
    let options = options(&slapd.tls_url(), &authority, &secret);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let scene = Scene::new(&options);
    scene.accepts(Basic, "alice:wonder");
    slapd.kill();
    for user_pass in ["alice:wonder", "alice:wrong", "carol:wonder"] {
        let answer = scene.curl(Basic, user_pass).answers.pop().unwrap();
        assert_eq!(answer.status(), 503, "{user_pass}");
        assert_eq!(answer.all("retry-after").len(), 1, "{user_pass}");
        assert!(answer.all("proxy-authenticate").is_empty(), "{user_pass}");
    }
    slapd.restart();
    thread::sleep(Duration::from_secs(5));
    scene.accepts(Basic, "alice:wonder");
    scene.refuses(Basic, "alice:wrong");
}
