//! Compares the rules with a naive evaluator, on random rules and requests.

use std::net::{IpAddr, Ipv4Addr};

use http::{Method, Uri};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::AccessRules;
use crate::{
    access::{Access, AccessRequest},
    identity::{Account, Identity},
    wire::Realm,
};

const USERS: &[&str] = &["alice", "bob"];
const GROUPS: &[&str] = &["staff", "night"];
const HOSTS: &[&str] = &["a.test", "*.a.test", "b.a.test", "*.test"];
const NETWORKS: &[(&str, u32, u32)] = &[
    ("127.0.0.0/8", 0x7f00_0000, 8),
    ("10.0.0.0/7", 0x0a00_0000, 7),
    ("192.0.2.1", 0xc000_0201, 32),
    ("0.0.0.0/0", 0, 0),
];
const PORTS: &[(&str, u16, u16)] =
    &[("80", 80, 80), ("\"81-443\"", 81, 443), ("\"1-65535\"", 1, 65_535)];
const METHODS: &[&str] = &["GET", "CONNECT"];
const TARGETS: &[(&str, &str, u16)] = &[
    ("http://a.test/", "a.test", 80),
    ("http://B.A.test.:443/", "b.a.test", 443),
    ("http://c.test:8080/", "c.test", 8_080),
    ("http://127.0.0.1/", "127.0.0.1", 80),
    ("http://10.1.2.3:100/", "10.1.2.3", 100),
    ("http://3221225985/", "192.0.2.1", 80),
];
const ADDRESSES: &[&str] = &["127.1.2.3", "11.0.0.1", "192.0.2.1", "198.51.100.1"];

#[derive(Clone, Debug)]
struct Rule {
    allow: bool,
    users: Option<Vec<&'static str>>,
    groups: Option<Vec<&'static str>>,
    anonymous: Option<bool>,
    hosts: Option<Vec<&'static str>>,
    networks: Option<Vec<(&'static str, u32, u32)>>,
    ports: Option<Vec<(&'static str, u16, u16)>>,
    methods: Option<Vec<&'static str>>,
    peers: Option<Vec<(&'static str, u32, u32)>>,
}

#[derive(Clone, Debug)]
struct Request {
    user: Option<(&'static str, Vec<&'static str>)>,
    method: &'static str,
    target: (&'static str, &'static str, u16),
    address: Option<&'static str>,
    peer: Option<&'static str>,
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(
    values: &'static [T],
) -> impl Strategy<Value = Option<Vec<T>>> {
    option::weighted(0.3, vec(select(values), 1..3))
}

fn rule() -> impl Strategy<Value = Rule> {
    let who =
        (any::<bool>(), some_of(USERS), some_of(GROUPS), option::weighted(0.2, any::<bool>()));
    let place = (some_of(HOSTS), some_of(NETWORKS), some_of(PORTS), some_of(METHODS));
    (who, place, some_of(NETWORKS)).prop_map(
        |((allow, users, groups, anonymous), (hosts, networks, ports, methods), peers)| Rule {
            allow,
            users,
            groups,
            anonymous,
            hosts,
            networks,
            ports,
            methods,
            peers,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let user = option::of((select(USERS), vec(select(GROUPS), 0..2)));
    let (address, peer) = (option::of(select(ADDRESSES)), option::of(select(ADDRESSES)));
    (user, select(METHODS), select(TARGETS), address, peer).prop_map(
        |(user, method, target, address, peer)| Request { user, method, target, address, peer },
    )
}

impl Rule {
    fn to_toml(&self) -> String {
        fn list<T>(key: &str, values: &Option<Vec<T>>, text: impl Fn(&T) -> String) -> String {
            let Some(values) = values else { return String::new() };
            let values: Vec<_> = values.iter().map(text).collect();
            format!("{key} = [{}]\n", values.join(", "))
        }
        let quoted = |text: &&str| format!("{text:?}");
        let network = |(text, ..): &(&str, u32, u32)| format!("{text:?}");
        let anonymous = self.anonymous.map(|value| format!("anonymous = {value}\n"));
        [
            format!("[[rule]]\naction = {:?}\n", if self.allow { "allow" } else { "deny" }),
            list("users", &self.users, quoted),
            list("groups", &self.groups, quoted),
            anonymous.unwrap_or_default(),
            list("hosts", &self.hosts, quoted),
            list("networks", &self.networks, network),
            list("ports", &self.ports, |(text, ..)| (*text).to_owned()),
            list("methods", &self.methods, quoted),
            list("peers", &self.peers, network),
        ]
        .concat()
    }

    /// Whether the rule matches; `None` if that depends on the address.
    fn matches(&self, request: &Request) -> Option<bool> {
        fn any_of<T>(values: &Option<Vec<T>>, is_met: impl Fn(&T) -> bool) -> bool {
            match values {
                None => true,
                Some(values) => values.iter().filter(|value| is_met(value)).count() > 0,
            }
        }
        let in_network = |address: &str, (_, network, length): &(&str, u32, u32)| {
            let bits = u64::from(address.parse::<Ipv4Addr>().unwrap().to_bits());
            bits >> (32 - length) == u64::from(*network) >> (32 - length)
        };
        let (_, host, port) = request.target;
        let labels = |name: &'static str| name.rsplit('.').collect::<Vec<_>>();
        let is_address = host.parse::<IpAddr>().is_ok();
        let host_matches = |pattern: &&'static str| {
            let (pattern, host) = (labels(pattern), labels(host));
            match pattern.split_last() {
                Some((&"*", suffix)) => host.len() > suffix.len() && host.starts_with(suffix),
                _ => host == pattern,
            }
        };
        let user = request.user.as_ref();
        let rest = any_of(&self.users, |name| user.is_some_and(|(user, _)| user == name))
            && any_of(&self.groups, |group| user.is_some_and(|(_, groups)| groups.contains(group)))
            && self.anonymous.is_none_or(|anonymous| anonymous != user.is_some())
            && any_of(&self.hosts, |pattern| !is_address && host_matches(pattern))
            && any_of(&self.ports, |(_, first, last)| (*first..=*last).contains(&port))
            && any_of(&self.methods, |method| *method == request.method)
            && any_of(&self.peers, |network| {
                request.peer.is_some_and(|peer| in_network(peer, network))
            });
        if !rest {
            return Some(false);
        }
        if self.networks.is_none() {
            return Some(true);
        }
        let address = request.address.or(is_address.then_some(host))?;
        Some(any_of(&self.networks, |network| in_network(address, network)))
    }
}

fn naive(rules: &[Rule], request: &Request) -> &'static str {
    for rule in rules {
        match rule.matches(request) {
            None => return "address needed",
            Some(true) => return if rule.allow { "allowed" } else { "denied" },
            Some(false) => {}
        }
    }
    "denied"
}

fn decision(rules: &[Rule], request: &Request) -> &'static str {
    let text: String = rules.iter().map(Rule::to_toml).collect();
    let rules = AccessRules::parse(&text).unwrap();
    let identity = request.user.as_ref().map(|(name, groups)| {
        let account = groups.iter().copied().fold(Account::new(*name), Account::with_group);
        Identity::new(account, "Basic", Realm::new("proxy").unwrap())
    });
    let address = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    let method: Method = request.method.parse().unwrap();
    let target: Uri = request.target.0.parse().unwrap();
    let request = AccessRequest::new(&method, &target)
        .with_identity(identity.as_ref())
        .with_peer(address(request.peer))
        .with_address(address(request.address));
    match rules.decide(&request) {
        Access::Allowed => "allowed",
        Access::Denied(_) => "denied",
        Access::AddressNeeded => "address needed",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_096) })]

    #[test]
    fn agrees_with_a_naive_evaluator(rules in vec(rule(), 0..5), request in request()) {
        prop_assert_eq!(decision(&rules, &request), naive(&rules, &request));
    }
}
