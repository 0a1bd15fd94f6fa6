//! The signals that end the process.

use std::{future::Future, io, time::Duration};

/// How long requests and tunnels may continue after the signal.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Returns a future that waits for Ctrl-C and, on Unix, for SIGTERM.
///
/// # Errors
/// No signal handler can be installed.
pub(crate) fn signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
