//! Guessed passwords: one guesser is limited, and its victim is not; many guessers at once do not
//! keep a new user waiting.
//!
//! The clients have addresses of their own in 127.0.0.0/8.

#[cfg(all(feature = "cached", feature = "htpasswd"))]
use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use tokio::net::TcpSocket;

use crate::{
    proxy_of_alice,
    support::{
        origin::Origin,
        proxy::Proxy,
        user_file::wait_until,
        wire::{Wire, basic},
    },
};

const VICTIM: &str = "alice:wonder";

/// The loopback address that ends with this number.
fn peer(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, number)
}

/// A connection from a loopback address.
fn connect(from: Ipv4Addr, to: SocketAddr) -> Wire {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream: TcpStream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    Wire::new(stream)
}

/// The status of one request on a connection of its own.
fn login(proxy: &Proxy, origin: &Origin, from: Ipv4Addr, user_pass: &str) -> u16 {
    let mut wire = connect(from, proxy.address());
    login_on(&mut wire, origin, user_pass)
}

fn login_on(wire: &mut Wire, origin: &Origin, user_pass: &str) -> u16 {
    let url = origin.url("/hello");
    let host = url.split('/').nth(2).unwrap_or_default();
    let head = format!("GET {url} HTTP/1.1\nHost: {host}");
    wire.login(&head, &basic(user_pass)).status
}

#[test]
fn a_guesser_is_limited_and_its_victim_gets_in() {
    const MAX: usize = 20;
    let (proxy, origin) = (proxy_of_alice(&["--max-failures", "20"]), Origin::http());
    let start = Instant::now();
    let mut checked = 0;
    for number in 0..600 {
        match login(&proxy, &origin, peer(2), &format!("alice:guess {number}")) {
            407 => checked += 1,
            429 => {}
            other => panic!("{other} for a guess"),
        }
        // 200 guesses a second.
        thread::sleep(Duration::from_millis(5 * number).saturating_sub(start.elapsed()));
    }
    assert_eq!(checked, MAX);
    assert!(start.elapsed() < Duration::from_secs(50), "{:?}", start.elapsed());
    assert_eq!(login(&proxy, &origin, peer(2), VICTIM), 429, "a stranger at this address");
    assert_eq!(login(&proxy, &origin, peer(3), VICTIM), 200, "from another address");
    assert_eq!(login(&proxy, &origin, peer(2), VICTIM), 200, "proved credentials");
    wait_until(|| proxy.stderr().contains("reason=\"too-many-failures\""));
}

#[test]
fn programs_that_repeat_a_wrong_password_are_not_limited() {
    let (proxy, origin) = (proxy_of_alice(&[]), Origin::http());
    // apt tries 9 times, Java 7 times, npm over several connections at once.
    for _ in 0..9 + 7 {
        assert_eq!(login(&proxy, &origin, peer(2), "alice:wrong"), 407);
    }
    thread::scope(|scope| {
        for _ in 0..15 {
            scope.spawn(|| assert_eq!(login(&proxy, &origin, peer(2), "alice:wrong"), 407));
        }
    });
    assert_eq!(login(&proxy, &origin, peer(2), VICTIM), 200);
    // A browser starts with up to 32 connections.
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| assert_eq!(login(&proxy, &origin, peer(4), VICTIM), 200));
        }
    });
}

#[test]
fn zero_turns_the_limit_off() {
    let (proxy, origin) = (proxy_of_alice(&["--max-failures", "0"]), Origin::http());
    for _ in 0..200 {
        assert_eq!(login(&proxy, &origin, peer(2), "alice:wrong"), 407);
    }
    assert_eq!(login(&proxy, &origin, peer(2), VICTIM), 200);
}

/// 80 guessing connections from 10 addresses, at hashes that take a quarter of a second each.
#[cfg(all(feature = "cached", feature = "htpasswd"))]
#[test]
fn a_flood_of_guesses_delays_neither_new_nor_cached_users() {
    use tower_proxy_auth::backend::password_hash::{HashMethod, hash_password};

    use crate::support::user_file::UserFile;

    const GUESSERS: u8 = 10;
    const CONNECTIONS: usize = 8;
    /// Requests of a cached user.
    const REQUESTS: usize = 400;

    let hash = |password| hash_password(password, HashMethod::Bcrypt { cost: 12 }).unwrap();
    let users = [("alice", "wonder"), ("bob", "builder"), ("carol", "singer")];
    let lines = users.map(|(user, password)| format!("{user}:{}\n", hash(password)));
    let file = UserFile::new(lines.concat());
    let path = file.path().display().to_string();
    // So many that the guesses never end.
    let options = ["--htpasswd", &path, "--cache", "300", "--max-failures", "5000"];
    let (proxy, origin) = (Proxy::start(&options), Origin::http());

    let latencies = |from| {
        let mut wire = connect(from, proxy.address());
        let mut latencies: Vec<_> = (0..REQUESTS)
            .map(|_| {
                let start = Instant::now();
                assert_eq!(login_on(&mut wire, &origin, VICTIM), 200);
                thread::sleep(Duration::from_millis(2));
                start.elapsed()
            })
            .collect();
        latencies.sort_unstable();
        latencies[REQUESTS * 99 / 100]
    };
    let start = Instant::now();
    assert_eq!(login(&proxy, &origin, peer(50), VICTIM), 200);
    let hash_time = start.elapsed();
    let quiet = latencies(peer(50));

    let (is_over, guesses) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (worst, flooded) = (Mutex::new(Duration::ZERO), Mutex::new(Duration::ZERO));
    thread::scope(|scope| {
        for number in 0..GUESSERS {
            for connection in 0..CONNECTIONS {
                let (proxy, origin, is_over, guesses) = (&proxy, &origin, &is_over, &guesses);
                scope.spawn(move || {
                    let from = peer(100 + number);
                    for guess in 0.. {
                        if is_over.load(Ordering::SeqCst) {
                            return;
                        }
                        let user = ["alice", "bob", "carol"][connection % 3];
                        let guess = format!("{user}:{connection}-{guess}");
                        match login(proxy, origin, from, &guess) {
                            407 => drop(guesses.fetch_add(1, Ordering::SeqCst)),
                            429 | 503 => thread::sleep(Duration::from_millis(50)),
                            other => panic!("{other} for a guess"),
                        }
                    }
                });
            }
        }
        scope.spawn(|| {
            // The queue is full of guesses by now.
            thread::sleep(4 * hash_time);
            for (number, user_pass) in [(60, "bob:builder"), (61, "carol:singer")] {
                let start = Instant::now();
                let status = login(&proxy, &origin, peer(number), user_pass);
                let took = start.elapsed();
                let mut worst = worst.lock().unwrap();
                *worst = took.max(*worst);
                if status != 200 {
                    is_over.store(true, Ordering::SeqCst);
                    panic!("{status} for a new user, after {took:?}");
                }
            }
            *flooded.lock().unwrap() = latencies(peer(50));
            is_over.store(true, Ordering::SeqCst);
        });
    });
    let (worst, flooded) = (*worst.lock().unwrap(), *flooded.lock().unwrap());
    let guesses = guesses.load(Ordering::SeqCst);
    println!(
        "a hash: {hash_time:?}; new users waited for up to {worst:?} among {guesses} guesses; \
         p99 of a cached user: {quiet:?} quiet, {flooded:?} flooded"
    );
    let cores = thread::available_parallelism().map_or(1, usize::from) as u32;
    let in_flight = u32::from(GUESSERS) * CONNECTIONS as u32;
    assert!(worst <= in_flight * hash_time / cores + Duration::from_secs(1), "{worst:?}");
    assert!(flooded <= quiet + Duration::from_millis(50), "{quiet:?} {flooded:?}");
}
