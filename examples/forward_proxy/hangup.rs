//! SIGHUP, which makes the proxy read or open its files again, and does not end it.

#[cfg(not(unix))]
use std::future;
use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A subscription to SIGHUP. Every subscriber receives every signal; those that arrive while it is
/// busy count as one. Other systems than Unix have no such signal.
#[derive(Debug)]
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: Signal,
}

impl Hangups {
    /// Subscribes to the signals from now on. After the first subscription, SIGHUP does not end the
    /// process.
    ///
    /// # Errors
    /// No signal handler can be installed.
    pub(crate) fn subscribe() -> io::Result<Self> {
        #[cfg(unix)]
        let hangups = Self { signal: signal(SignalKind::hangup())? };
        #[cfg(not(unix))]
        let hangups = Self {};
        Ok(hangups)
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        let _ = self.signal.recv().await;
        #[cfg(not(unix))]
        future::pending::<()>().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn wakes_every_subscriber_once() {
        let mut subscribers = [(); 3].map(|()| Hangups::subscribe().expect("a subscription"));
        kill_process(getpid(), Signal::HUP).expect("a signal to this process");
        for hangups in &mut subscribers {
            let waiting = timeout(Duration::from_secs(10), hangups.next());
            waiting.await.expect("the signal arrives");
        }
        for hangups in &mut subscribers {
            assert!(timeout(Duration::ZERO, hangups.next()).await.is_err(), "there was one signal");
        }
    }
}
