//! The listening socket, and the addresses at which clients reach it.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::TcpListener;

use crate::{Mistake, sources::User};

/// # Errors
/// One line about why the proxy cannot listen there.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Mistake> {
    let cannot = |error| format!("--listen {address}: {error}");
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, bound))
}

/// Prints the address of the proxy as the first line of stdout, which scripts can read, and a curl
/// command with the generated user.
pub(crate) fn announce(address: SocketAddr, generated: Option<&User>) {
    let mut lines = format!("listening on http://{address}\n");
    if let Some(user) = generated {
        lines += &format!("{}\n", curl_command(address, user));
    }
    let mut stdout = io::stdout().lock();
    // The reader may have closed the pipe.
    let _ = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
}

fn curl_command(listening: SocketAddr, user: &User) -> String {
    let proxy = local_addresses(listening).first().copied().unwrap_or(listening);
    let (name, password) = (&user.name, user.password.expose());
    format!("curl -x http://{proxy} -U {name}:{password} --proxy-anyauth http://example.com/")
}

/// The addresses at which clients on the same machine reach a proxy that listens on `address`.
///
/// A wildcard address means the loopback address: `0.0.0.0` for that of IPv4, and `::` for
/// that of IPv6 and, where a socket serves both, that of IPv4.
pub(crate) fn local_addresses(address: SocketAddr) -> Vec<SocketAddr> {
    let ips: &[IpAddr] = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        IpAddr::V6(ip) if ip.is_unspecified() => {
            &[IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)]
        }
        _ => return vec![address],
    };
    ips.iter().map(|ip| SocketAddr::new(*ip, address.port())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower_proxy_auth::secret::Password;

    #[test]
    fn a_wildcard_address_is_reached_as_loopback() {
        for (listening, reached) in [
            ("127.0.0.1:3128", &["127.0.0.1:3128"][..]),
            ("192.0.2.1:1", &["192.0.2.1:1"]),
            ("0.0.0.0:1", &["127.0.0.1:1"]),
            ("[::]:1", &["[::1]:1", "127.0.0.1:1"]),
        ] {
            let found = local_addresses(listening.parse().expect("an address"));
            assert_eq!(found.iter().map(SocketAddr::to_string).collect::<Vec<_>>(), reached);
        }
    }

    #[test]
    fn the_curl_command_names_a_reachable_address() {
        let user = User { name: "user".into(), password: Password::new("pass") };
        assert_eq!(
            curl_command("[::]:1".parse().expect("an address"), &user),
            "curl -x http://[::1]:1 -U user:pass --proxy-anyauth http://example.com/"
        );
    }
}
