//! The syntax of names with parameters.

use super::builder::{UnknownKeys, UserParameterSyntaxBuilder};

/// The syntax of user names with parameters; see the [module](super) for the grammar.
///
/// # Examples
/// ```
/// use tower_proxy_auth::user_parameters::UserParameterSyntax;
///
/// let syntax = UserParameterSyntax::builder()
///     .with_prefix("customer")
///     .with_text("country")
///     .with_text("session")
///     .with_number("minutes", 1..=1_440)
///     .with_flag("sticky")
///     .build()?;
/// let name = "customer-alice-country-jp-minutes-30-sticky";
/// let split = syntax.split(name)?;
/// assert_eq!(split.user(), "alice");
/// assert_eq!(split.parameters().text("country"), Some("jp"));
/// assert_eq!(split.parameters().number("minutes"), Some(30));
/// assert!(split.parameters().flag("sticky"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UserParameterSyntax {
    pub(super) prefix: Option<Box<str>>,
    pub(super) separator: char,
    pub(super) keys: Vec<Key>,
    pub(super) unknown: UnknownKeys,
    pub(super) max_length: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Number { from: u64, to: u64 },
    Flag,
}

impl UserParameterSyntax {
    /// The default limit on the length of a name with its parameters, in bytes.
    pub const DEFAULT_MAX_LENGTH: usize = 256;

    /// Collects the options, starting without keys and with a hyphen as the separator.
    pub const fn builder() -> UserParameterSyntaxBuilder {
        UserParameterSyntaxBuilder::new()
    }

    pub(super) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| *key.name == *name)
    }
}
