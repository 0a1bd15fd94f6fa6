//! An application with aws-lc-rs and back ends with ring: the application chooses its provider, as
//! the documentation says.

#[path = "../../../support/certificates.rs"]
mod certificates;
#[allow(dead_code)]
#[path = "../../../support/false_ldap.rs"]
mod false_ldap;
#[path = "../../login.rs"]
mod login;

use tokio_rustls::rustls::crypto::aws_lc_rs;

fn main() -> Result<(), login::BoxError> {
    aws_lc_rs::default_provider().install_default().map_err(|_| "a provider was installed")?;
    login::run()
}
