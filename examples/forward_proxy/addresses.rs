//! Decides about the addresses of an origin before the proxy connects to one.
//!
//! A rule about networks applies to the address that the proxy connects to. So the proxy resolves
//! the name of the origin for each request, checks each address, and hands the allowed ones to the
//! connector in the form of a name. Connections to origins are pooled under this name: a request
//! uses a pooled connection only if all addresses that it may be connected to are allowed.

use std::{
    fmt::Write as _,
    future::{Ready, ready},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll},
    vec,
};

use http::uri::Authority;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::{net::lookup_host, time::timeout};
use tower::Service;
use tower_proxy_auth::{Reason, Refusal, access::AddressCheck};

use crate::{
    connector::CONNECT_TIMEOUT,
    error::{Failure, ForwardError},
};

/// The end of the names that stand for addresses. No name resolves to such a name.
const SUFFIX: &str = "addresses.invalid";

/// The maximum number of addresses of a name that are used.
const MAX_ADDRESSES: usize = 16;

/// Resolves the name of an origin, and returns an authority that stands for the allowed addresses.
///
/// # Errors
/// The name cannot be resolved, or every address is denied. Then the cause, for the operator's log,
/// says for each address which rule denies it.
pub(crate) async fn allowed(
    authority: &Authority,
    default_port: u16,
    check: &AddressCheck,
) -> Result<Authority, Failure> {
    let port = authority.port_u16().unwrap_or(default_port);
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for address in addresses(authority.host(), port).await? {
        match check.check(address).await {
            Ok(()) => allowed.push(address),
            Err(refusal) => {
                let cause = refusal.causes().map(|causes| causes.to_string());
                tracing::debug!(%address, cause, "address denied");
                denied.push((address, refusal));
            }
        }
    }
    encode(&allowed, port).ok_or_else(|| match denial(denied) {
        Some(refusal) => Failure::Denied(refusal.into()),
        None => ForwardError::UnknownHost.into(),
    })
}

/// One refusal for all addresses. If the rules could not decide about one, that is the refusal.
fn denial(mut denied: Vec<(IpAddr, Refusal)>) -> Option<Refusal> {
    let undecided = denied.iter().position(|(_, refusal)| refusal.reason() != Reason::Forbidden);
    if let Some(position) = undecided {
        return Some(denied.swap_remove(position).1);
    }
    let mut causes = String::new();
    for (address, refusal) in &denied {
        let separator = if causes.is_empty() { "" } else { "; " };
        let _ = write!(causes, "{separator}{address}");
        if let Some(cause) = refusal.causes() {
            let _ = write!(causes, ": {cause}");
        }
    }
    (!denied.is_empty()).then(|| Refusal::new(Reason::Forbidden).with_source(causes))
}

async fn addresses(host: &str, port: u16) -> Result<Vec<IpAddr>, ForwardError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let looking_up = timeout(CONNECT_TIMEOUT, lookup_host((host, port))).await;
    let found = looking_up.map_err(|_| ForwardError::ConnectTimeout)?;
    let mut addresses = Vec::new();
    for address in found.map_err(|_| ForwardError::UnknownHost)?.take(MAX_ADDRESSES) {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}

/// The authority that stands for these addresses; `None` if the list is empty.
fn encode(addresses: &[IpAddr], port: u16) -> Option<Authority> {
    let mut name = String::new();
    for address in addresses {
        let _ = match address {
            IpAddr::V4(v4) => write!(name, "{:08x}.", v4.to_bits()),
            IpAddr::V6(v6) => write!(name, "{:032x}.", v6.to_bits()),
        };
    }
    let is_empty = name.is_empty();
    let authority = format!("{name}{SUFFIX}:{port}").parse().ok()?;
    (!is_empty).then_some(authority)
}

/// The addresses that a name stands for.
fn decode(name: &str) -> Option<Vec<IpAddr>> {
    let labels = name.strip_suffix(SUFFIX)?.strip_suffix('.')?.split('.');
    labels
        .map(|label| match label.len() {
            8 => u32::from_str_radix(label, 16).ok().map(|bits| Ipv4Addr::from_bits(bits).into()),
            _ => u128::from_str_radix(label, 16).ok().map(|bits| Ipv6Addr::from_bits(bits).into()),
        })
        .collect()
}

/// Resolves only the names that [`allowed`] has made.
#[derive(Clone, Debug)]
pub(crate) struct AllowedAddresses;

impl Service<Name> for AllowedAddresses {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let addresses = decode(name.as_str()).map(|addresses| {
            let addresses: Vec<_> =
                addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            addresses.into_iter()
        });
        ready(addresses.ok_or_else(|| io::Error::other("the addresses were not checked")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_rule_of_each_address() {
        let address = |last| IpAddr::from([192, 0, 2, last]);
        let denied = |cause: &str| Refusal::new(Reason::Forbidden).with_source(cause.to_owned());
        let causes = |refusals: Vec<(IpAddr, Refusal)>| {
            let refusal = denial(refusals)?;
            Some((refusal.reason(), refusal.causes()?.to_string()))
        };
        let two = vec![(address(1), denied("line 1")), (address(2), denied("line 9"))];
        let text = "192.0.2.1: line 1; 192.0.2.2: line 9".to_owned();
        assert_eq!(causes(two.clone()), Some((Reason::Forbidden, text)));
        let failed = Refusal::new(Reason::BackendFailed).with_source("no answer".to_owned());
        let undecided = [two, vec![(address(3), failed)]].concat();
        assert_eq!(causes(undecided), Some((Reason::BackendFailed, "no answer".to_owned())));
        assert_eq!(causes(Vec::new()), None);
    }

    #[test]
    fn names_stand_for_addresses() {
        let addresses: Vec<IpAddr> =
            ["127.0.0.1", "2001:db8::1", "0.0.0.0"].map(|text| text.parse().unwrap()).into();
        let authority = encode(&addresses, 80).unwrap();
        assert_eq!(authority.port_u16(), Some(80));
        assert_eq!(decode(authority.host()), Some(addresses));
        assert_eq!(encode(&[], 80), None);
        for name in ["example.org", "7f000001", SUFFIX, "x.addresses.invalid", ".addresses.invalid"]
        {
            assert_eq!(decode(name), None, "{name}");
        }
    }
}
