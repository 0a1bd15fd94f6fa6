//! Parameters in user names, as commercial proxies use them.
//!
//! `customer-alice-country-jp-session-x1` is the user `alice` with parameters for a country and a
//! session. [`AuthenticatorBuilder::with_user_parameters`] splits such names first, so that back
//! ends, caches and limits see `alice`, whatever the parameters. The inner service reads them with
//! [`Identity::user_parameters`](crate::Identity::user_parameters).
//!
//! ```text
//! name      = [ prefix separator ] user *( separator parameter )
//! parameter = flag / key separator value
//! ```
//! User, values and keys are not empty and do not contain the separator. Keys compare byte for
//! byte.
//!
//! [`AuthenticatorBuilder::with_user_parameters`]: crate::authenticator::AuthenticatorBuilder::with_user_parameters

mod builder;
mod split;
mod syntax;
mod values;

pub use builder::{UnknownKeys, UserParameterSyntaxBuilder};
pub use split::{SplitName, UserParameterError};
pub use syntax::UserParameterSyntax;
pub use values::UserParameters;
