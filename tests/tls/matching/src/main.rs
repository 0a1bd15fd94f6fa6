//! An application and back ends with the same crypto provider, aws-lc-rs: nothing needs to be chosen.

#[path = "../../../support/certificates.rs"]
mod certificates;
#[allow(dead_code)]
#[path = "../../../support/false_ldap.rs"]
mod false_ldap;
#[path = "../../login.rs"]
mod login;

fn main() -> Result<(), login::BoxError> {
    login::run()
}
