//! Messages of the library with the names of command-line options.

#[cfg(any(feature = "ldap", feature = "sql", test))]
use std::error::Error;

#[cfg(any(feature = "ldap", feature = "sql", test))]
use crate::{Mistake, error::chain};

/// Texts in messages of the library, and their replacements. A text comes before its parts.
const OPTIONS: [(&str, &str); 14] = [
    ("allow_kind", "--htpasswd-allow"),
    ("give base and filter to with_search", "use --ldap-base and --ldap-filter"),
    ("insecure_plaintext", "--insecure-ldap-plaintext"),
    ("legacy_rfc2069", "--legacy-rfc2069"),
    ("with_ca_file", "--ldap-ca"),
    ("with_change_attributes", "--ldap-change-attribute"),
    ("with_dn_template", "--ldap-dn"),
    ("with_group_attribute or with_group_search", "--ldap-groups"),
    ("with_group_attribute", "--ldap-groups"),
    ("with_required_group", "--ldap-required-group"),
    ("with_search", "--ldap-base and --ldap-filter"),
    ("with_server", "--ldap"),
    ("with_service_account", "--ldap-bind-dn"),
    ("with_start_tls", "--ldap-starttls"),
];

/// Replaces the names of methods in `text` with those of options.
pub(crate) fn in_options(text: &str) -> String {
    OPTIONS.iter().fold(text.to_owned(), |text, (method, option)| text.replace(method, option))
}

/// The text of an error and of its causes.
#[cfg(any(feature = "ldap", feature = "sql", test))]
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = chain(error).map(ToString::to_string).collect();
    in_options(&texts.join(": "))
}

/// A mistake in `option`, with its causes.
#[cfg(any(feature = "ldap", feature = "sql", test))]
pub(super) fn mistake(option: &str, error: &(dyn Error + 'static)) -> Mistake {
    let text = causes(error);
    // The message may name the option itself, or another one.
    if text.starts_with("--") { text } else { format!("{option}: {text}") }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tower_proxy_auth::BackendError;

    use super::*;

    #[test]
    fn a_mistake_names_the_option_and_its_causes() {
        for (text, shown) in [
            (
                "use with_start_tls or, on a trusted network, insecure_plaintext",
                "--ldap: use --ldap-starttls or, on a trusted network, --insecure-ldap-plaintext",
            ),
            ("add with_group_attribute or with_group_search", "--ldap: add --ldap-groups"),
            ("with_dn_template: \"x\" has no {user}", "--ldap-dn: \"x\" has no {user}"),
        ] {
            assert_eq!(mistake("--ldap", &io::Error::other(text)), shown);
        }
        let error = BackendError::new("no route");
        let shown = "--database: the authentication back end failed: no route";
        assert_eq!(mistake("--database", &error), shown);
    }
}
