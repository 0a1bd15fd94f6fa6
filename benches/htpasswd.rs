//! The cost of user files: checking a password of a known or an unknown user, with cheap and with
//! expensive hashes, and reading a file of 100,000 users.

use std::{fmt::Write as _, hint::black_box, io::Write as _, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use tempfile::NamedTempFile;
use tower_proxy_auth::backend::{
    htpasswd::Htpasswd,
    password_hash::{HashCost, HashMethod, HashPolicy, PasswordHash, hash_password},
};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .sample_size(20);
    targets = check, open
}
criterion_main!(benches);

/// The medians of a group must be within a quarter of each other.
fn check(criterion: &mut Criterion) {
    let bcrypt = |cost| HashMethod::Bcrypt { cost };
    let argon2 = |memory, passes| HashMethod::Argon2id { memory, passes, lanes: 1 };
    let sha_512 = |rounds| HashMethod::Sha512Crypt { rounds };
    for (files, methods) in [
        ("bcrypt 12", &[bcrypt(12)][..]),
        ("bcrypt 5, 10 and 12", &[bcrypt(5), bcrypt(10), bcrypt(12)]),
        ("sha512-crypt 5000 and 5500", &[sha_512(5_000), sha_512(5_500)]),
        ("argon2 19 MiB and 64 MiB", &[argon2(19 * 1024, 2), argon2(64 * 1024, 3)]),
        ("sha512-crypt, argon2 and bcrypt", &[sha_512(5_000), argon2(19 * 1024, 2), bcrypt(10)]),
    ] {
        let mut group = criterion.benchmark_group(format!("check/{files}"));
        let hashes: Vec<_> = methods
            .iter()
            .map(|&method| {
                let stored = hash_password("wonder", method).expect("a hash");
                PasswordHash::parse(&stored, &HashPolicy::new()).expect("a good hash")
            })
            .collect();
        let cost = hashes.iter().map(HashCost::of).fold(HashCost::ZERO, HashCost::max);
        for (hash, method) in hashes.iter().zip(methods) {
            for password in ["wonder", "wrong"] {
                group.bench_function(format!("{method:?} {password}"), |bencher| {
                    bencher.iter(|| cost.verify(black_box(Some(hash)), password));
                });
            }
        }
        group.bench_function("unknown", |bencher| {
            bencher.iter(|| cost.verify(black_box(None), "wonder"));
        });
    }
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open 100,000 users");
    for method in [HashMethod::Bcrypt { cost: 4 }, HashMethod::Sha512Crypt { rounds: 1_000 }] {
        let hash = hash_password("wonder", method).expect("a hash");
        let text = (0..100_000).fold(String::new(), |mut text, number| {
            writeln!(text, "user{number:06}:{hash}").expect("a text grows");
            text
        });
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("the file is written");
        group.bench_function(method.kind().name(), |bencher| {
            bencher.iter_with_large_drop(|| Htpasswd::open(file.path()).expect("a good file"));
        });
    }
}
