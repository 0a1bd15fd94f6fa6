//! Polls files, and parses them again when they have changed.

use std::{
    collections::HashSet,
    mem,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};

use super::{Content, FileError, FileEvent, Observer, content::Fingerprint};

/// The time between two polls.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);

/// Files that keep changing are read after this many polls, which is two seconds.
const MAX_UNSTABLE_POLLS: usize = 8;

/// The number of problems of one content that are reported one by one.
const MAX_REPORTED: usize = 100;

/// Parses the contents of all files. An error means that nothing in them can be used.
pub(super) type Parse<T> = Box<dyn Fn(&[Content]) -> Result<Parsed<T>, FileError> + Send>;

/// The users of all files, and the lines that cannot be used.
pub(in crate::backend) struct Parsed<T> {
    pub(in crate::backend) users: T,
    pub(in crate::backend) problems: Vec<FileError>,
    /// A line whose hash costs more or less than another one.
    pub(in crate::backend) mixed_costs: Option<FileError>,
}

/// Called with the old and the new content once the new one is in force.
pub(super) type Replaced<T> = Box<dyn Fn(&T, &T) + Send>;

/// The last content, and what is wrong with it.
pub(super) struct State<T> {
    pub(super) current: Arc<T>,
    /// Changes with `current`.
    pub(super) version: u64,
    pub(super) problems: Vec<FileError>,
    /// Why the files cannot be read, and since when.
    pub(super) failure: Option<(FileError, Instant)>,
}

/// Files that are parsed again when they have changed.
///
/// A changed file is read once its fingerprint is the same at two polls in a row, since a file that
/// is written in place may be incomplete before that.
pub(super) struct Reload<T> {
    paths: Vec<PathBuf>,
    parse: Parse<T>,
    replaced: Replaced<T>,
    state: Arc<RwLock<State<T>>>,
    observer: Observer,
    /// The fingerprints at the last poll; `None` if a file was missing.
    polled: Option<Vec<Fingerprint>>,
    /// The fingerprints at the last read; `None` if the files must be read again.
    read: Option<Vec<Fingerprint>>,
    /// The hash of the last content.
    hash: Hash,
    unstable_polls: usize,
}

type Hash = [u8; 32];

impl<T> Reload<T> {
    /// Reads the files for the first time. Refuses a file without users.
    pub(super) fn start(
        paths: Vec<PathBuf>,
        parse: Parse<T>,
        replaced: Replaced<T>,
        observer: Observer,
    ) -> Result<Self, FileError> {
        let mut polls = 0;
        let files = loop {
            if let Some(files) = Files::read(&paths)? {
                break files;
            }
            polls += 1;
            if polls == MAX_UNSTABLE_POLLS {
                let path = paths.first().cloned().unwrap_or_default();
                return Err(FileError::new(&path, "it changes while it is read"));
            }
            thread::sleep(INTERVAL);
        };
        let Parsed { users, problems, mixed_costs } = parse(&files.contents)?;
        // A file without users is a mistake at the start, but not later.
        if let Some(problem) = problems.iter().find(|problem| problem.line().is_none()) {
            return Err(problem.clone());
        }
        let state = State { current: Arc::new(users), version: 0, problems, failure: None };
        let state = Arc::new(RwLock::new(state));
        let polled = Some(files.fingerprints.clone());
        let (read, hash) = (files.unambiguous_fingerprints(), files.hash);
        let new =
            Self { paths, parse, replaced, state, observer, polled, read, hash, unstable_polls: 0 };
        new.report(&[], mixed_costs.as_ref());
        Ok(new)
    }

    pub(super) const fn state(&self) -> &Arc<RwLock<State<T>>> {
        &self.state
    }

    /// Makes the next poll read the files even if they do not seem to have changed.
    pub(super) fn forget(&mut self) {
        self.read = None;
    }

    /// Reads the files again if they have changed, and reports the result.
    pub(super) fn poll(&mut self) {
        let now: Option<Vec<_>> = self.paths.iter().map(|path| Fingerprint::at(path)).collect();
        let is_stable = now == self.polled;
        self.polled = now;
        if self.polled.is_some() && self.polled == self.read {
            self.unstable_polls = 0;
            return;
        }
        self.unstable_polls += 1;
        let must_read = self.unstable_polls >= MAX_UNSTABLE_POLLS;
        if !is_stable && !must_read {
            return;
        }
        match Files::read(&self.paths) {
            Ok(Some(files)) if must_read || self.polled.as_ref() == Some(&files.fingerprints) => {
                self.unstable_polls = 0;
                self.take(&files);
            }
            // A file changed meanwhile.
            Ok(_) => self.read = None,
            Err(error) => {
                (self.read, self.unstable_polls) = (None, 0);
                self.fail(error);
            }
        }
    }

    fn take(&mut self, files: &Files) {
        self.read = files.unambiguous_fingerprints();
        let has_failed = self.update(|state| state.failure.is_some());
        if self.hash == files.hash && !has_failed {
            return;
        }
        self.hash = files.hash;
        let Parsed { users, problems, mixed_costs } = match (self.parse)(&files.contents) {
            Ok(parsed) => parsed,
            Err(error) => return self.fail(error),
        };
        let new = Arc::new(users);
        let (old, old_problems) = self.update(|state| {
            state.version += 1;
            state.failure = None;
            let old = mem::replace(&mut state.current, Arc::clone(&new));
            (old, mem::replace(&mut state.problems, problems))
        });
        (self.replaced)(&old, &new);
        (self.observer)(FileEvent::Reloaded);
        self.report(&old_problems, mixed_costs.as_ref());
    }

    /// Reports the problems that were not there before, and mixed costs.
    fn report(&self, before: &[FileError], mixed_costs: Option<&FileError>) {
        let before: HashSet<_> = before.iter().collect();
        let problems = self.update(|state| state.problems.clone());
        let mut new = problems.iter().filter(|problem| !before.contains(problem));
        for problem in new.by_ref().take(MAX_REPORTED) {
            (self.observer)(FileEvent::Unusable(problem));
        }
        let rest = new.count();
        if let (Some(last), 1..) = (problems.last(), rest) {
            let text = format!("{rest} more lines cannot be used");
            (self.observer)(FileEvent::Unusable(&FileError::new(last.path(), text)));
        }
        if let Some(line) = mixed_costs {
            (self.observer)(FileEvent::MixedCosts(line));
        }
    }

    /// Reports why the files cannot be read, unless that is known.
    fn fail(&self, error: FileError) {
        let is_new = self.update(|state| {
            let (known, since) = state.failure.take().unzip();
            let is_new = known.as_ref() != Some(&error);
            state.failure = Some((error.clone(), since.unwrap_or_else(Instant::now)));
            is_new
        });
        if is_new {
            (self.observer)(FileEvent::Failed(&error));
        }
    }

    fn update<R>(&self, update: impl FnOnce(&mut State<T>) -> R) -> R {
        update(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All files as they were read.
struct Files {
    contents: Vec<Content>,
    fingerprints: Vec<Fingerprint>,
    hash: Hash,
}

impl Files {
    /// Reads all files; `None` if one changed while it was read.
    fn read(paths: &[PathBuf]) -> Result<Option<Self>, FileError> {
        let (mut contents, mut fingerprints, mut hash) = (Vec::new(), Vec::new(), Sha256::new());
        for path in paths {
            let Some((content, fingerprint)) = Content::read(path)? else { return Ok(None) };
            hash.update(content.bytes().len().to_le_bytes());
            hash.update(content.bytes());
            contents.push(content);
            fingerprints.push(fingerprint);
        }
        Ok(Some(Self { contents, fingerprints, hash: hash.finalize().into() }))
    }

    fn unambiguous_fingerprints(&self) -> Option<Vec<Fingerprint>> {
        let is_ambiguous = self.fingerprints.iter().any(Fingerprint::is_ambiguous);
        (!is_ambiguous).then(|| self.fingerprints.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        path::Path,
        sync::Mutex,
        time::SystemTime,
    };

    use tempfile::TempDir;

    use super::*;

    type Log = Arc<Mutex<Vec<String>>>;

    /// A folder of text files, and the events about them. The text `bad` is refused, and each word
    /// `odd` is a problem.
    struct Fixture {
        folder: TempDir,
        events: Log,
        replacements: Log,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            Self { folder, events: Log::default(), replacements: Log::default() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn write_in_place(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).unwrap();
        }

        fn replace(&self, name: &str, text: &str) {
            let new = self.path("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, self.path(name)).unwrap();
        }

        fn open(&self, names: &[&str]) -> Result<Reload<String>, FileError> {
            let paths = names.iter().map(|name| self.path(name)).collect();
            let events = Arc::clone(&self.events);
            let observer = move |event: FileEvent<'_>| {
                events.lock().unwrap().push(match event {
                    FileEvent::Reloaded => "reloaded".to_owned(),
                    FileEvent::Failed(error) => format!("{}, failed", shown(error)),
                    FileEvent::Unusable(error) | FileEvent::MixedCosts(error) => shown(error),
                });
            };
            let replacements = Arc::clone(&self.replacements);
            let replaced = move |old: &String, new: &String| {
                replacements.lock().unwrap().push(format!("{old} {new}"));
            };
            Reload::start(paths, Box::new(parse), Box::new(replaced), Arc::new(observer))
        }

        /// The events since the last call.
        fn events(&self) -> Vec<String> {
            mem::take(&mut *self.events.lock().unwrap())
        }
    }

    /// The name of the file and the problem.
    fn shown(error: &FileError) -> String {
        let name = error.path().file_name().unwrap().to_str().unwrap();
        format!("{name}: {}", error.to_string().split(": ").nth(1).unwrap())
    }

    fn parse(contents: &[Content]) -> Result<Parsed<String>, FileError> {
        let (mut users, mut problems) = (String::new(), Vec::new());
        for content in contents {
            let text = str::from_utf8(content.bytes()).unwrap();
            if text.contains("bad") {
                return Err(FileError::in_line(content.path(), 1, "it is bad"));
            }
            let odd = text.split(' ').filter(|word| word.starts_with("odd"));
            problems.extend(odd.map(|word| FileError::in_line(content.path(), 1, word)));
            users.push_str(text);
        }
        let is_mixed = users.contains("mixed");
        let mixed_costs = is_mixed.then(|| FileError::new(contents[0].path(), "costs differ"));
        Ok(Parsed { users, problems, mixed_costs })
    }

    fn current(reload: &Reload<String>) -> String {
        reload.state.read().unwrap().current.as_str().to_owned()
    }

    fn error(reload: &Reload<String>) -> Option<FileError> {
        reload.state.read().unwrap().failure.clone().map(|(error, _)| error)
    }

    /// Checks the text after two polls without a change in between.
    #[track_caller]
    fn becomes(reload: &mut Reload<String>, expected: &str) {
        reload.poll();
        reload.poll();
        assert_eq!(current(reload), expected);
    }

    #[test]
    fn a_reload_reads_an_unchanged_file_and_never_half_of_one() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let file = File::options().write(true).open(files.path("a")).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        let mut reload = files.open(&["a"]).unwrap();
        reload.poll();
        assert!(reload.read.is_some());
        reload.forget();
        assert!(reload.read.is_none());
        reload.poll();
        assert!(reload.read.is_some(), "it was read again");
        assert_eq!(files.events(), [""; 0]);

        files.write_in_place("a", "half");
        reload.forget();
        reload.poll();
        assert_eq!(current(&reload), "one");
        files.write_in_place("a", "half and half");
        becomes(&mut reload, "half and half");
    }

    #[test]
    fn reads_a_file_that_was_written_in_place() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        becomes(&mut reload, "one");
        files.write_in_place("a", "two");
        becomes(&mut reload, "two");
        becomes(&mut reload, "two");
        assert_eq!(files.events(), ["reloaded"]);
    }

    #[test]
    fn reads_a_file_that_was_replaced() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        files.replace("a", "two");
        becomes(&mut reload, "two");
        assert_eq!(files.events(), ["reloaded"]);
    }

    #[cfg(unix)]
    #[test]
    fn follows_a_symlink_that_kubernetes_swaps() {
        use std::os::unix::fs::symlink;

        let files = Fixture::new();
        for (folder, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(files.path(folder)).unwrap();
            files.write_in_place(&format!("{folder}/a"), text);
        }
        symlink("..1", files.path("..data")).unwrap();
        symlink("..data/a", files.path("a")).unwrap();
        let mut reload = files.open(&["a"]).unwrap();
        symlink("..2", files.path("..data_tmp")).unwrap();
        fs::rename(files.path("..data_tmp"), files.path("..data")).unwrap();
        becomes(&mut reload, "two");
        fs::remove_dir_all(files.path("..1")).unwrap();
        becomes(&mut reload, "two");
        assert_eq!(files.events(), ["reloaded"]);
    }

    #[test]
    fn waits_for_a_file_that_is_being_written() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        for part in ["", "t", "tw", "two and"] {
            files.write_in_place("a", part);
            reload.poll();
            assert_eq!(current(&reload), "one", "{part}");
        }
        files.write_in_place("a", "two and more");
        becomes(&mut reload, "two and more");
        assert_eq!(files.events(), ["reloaded"]);
    }

    #[test]
    fn waits_two_seconds_at_most() {
        let files = Fixture::new();
        files.write_in_place("a", "0");
        let mut reload = files.open(&["a"]).unwrap();
        for length in 1..=MAX_UNSTABLE_POLLS {
            assert_eq!(current(&reload), "0");
            files.write_in_place("a", &"1".repeat(length));
            reload.poll();
        }
        assert_eq!(current(&reload), "1".repeat(MAX_UNSTABLE_POLLS));
        assert_eq!(INTERVAL * MAX_UNSTABLE_POLLS as u32, Duration::from_secs(2));
    }

    #[test]
    fn the_version_changes_with_each_replaced_content() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        let mut versions = Vec::new();
        for text in ["one", "two", "bad", "one"] {
            files.replace("a", text);
            reload.poll();
            reload.poll();
            versions.push(reload.state.read().unwrap().version);
        }
        assert_eq!(versions, [0, 1, 1, 2]);
        assert_eq!(*files.replacements.lock().unwrap(), ["one two", "two one"]);
    }

    #[test]
    fn reports_a_bad_file_once_and_keeps_the_last_good_one() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        files.write_in_place("a", "bad");
        for _ in 0..3 {
            becomes(&mut reload, "one");
        }
        assert_eq!(files.events(), ["a: it is bad, failed"]);
        assert_eq!(error(&reload).unwrap().line(), Some(1));
        files.write_in_place("a", "worse, and bad");
        becomes(&mut reload, "one");
        assert_eq!(files.events(), [""; 0], "the same error");
        files.write_in_place("a", "one");
        becomes(&mut reload, "one");
        assert_eq!(error(&reload), None);
        assert_eq!(files.events(), ["reloaded"]);
    }

    #[test]
    fn reports_each_problem_once_and_uses_the_rest() {
        let files = Fixture::new();
        files.write_in_place("a", "one odd1");
        let mut reload = files.open(&["a"]).unwrap();
        assert_eq!(files.events(), ["a: odd1"], "at the start");
        for (text, events) in [
            ("two odd1", &["reloaded"][..]),
            ("odd2 odd1 two", &["reloaded", "a: odd2"]),
            ("odd2 two", &["reloaded"]),
            ("odd1 two", &["reloaded", "a: odd1"]),
            ("", &["reloaded"]),
        ] {
            files.replace("a", text);
            becomes(&mut reload, text);
            assert_eq!(files.events(), events, "{text}");
        }
    }

    #[test]
    fn reports_mixed_costs_at_each_load() {
        let files = Fixture::new();
        files.write_in_place("a", "mixed");
        let mut reload = files.open(&["a"]).unwrap();
        assert_eq!(files.events(), ["a: costs differ"], "at the start");
        for (text, events) in [
            ("mixed and odd1", &["reloaded", "a: odd1", "a: costs differ"][..]),
            ("mixed", &["reloaded", "a: costs differ"]),
            ("one", &["reloaded"]),
        ] {
            files.replace("a", text);
            becomes(&mut reload, text);
            becomes(&mut reload, text);
            assert_eq!(files.events(), events, "{text}");
        }
        assert!(reload.state.read().unwrap().problems.is_empty());
    }

    #[test]
    fn reports_a_hundred_problems_and_the_number_of_the_others() {
        let files = Fixture::new();
        let text: Vec<_> = (0..250).map(|number| format!("odd{number}")).collect();
        files.write_in_place("a", &text.join(" "));
        let reload = files.open(&["a"]).unwrap();
        let events = files.events();
        assert_eq!(events.len(), MAX_REPORTED + 1);
        assert_eq!(events.last().unwrap(), "a: 150 more lines cannot be used");
        assert_eq!(reload.state.read().unwrap().problems.len(), 250);
    }

    #[test]
    fn reports_a_file_that_vanishes_once() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        fs::remove_file(files.path("a")).unwrap();
        for _ in 0..3 {
            becomes(&mut reload, "one");
        }
        assert_eq!(files.events(), ["a: it cannot be read, failed"]);
        let since = |reload: &Reload<_>| reload.state.read().unwrap().failure.clone().unwrap().1;
        let first = since(&reload);
        files.write_in_place("a", "bad");
        becomes(&mut reload, "one");
        assert_eq!((files.events().len(), since(&reload)), (1, first), "another error");
        files.write_in_place("a", "one");
        becomes(&mut reload, "one");
        assert_eq!(error(&reload), None);
        assert_eq!(files.events(), ["reloaded"]);
    }

    #[test]
    fn notices_a_change_that_keeps_the_fingerprint() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        let mut reload = files.open(&["a"]).unwrap();
        becomes(&mut reload, "one");
        files.write_in_place("a", "two");
        // As if the file system rounded times, and nothing else differed.
        reload.polled = Fingerprint::at(&files.path("a")).map(|one| vec![one]);
        reload.poll();
        assert_eq!(current(&reload), "two");
    }

    #[test]
    fn does_not_read_an_old_file_again() {
        let files = Fixture::new();
        let write_an_old_file = |text| {
            files.write_in_place("a", text);
            let file = File::options().write(true).open(files.path("a")).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        };
        write_an_old_file("one");
        let mut reload = files.open(&["a"]).unwrap();
        write_an_old_file("two");
        reload.read = Fingerprint::at(&files.path("a")).map(|one| vec![one]);
        becomes(&mut reload, "one");
    }

    #[test]
    fn reads_several_files_as_one() {
        let files = Fixture::new();
        files.write_in_place("a", "one");
        files.write_in_place("b", "-two");
        let mut reload = files.open(&["a", "b"]).unwrap();
        becomes(&mut reload, "one-two");
        files.write_in_place("b", "-three");
        becomes(&mut reload, "one-three");
        files.write_in_place("a", "one-");
        files.write_in_place("b", "three");
        becomes(&mut reload, "one-three");
        assert_eq!(files.events(), ["reloaded"; 2]);
    }

    #[test]
    fn refuses_a_bad_file_at_the_start() {
        let files = Fixture::new();
        let refused = |name| files.open(&[name]).err().unwrap().to_string();
        assert!(refused("a").contains(": it cannot be read: "), "{}", refused("a"));
        files.write_in_place("a", "bad");
        assert!(refused("a").ends_with(", line 1: it is bad"), "{}", refused("a"));
        fs::create_dir(files.path("folder")).unwrap();
        assert!(refused("folder").ends_with(": it is not a regular file"));
        assert!(Content::read(Path::new("/dev/zero")).is_err());
    }
}
