//! Re-checks in the queue of a back end.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use tower_proxy_auth::BackendError;

/// Returns whether the re-check was answered before the last check that waited. A check gives up
/// its permit a moment before its answer is recorded, so neighbours may change places.
pub(crate) fn is_recheck_ahead(answers: &[&str]) -> bool {
    answers.first() == Some(&"refused") && answers.last() == Some(&"waiting")
}

/// Fills a queue that runs one check and lets two wait. Asserts that it refuses another one, but
/// not a re-check, and returns the order of the answers.
pub(crate) async fn fill_queue<T, F>(check: impl Fn(bool) -> F) -> Vec<&'static str>
where
    F: Future<Output = Result<T, BackendError>> + Send + 'static,
{
    let answered = Arc::<Mutex<Vec<_>>>::default();
    let checks = ["running", "waiting", "waiting", "refused", "re-check"].map(|name| {
        let (checked, answered) = (check(name == "re-check"), Arc::clone(&answered));
        tokio::spawn(async move {
            let overloaded = checked.await.is_err_and(|error| error.is_overloaded());
            assert_eq!(overloaded, name == "refused", "{name}");
            answered.lock().unwrap().push(name);
        })
    });
    for check in checks {
        check.await.unwrap();
    }
    std::mem::take(&mut *answered.lock().unwrap())
}
