//! The bare hash functions, over the bytes that a Digest check hashes.

use std::hint::black_box;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use tower_proxy_auth::digest::{Algorithm, AuthInfo};

use super::ours;
use crate::{
    digest_client::DigestClient,
    engine::{self, METHOD, PASSWORD, URI, USER, challenges, users},
    measure::{Subject, Work},
};

/// The hashes for one accepted request: H(A2) and the response.
const PER_CHECK: usize = 2;
/// The hashes for one accepted request with `rspauth`.
const PER_MUTUAL_CHECK: usize = 4;

/// The hashes of an accepted request.
pub(crate) fn per_check(algorithm: Algorithm) -> String {
    name(algorithm, PER_CHECK)
}

fn name(algorithm: Algorithm, count: usize) -> String {
    format!("{count} bare {algorithm}")
}

pub(crate) fn subjects() -> Vec<Subject> {
    let both = |algorithm| {
        [PER_CHECK, PER_MUTUAL_CHECK].map(|count| {
            let inputs = inputs(algorithm, count);
            let name = name(algorithm, count);
            match algorithm {
                Algorithm::Md5 => Subject::new(name, Hashes { inputs, hash: hash::<Md5> }),
                Algorithm::Sha256 => Subject::new(name, Hashes { inputs, hash: hash::<Sha256> }),
                Algorithm::Sha512_256 => {
                    Subject::new(name, Hashes { inputs, hash: hash::<Sha512_256> })
                }
                other => panic!("{other} is not compared"),
            }
        })
    };
    ours::ALGORITHMS.into_iter().flat_map(both).collect()
}

struct Hashes {
    inputs: Vec<Vec<u8>>,
    hash: fn(&[Vec<u8>]),
}

impl Work for Hashes {
    fn prepare(&mut self, _: usize) {}

    fn run(&mut self, operations: usize) {
        for _ in 0..operations {
            (self.hash)(black_box(&self.inputs));
        }
    }
}

fn hash<D: Digest>(inputs: &[Vec<u8>]) {
    for input in inputs {
        black_box(D::digest(input));
    }
}

/// The inputs of the hashes: A2 and that of the response; for `rspauth` the same without a method.
fn inputs(algorithm: Algorithm, count: usize) -> Vec<Vec<u8>> {
    let auth = engine::digest(users(1), algorithm, AuthInfo::Off);
    let sent = DigestClient::of(&challenges(&auth)).credentials(USER, PASSWORD);
    // Only the length of a hash matters here.
    let hash = "0".repeat(2 * algorithm.hash_function().length());
    let cnonce = sent.cnonce.expect("qop=auth has a cnonce");
    let response = format!("{hash}:{}:{:08x}:{cnonce}:auth:{hash}", sent.nonce, sent.nc);
    let check = [format!("{METHOD}:{URI}"), response.clone()];
    let proof = [format!(":{URI}"), response];
    check.into_iter().chain(proof).take(count).map(String::into_bytes).collect()
}
