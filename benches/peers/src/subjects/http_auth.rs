//! The crate `http-auth`: the cost of the client side, which parses and answers a challenge.

use std::hint::black_box;

use http::header::PROXY_AUTHENTICATE;
use http_auth::{PasswordClient, PasswordParams};
use tower_proxy_auth::{Authenticator, digest::AuthInfo};

use super::digest_auth;
use crate::{
    engine::{self, METHOD, PASSWORD, URI, USER, challenges, users},
    measure::{Subject, Work},
};

pub(crate) fn subjects() -> Vec<Subject> {
    let mut subjects = vec![answers("Basic".to_owned(), &engine::basic(users(1)))];
    for algorithm in digest_auth::ALGORITHMS {
        let auth = engine::digest(users(1), algorithm, AuthInfo::Off);
        subjects.push(answers(format!("Digest {algorithm}"), &auth));
    }
    subjects
}

/// Answers to the one challenge of a proxy.
fn answers(what: String, auth: &Authenticator) -> Subject {
    let challenge = challenges(auth)[PROXY_AUTHENTICATE].to_str().map(str::to_owned);
    let challenge = challenge.expect("the challenge is ASCII");
    Subject::new(format!("http-auth, a client's answer, {what}"), Answers { challenge })
}

struct Answers {
    challenge: String,
}

impl Work for Answers {
    fn prepare(&mut self, _: usize) {}

    fn run(&mut self, operations: usize) {
        for _ in 0..operations {
            black_box(answer(black_box(&self.challenge)));
        }
    }
}

fn answer(challenge: &str) -> String {
    let client = PasswordClient::builder().challenges(challenge).build();
    let params =
        PasswordParams { username: USER, password: PASSWORD, uri: URI, method: METHOD, body: None };
    client.and_then(|mut client| client.respond(&params)).expect("the challenge can be answered")
}
