//! The authentication of the measured proxies, from command-line options.

use std::{convert::Infallible, error::Error};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_proxy_auth::{
    Authenticator, DigestScheme, ProxyAuthLayer, Realm, Users,
    digest::{self, AuthInfo, HashFunction},
};

/// The default realm of the example.
const REALM: &str = "proxy";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheme {
    None,
    Basic,
    Digest,
    /// Digest first, then Basic.
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    Md5,
    #[value(name = "sha-256")]
    Sha256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Info {
    Off,
    NextNonce,
    Full,
}

/// The user of a proxy.
#[derive(Clone, Debug, Args)]
pub struct User {
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub name: String,
    #[arg(long, value_name = "PASSWORD", default_value = "wonder")]
    pub password: String,
}

/// The authentication that a proxy requires.
#[derive(Clone, Debug, Args)]
pub struct Protection {
    #[arg(long, value_enum, default_value_t = Scheme::None)]
    pub auth: Scheme,
    /// The only Digest algorithm to offer [default: those of the library].
    #[arg(long, value_enum)]
    pub algorithm: Option<Algorithm>,
    #[arg(long, value_enum, default_value_t = Info::Full)]
    pub auth_info: Info,
    #[command(flatten)]
    pub user: User,
}

impl Protection {
    /// Builds the layer; `None` for [`Scheme::None`].
    ///
    /// # Errors
    /// Those of the library.
    pub fn layer(&self) -> Result<Option<ProxyAuthLayer>, Box<dyn Error>> {
        if self.auth == Scheme::None {
            return Ok(None);
        }
        let realm = Realm::new(REALM)?;
        let users = Users::new(&realm).with_user(&self.user.name, &self.user.password)?;
        let mut builder = Authenticator::builder(realm);
        if self.auth != Scheme::Basic {
            let digest = DigestScheme::builder(users.clone()).with_auth_info(self.auth_info.into());
            let digest = match self.algorithm {
                Some(algorithm) => digest.with_algorithms([algorithm.into()]),
                None => digest,
            };
            builder = builder.with_scheme(digest.build()?);
        }
        if self.auth != Scheme::Digest {
            builder = builder.with_basic(users);
        }
        Ok(Some(ProxyAuthLayer::new(builder.build()?)))
    }
}

/// The 407 of `layer` for a client without credentials, with its challenges and its page.
///
/// # Panics
/// If the layer admits such a client.
pub async fn refusal(layer: &ProxyAuthLayer) -> Response<Bytes> {
    let forward = service_fn(|_: Request<Empty<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
    });
    let request = Request::get("http://origin.example/").body(Empty::new()).expect("a request");
    let Ok(response) = layer.layer(forward).oneshot(request).await;
    assert_eq!(response.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    Response::from_parts(head, body.to_bytes())
}

impl Algorithm {
    pub const fn function(self) -> HashFunction {
        match self {
            Self::Md5 => HashFunction::Md5,
            Self::Sha256 => HashFunction::Sha256,
        }
    }

    /// The name in challenges.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }
}

impl From<Algorithm> for digest::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5,
            Algorithm::Sha256 => Self::Sha256,
        }
    }
}

impl From<Info> for AuthInfo {
    fn from(info: Info) -> Self {
        match info {
            Info::Off => Self::Off,
            Info::NextNonce => Self::NextNonce,
            Info::Full => Self::Full,
        }
    }
}
