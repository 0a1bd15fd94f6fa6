//! Peers: the networks that one client may have many addresses of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many bits of an address identify a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerPrefix {
    pub(crate) ipv4: u8,
    pub(crate) ipv6: u8,
}

impl PeerPrefix {
    /// Single IPv4 addresses, and IPv6 networks of 64 bits, which one subscriber often has.
    pub(crate) const DEFAULT: Self = Self { ipv4: 32, ipv6: 64 };

    /// The first address of the network that `address` belongs to. An IPv4 address that is mapped
    /// to IPv6 is treated as the IPv4 address.
    pub(crate) fn network(self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.ipv4.into()));
                Ipv4Addr::from_bits(v4.to_bits() & mask.unwrap_or(0)).into()
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.ipv6.into()));
                Ipv6Addr::from_bits(v6.to_bits() & mask.unwrap_or(0)).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_bits_of_the_prefix() {
        let default = PeerPrefix::DEFAULT;
        for (prefix, address, network) in [
            (default, "192.0.2.77", "192.0.2.77"),
            (default, "::ffff:192.0.2.77", "192.0.2.77"),
            (default, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            (PeerPrefix { ipv4: 24, ..default }, "192.0.2.77", "192.0.2.0"),
            (PeerPrefix { ipv4: 0, ..default }, "192.0.2.77", "0.0.0.0"),
            (PeerPrefix { ipv6: 56, ..default }, "2001:db8:1:2ff:3::", "2001:db8:1:200::"),
            (PeerPrefix { ipv6: 128, ..default }, "2001:db8::1", "2001:db8::1"),
            (PeerPrefix { ipv6: 0, ..default }, "2001:db8::1", "::"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(prefix.network(address).to_string(), network, "{prefix:?} {address}");
        }
    }
}
