//! A flood of guesses at a file, and users of a directory behind it.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use tower_proxy_auth::backend::password_hash::{HashMethod, hash_password};

use crate::support::{
    scene::{Scene, Way::Basic},
    slapd::{PEOPLE, Setup},
    user_file::UserFile,
    wire::{Wire, basic},
};

const GUESSERS: usize = 80;
/// Several times as long as a verdict is kept, and longer than a check may wait for its turn.
const FLOOD: Duration = Duration::from_secs(13);
const KEPT: Duration = Duration::from_secs(2);

/// Sends wrong passwords over its own connection, until it is stopped.
fn guess(scene: &Scene, guesser: usize, is_over: &AtomicBool, overloaded: &AtomicUsize) {
    for guess in 0.. {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let mut wire = Wire::connect(scene.proxy.address());
        let head = "GET http://127.0.0.1:9/ HTTP/1.1\nHost: 127.0.0.1:9";
        match wire.login(head, &basic(format!("guest:{guesser}-{guess}"))).status {
            407 => {}
            503 => {
                overloaded.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
            }
            other => panic!("{other} for a guess"),
        }
    }
}

#[test]
#[ignore = "needs curl, slapd"]
fn regression_guesses_at_a_file_do_not_lock_out_users_of_a_directory() {
    let slapd = Setup::new().user("alice", "wonder").user("bob", "builder").start();
    let hash = hash_password("welcome", HashMethod::Bcrypt { cost: 12 }).unwrap();
    let file = UserFile::new(format!("guest:{hash}\n"));
    let (file, template) = (file.path().display().to_string(), format!("uid={{user}},{PEOPLE}"));
    let url = slapd.url();
    let (htpasswd, cache) = (["--htpasswd", &file], ["--cache", "2"]);
    let ldap = ["--ldap", &url, "--insecure-ldap-plaintext", "--ldap-dn", &template];
    let no_throttle = ["--max-failures", "0"];
    let scene = Scene::new(&[&htpasswd[..], &ldap, &cache, &no_throttle].concat());
    scene.accepts(Basic, "alice:wonder");
    scene.accepts(Basic, "bob:builder");
    slapd.delete("bob");
    let removed = Instant::now();
    let (is_over, overloaded) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for guesser in 0..GUESSERS {
            let (scene, is_over, overloaded) = (&scene, &is_over, &overloaded);
            scope.spawn(move || guess(scene, guesser, is_over, overloaded));
        }
        while removed.elapsed() < FLOOD {
            let alice = scene.curl(Basic, "alice:wonder").statuses().pop();
            let is_expired = removed.elapsed() > KEPT;
            let bob = scene.curl(Basic, "bob:builder").statuses().pop();
            if alice != Some(200) || (is_expired && bob == Some(200)) {
                is_over.store(true, Ordering::SeqCst);
                panic!("after {:?}: {alice:?} for alice, {bob:?} for bob", removed.elapsed());
            }
        }
        is_over.store(true, Ordering::SeqCst);
    });
    assert!(overloaded.load(Ordering::SeqCst) > 0, "no guess waited for too long");
}
