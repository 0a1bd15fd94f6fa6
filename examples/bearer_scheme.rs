//! A third scheme: `Bearer` tokens (RFC 6750) beside Basic, through the port that Basic itself
//! goes through.
//!
//!     cargo run --example bearer_scheme
//!     curl --proxy-header "Proxy-Authorization: Bearer bWFjaGluZS10b2tlbg==" \
//!         -x http://127.0.0.1:PORT http://example.org/
//!     curl -i --proxy-basic -U alice:wonder -x http://127.0.0.1:PORT http://example.org/

use std::error::Error;

use axum::{Extension, Router, http::HeaderValue};
use tokio::net::TcpListener;
use tower_proxy_auth::{
    Account, Authenticator, Identity, ProxyAuthLayer, Realm, Reason, Refusal, Users,
    grammar::{self, CredentialsBody},
    scheme::{Accepted, AuthScheme, ChallengeContext, ClaimContext, Proof, SentCredentials},
    secret::{Password, constant_time_eq},
};

/// Tokens, and whose they are.
struct BearerScheme {
    tokens: Vec<(Password, Account)>,
}

impl BearerScheme {
    /// Looks at every token to its end: the time tells nothing of which was nearly right.
    fn owner(&self, sent: &Password) -> Option<&Account> {
        let is_equal = |token: &Password| {
            constant_time_eq(token.expose().as_bytes(), sent.expose().as_bytes())
        };
        self.tokens.iter().fold(
            None,
            |found, (token, account)| {
                if is_equal(token) { Some(account) } else { found }
            },
        )
    }

    fn check(&self, token: &Password) -> Proof {
        let owner = self.owner(token).ok_or_else(|| Refusal::new(Reason::WrongPassword));
        owner.cloned().map(Accepted::new)
    }
}

impl AuthScheme for BearerScheme {
    /// The token; shown by no `Debug`, wiped when dropped.
    type Claim = Password;

    fn name(&self) -> &'static str {
        "Bearer"
    }

    fn challenges(&self, context: &ChallengeContext<'_>, add: &mut dyn FnMut(HeaderValue)) {
        let challenge = format!("Bearer realm=\"{}\"", context.realm());
        HeaderValue::try_from(challenge).into_iter().for_each(add);
    }

    fn claim(
        &self,
        _: &ClaimContext<'_>,
        credentials: SentCredentials,
    ) -> Result<Password, Refusal> {
        let field = credentials.into_field();
        let malformed = || Refusal::new(Reason::Malformed);
        let credentials = grammar::Credentials::parse(field.as_bytes())
            .map_err(|error| malformed().with_source(error))?;
        let CredentialsBody::Token68(token) = credentials.body() else { return Err(malformed()) };
        str::from_utf8(token).map(Password::new).map_err(|error| malformed().with_source(error))
    }

    /// Tokens are at hand, so nothing has to be waited for.
    fn prove_now(&self, _: &ClaimContext<'_>, token: &Password) -> Option<Proof> {
        Some(self.check(token))
    }

    async fn prove(&self, _: Realm, token: Password) -> Proof {
        self.check(&token)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
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
    format!("{} by {}\n", identity.user().unwrap_or("nobody"), identity.scheme())
}
