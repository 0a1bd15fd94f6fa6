//! Files that Apache's programs write.

use std::{thread, time::Duration};

use crate::support::{
    proxy::Proxy,
    scene::{
        Scene,
        Way::{Basic, Digest},
    },
    user_file::{UserFile, run},
};

/// How long it may take until a change is in force.
const IN_FORCE: Duration = Duration::from_secs(1);

fn text(file: &UserFile) -> String {
    file.path().display().to_string()
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn an_htpasswd_file_lets_its_users_in_and_follows_its_changes() {
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &file.path(), &["alice"], "wonder");
    run("htpasswd", &["-i", "-B", "-C", "5"], &file.path(), &["b\u{f6}b"], "bu\u{ef}lder:x");
    let scene = Scene::new(&["--htpasswd", &text(&file)]);
    scene.lets_in(Basic, "alice:wonder");
    scene.lets_in(Basic, "b\u{f6}b:bu\u{ef}lder:x");
    scene.keeps_out(Basic, "alice:wonder2");
    scene.keeps_out(Basic, "carol:wonder");
    // No Digest is offered.
    scene.keeps_out(Digest, "alice:wonder");

    run("htpasswd", &["-i", "-B", "-C", "5"], &file.path(), &["alice"], "changed");
    thread::sleep(IN_FORCE);
    scene.keeps_out(Basic, "alice:wonder");
    scene.lets_in(Basic, "alice:changed");
    scene.lets_in(Basic, "b\u{f6}b:bu\u{ef}lder:x");
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn a_change_of_the_file_is_in_force_past_the_cache() {
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &file.path(), &["alice"], "wonder");
    let scene = Scene::new(&["--htpasswd", &text(&file), "--cache", "3600"]);
    scene.lets_in(Basic, "alice:wonder");
    scene.keeps_out(Basic, "alice:changed");
    run("htpasswd", &["-i", "-B", "-C", "5"], &file.path(), &["alice"], "changed");
    thread::sleep(IN_FORCE);
    scene.keeps_out(Basic, "alice:wonder");
    scene.lets_in(Basic, "alice:changed");
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn weak_hashes_are_taken_only_where_they_are_allowed() {
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-m"], &file.path(), &["alice"], "wonder");
    let path = text(&file);
    let refused = Proxy::run(&["--htpasswd", &path]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(&path) && stderr.contains("line 1"), "{stderr}");
    assert!(!stderr.contains("$apr1$"), "{stderr}");
    let scene = Scene::new(&["--htpasswd", &path, "--htpasswd-allow", "apr1"]);
    scene.lets_in(Basic, "alice:wonder");
    scene.keeps_out(Basic, "alice:wonder2");
}

#[test]
#[ignore = "needs curl, htdigest"]
fn an_htdigest_file_lets_its_users_in_and_follows_its_changes() {
    let file = UserFile::none();
    run("htdigest", &["-c"], &file.path(), &["proxy", "alice"], "wonder\nwonder\n");
    run("htdigest", &[], &file.path(), &["elsewhere", "bob"], "builder\nbuilder\n");
    let scene = Scene::new(&["--htdigest", &text(&file)]);
    scene.lets_in(Digest, "alice:wonder");
    scene.keeps_out(Digest, "alice:wonder2");
    scene.keeps_out(Digest, "bob:builder");
    // No Basic is offered.
    scene.keeps_out(Basic, "alice:wonder");

    run("htdigest", &[], &file.path(), &["proxy", "alice"], "changed\nchanged\n");
    thread::sleep(IN_FORCE);
    scene.keeps_out(Digest, "alice:wonder");
    scene.lets_in(Digest, "alice:changed");
}

#[test]
#[ignore = "needs curl, htdigest"]
fn an_htdigest_file_without_a_user_of_the_realm_is_a_mistake() {
    let file = UserFile::none();
    run("htdigest", &["-c"], &file.path(), &["elsewhere", "bob"], "builder\nbuilder\n");
    let output = Proxy::run(&["--htdigest", &text(&file), "--realm", "corp proxy"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(&text(&file)) && stderr.contains("corp proxy"), "{stderr}");
}

#[test]
#[ignore = "needs curl"]
fn a_plain_file_serves_both_schemes() {
    let file = UserFile::new("# who may\nalice:wonder\n");
    let scene = Scene::new(&["--users-file", &text(&file), "--user", "bob:builder"]);
    for way in [Basic, Digest] {
        scene.lets_in(way, "alice:wonder");
        scene.lets_in(way, "bob:builder");
        scene.keeps_out(way, "alice:builder");
    }
}

#[test]
#[ignore = "needs curl, htdigest, htpasswd"]
fn each_scheme_has_its_own_file() {
    let (basic, digest) = (UserFile::none(), UserFile::none());
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &basic.path(), &["alice"], "wonder");
    run("htdigest", &["-c"], &digest.path(), &["proxy", "bob"], "builder\nbuilder\n");
    let scene = Scene::new(&["--htpasswd", &text(&basic), "--htdigest", &text(&digest)]);
    scene.lets_in(Basic, "alice:wonder");
    scene.lets_in(Digest, "bob:builder");
    scene.keeps_out(Digest, "alice:wonder");
    scene.keeps_out(Basic, "bob:builder");
}
