//! A user for those who just want to try the proxy.

use std::net::SocketAddr;

use crate::{reachable, sources::User};

/// How many random bytes a made-up password has.
const PASSWORD_BYTES: usize = 12;

impl User {
    /// Makes up a user with a random password.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn made_up() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; PASSWORD_BYTES];
        getrandom::fill(&mut bytes)?;
        let password = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { name: "user".to_owned(), password })
    }

    /// A command that uses the proxy at `address` as this made-up user.
    pub(crate) fn curl_command(&self, address: SocketAddr) -> String {
        let proxy = reachable::locally(address).first().copied().unwrap_or(address);
        let Self { name, password } = self;
        format!("curl -x http://{proxy} -U {name}:{password} --proxy-anyauth http://example.com/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_users_have_different_passwords() {
        let [one, other] = [User::made_up(), User::made_up()].map(|user| user.expect("random"));
        assert_ne!(one.password, other.password);
        assert_eq!(one.password.len(), 2 * PASSWORD_BYTES);
    }

    #[test]
    fn the_command_names_an_address_that_can_be_reached() {
        let user = User { name: "user".into(), password: "pass".into() };
        for (listening, named) in [
            ("127.0.0.1:3128", "127.0.0.1:3128"),
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
        ] {
            let command = user.curl_command(listening.parse().expect("an address"));
            let wanted =
                format!("curl -x http://{named} -U user:pass --proxy-anyauth http://example.com/");
            assert_eq!(command, wanted);
        }
    }
}
