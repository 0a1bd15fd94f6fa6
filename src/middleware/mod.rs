//! The tower layer, which authenticates requests and answers those that it refuses.

mod body;
mod connection;
mod facts;
mod future;
mod identity_header;
pub(crate) mod layer;
mod page;
mod proxy_status;
mod refuser;
mod report;
mod request;
mod response;
pub(crate) mod service;
#[cfg(feature = "tower-http")]
mod trace;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub(crate) use layer::{PeerAddress, socket_address};
pub use page::{
    Page, PageLabel, PageLanguage, PageRequest, PageSubject, PageText, Pages, PagesBuilder,
};
pub(crate) use refuser::Refuser;
use service::ProxyAuth;
#[cfg(feature = "tower-http")]
pub use trace::{AuthMakeSpan, AuthOnResponse};
