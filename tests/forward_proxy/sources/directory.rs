//! Users in a directory.

use std::{fs, thread, time::Duration};

use crate::support::{
    proxy::Proxy,
    scene::{Scene, Way::Basic},
    slapd::{PEOPLE, SERVICE, Setup},
    user_file::{UserFile, wait_until},
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
fn knows_users_by_the_spelling_of_the_directory() {
    let mail = [("mail", "Alice.Liddell@example.org")];
    let slapd = Setup::new().user_with("alice", "wonder", &mail).start();
    let secret = UserFile::new(SERVICE.1);
    let secret = secret.path().display().to_string();
    let authority = slapd.authority().display().to_string();
    let (tls_url, template) = (slapd.tls_url(), format!("uid={{user}},{PEOPLE}"));
    let searching = options(&tls_url, &authority, &secret);
    let by_mail = |more: &[&str]| {
        let filter = ["--ldap-filter", "(|(uid={user})(mail={user}))"];
        let more = filter.iter().chain(more).map(|&option| option.to_owned());
        searching.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let direct = ["--ldap", &tls_url, "--ldap-ca", &authority, "--ldap-dn", &template];
    let direct: Vec<String> =
        direct.into_iter().chain(["--ldap-ignore-case"]).map(str::to_owned).collect();
    for (options, others) in [
        (by_mail(&["--ldap-ignore-case"]), &["Alice", "alice.liddell@example.org"][..]),
        (direct, &["Alice"]),
    ] {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let scene = Scene::new(&options);
        for name in ["alice"].iter().chain(others) {
            scene.accepts(Basic, &format!("{name}:wonder"));
            scene.refuses(Basic, &format!("{name}:wrong"));
        }
    }
    let options = by_mail(&[]);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let scene = Scene::new(&options);
    scene.accepts(Basic, "alice:wonder");
    scene.refuses(Basic, "Alice:wonder");
    scene.refuses(Basic, "alice.liddell@example.org:wonder");
}

#[test]
#[ignore = "needs curl, slapd"]
fn starts_and_warns_while_the_directory_cannot_be_used() {
    let slapd = Setup::new().user("alice", "wonder").start();
    let [secret, wrong] = [SERVICE.1, "wrong"].map(UserFile::new);
    let [secret, wrong] = [secret, wrong].map(|file| (file.path().display().to_string(), file));
    let authority = slapd.authority().display().to_string();
    let url = slapd.tls_url();
    let missing = |mut options: Vec<String>| {
        let base = options.iter_mut().find(|option| **option == PEOPLE).unwrap();
        *base = "ou=nowhere,dc=example,dc=org".to_owned();
        options
    };
    for (options, cause) in [
        (options(&url, &authority, &wrong.0), "bind: result 49 (invalid credentials)"),
        (missing(options(&url, &authority, &secret.0)), "result 32 (no such object)"),
    ] {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        warns(&Scene::new(&options), &url, cause);
    }
    slapd.kill();
    let options = options(&url, &authority, &secret.0);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let scene = Scene::new(&options);
    warns(&scene, &url, "no connection");
    slapd.restart();
    scene.accepts(Basic, "alice:wonder");
}

/// Waits for the warning about the server at `url`.
#[track_caller]
fn warns(scene: &Scene, url: &str, cause: &str) {
    let start = format!("--ldap: logins may fail at present: {url}: ");
    wait_until(|| {
        let log = scene.proxy.stderr();
        log.lines()
            .any(|line| line.contains("WARN") && line.contains(&start) && line.contains(cause))
    });
}

#[test]
fn names_the_option_of_a_mistake() {
    let secret = UserFile::new(SERVICE.1);
    let secret = secret.path().display().to_string();
    let (ldaps, dn) = ("ldaps://localhost", "uid={user},dc=org");
    let search = |more: &[&'static str]| {
        let first = |option, value| {
            let is_given = more.contains(&option);
            if is_given { Vec::new() } else { vec![option, value] }
        };
        [
            first("--ldap", ldaps),
            first("--ldap-base", "dc=org"),
            first("--ldap-bind-dn", "cn=proxy"),
            more.to_vec(),
        ]
        .concat()
    };
    for (options, message) in [
        (vec!["--ldap", "http://h", "--ldap-dn", dn], "--ldap: \"http://h\" has another scheme"),
        (
            vec!["--ldap", "ldaps://h/o=x", "--ldap-dn", dn],
            "has more than host and port: use --ldap-base and --ldap-filter",
        ),
        (
            vec!["--ldap", "ldap://h", "--ldap-dn", dn],
            "use ldaps://, --ldap-starttls or, on a trusted network, --insecure-ldap-plaintext",
        ),
        (vec!["--ldap", ldaps, "--ldap-dn", "uid=x"], "--ldap-dn: \"uid=x\" has no {user}"),
        (search(&["--ldap-base", "example"]), "--ldap-base: \"example\" has a part without"),
        (search(&["--ldap-filter", "(uid=x)"]), "--ldap-filter: \"(uid=x)\" has no {user}"),
        (search(&["--ldap-name", "u id"]), "--ldap-name: \"u id\" is not an attribute"),
        (search(&["--ldap-bind-dn", "proxy"]), "--ldap-bind-dn: \"proxy\" has a part without"),
        (search(&["--ldap-groups", "member of"]), "--ldap-groups: \"member of\" is not an"),
        (
            search(&["--ldap-groups", "memberOf", "--ldap-required-group", ""]),
            "--ldap-required-group: \"\" is empty",
        ),
    ] {
        let is_search = options.contains(&"--ldap-base");
        let file = ["--ldap-password-file", &secret];
        let options: Vec<&str> =
            options.into_iter().chain(file.into_iter().filter(|_| is_search)).collect();
        let output = Proxy::run(&options);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr} does not contain {message}");
        assert!(!stderr.contains("with_") && !stderr.contains("insecure_"), "{stderr}");
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
