//! The client at the other end of a connection.

use std::net::SocketAddr;

use crate::{activity::Activity, admission::Admission, read_gate::ReadGate};

/// The client of a request, in the extensions. All requests of a connection share it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) admission: Admission,
    pub(crate) activity: Activity,
    pub(crate) gate: ReadGate,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, admission: Admission) -> Self {
        Self { address, admission, activity: Activity::new(), gate: ReadGate::default() }
    }
}
