//! Re-checks in the queue of a back end.

use std::sync::{Arc, Mutex};

use tower_proxy_auth::{BasicCredentials, CredentialValidator, Realm};

/// Fills the queue of a validator that runs one check and lets two wait. Asserts that a re-check
/// is still admitted, and answered before the two.
pub(crate) async fn answers_rechecks_first(validator: &(impl CredentialValidator + Clone)) {
    let answered = Arc::<Mutex<Vec<&str>>>::default();
    let checks = ["running", "waiting", "waiting", "refused", "re-check"].map(|name| {
        let (validator, answered) = (validator.clone(), Arc::clone(&answered));
        tokio::spawn(async move {
            let realm = Realm::new("proxy").unwrap();
            let credentials = BasicCredentials::new(&realm, "alice", "wonder");
            let credentials = credentials.with_recheck(name == "re-check");
            let overloaded = match validator.validate(credentials).await {
                Ok(_) => false,
                Err(error) => error.is_overloaded(),
            };
            assert_eq!(overloaded, name == "refused", "{name}");
            answered.lock().unwrap().push(name);
        })
    });
    for check in checks {
        check.await.unwrap();
    }
    let expected = ["refused", "running", "re-check", "waiting", "waiting"];
    assert_eq!(*answered.lock().unwrap(), expected);
}
