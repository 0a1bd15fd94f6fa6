//! The no-op service without a layer: the cost of sending, answering and dropping, for each kind of
//! credentials.

use http::StatusCode;
use tower_proxy_auth::digest::{Algorithm, AuthInfo};

use crate::{
    engine::{self, PASSWORD, USER, basic_credentials, users},
    exchange::{Exchange, Origin},
    measure::Subject,
    requests::{self, repeated},
};

pub(crate) const BARE: &str = "no-op service, no credentials";
pub(crate) const BASIC: &str = "no-op service, Basic credentials";
pub(crate) const DIGEST: &str = "no-op service, Digest credentials";

pub(crate) fn subjects() -> Vec<Subject> {
    let alone = |origin: Origin| origin;
    let bare = repeated(None);
    let basic = repeated(Some(basic_credentials(USER, PASSWORD)));
    let digest = requests::digest(engine::digest(users(1), Algorithm::Sha256, AuthInfo::Off));
    vec![
        Subject::new(BARE, Exchange::new(Origin::brief(), alone, bare, StatusCode::OK)),
        Subject::new(BASIC, Exchange::new(Origin::brief(), alone, basic, StatusCode::OK)),
        Subject::new(DIGEST, Exchange::new(Origin::with_fields(), alone, digest, StatusCode::OK)),
    ]
}
