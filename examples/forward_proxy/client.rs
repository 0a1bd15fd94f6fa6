//! The client at the other end of a connection.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use http::Request;
use tokio_util::sync::CancellationToken;
use tower_proxy_auth::{Identity, RequestHead, UserId};

use crate::{
    activity::Activity,
    admission::{Admission, network},
    places::{Place, Places},
    read_gate::ReadGate,
};

/// The client of a request, in the extensions. All requests of a connection share it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) admission: Admission,
    pub(crate) activity: Activity,
    pub(crate) gate: ReadGate,
    /// Cancelled when the place of the connection is given to another user.
    pub(crate) evicted: CancellationToken,
    /// Kept for as long as the connection, or the tunnel that it becomes. Empty until a request
    /// has passed the authentication layer.
    place: Arc<Mutex<Option<Place<Owner>>>>,
}

/// The user to whose limit connections and tunnels count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    User(UserId),
    /// Without authentication.
    Peer(Option<IpAddr>),
}

impl Client {
    pub(crate) fn new(address: SocketAddr, admission: Admission) -> Self {
        Self {
            address,
            admission,
            activity: Activity::new(),
            gate: ReadGate::default(),
            evicted: CancellationToken::new(),
            place: Arc::default(),
        }
    }

    /// Admits the connection: a request of `owner` has passed the authentication layer. False if
    /// the owner has too many connections.
    pub(crate) fn admit(&self, owner: &Owner, sessions: &Places<Owner>) -> bool {
        self.admission.grant();
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            *place = sessions.add(owner.clone(), self.evicted.clone());
        }
        place.is_some()
    }
}

/// The address of the client of a request.
pub(crate) fn peer(head: &RequestHead<'_>) -> Option<IpAddr> {
    head.extensions().get::<Client>().map(|client| client.address.ip())
}

impl Owner {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let extensions = request.extensions();
        match extensions.get::<Identity>().and_then(Identity::user) {
            Some(user) => Self::User(user.clone()),
            None => {
                let client = extensions.get::<Client>();
                Self::Peer(client.map(|client| network(client.address.ip())))
            }
        }
    }
}
