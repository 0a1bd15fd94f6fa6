//! Checks whose clients hang up, and the connections that they used.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time;

use super::{ask, direct, people, search, verdict};
use crate::support::false_ldap::{FalseLdap, result};

const SHORT: Duration = Duration::from_millis(400);

/// The check is dropped at every stage, after one poll and after many.
#[tokio::test]
#[ignore = "needs slapd"]
async fn a_cancelled_check_does_not_affect_the_next() {
    let server = people().start();
    for builder in [search(server.url()), direct(server.url())] {
        let ldap = builder.with_max_checks(2).build().unwrap();
        for polls in 0..60 {
            {
                let mut check = pin!(ask(&ldap, "bob", "builder"));
                for _ in 0..polls {
                    let done =
                        poll_fn(|context| Poll::Ready(check.as_mut().poll(context).is_ready()));
                    if done.await {
                        break;
                    }
                    time::sleep(Duration::from_micros(50)).await;
                }
            }
            assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong", "{polls}");
            assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice", "{polls}");
        }
    }
}

#[tokio::test]
async fn regression_checks_of_clients_that_hang_up_return_their_connections() {
    const CHECKS: usize = 2;
    let delay = Duration::from_millis(2);
    // A wrong password, and an unknown user.
    for (code, builder) in [(49, direct as fn(String) -> _), (0, search)] {
        let answer = move |request| vec![result(request, code, "")];
        let server = FalseLdap::answering_after(delay, answer).await;
        let ldap = builder(server.url()).with_max_checks(CHECKS).build().unwrap();
        for _ in 0..200 {
            let _ = time::timeout(delay / 2, ask(&ldap, "alice", "wonder")).await;
        }
        // One connection for searches, and one for binds.
        assert!(server.accepted() <= 2 * CHECKS, "{} connections", server.accepted());
    }
}

#[tokio::test]
async fn closes_connections_with_the_validator_or_a_check() {
    let server = FalseLdap::with_result(49, "").await;
    let ldap = direct(server.url()).build().unwrap();
    assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
    server.has_open(1).await;
    drop(ldap);
    server.has_open(0).await;

    let silent = FalseLdap::silent().await;
    let ldap = direct(silent.url()).with_operation_timeout(SHORT).build().unwrap();
    let cancelled = time::timeout(SHORT / 2, ask(&ldap, "alice", "wonder")).await;
    assert!(cancelled.is_err());
    silent.has_open(1).await;
    // The server is silent, so the check ends with its timeout.
    silent.has_open(0).await;
    assert_eq!(silent.accepted(), 1);
}
