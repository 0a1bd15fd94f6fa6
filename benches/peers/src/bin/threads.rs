//! Compares the throughput of two threads with that of one. See README.md.
//!
//! Measurements of one and of two threads are interleaved, because the speed of the machine varies.
//! Each thread is pinned to a core. Single-threaded runs use other data than runs with two threads,
//! which could otherwise find it in the wrong core's cache.

// Only a part of each file is used here.
#[allow(dead_code)]
#[path = "../../../support/digest_client.rs"]
mod digest_client;
#[allow(dead_code)]
#[path = "../../../support/engine.rs"]
mod engine;
#[path = "../locked_map.rs"]
mod locked_map;
#[allow(dead_code)]
#[path = "../../../support/nonces.rs"]
mod nonces;
#[allow(dead_code)]
#[path = "../../../support/service.rs"]
mod service;
#[allow(dead_code)]
#[path = "../statistics.rs"]
mod statistics;
#[allow(dead_code)]
#[path = "../../../support/threads.rs"]
mod threads;

use std::{
    hint::black_box,
    io::{self, Write},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use clap::Parser;
use http::StatusCode;
use rustix::thread::{CpuSet, sched_setaffinity};
use sha2::{Digest as _, Sha256};
use tower::Layer as _;
use tower_proxy_auth::{
    ProxyAuthLayer,
    digest::{Algorithm, AuthInfo},
    nonce_store::{MemoryNonceStore, NonceStore},
};

use crate::{
    digest_client::DigestClient,
    engine::{PASSWORD, challenges, request, user_name, users},
    locked_map::LockedMap,
    nonces::{Nonces, Use},
    service::{Origin, send},
    statistics::{Quartiles, Samples},
    threads::Worker,
};

/// The number of clients, each with its own nonce.
const CLIENTS: usize = 10_000;

/// The number of requests that a thread prepares at once.
const REQUESTS: usize = 256;

/// The same for the store, whose operations are shorter.
const USES: usize = 8_192;

/// The number of batches in a sample.
const TIMES: usize = 4;

/// The approximate number of bytes that are hashed for a Digest request.
const HASHED: usize = 233;

/// Pins the thread to the CPU with this number.
fn pin(thread: usize) {
    let mut cores = CpuSet::new();
    cores.set(thread);
    sched_setaffinity(None, &cores).expect("CPUs 0 and 1 may be used");
}

/// Runs a batch in the given number of threads.
type Work = Box<dyn Fn(usize) -> Duration>;

/// Compares the throughput of two threads with that of one.
#[derive(Parser)]
struct Options {
    /// The number of rounds; each measures every subject once.
    #[arg(long, default_value_t = 301, value_parser = clap::value_parser!(u64).range(11..))]
    rounds: u64,
}

fn main() -> io::Result<()> {
    let Options { rounds } = Options::parse();
    if thread::available_parallelism()?.get() < 2 {
        return Err(io::Error::other("two threads need two CPUs"));
    }
    let subjects = subjects();
    let mut times = vec![[Vec::new(), Vec::new()]; subjects.len()];
    for round in 0..rounds {
        for ((_, work), [one, two]) in subjects.iter().zip(&mut times) {
            let mut sample = |threads| match threads {
                1 => one.push(work(1).as_secs_f64()),
                _ => two.push(work(2).as_secs_f64()),
            };
            let order = if round % 2 == 0 { [1, 2] } else { [2, 1] };
            order.into_iter().for_each(&mut sample);
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "Medians of {rounds} rounds, quartiles in brackets.\n")?;
    writeln!(out, "| subject | throughput of two threads / one |\n|---|--:|")?;
    for ((name, _), [one, two]) in subjects.into_iter().zip(times) {
        let gain = &Samples::new(one) / &Samples::new(two);
        let Quartiles { lower, median, upper } = gain.quartiles();
        writeln!(out, "| {name} | {median:.2} [{lower:.2}, {upper:.2}] |")?;
    }
    Ok(())
}

fn subjects() -> Vec<(String, Work)> {
    let mut subjects = vec![("bare SHA-256: the limit of this machine".to_owned(), bare())];
    for (algorithm, auth_info) in [
        (Algorithm::Md5, AuthInfo::Off),
        (Algorithm::Sha256, AuthInfo::Off),
        (Algorithm::Sha256, AuthInfo::Full),
    ] {
        let name = format!("this layer, Digest {algorithm}, info {auth_info:?}, {CLIENTS} nonces");
        subjects.push((name, layer(algorithm, auth_info)));
    }
    for (live, nonces) in [(CLIENTS, format!("{CLIENTS} nonces")), (1, "one nonce".to_owned())] {
        let name = |store| format!("{store}, {nonces}");
        subjects.push((name("the store alone"), store(live, MemoryNonceStore::new)));
        subjects.push((name("a map behind one mutex"), store(live, LockedMap::default)));
    }
    subjects
}

fn bare() -> Work {
    Box::new(|threads| {
        threads::time(threads, (TIMES * REQUESTS) as u64, REQUESTS, |thread| {
            pin(thread);
            Worker {
                prepare: || [0_u8; HASHED],
                work: |input: [u8; HASHED]| _ = black_box(Sha256::digest(black_box(input))),
            }
        })
    })
}

fn layer(algorithm: Algorithm, auth_info: AuthInfo) -> Work {
    let proxies = [1, 2].map(|threads| {
        let auth = engine::digest(users(CLIENTS), algorithm, auth_info);
        let client = |number| Mutex::new((user_name(number), DigestClient::of(&challenges(&auth))));
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        let next: Vec<_> = (0..threads).map(AtomicUsize::new).collect();
        (ProxyAuthLayer::new(auth).layer(Origin), clients, next)
    });
    Box::new(move |threads| {
        let (service, clients, next) = &proxies[threads - 1];
        threads::time(threads, (TIMES * REQUESTS) as u64, REQUESTS, |thread| {
            pin(thread);
            let next = &next[thread];
            let prepare = move || {
                // A client's connection stays with its thread.
                let number = next.fetch_add(threads, Ordering::Relaxed) % CLIENTS;
                let mut client = clients[number].lock().expect("no thread panics");
                let (user, client) = &mut *client;
                request(Some(client.answer_for(user, PASSWORD)))
            };
            let mut service = service.clone();
            let work = move |request| {
                assert_eq!(send(&mut service, request).status(), StatusCode::OK);
            };
            Worker { prepare, work }
        })
    })
}

fn store<S: NonceStore>(live: usize, make: impl Fn() -> S) -> Work {
    let nonces = Nonces::new(live, live);
    let stores = [1, 2].map(|_| {
        let store = make();
        nonces.fill(&store);
        (store, AtomicUsize::new(0))
    });
    Box::new(move |threads| {
        let (store, done) = &stores[threads - 1];
        // Threads take turns, so that neither lags so far behind that its counts are too old.
        let begin = done.fetch_add(TIMES * USES, Ordering::Relaxed);
        threads::time(threads, (TIMES * USES) as u64, USES, |thread| {
            pin(thread);
            let mut number = begin + thread;
            let nonces = &nonces;
            let prepare = move || {
                number += threads;
                nonces.later(number - threads)
            };
            Worker { prepare, work: |used: Use<'_>| _ = black_box(used.check(store)) }
        })
    })
}
