//! One look at files: whether they have changed, and what they say now.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use sha2::{Digest as _, Sha256};

use super::{
    Content, FileError, FileEvent, Observer,
    content::{Fingerprint, Stayed},
};

/// How long a file has to stay as it is before it is read: whoever writes it may not have finished.
const PAUSE: Duration = Duration::from_millis(50);
/// How many times it is waited for that.
const PAUSES: usize = 8;

/// Makes of files what is asked of them.
pub(super) type Parse<T> = Box<dyn Fn(&[Content]) -> Result<T, FileError> + Send>;

/// What the files said when they were last understood, and why they are not now.
pub(super) struct State<T> {
    pub(super) current: ArcSwap<T>,
    pub(super) failed: ArcSwapOption<FileError>,
}

/// Looks at files.
pub(super) struct Reload<T> {
    paths: Vec<PathBuf>,
    parse: Parse<T>,
    state: Arc<State<T>>,
    observer: Observer,
    /// What was read last.
    seen: Vec<Option<Fingerprint>>,
    /// The hash of what was read last. `None` if that could not be read.
    hash: Option<Hash>,
    /// Whether to read again whatever the fingerprints say.
    look_closer: bool,
}

type Hash = [u8; 32];

/// All files as they were read.
struct Contents {
    contents: Vec<Content>,
    seen: Vec<Option<Fingerprint>>,
    hash: Hash,
    stayed: Stayed,
}

impl<T> Reload<T> {
    /// Reads the files for the first time.
    pub(super) fn start(
        paths: Vec<PathBuf>,
        parse: Parse<T>,
        observer: Observer,
    ) -> Result<Self, FileError> {
        // Read all the same if somebody keeps writing: the next look finds that it has changed.
        let mut read = Contents::read(&paths)?;
        for _ in 0..PAUSES {
            if read.stayed == Stayed::Yes {
                break;
            }
            thread::sleep(PAUSE);
            read = Contents::read(&paths)?;
        }
        let current = ArcSwap::from_pointee(parse(&read.contents)?);
        let state = Arc::new(State { current, failed: ArcSwapOption::empty() });
        let look_closer = read.look_closer();
        let hash = Some(read.hash);
        Ok(Self { paths, parse, state, observer, seen: read.seen, hash, look_closer })
    }

    pub(super) const fn state(&self) -> &Arc<State<T>> {
        &self.state
    }

    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Reads the files again if they have changed, and tells what became of it.
    pub(super) fn look(&mut self) {
        let now = self.fingerprints();
        if now != self.seen {
            self.settle(now);
        } else if !self.look_closer {
            return;
        }
        match Contents::read(&self.paths) {
            // Somebody is writing: at the next look.
            Ok(read) if read.stayed == Stayed::No => self.look_closer = true,
            Ok(read) => self.take(read),
            Err(error) => {
                self.seen = self.fingerprints();
                (self.hash, self.look_closer) = (None, true);
                self.fail(error);
            }
        }
    }

    fn take(&mut self, read: Contents) {
        self.look_closer = read.look_closer();
        self.seen = read.seen;
        if self.hash == Some(read.hash) {
            return;
        }
        let parsed = (self.parse)(&read.contents);
        self.hash = Some(read.hash);
        match parsed {
            Ok(parsed) => {
                self.state.current.store(Arc::new(parsed));
                self.state.failed.store(None);
                (self.observer)(FileEvent::Reloaded);
            }
            Err(error) => self.fail(error),
        }
    }

    /// Tells of an error unless it is the last one that was told of.
    fn fail(&self, error: FileError) {
        let known = self.state.failed.load();
        if known.as_deref() != Some(&error) {
            self.state.failed.store(Some(Arc::new(error.clone())));
            (self.observer)(FileEvent::Failed(&error));
        }
    }

    /// Waits until nothing changes any more, or long enough.
    fn settle(&self, mut now: Vec<Option<Fingerprint>>) {
        for _ in 0..PAUSES {
            thread::sleep(PAUSE);
            let next = self.fingerprints();
            if next == now {
                return;
            }
            now = next;
        }
    }

    fn fingerprints(&self) -> Vec<Option<Fingerprint>> {
        self.paths.iter().map(|path| Fingerprint::at(path)).collect()
    }
}

impl Contents {
    fn read(paths: &[PathBuf]) -> Result<Self, FileError> {
        let (mut contents, mut seen) = (Vec::new(), Vec::new());
        let (mut hash, mut stayed) = (Sha256::new(), Stayed::Yes);
        for path in paths {
            let (content, fingerprint, this_stayed) = Content::read(path)?;
            hash.update(content.bytes().len().to_le_bytes());
            hash.update(content.bytes());
            if this_stayed == Stayed::No {
                stayed = Stayed::No;
            }
            contents.push(content);
            seen.push(Some(fingerprint));
        }
        Ok(Self { contents, seen, hash: hash.finalize().into(), stayed })
    }

    fn look_closer(&self) -> bool {
        self.stayed == Stayed::No || self.seen.iter().flatten().any(Fingerprint::is_young)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::Write as _,
        path::Path,
        sync::Mutex,
    };

    use tempfile::TempDir;

    use super::*;

    /// What observers were told, one word or error for each time.
    type Told = Arc<Mutex<Vec<String>>>;

    /// A folder with files in it that hold a text, of which `bad` is refused.
    struct Fixture {
        folder: TempDir,
        told: Told,
    }

    impl Fixture {
        fn new() -> Self {
            Self { folder: TempDir::new().unwrap(), told: Told::default() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Writes a file in place.
        fn write(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).unwrap();
        }

        /// Puts another file in its place.
        fn replace(&self, name: &str, text: &str) {
            let new = self.path("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, self.path(name)).unwrap();
        }

        fn open(&self, names: &[&str]) -> Result<Reload<String>, FileError> {
            let paths = names.iter().map(|name| self.path(name)).collect();
            let told = Arc::clone(&self.told);
            let observer = move |event: FileEvent<'_>| {
                told.lock().unwrap().push(match event {
                    FileEvent::Reloaded => "reloaded".to_owned(),
                    FileEvent::Failed(error) => {
                        let name = error.path().file_name().unwrap().to_str().unwrap();
                        format!("{name}: {}", error.to_string().split(": ").nth(1).unwrap())
                    }
                });
            };
            Reload::start(paths, Box::new(parse), Arc::new(observer))
        }

        /// What was told since the last time.
        fn told(&self) -> Vec<String> {
            std::mem::take(&mut *self.told.lock().unwrap())
        }
    }

    fn parse(contents: &[Content]) -> Result<String, FileError> {
        let mut all = String::new();
        for content in contents {
            let text = str::from_utf8(content.bytes()).unwrap();
            if text.contains("bad") {
                return Err(FileError::in_line(content.path(), 1, "it is bad"));
            }
            all.push_str(text);
        }
        Ok(all)
    }

    #[track_caller]
    fn says(reload: &mut Reload<String>, expected: &str) {
        reload.look();
        assert_eq!(**reload.state.current.load(), *expected);
    }

    #[test]
    fn a_file_that_is_written_in_place_is_read_again() {
        let files = Fixture::new();
        files.write("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        says(&mut reload, "one");
        files.write("a", "two");
        says(&mut reload, "two");
        says(&mut reload, "two");
        assert_eq!(files.told(), ["reloaded"]);
    }

    #[test]
    fn a_file_that_is_replaced_is_read_again() {
        let files = Fixture::new();
        files.write("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        files.replace("a", "two");
        says(&mut reload, "two");
        assert_eq!(files.told(), ["reloaded"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_that_is_swapped_as_kubernetes_does_is_followed() {
        use std::os::unix::fs::symlink;

        let files = Fixture::new();
        for (folder, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(files.path(folder)).unwrap();
            files.write(&format!("{folder}/a"), text);
        }
        symlink("..1", files.path("..data")).unwrap();
        symlink("..data/a", files.path("a")).unwrap();
        let mut reload = files.open(&["a"]).unwrap();
        symlink("..2", files.path("..data_tmp")).unwrap();
        fs::rename(files.path("..data_tmp"), files.path("..data")).unwrap();
        says(&mut reload, "two");
        fs::remove_dir_all(files.path("..1")).unwrap();
        says(&mut reload, "two");
        assert_eq!(files.told(), ["reloaded"]);
    }

    #[test]
    fn a_bad_file_is_told_of_once_and_the_last_good_one_stays() {
        let files = Fixture::new();
        files.write("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        files.write("a", "bad");
        for _ in 0..3 {
            says(&mut reload, "one");
        }
        assert_eq!(files.told(), ["a: it is bad"]);
        assert_eq!(reload.state.failed.load().as_ref().unwrap().line(), Some(1));
        files.write("a", "worse, and bad");
        says(&mut reload, "one");
        assert_eq!(files.told(), [""; 0], "the same error");
        files.write("a", "one");
        says(&mut reload, "one");
        assert!(reload.state.failed.load().is_none());
        assert_eq!(files.told(), ["reloaded"]);
    }

    #[test]
    fn a_file_that_vanishes_is_told_of_once_and_comes_back() {
        let files = Fixture::new();
        files.write("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        fs::remove_file(files.path("a")).unwrap();
        for _ in 0..3 {
            says(&mut reload, "one");
        }
        let told = files.told();
        assert_eq!(told, ["a: it cannot be read"]);
        files.write("a", "two");
        says(&mut reload, "two");
        assert!(reload.state.failed.load().is_none());
    }

    #[test]
    fn a_change_that_leaves_length_and_time_is_seen() {
        let files = Fixture::new();
        files.write("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        says(&mut reload, "one");
        files.write("a", "two");
        // As if time went by in steps so long that nothing else differs.
        reload.seen = reload.fingerprints();
        says(&mut reload, "two");
    }

    #[test]
    fn a_file_that_has_not_changed_for_long_is_not_read() {
        let files = Fixture::new();
        files.write("a", "one");
        let set_time = |name| {
            let file = File::options().write(true).open(files.path(name)).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        };
        set_time("a");
        let mut reload = files.open(&["a"]).unwrap();
        assert!(!reload.look_closer);
        files.write("a", "two");
        set_time("a");
        reload.seen = reload.fingerprints();
        says(&mut reload, "one");
    }

    #[test]
    fn a_file_that_grows_while_it_is_waited_for_is_read_to_its_end() {
        let files = Fixture::new();
        files.write("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        let path = files.path("a");
        let (go, begun) = std::sync::mpsc::channel();
        let writer = thread::spawn(move || {
            let mut file = File::create(path).unwrap();
            for part in ["t", "w", "o", " and more"] {
                file.write_all(part.as_bytes()).unwrap();
                // The reader has seen a part, and waits.
                let _ = go.send(());
                thread::sleep(PAUSE / 4);
            }
        });
        begun.recv().unwrap();
        reload.look();
        writer.join().unwrap();
        // However the threads took turns, the end is what counts.
        says(&mut reload, "two and more");
    }

    #[test]
    fn several_files_are_one() {
        let files = Fixture::new();
        files.write("a", "one");
        files.write("b", "-two");
        let mut reload = files.open(&["a", "b"]).unwrap();
        says(&mut reload, "one-two");
        files.write("b", "-three");
        says(&mut reload, "one-three");
        files.write("a", "one-");
        files.write("b", "three");
        says(&mut reload, "one-three");
        assert_eq!(files.told(), ["reloaded"; 2]);
    }

    #[test]
    fn the_first_time_everything_must_be_right() {
        let files = Fixture::new();
        let refused = |name| files.open(&[name]).err().unwrap().to_string();
        assert!(refused("a").contains(": it cannot be read: "), "{}", refused("a"));
        files.write("a", "bad");
        assert!(refused("a").ends_with(", line 1: it is bad"), "{}", refused("a"));
        fs::create_dir(files.path("folder")).unwrap();
        assert!(refused("folder").ends_with(": it is not a regular file"));
        assert!(Content::read(Path::new("/dev/zero")).is_err());
    }
}
