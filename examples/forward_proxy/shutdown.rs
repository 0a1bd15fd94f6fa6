//! The end of the process: on Ctrl-C or SIGTERM what is under way may finish, for a while.

use std::{future::Future, io, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

/// How long requests and tunnels may go on after the signal.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Ends on Ctrl-C, and on SIGTERM where there is such a thing.
///
/// # Errors
/// When no signal handler can be installed.
pub(crate) fn signals() -> io::Result<impl Future<Output = ()>> {
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

/// Starts tasks that the end of the process waits for. Clones are of one group.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    stopping: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
}

/// The other end of [`Tasks`]: stops them and waits for them.
#[derive(Debug)]
pub(crate) struct Drain {
    stopping: watch::Sender<bool>,
    /// Ends when the last task, and the last [`Tasks`], is gone.
    alive: mpsc::Receiver<()>,
}

/// A group of tasks and what ends it.
pub(crate) fn tasks() -> (Tasks, Drain) {
    let (stop, stopping) = watch::channel(false);
    let (alive, ended) = mpsc::channel(1);
    (Tasks { stopping, alive }, Drain { stopping: stop, alive: ended })
}

impl Tasks {
    /// Runs `task` on its own. A panic in it ends this task alone.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let alive = self.alive.clone();
        tokio::spawn(async move {
            task.await;
            drop(alive);
        });
    }

    /// Ends when the process is about to end.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the other end is gone, which comes to the same.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

impl Drain {
    /// Asks all tasks to end.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits for the tasks, for [`DRAIN_TIME`] at most; tells whether all have ended.
    pub(crate) async fn finished(mut self) -> bool {
        timeout(DRAIN_TIME, self.alive.recv()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_tasks_that_listen() {
        let (tasks, drain) = tasks();
        let listening = tasks.clone();
        tasks.spawn(async move { listening.stopping().await });
        drop(tasks);
        drain.stop();
        assert!(drain.finished().await);
    }

    #[tokio::test]
    async fn a_panic_in_a_task_is_its_end() {
        let (tasks, drain) = tasks();
        tasks.spawn(async { panic!("only this task") });
        drop(tasks);
        assert!(drain.finished().await);
    }
}
