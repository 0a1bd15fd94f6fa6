//! More logins than can be hashed in time.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Sender, channel},
    },
    task::{Context, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_proxy_auth::{
    Authenticator, BasicCredentials, CredentialValidator, ProxyAuthLayer, Verdict,
    backend::{htpasswd::Htpasswd, password_hash::HashingPool},
};

use super::{BCRYPT, line};
use crate::support::{engine, user_file::UserFile, validator_battery::realm};

const QUEUE: usize = 10;

#[tokio::test]
async fn answers_503_if_the_queue_is_full() {
    let pool = HashingPool::builder().with_max_hashes(1).with_queue(QUEUE).build().unwrap();
    let file = UserFile::new(line("alice", "wonder", BCRYPT));
    let users = Htpasswd::builder(file.path()).with_hashing_pool(pool.clone()).open().unwrap();
    let auth = Authenticator::builder(realm()).with_basic(users).build().unwrap();
    let forwarded = Arc::new(AtomicUsize::new(0));
    let inner = {
        let forwarded = Arc::clone(&forwarded);
        service_fn(move |_: Request<engine::Body>| {
            forwarded.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
        })
    };
    let proxy = ProxyAuthLayer::new(auth).layer(inner);
    let send = |user_pass: &str| {
        let field = engine::basic(user_pass);
        proxy.clone().oneshot(engine::request(&Method::GET, "http://example.org/", [field]))
    };

    let end = occupy(&pool).await;
    let mut context = Context::from_waker(Waker::noop());
    let mut requests: Vec<_> =
        (0..200).map(|number| Box::pin(send(&format!("alice:wrong{number}")))).collect();
    let mut at_once = 0;
    requests.retain_mut(|request| match request.as_mut().poll(&mut context) {
        std::task::Poll::Ready(response) => {
            let response = response.unwrap();
            assert_eq!(response.status(), 503);
            assert!(response.headers().contains_key(header::RETRY_AFTER));
            at_once += 1;
            false
        }
        std::task::Poll::Pending => true,
    });
    assert_eq!((at_once, requests.len()), (200 - QUEUE, QUEUE));

    drop(end);
    for request in requests {
        assert_eq!(request.await.unwrap().status(), 407);
    }
    assert_eq!(forwarded.load(Ordering::SeqCst), 0);
    assert_eq!(send("alice:wonder").await.unwrap().status(), 200);
    assert_eq!(forwarded.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn rechecks_precede_a_flood_of_guesses() {
    let pool = HashingPool::builder().with_max_hashes(1).with_queue(QUEUE).build().unwrap();
    let file = UserFile::new(line("alice", "wonder", BCRYPT));
    let users = Htpasswd::builder(file.path()).with_hashing_pool(pool.clone()).open().unwrap();
    let realm = realm();
    let check = |password: &'static str, recheck| {
        let credentials = BasicCredentials::new(&realm, "alice", password).with_recheck(recheck);
        Box::pin(users.validate(credentials))
    };
    let end = occupy(&pool).await;
    let mut context = Context::from_waker(Waker::noop());
    let mut guesses: Vec<_> = (0..QUEUE).map(|_| check("guess", false)).collect();
    for guess in &mut guesses {
        assert!(guess.as_mut().poll(&mut context).is_pending());
    }
    let refused = check("guess", false).await;
    assert!(refused.is_err_and(|error| error.is_overloaded()));

    let mut recheck = check("wonder", true);
    assert!(recheck.as_mut().poll(&mut context).is_pending());
    drop(end);
    // Without polling the guesses: behind one of them, it would wait indefinitely.
    let verdict = tokio::time::timeout(Duration::from_secs(60), recheck).await;
    assert!(matches!(verdict, Ok(Ok(Verdict::Accepted(_)))), "{verdict:?}");
    for guess in guesses {
        assert!(matches!(guess.await, Ok(Verdict::WrongPassword)));
    }
}

/// Runs a check on the pool until the value is dropped.
pub(super) async fn occupy(pool: &HashingPool) -> Sender<()> {
    let (end, ended) = channel();
    let (start, started) = tokio::sync::oneshot::channel();
    let pool = pool.clone();
    tokio::spawn(async move {
        let work = move || {
            start.send(()).unwrap();
            let _ = ended.recv();
        };
        pool.run(work).await
    });
    started.await.unwrap();
    end
}
