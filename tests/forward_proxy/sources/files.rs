//! Users in files that Apache's programs write.

use std::{fs, os::unix::fs::symlink, process::Command, thread, time::Duration};

use tower_proxy_auth::backend::password_hash::{HashMethod, hash_password};

use crate::support::{
    proxy::Proxy,
    scene::{
        Scene,
        Way::{Basic, Digest},
    },
    slapd::{PEOPLE, Setup},
    user_file::{UserFile, run},
};

/// A change takes effect within this time.
const IN_FORCE: Duration = Duration::from_secs(1);
/// The same for a file that may be read before it is complete.
const AT_MOST: Duration = Duration::from_secs(2);

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
#[ignore = "needs curl, slapd"]
fn a_user_locked_in_a_file_stays_out_although_a_directory_knows_them() {
    let slapd = Setup::new().user("alice", "wonder").start();
    let (url, template) = (slapd.url(), format!("uid={{user}},{PEOPLE}"));
    let hash = hash_password("wonder", HashMethod::Bcrypt { cost: 5 }).unwrap();
    let file = UserFile::new(format!("alice:{hash}\nbob:{hash}\n"));
    let ldap = ["--ldap", &url, "--insecure-ldap-plaintext", "--ldap-dn", &template];
    let scene = Scene::new(&[&["--htpasswd", &text(&file), "--cache", "3600"][..], &ldap].concat());
    scene.accepts(Basic, "alice:wonder");
    file.replace(format!("alice:!{hash}\nbob:{hash}\n"));
    thread::sleep(IN_FORCE);
    scene.refuses(Basic, "alice:wonder");
    file.replace(format!("bob:{hash}\n"));
    thread::sleep(IN_FORCE);
    scene.accepts(Basic, "alice:wonder");
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

/// A yescrypt hash of the default cost.
fn mkpasswd(password: &str) -> String {
    let output = Command::new("mkpasswd").args(["-m", "yescrypt", password]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs curl, mkpasswd, sed"]
fn accepts_yescrypt_after_an_edit_by_sed() {
    let file = UserFile::new(format!("alice:{}", mkpasswd("wonder")));
    let scene = Scene::new(&["--htpasswd", &text(&file)]);
    scene.accepts(Basic, "alice:wonder");
    scene.refuses(Basic, "alice:wonder2");
    scene.refuses(Basic, "carol:wonder");

    let edit = format!("s|^alice:.*|alice:{}|", mkpasswd("changed").trim_end());
    run("sed", &["-i", &edit], &file.path(), &[], "");
    thread::sleep(AT_MOST);
    scene.refuses(Basic, "alice:wonder");
    scene.accepts(Basic, "alice:changed");
}

/// A volume of Kubernetes: the file is a link into a folder, which is itself a link that is
/// replaced.
#[test]
#[ignore = "needs curl, mkpasswd"]
fn follows_the_links_of_a_kubernetes_volume() {
    let file = UserFile::none();
    let folder = file.path().parent().unwrap().to_owned();
    for (version, password) in [("..1", "wonder"), ("..2", "changed")] {
        fs::create_dir(folder.join(version)).unwrap();
        let text = format!("alice:{}", mkpasswd(password));
        fs::write(folder.join(version).join("users"), text).unwrap();
    }
    symlink("..1", folder.join("..data")).unwrap();
    symlink("..data/users", file.path()).unwrap();
    let scene = Scene::new(&["--htpasswd", &text(&file), "--cache", "3600"]);
    scene.accepts(Basic, "alice:wonder");
    scene.refuses(Basic, "alice:changed");

    symlink("..2", folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    fs::remove_dir_all(folder.join("..1")).unwrap();
    thread::sleep(AT_MOST);
    scene.refuses(Basic, "alice:wonder");
    scene.accepts(Basic, "alice:changed");
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn bcrypt_covers_72_bytes_and_more_by_option() {
    let (exact, longer) = ("a".repeat(72), format!("alice:{}", "a".repeat(73)));
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &file.path(), &["alice"], &exact);
    let path = text(&file);
    let scene = Scene::new(&["--htpasswd", &path]);
    scene.accepts(Basic, &format!("alice:{exact}"));
    scene.refuses(Basic, &longer);
    let stderr = scene.proxy.stderr();
    assert!(stderr.contains("password-too-long") && !stderr.contains(&exact), "{stderr}");
    let scene = Scene::new(&["--htpasswd", &path, "--allow-bcrypt-truncation"]);
    scene.accepts(Basic, &longer);
    scene.refuses(Basic, &format!("alice:{}b", &exact[1..]));
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn accepts_an_empty_password_only_by_option() {
    let file = UserFile::none();
    run("htpasswd", &["-b", "-c", "-B", "-C", "5"], &file.path(), &["alice", ""], "");
    let path = text(&file);
    Scene::new(&["--htpasswd", &path]).refuses(Basic, "alice:");
    let scene = Scene::new(&["--htpasswd", &path, "--allow-empty-passwords"]);
    scene.accepts(Basic, "alice:");
    scene.refuses(Basic, "alice:wonder");
    scene.refuses(Basic, "carol:");
}

#[test]
#[ignore = "needs curl, htpasswd"]
fn warns_of_hashes_that_differ_in_cost() {
    let file = UserFile::none();
    run("htpasswd", &["-i", "-c", "-B", "-C", "5"], &file.path(), &["alice"], "wonder");
    let scene = Scene::new(&["--htpasswd", &text(&file)]);
    scene.accepts(Basic, "alice:wonder");
    assert!(!scene.proxy.stderr().contains("differs in cost"), "{}", scene.proxy.stderr());
    run("htpasswd", &["-i", "-B", "-C", "6"], &file.path(), &["bob"], "builder");
    thread::sleep(IN_FORCE);
    scene.accepts(Basic, "alice:wonder");
    scene.accepts(Basic, "bob:builder");
    let stderr = scene.proxy.stderr();
    let warning = "line 2: its hash (bcrypt, cost 6) differs in cost from that in line 1 (bcrypt, \
                   cost 5): response times can show which users exist";
    assert_eq!(stderr.matches(warning).count(), 1, "{stderr}");
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
