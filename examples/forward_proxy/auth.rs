//! Authentication: from the options to the layer that goes round the proxy.
//!
//! This is the one file that knows of it.

use tower::layer::util::Identity;

use crate::options::AuthOptions;

/// What goes round [`Forward`](crate::forward::Forward).
pub(crate) type AuthLayer = Identity;

/// The layer that `options` ask for.
///
/// # Errors
/// One line that names what is wrong with the options.
pub(crate) fn layer(options: &AuthOptions) -> Result<AuthLayer, String> {
    let AuthOptions { realm, scheme, users, algorithms, nonce_lifetime, uri_check, auth_info } =
        options;
    tracing::debug!(
        ?realm,
        ?scheme,
        ?users,
        ?algorithms,
        ?nonce_lifetime,
        ?uri_check,
        ?auth_info,
        "authentication as asked for"
    );
    let printable = realm.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if realm.is_empty() || !printable || realm.contains(['"', '\\']) {
        return Err(format!(
            "--realm {realm:?} is not printable ASCII without quotes and backslashes"
        ));
    }
    // Never an open proxy by accident.
    Err("there is no authentication yet: only --insecure-no-auth can be served".to_owned())
}
