//! Parameters in user names, as vendors of proxies have their customers write them.
//!
//! `customer-alice-country-jp-session-x1` is the user `alice` with a wish for a country and a
//! session. [`AuthenticatorBuilder::with_user_parameters`] splits such names before anything else
//! is done with them: the back end is asked about `alice`, and so are caches and limits, whatever
//! `alice` wishes for. The inner service finds the parameters in
//! [`Identity::user_parameters`](crate::identity::Identity::user_parameters).
//!
//! ```text
//! name      = [ prefix separator ] user *( separator parameter )
//! parameter = flag / key separator value
//! ```
//! User, values and keys are not empty and hold no separator. Keys compare byte for byte.
//!
//! [`AuthenticatorBuilder::with_user_parameters`]: crate::authenticator::AuthenticatorBuilder::with_user_parameters

mod builder;
mod split;
mod syntax;
mod values;

pub use builder::{DuplicateKeys, UnknownKeys, UserParameterSyntaxBuilder};
pub use split::{SplitName, UserParameterError};
pub use syntax::UserParameterSyntax;
pub use values::UserParameters;
