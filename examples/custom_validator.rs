//! A custom back end that answers slowly, can fail, and stores plain passwords.
//!
//!     cargo run --example custom_validator
//!     curl --proxy-basic -U alice:wonder -x http://127.0.0.1:PORT http://example.org/
//!     curl --proxy-digest -U alice:wonder -x http://127.0.0.1:PORT http://example.org/
//!     curl -i --proxy-basic -U slow:wonder -x http://127.0.0.1:PORT http://example.org/
//!
//! The directory never answers for the user `slow`: after the timeout the client gets 503.

use std::{error::Error, future, iter, process::ExitCode, time::Duration};

use axum::{Extension, Router};
use tokio::{net::TcpListener, time};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, CredentialValidator, DigestAccount,
    DigestSecrets, DigestUser, HashedA1, Identity, ProxyAuthLayer, Realm, SecretLookup, UserId,
    Verdict, backend::DigestName, digest::HashFunctions,
};

/// How long a request waits for the directory.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Represents a directory on the network.
#[derive(Clone, Copy)]
struct Directory;

impl Directory {
    /// Returns the password of a user, or `None` for an unknown user.
    async fn password(&self, name: &str) -> Result<Option<&'static str>, BackendError> {
        time::timeout(TIMEOUT, self.look_up(name)).await.map_err(BackendError::transient)
    }

    async fn look_up(&self, name: &str) -> Option<&'static str> {
        time::sleep(Duration::from_millis(20)).await;
        match name {
            "alice" => Some("wonder"),
            "slow" => future::pending().await,
            _ => None,
        }
    }
}

impl CredentialValidator for Directory {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let stored = self.password(credentials.user_id()).await?;
        // Takes the same time for an unknown user.
        let is_right = credentials.verify(stored);
        Ok(match stored {
            Some(_) if is_right => Verdict::Accepted(Account::new(credentials.user_id())),
            Some(_) => Verdict::WrongPassword,
            None => Verdict::UnknownUser,
        })
    }
}

impl DigestSecrets for Directory {
    /// A plain password is enough for every function.
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        // Clients send hashed names only if the scheme was built with `with_userhash`.
        let DigestName::UserId(name) = user.name() else { return Ok(SecretLookup::Unknown) };
        let password = self.password(name).await?;
        let stored = password.map(|password| {
            let ha1 = HashedA1::new(user.function(), name, user.realm(), password);
            DigestAccount::new(Account::new(name), ha1)
        });
        Ok(stored.into())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in iter::successors(error.source(), |&cause| cause.source()) {
                eprintln!("caused by: {cause}");
            }
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let auth = Authenticator::builder(Realm::new("corp proxy")?)
        .with_digest(Directory)
        .with_basic(Directory)
        .build()?;
    let proxy = Router::new().fallback(forward).layer(ProxyAuthLayer::new(auth));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, proxy).await?;
    Ok(())
}

async fn forward(Extension(identity): Extension<Identity>) -> String {
    format!("{} by {}\n", identity.user().map_or("anonymous", UserId::as_str), identity.scheme())
}
