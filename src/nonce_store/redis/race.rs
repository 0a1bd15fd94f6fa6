//! Waits for the first of two futures.

use std::{future::poll_fn, pin::pin, task::Poll};

/// The output of the future that ended first.
pub(super) enum First<A, B> {
    Left(A),
    Right(B),
}

/// Polls both futures until one ends.
pub(super) async fn race<A: Future, B: Future>(left: A, right: B) -> First<A::Output, B::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        if let Poll::Ready(output) = left.as_mut().poll(context) {
            return Poll::Ready(First::Left(output));
        }
        right.as_mut().poll(context).map(First::Right)
    })
    .await
}
