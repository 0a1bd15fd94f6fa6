//! One rule.

use std::{net::IpAddr, ops::RangeInclusive};

use ipnet::IpNet;

use super::host::{Destination, HostPattern};
use crate::{access::AccessRequest, identity::Account, user_id::UserId};

/// What happens to the requests that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Allow,
    Deny,
}

/// A rule. All conditions that it has must hold.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) action: Action,
    /// The position of the rule in the document, for the operator's log.
    pub(super) place: String,
    pub(super) users: Option<Vec<String>>,
    pub(super) groups: Option<Vec<String>>,
    pub(super) anonymous: Option<bool>,
    pub(super) hosts: Option<Vec<HostPattern>>,
    pub(super) networks: Option<Vec<IpNet>>,
    pub(super) ports: Option<Vec<RangeInclusive<u16>>>,
    pub(super) methods: Option<Vec<String>>,
    pub(super) peers: Option<Vec<IpNet>>,
}

/// Whether a rule applies to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    No,
    /// It depends on the address of the host.
    AddressNeeded,
}

impl Rule {
    /// `address` is the canonical one that the proxy connects to, if it is known.
    pub(super) fn matches(
        &self,
        request: &AccessRequest<'_>,
        destination: &Destination,
        address: Option<IpAddr>,
    ) -> Match {
        let applies = holds(&self.methods, |method| request.method().as_str() == method)
            && holds(&self.ports, |ports| {
                destination.port.is_some_and(|port| ports.contains(&port))
            })
            && holds(&self.hosts, |pattern| pattern.matches(&destination.host))
            && holds(&self.peers, |peers| request.peer().is_some_and(|peer| includes(peers, peer)))
            && self.matches_user(request);
        if !applies {
            return Match::No;
        }
        let Some(networks) = &self.networks else { return Match::Yes };
        let Some(address) = address else { return Match::AddressNeeded };
        if networks.iter().any(|network| includes(network, address)) {
            Match::Yes
        } else {
            Match::No
        }
    }

    fn matches_user(&self, request: &AccessRequest<'_>) -> bool {
        let account = request.identity().and_then(|identity| identity.account());
        let user = account.map(Account::user).map(UserId::as_str);
        self.anonymous.is_none_or(|anonymous| anonymous == account.is_none())
            && holds(&self.users, |name| user == Some(name))
            && holds(&self.groups, |name| {
                account.is_some_and(|account| account.groups().any(|group| group == name))
            })
    }
}

/// Whether a condition is absent or holds for one of its values.
fn holds<T>(values: &Option<Vec<T>>, is_met: impl Fn(&T) -> bool) -> bool {
    values.as_ref().is_none_or(|values| values.iter().any(is_met))
}

fn includes(network: &IpNet, address: IpAddr) -> bool {
    network.contains(&address.to_canonical())
}
