//! Decides which users may reach which targets.
//!
//! [`AccessLayer`] calls an [`AccessPolicy`] for each request, and refuses with 403 what it denies.
//! `AccessRules` is a policy that is read from a TOML document, and `AccessRules::safe` a ready set
//! for a forward proxy (feature `access-rules`).
//!
//! # Addresses
//! A client names a host, and the owner of a domain decides to which address its names resolve. So
//! a policy that depends on addresses, such as a rule with `networks`, must decide when the proxy
//! has resolved the name. The layer puts an [`AddressCheck`] into the extensions of each request
//! for that. A proxy that calls [`AddressCheck::check`] for each address that it connects to says so
//! with [`AccessLayer::with_address_check`]; otherwise, such a request is refused.

mod address_check;
mod erased;
mod layer;
mod policy;
#[cfg(feature = "access-rules")]
mod rules;

pub use address_check::AddressCheck;
pub use layer::{AccessControl, AccessLayer};
pub use policy::{Access, AccessPolicy, AccessRequest};
#[cfg(feature = "access-rules")]
pub use rules::{AccessRules, RulesError};
