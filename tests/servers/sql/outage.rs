//! Outages of a server, as its clients see them.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time};
use tower_proxy_auth::{ProxyAuthLayer, backend::sql::Sql};

use crate::support::{
    layer::{self, Origin, RIGHT, WRONG},
    sql::basic,
};

/// The port of a server that accepts connections and never answers.
pub(crate) fn mute() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It stays open as long as the process runs.
    std::mem::forget(listener);
    port
}

/// One answer of the layer.
#[derive(Debug)]
struct Seen {
    is_right: bool,
    sent: Instant,
    answered: Instant,
    status: u16,
    has_retry_after: bool,
}

/// Sends requests with the right and a wrong password until it is dropped.
pub(crate) struct Load {
    tasks: JoinSet<()>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Load {
    pub(crate) fn on(sql: &Sql) -> Self {
        let (layer, seen) = (basic(sql), Arc::default());
        let mut tasks = JoinSet::new();
        for task in 0..6 {
            tasks.spawn(run(layer.clone(), task % 2 == 0, Arc::clone(&seen)));
        }
        Self { tasks, seen }
    }

    /// Ends it, and checks the answers. Requests before `down`, and those from `recovery` after
    /// `up` on, get the right answer; those in the outage get 503; none gets a wrong verdict.
    pub(crate) async fn check(mut self, [down, start, up]: [Instant; 3], recovery: Duration) {
        self.tasks.shutdown().await;
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let mut counts = [0; 3];
        for one in &seen {
            let served = if one.is_right { 200 } else { 407 };
            assert!([served, 503].contains(&one.status), "{one:?}");
            assert_eq!(one.has_retry_after, one.status == 503, "{one:?}");
            let in_outage = one.sent >= down && one.answered <= start;
            let is_back = one.sent >= up + recovery;
            if in_outage {
                assert_eq!(one.status, 503, "in the outage: {one:?}");
                counts[1] += 1;
            } else if is_back {
                assert_eq!(one.status, served, "after the outage: {one:?}");
                counts[2] += 1;
            } else if one.status == served && one.answered < down {
                counts[0] += 1;
            }
        }
        assert!(counts.iter().all(|&count| count >= 6), "before, in and after: {counts:?}");
    }
}

async fn run(layer: ProxyAuthLayer, is_right: bool, seen: Arc<Mutex<Vec<Seen>>>) {
    let origin = Origin::new();
    loop {
        let sent = Instant::now();
        let credentials = if is_right { RIGHT } else { WRONG };
        let response = layer::send(&layer, &origin, layer::get(credentials)).await;
        let has_retry_after = response.headers().contains_key(http::header::RETRY_AFTER);
        let (answered, status) = (Instant::now(), response.status().as_u16());
        seen.lock().unwrap().push(Seen { is_right, sent, answered, status, has_retry_after });
        time::sleep(Duration::from_millis(10)).await;
    }
}
