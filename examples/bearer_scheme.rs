//! Adds a third scheme: `Bearer` tokens (RFC 6750), offered together with Basic.
//!
//!     cargo run --example bearer_scheme
//!     curl --proxy-header "Proxy-Authorization: Bearer bWFjaGluZS10b2tlbg==" \
//!         -x http://127.0.0.1:PORT http://example.org/
//!     curl -i --proxy-basic -U alice:wonder -x http://127.0.0.1:PORT http://example.org/

use std::{error::Error, iter, process::ExitCode};

use axum::{Extension, Router, http::HeaderValue};
use tokio::net::TcpListener;
use tower_proxy_auth::{
    Account, Authenticator, BackendError, Identity, ProxyAuthLayer, Realm, Reason, Refusal, UserId,
    Users,
    scheme::{
        AuthResult, AuthScheme, Authenticated, ChallengeContext, Claim, Claimant, RequestContext,
        SentCredentials,
    },
    secret::{Password, constant_time_eq},
    throttle::Ticket,
};

/// Accepts a fixed set of tokens.
struct BearerScheme {
    tokens: Vec<(Password, Account)>,
}

impl BearerScheme {
    /// Compares in constant time, so that the time reveals nothing about a similar token.
    fn owner(&self, sent: &Password) -> Option<&Account> {
        let sent = sent.expose().as_bytes();
        let mut owner = None;
        for (token, account) in &self.tokens {
            if constant_time_eq(token.expose().as_bytes(), sent) {
                owner = Some(account);
            }
        }
        owner
    }
}

impl AuthScheme for BearerScheme {
    type Credentials = Password;

    fn name(&self) -> &'static str {
        "Bearer"
    }

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        let challenge = format!("Bearer realm=\"{}\"", context.realm);
        Ok(vec![HeaderValue::try_from(challenge).map_err(BackendError::new)?])
    }

    fn parse(
        &self,
        _: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<Password, Refusal> {
        let token = credentials.token68().ok_or_else(|| Refusal::new(Reason::Malformed))?;
        Ok(Password::new(token))
    }

    fn claim<'a>(&self, token: &'a Password) -> Claim<'a> {
        Claim::new(Claimant::Unnamed).with_fixed_secret(token.expose())
    }

    async fn verify(&self, token: &Password, _: Option<&Ticket>) -> AuthResult {
        let owner = self.owner(token).ok_or_else(|| Refusal::new(Reason::WrongPassword))?;
        Ok(Authenticated::new(owner.clone()))
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
    let realm = Realm::new("corp proxy")?;
    let users = Users::new(&realm).with_user("alice", "wonder")?;
    let machine = (Password::new("bWFjaGluZS10b2tlbg=="), Account::new("machine"));
    let bearer = BearerScheme { tokens: vec![machine] };
    let auth = Authenticator::builder(realm).with_scheme(bearer).with_basic(users).build()?;
    let proxy = Router::new().fallback(forward).layer(ProxyAuthLayer::new(auth));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, proxy).await?;
    Ok(())
}

async fn forward(Extension(identity): Extension<Identity>) -> String {
    format!("{} by {}\n", identity.user().map_or("anonymous", UserId::as_str), identity.scheme())
}
