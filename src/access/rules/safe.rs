//! The ready rules for a safe forward proxy.

use super::{
    document::{self, RulesError},
    rule::{Action, Rule},
};

/// The file that operators copy.
const TEXT: &str = include_str!("../../../docs/operate/safe-rules.toml");

/// The rules, which also allow tunnels to these ports.
pub(super) fn rules(connect_ports: impl IntoIterator<Item = u16>) -> Result<Vec<Rule>, RulesError> {
    let mut rules = document::parse(TEXT)?;
    for rule in &mut rules {
        rule.place.push_str(" of the safe rules");
    }
    let mut tunnels = rules.iter_mut().filter(|rule| rule.action == Action::Allow);
    if let Some(ports) = tunnels.find_map(|rule| rule.ports.as_mut()) {
        for port in connect_ports {
            ports.push(document::port(port)?);
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::{Method, Uri};
    use ipnet::IpNet;

    use crate::{
        access::{Access, AccessRequest, AccessRules},
        identity::{Account, Identity},
        wire::Realm,
    };

    /// Whether a user may send this request; the name of the host has this address.
    #[track_caller]
    fn allows(rules: &AccessRules, method: &Method, target: &str, address: Option<IpAddr>) -> bool {
        let identity = Identity::new(Account::new("alice"), "Basic", Realm::new("proxy").unwrap());
        let target: Uri = target.parse().unwrap();
        let request = AccessRequest::new(method, &target).with_identity(Some(&identity));
        match rules.decide(&request.with_address(address)) {
            Access::Allowed => true,
            Access::Denied(_) => false,
            Access::AddressNeeded => panic!("{target}: no address"),
        }
    }

    fn safe() -> AccessRules {
        AccessRules::safe([]).unwrap()
    }

    /// Whether a user may reach the address, by a name and by the address itself.
    #[track_caller]
    fn reaches(address: IpAddr) -> bool {
        let rules = safe();
        let by_name = allows(&rules, &Method::GET, "http://a.example/", Some(address));
        let host = match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let itself = allows(&rules, &Method::GET, &format!("http://{host}/"), None);
        assert_eq!(by_name, itself, "{address}");
        let tunnel = allows(&rules, &Method::CONNECT, "a.example:443", Some(address));
        assert_eq!(by_name, tunnel, "{address}");
        by_name
    }

    #[test]
    fn reaches_public_addresses_only() {
        // The address before and the one after each network are public, unless marked.
        const PUBLIC: bool = true;
        const OTHER: bool = false;
        for (name, network, before, after) in [
            ("this network", "0.0.0.0/8", OTHER, PUBLIC),
            ("private", "10.0.0.0/8", PUBLIC, PUBLIC),
            ("shared", "100.64.0.0/10", PUBLIC, PUBLIC),
            ("loopback", "127.0.0.0/8", PUBLIC, PUBLIC),
            ("services of Azure", "168.63.129.16/32", PUBLIC, PUBLIC),
            ("link-local", "169.254.0.0/16", PUBLIC, PUBLIC),
            ("private", "172.16.0.0/12", PUBLIC, PUBLIC),
            ("protocol assignments", "192.0.0.0/24", PUBLIC, PUBLIC),
            ("documentation", "192.0.2.0/24", PUBLIC, PUBLIC),
            ("6to4 relays", "192.88.99.0/24", PUBLIC, PUBLIC),
            ("private", "192.168.0.0/16", PUBLIC, PUBLIC),
            ("benchmarks", "198.18.0.0/15", PUBLIC, PUBLIC),
            ("documentation", "198.51.100.0/24", PUBLIC, PUBLIC),
            ("documentation", "203.0.113.0/24", PUBLIC, PUBLIC),
            ("multicast", "224.0.0.0/4", PUBLIC, OTHER),
            ("reserved", "240.0.0.0/4", OTHER, OTHER),
            ("broadcast", "255.255.255.255/32", OTHER, OTHER),
            ("unspecified", "::/128", OTHER, OTHER),
            ("loopback", "::1/128", OTHER, OTHER),
            ("IPv4-compatible", "::/96", OTHER, OTHER),
            ("NAT64", "64:ff9b::/96", OTHER, OTHER),
            ("local NAT64", "64:ff9b:1::/48", OTHER, OTHER),
            ("discard", "100::/64", OTHER, OTHER),
            ("dummy", "100:0:0:1::/64", OTHER, OTHER),
            ("below 2000::/3", "1000::/4", OTHER, PUBLIC),
            ("Teredo", "2001::/32", PUBLIC, OTHER),
            ("benchmarks", "2001:2::/48", OTHER, OTHER),
            ("ORCHID", "2001:10::/28", OTHER, OTHER),
            ("ORCHIDv2", "2001:20::/28", OTHER, OTHER),
            ("protocol assignments", "2001::/23", PUBLIC, PUBLIC),
            ("documentation", "2001:db8::/32", PUBLIC, PUBLIC),
            ("6to4", "2002::/16", PUBLIC, PUBLIC),
            ("documentation", "3fff::/20", PUBLIC, PUBLIC),
            ("above 2000::/3", "4000::/2", PUBLIC, OTHER),
            ("segment routing", "5f00::/16", OTHER, OTHER),
            ("unique local", "fc00::/7", OTHER, OTHER),
            ("metadata of AWS", "fd00:ec2::254/128", OTHER, OTHER),
            ("link-local", "fe80::/10", OTHER, OTHER),
            ("site-local", "fec0::/10", OTHER, OTHER),
            ("multicast", "ff00::/8", OTHER, OTHER),
        ] {
            let network: IpNet = network.parse().unwrap();
            let (first, last) = (network.network(), network.broadcast());
            for address in [first, last] {
                assert!(!reaches(address), "{name}: {address}");
                if let IpAddr::V4(v4) = address {
                    assert!(!reaches(v4.to_ipv6_mapped().into()), "{name}: {address}, mapped");
                }
            }
            for (neighbour, expected) in [(next(first, -1), before), (next(last, 1), after)] {
                let Some(neighbour) = neighbour else { continue };
                assert_eq!(reaches(neighbour), expected, "next to {name}: {neighbour}");
            }
        }
        for address in ["8.8.8.8", "192.175.48.1", "2606:4700::1", "2620:4f:8000::1"] {
            assert!(reaches(address.parse().unwrap()), "{address}");
        }
    }

    /// The address before or after another one.
    fn next(address: IpAddr, step: i8) -> Option<IpAddr> {
        match address {
            IpAddr::V4(v4) => {
                Some(IpAddr::V4(v4.to_bits().checked_add_signed(step.into())?.into()))
            }
            IpAddr::V6(v6) => {
                Some(IpAddr::V6(v6.to_bits().checked_add_signed(step.into())?.into()))
            }
        }
    }

    #[test]
    fn hosts_in_other_notations_are_addresses() {
        for host in ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "127.0.0.1.", "0xa9fea9fe"] {
            let target = format!("http://{host}/");
            assert!(!allows(&safe(), &Method::GET, &target, None), "{host}");
        }
    }

    #[test]
    fn tunnels_go_to_443_and_to_the_listed_ports() {
        let address = Some("8.8.8.8".parse().unwrap());
        let more = AccessRules::safe([8443, 993]).unwrap();
        for (port, usual, listed) in [
            (443, true, true),
            (8443, false, true),
            (993, false, true),
            (22, false, false),
            (25, false, false),
            (80, false, false),
            (65_535, false, false),
        ] {
            let target = format!("a.example:{port}");
            let connect = |rules| allows(rules, &Method::CONNECT, &target, address);
            assert_eq!((connect(&safe()), connect(&more)), (usual, listed), "{port}");
            let plain = format!("http://{target}/");
            assert!(allows(&safe(), &Method::POST, &plain, address), "{port}");
        }
        let error = AccessRules::safe([0]).unwrap_err().to_string();
        assert_eq!(error, "0 is not a port from 1 to 65535");
    }

    #[test]
    fn refuses_requests_without_a_user() {
        let anonymous = Identity::anonymous(Realm::new("proxy").unwrap());
        let target = "http://a.example/".parse().unwrap();
        for identity in [None, Some(&anonymous)] {
            let request = AccessRequest::new(&Method::GET, &target).with_identity(identity);
            let access = safe().decide(&request);
            let Access::Denied(cause) = access else { panic!("{access:?}") };
            assert_eq!(&*cause, "the rule in line 8 of the safe rules");
        }
    }
}
