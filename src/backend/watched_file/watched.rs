//! A thread that looks at files as long as somebody needs them.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

use super::{
    Content, FileError, FileEvent, OpenError,
    reload::{Reload, State},
};
use crate::error::ConfigError;

/// How often the files are looked at without having been told of a change.
const POLL: Duration = Duration::from_millis(250);

/// How long the thread rests after each look, so that a busy folder does not keep it busy.
const REST: Duration = Duration::from_millis(10);

/// Is told what became of files that have changed.
pub(in crate::backend) type Observer = Arc<dyn Fn(FileEvent<'_>) + Send + Sync>;

/// What files say, always as they say it now. The thread that looks at them ends when it is
/// dropped.
pub(in crate::backend) struct Watched<T> {
    state: Arc<State<T>>,
    thread: Arc<Bell>,
}

/// Wakes the thread, and tells it to end.
struct Bell {
    ended: AtomicBool,
    ring: SyncSender<()>,
}

impl Bell {
    /// If it cannot be rung, it has been rung already.
    fn ring(&self) {
        let _ = self.ring.try_send(());
    }
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// Reads the files, and goes on to watch them.
    pub(in crate::backend) fn open(
        paths: Vec<PathBuf>,
        parse: impl Fn(&[Content]) -> Result<T, FileError> + Send + 'static,
        observer: Observer,
    ) -> Result<Self, OpenError> {
        let reload = Reload::start(paths, Box::new(parse), observer)?;
        let state = Arc::clone(reload.state());
        let (ring, rung) = mpsc::sync_channel(1);
        let bell = Arc::new(Bell { ended: AtomicBool::new(false), ring });
        let watched = Self { state, thread: Arc::clone(&bell) };
        thread::Builder::new()
            .name("proxy-auth-files".into())
            .spawn(move || watch(reload, &bell, &rung))
            .map_err(|error| ConfigError::Threads(error.into()))?;
        Ok(watched)
    }

    /// What the files said when they were last understood.
    #[cfg(any(feature = "htpasswd", test))]
    pub(in crate::backend) fn current(&self) -> Arc<T> {
        self.state.current.load_full()
    }

    /// The same for a short look, without counting who looks.
    pub(in crate::backend) fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.state.current.load())
    }

    /// Why they are not understood now.
    pub(in crate::backend) fn last_error(&self) -> Option<FileError> {
        self.state.failed.load().as_deref().cloned()
    }
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        self.thread.ended.store(true, Ordering::Release);
        self.thread.ring();
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched(..)")
    }
}

fn watch<T>(mut reload: Reload<T>, bell: &Arc<Bell>, rung: &Receiver<()>) {
    let _events = events(reload.paths(), bell);
    loop {
        // Rung or not: the files are looked at.
        let _ = rung.recv_timeout(POLL);
        if bell.ended.load(Ordering::Acquire) {
            return;
        }
        // The observer is somebody else's: were it to end this thread, nobody would be removed from
        // the files any more.
        let _ = catch_unwind(AssertUnwindSafe(|| reload.look()));
        thread::sleep(REST);
    }
}

/// Has the bell rung for whatever happens in the folders of the files. Where that is not to be had,
/// looking without it has to do.
fn events(paths: &[PathBuf], bell: &Arc<Bell>) -> Option<RecommendedWatcher> {
    let bell = Arc::clone(bell);
    let ring = move |event: notify::Result<Event>| {
        // That somebody reads, as this thread itself does, is no change.
        let is_change = |event: &Event| match event.kind {
            EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
            _ => true,
        };
        if event.as_ref().map_or(true, is_change) {
            bell.ring();
        }
    };
    let mut watcher = notify::recommended_watcher(ring).ok()?;
    for path in paths {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Without the events of this one.
        let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
    }
    Some(watcher)
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc::channel, time::Instant};

    use tempfile::NamedTempFile;

    use super::*;

    /// Long enough for any machine.
    const LIMIT: Duration = Duration::from_secs(60);

    fn length(contents: &[Content]) -> Result<usize, FileError> {
        Ok(contents.iter().map(|content| content.bytes().len()).sum())
    }

    #[test]
    fn changes_are_noticed_without_being_asked_for() {
        let file = NamedTempFile::new().unwrap();
        let (tell, told) = channel();
        let observer = move |event: FileEvent<'_>| tell.send(format!("{event:?}")).unwrap();
        let watched =
            Watched::open(vec![file.path().to_owned()], length, Arc::new(observer)).unwrap();
        assert_eq!(*watched.current(), 0);
        for length in 1..4 {
            fs::write(file.path(), "x".repeat(length)).unwrap();
            // It may have been read while it was empty.
            while watched.with(|&now| now) != length {
                assert_eq!(told.recv_timeout(LIMIT).unwrap(), "Reloaded");
            }
        }
        assert_eq!(watched.last_error(), None);
    }

    #[test]
    fn an_observer_that_panics_does_not_end_the_watch() {
        let file = NamedTempFile::new().unwrap();
        let (tell, told) = channel();
        let observer = move |_: FileEvent<'_>| {
            tell.send(()).unwrap();
            panic!("on purpose");
        };
        let watched =
            Watched::open(vec![file.path().to_owned()], length, Arc::new(observer)).unwrap();
        for length in 1..4 {
            fs::write(file.path(), "x".repeat(length)).unwrap();
            while *watched.current() != length {
                told.recv_timeout(LIMIT).unwrap();
            }
        }
    }

    #[test]
    fn the_thread_ends_when_nobody_needs_it() {
        let file = NamedTempFile::new().unwrap();
        let watched =
            Watched::open(vec![file.path().to_owned()], length, Arc::new(|_| ())).unwrap();
        // The thread owns one until it ends.
        let state = Arc::downgrade(&watched.state);
        drop(watched);
        let end = Instant::now() + LIMIT;
        while state.strong_count() > 0 {
            assert!(Instant::now() < end, "it goes on");
            thread::yield_now();
        }
    }
}
