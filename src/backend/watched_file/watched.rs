//! Polls files in a thread for as long as their content is used.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Content, FileError, FileEvent, Parsed,
    reload::{INTERVAL, Reload, State},
};
use crate::{
    error::BackendError,
    revocation::{Attached, Revocations},
    user_id::UserId,
};

/// How long the last content stays in force by default while the files cannot be read.
pub(in crate::backend) const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);

/// Receives the events of files.
pub(in crate::backend) type Observer = Arc<dyn Fn(FileEvent<'_>) + Send + Sync>;

/// The users of files.
pub(in crate::backend) trait UserTable: Send + Sync + 'static {
    /// The users whose record differs in `new`, or who are in only one of the two tables.
    fn changed<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = UserId>;
}

/// The last content of files. A change revokes the users whom it concerns.
pub(in crate::backend) struct Watched<T> {
    state: Arc<RwLock<State<T>>>,
    max_age: Duration,
    revocations: Arc<Attached>,
    /// Requests a reload. Ends the thread when it is dropped.
    thread: SyncSender<()>,
}

impl<T: UserTable> Watched<T> {
    /// Reads the files, and starts to poll them. While they cannot be read, their last content
    /// stays in force for `max_age`.
    pub(in crate::backend) fn open(
        paths: Vec<PathBuf>,
        max_age: Duration,
        parse: impl Fn(&[Content]) -> Result<Parsed<T>, FileError> + Send + 'static,
        observer: Observer,
    ) -> Result<Self, FileError> {
        let first = paths.first().cloned().unwrap_or_default();
        let revocations = Arc::<Attached>::default();
        let attached = Arc::clone(&revocations);
        let replaced = move |old: &T, new: &T| revoke(old.changed(new), &attached);
        let reload = Reload::start(paths, Box::new(parse), Box::new(replaced), observer)?;
        let state = Arc::clone(reload.state());
        let (sender, requests) = sync_channel(1);
        thread::Builder::new()
            .name("proxy-auth-files".into())
            .spawn(move || poll(reload, &requests))
            .map_err(|error| FileError::new(&first, format!("no thread to watch it: {error}")))?;
        Ok(Self { state, max_age, revocations, thread: sender })
    }

    /// The content that is in force.
    ///
    /// # Errors
    /// The files have been unreadable for too long.
    pub(in crate::backend) fn current(&self) -> Result<Arc<T>, BackendError> {
        let state = self.read();
        match &state.failure {
            Some((error, since)) if since.elapsed() >= self.max_age => {
                Err(BackendError::new(error.clone()))
            }
            _ => Ok(Arc::clone(&state.current)),
        }
    }

    /// The content that was read last, of whatever age.
    pub(in crate::backend) fn last(&self) -> Arc<T> {
        Arc::clone(&self.read().current)
    }

    /// Makes the thread read the files at the next poll, in at most 250 ms.
    pub(in crate::backend) fn reload(&self) {
        // If there is a request already, this one is the same.
        let _ = self.thread.try_send(());
    }

    /// Revokes users in this registry as well, in every realm that it is for.
    pub(in crate::backend) fn attach(&self, revocations: &Revocations) {
        self.revocations.add(revocations);
    }

    /// A number that changes with the content and never repeats.
    pub(in crate::backend) fn version(&self) -> u64 {
        self.read().version
    }

    /// Why the files cannot be read, or else which of their lines cannot be used.
    pub(in crate::backend) fn errors(&self) -> Vec<FileError> {
        let state = self.read();
        match &state.failure {
            Some((error, _)) => vec![error.clone()],
            None => state.problems.clone(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State<T>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched(..)")
    }
}

fn revoke(users: impl Iterator<Item = UserId>, revocations: &Attached) {
    for user in users {
        // The waker of one user may panic, which must not keep the others logged in.
        let _ = catch_unwind(AssertUnwindSafe(|| revocations.revoke_in_all_realms(&user)));
    }
}

fn poll<T>(mut reload: Reload<T>, requests: &Receiver<()>) {
    let mut next = Instant::now() + INTERVAL;
    loop {
        match requests.recv_timeout(next.saturating_duration_since(Instant::now())) {
            // An earlier poll could take a file that is being written for a complete one.
            Ok(()) => reload.forget(),
            Err(RecvTimeoutError::Timeout) => {
                // A panic of the observer must not end the thread, which removes users from the
                // tables.
                let _ = catch_unwind(AssertUnwindSafe(|| reload.poll()));
                next = Instant::now() + INTERVAL;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        future::Future as _,
        path::Path,
        sync::mpsc::channel,
        task::{Context, Wake, Waker},
    };

    use tempfile::NamedTempFile;

    use super::*;
    use crate::wire::Realm;

    /// Long enough for any machine.
    const LIMIT: Duration = Duration::from_secs(60);

    /// The length of the files, as the name of their only user.
    impl UserTable for usize {
        fn changed<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = UserId> {
            [*self, *new].into_iter().map(|length| UserId::new(&*length.to_string()))
        }
    }

    fn length(contents: &[Content]) -> Result<Parsed<usize>, FileError> {
        let users = contents.iter().map(|content| content.bytes().len()).sum();
        Ok(Parsed { users, problems: Vec::new(), mixed_costs: None })
    }

    fn open(file: &NamedTempFile, observer: Observer) -> Watched<usize> {
        let paths = vec![file.path().to_owned()];
        Watched::open(paths, DEFAULT_MAX_AGE, length, observer).unwrap()
    }

    #[test]
    fn an_observer_that_panics_does_not_end_the_watch() {
        let file = NamedTempFile::new().unwrap();
        let (send, events) = channel();
        let observer = move |event: FileEvent<'_>| {
            send.send(format!("{event:?}")).unwrap();
            panic!("on purpose");
        };
        let watched = open(&file, Arc::new(observer));
        assert_eq!((*watched.last(), watched.version()), (0, 0));
        for length in 1..4 {
            fs::write(file.path(), "x".repeat(length)).unwrap();
            while *watched.last() != length {
                assert_eq!(events.recv_timeout(LIMIT).unwrap(), "Reloaded");
            }
        }
        assert!(watched.version() >= 3);
        assert_eq!(watched.errors(), []);
    }

    #[test]
    fn a_flood_of_reloads_does_not_delay_a_change() {
        let file = NamedTempFile::new().unwrap();
        let watched = open(&file, Arc::new(|_| ()));
        fs::write(file.path(), "x").unwrap();
        let end = Instant::now() + LIMIT;
        while *watched.last() != 1 {
            assert!(Instant::now() < end, "it is not read");
            watched.reload();
            thread::yield_now();
        }
    }

    struct PanickingWaker;

    impl Wake for PanickingWaker {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }

    #[test]
    fn regression_a_waker_that_panics_keeps_no_other_user_logged_in() {
        let file = NamedTempFile::new().unwrap();
        let (send, events) = channel();
        let observer = move |_: FileEvent<'_>| send.send(()).unwrap();
        let watched = open(&file, Arc::new(observer));
        let (revocations, realm) = (Revocations::new(), Realm::new("proxy").unwrap());
        watched.attach(&revocations);
        let handles = ["0", "1"].map(|user| {
            let start = revocations.start_check();
            revocations.handle(&realm, &UserId::new(user), start).unwrap()
        });
        let waker = Waker::from(Arc::new(PanickingWaker));
        let mut futures = handles.each_ref().map(|handle| Box::pin(handle.revoked()));
        for future in &mut futures {
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        fs::write(file.path(), "x").unwrap();
        events.recv_timeout(LIMIT).expect("the change is reported");
        assert_eq!(handles.map(|handle| handle.is_revoked()), [true, true]);
    }

    #[test]
    fn unreadable_files_are_in_force_for_a_while() {
        let error = FileError::new(Path::new("users"), "it cannot be read");
        for (age, is_in_force) in [(299, true), (300, false)] {
            let file = NamedTempFile::new().unwrap();
            let watched = open(&file, Arc::new(|_| ()));
            let since = Instant::now().checked_sub(Duration::from_secs(age)).unwrap();
            watched.state.write().unwrap().failure = Some((error.clone(), since));
            assert_eq!(watched.current().is_ok(), is_in_force, "{age}");
            assert_eq!(watched.errors(), std::slice::from_ref(&error));
            assert_eq!(*watched.last(), 0);
        }
    }

    #[test]
    fn the_thread_ends_with_the_last_user() {
        let file = NamedTempFile::new().unwrap();
        let watched = open(&file, Arc::new(|_| ()));
        // The thread owns the state until it ends.
        let state = Arc::downgrade(&watched.state);
        drop(watched);
        let end = Instant::now() + LIMIT;
        while state.strong_count() > 0 {
            assert!(Instant::now() < end, "it goes on");
            thread::yield_now();
        }
    }
}
