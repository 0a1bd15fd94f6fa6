//! Users in files that Apache's programs write.

use std::{fs, thread, time::Duration};

use crate::support::{
    proxy::Proxy,
    scene::{
        Scene,
        Way::{Basic, Digest},
    },
    user_file::{UserFile, run},
};

/// A change takes effect within this time.
const IN_FORCE: Duration = Duration::from_secs(1);

fn text(file: &UserFile) -> String {
    file.path().display().to_string()
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn accepts_users_of_an_htpasswd_file_as_it_changes() {
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &file.path(), &["alice"], "wonder");
    run("htpasswd", &["-i", "-B", "-C", "5"], &file.path(), &["b\u{f6}b"], "bu\u{ef}lder:x");
    let scene = Scene::new(&["--htpasswd", &text(&file)]);
    scene.accepts(Basic, "alice:wonder");
    scene.accepts(Basic, "b\u{f6}b:bu\u{ef}lder:x");
    scene.refuses(Basic, "alice:wonder2");
    scene.refuses(Basic, "carol:wonder");
    // No Digest is offered.
    scene.refuses(Digest, "alice:wonder");

    run("htpasswd", &["-i", "-B", "-C", "5"], &file.path(), &["alice"], "changed");
    thread::sleep(IN_FORCE);
    scene.refuses(Basic, "alice:wonder");
    scene.accepts(Basic, "alice:changed");
    scene.accepts(Basic, "b\u{f6}b:bu\u{ef}lder:x");
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn applies_a_change_of_the_file_despite_a_cache() {
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &file.path(), &["alice"], "wonder");
    let scene = Scene::new(&["--htpasswd", &text(&file), "--cache", "3600"]);
    scene.accepts(Basic, "alice:wonder");
    scene.refuses(Basic, "alice:changed");
    run("htpasswd", &["-i", "-B", "-C", "5"], &file.path(), &["alice"], "changed");
    thread::sleep(IN_FORCE);
    scene.refuses(Basic, "alice:wonder");
    scene.accepts(Basic, "alice:changed");
}

/// One edit locks alice and gives bob a new password. Then the last users are removed.
#[test]
#[ignore = "needs curl, htpasswd"]
fn a_locked_user_stays_out_while_the_rest_of_the_file_takes_effect() {
    let file = UserFile::none();
    let set = |options: &[&str], name, password| {
        let options = [&["-i", "-B", "-C", "5"], options].concat();
        run("htpasswd", &options, &file.path(), &[name], password);
    };
    set(&["-c"], "alice", "wonder");
    set(&[], "bob", "builder");
    let scene = Scene::new(&["--htpasswd", &text(&file), "--cache", "3600"]);
    scene.accepts(Basic, "alice:wonder");
    scene.accepts(Basic, "bob:builder");

    let before = fs::read_to_string(file.path()).unwrap();
    set(&[], "bob", "new");
    let after = fs::read_to_string(file.path()).unwrap();
    file.replace(before);
    file.replace(after.replace("alice:", "alice:!"));
    thread::sleep(IN_FORCE);
    scene.refuses(Basic, "alice:wonder");
    scene.accepts(Basic, "bob:new");
    scene.refuses(Basic, "bob:builder");
    let stderr = scene.proxy.stderr();
    assert!(stderr.contains("line 1: the user \"alice\""), "{stderr}");

    for name in ["alice", "bob"] {
        run("htpasswd", &["-D"], &file.path(), &[name], "");
    }
    thread::sleep(IN_FORCE);
    scene.refuses(Basic, "alice:wonder");
    scene.refuses(Basic, "bob:new");
    assert!(scene.proxy.stderr().contains("it has no user"));
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn accepts_weak_hashes_only_by_option() {
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-m"], &file.path(), &["alice"], "wonder");
    let path = text(&file);
    let scene = Scene::new(&["--htpasswd", &path]);
    scene.refuses(Basic, "alice:wonder");
    let stderr = scene.proxy.stderr();
    assert!(stderr.contains(&path) && stderr.contains("line 1"), "{stderr}");
    assert!(!stderr.contains("$apr1$"), "{stderr}");
    let scene = Scene::new(&["--htpasswd", &path, "--htpasswd-allow", "apr1"]);
    scene.accepts(Basic, "alice:wonder");
    scene.refuses(Basic, "alice:wonder2");
}

#[test]
#[ignore = "needs curl, htdigest"]
fn accepts_users_of_an_htdigest_file_as_it_changes() {
    let file = UserFile::none();
    run("htdigest", &["-c"], &file.path(), &["proxy", "alice"], "wonder\nwonder\n");
    run("htdigest", &[], &file.path(), &["elsewhere", "bob"], "builder\nbuilder\n");
    let scene = Scene::new(&["--htdigest", &text(&file)]);
    scene.accepts(Digest, "alice:wonder");
    scene.refuses(Digest, "alice:wonder2");
    scene.refuses(Digest, "bob:builder");
    // No Basic is offered.
    scene.refuses(Basic, "alice:wonder");

    run("htdigest", &[], &file.path(), &["proxy", "alice"], "changed\nchanged\n");
    thread::sleep(IN_FORCE);
    scene.refuses(Digest, "alice:wonder");
    scene.accepts(Digest, "alice:changed");
}

#[test]
#[ignore = "needs curl, htdigest"]
fn rejects_an_htdigest_file_without_users_of_the_realm() {
    let file = UserFile::none();
    run("htdigest", &["-c"], &file.path(), &["elsewhere", "bob"], "builder\nbuilder\n");
    let output = Proxy::run(&["--htdigest", &text(&file), "--realm", "corp proxy"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(&text(&file)) && stderr.contains("corp proxy"), "{stderr}");
}

#[test]
#[ignore = "needs curl"]
fn serves_both_schemes_from_a_plain_file() {
    let file = UserFile::new("# users\nalice:wonder\n");
    let scene = Scene::new(&["--users-file", &text(&file), "--user", "bob:builder"]);
    for way in [Basic, Digest] {
        scene.accepts(way, "alice:wonder");
        scene.accepts(way, "bob:builder");
        scene.refuses(way, "alice:builder");
    }
}

#[test]
#[ignore = "needs curl, htdigest, htpasswd"]
fn serves_each_scheme_from_its_own_file() {
    let (basic, digest) = (UserFile::none(), UserFile::none());
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &basic.path(), &["alice"], "wonder");
    run("htdigest", &["-c"], &digest.path(), &["proxy", "bob"], "builder\nbuilder\n");
    let scene = Scene::new(&["--htpasswd", &text(&basic), "--htdigest", &text(&digest)]);
    scene.accepts(Basic, "alice:wonder");
    scene.accepts(Digest, "bob:builder");
    scene.refuses(Digest, "alice:wonder");
    scene.refuses(Basic, "bob:builder");
}
