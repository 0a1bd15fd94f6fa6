//! How clients on the same machine reach the proxy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses under which local clients reach a proxy that listens on `address`; there is at
/// least one.
///
/// A proxy that listens on all addresses has no address of its own: `0.0.0.0` stands for the
/// loopback address, and `::` for that of IPv6 and, where a socket serves both, that of IPv4.
pub(crate) fn locally(address: SocketAddr) -> Vec<SocketAddr> {
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

    #[test]
    fn all_addresses_are_reached_as_loopback() {
        for (listening, reached) in [
            ("127.0.0.1:3128", &["127.0.0.1:3128"][..]),
            ("192.0.2.1:1", &["192.0.2.1:1"]),
            ("0.0.0.0:1", &["127.0.0.1:1"]),
            ("[::]:1", &["[::1]:1", "127.0.0.1:1"]),
        ] {
            let found = locally(listening.parse().expect("an address"));
            assert_eq!(found.iter().map(SocketAddr::to_string).collect::<Vec<_>>(), reached);
        }
    }
}
