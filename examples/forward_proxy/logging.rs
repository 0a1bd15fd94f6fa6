//! The log on stderr, written by a separate thread so that no request waits for it.
//!
//! `RUST_LOG` sets the level. Everything that is not printable ASCII is escaped, so that each event
//! is one line, and no text can reorder or hide another one. When [`MAX_LINES`] lines wait to be
//! written, further lines are dropped; once stderr accepts lines again, one line says how many are
//! missing.

use std::{
    fmt::Write as _,
    io::{self, BufWriter, Write},
    sync::{Arc, OnceLock},
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
    },
};

/// The maximum number of queued lines.
const MAX_LINES: usize = 16 * 1024;

/// Starts logging to stderr. Dropping the guard writes the lines that still wait.
pub(crate) fn start() -> WorkerGuard {
    let dropped = Arc::new(OnceLock::new());
    let stderr = LogWriter::new(io::stderr(), Arc::clone(&dropped));
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(MAX_LINES).finish(stderr);
    let _ = dropped.set(writer.error_counter());
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(level).with_writer(writer).init();
    guard
}

/// Writes lines in batches, escaped, and reports dropped ones.
struct LogWriter<W: Write> {
    inner: BufWriter<W>,
    dropped: Arc<OnceLock<ErrorCounter>>,
    reported: usize,
}

impl<W: Write> LogWriter<W> {
    fn new(inner: W, dropped: Arc<OnceLock<ErrorCounter>>) -> Self {
        Self { inner: BufWriter::new(inner), dropped, reported: 0 }
    }
}

impl<W: Write> Write for LogWriter<W> {
    /// Called with one line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.inner.write_all(escaped(line).as_bytes())?;
        Ok(line.len())
    }

    /// Called whenever all waiting lines have been written.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()?;
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        if dropped > self.reported {
            let mut line = String::new();
            let _ = SystemTime.format_time(&mut Writer::new(&mut line));
            let count = dropped - self.reported;
            let _ = writeln!(line, "  WARN {}: {count} log lines were dropped", module_path!());
            self.reported = dropped;
            self.inner.write_all(line.as_bytes())?;
            self.inner.flush()?;
        }
        Ok(())
    }
}

/// Escapes everything in a line that is not printable ASCII, except the line break at its end.
fn escaped(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let (text, end) = match text.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (&*text, ""),
    };
    let mut escaped = String::with_capacity(line.len());
    for char in text.chars() {
        match char {
            ' '..='~' => escaped.push(char),
            char => escaped.extend(char.escape_default()),
        }
    }
    escaped + end
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    };

    use super::*;

    #[test]
    fn lines_are_printable_ascii() {
        for (line, written) in [
            (&b"INFO a \\ \"b\" c=1\n"[..], "INFO a \\ \"b\" c=1\n"),
            (
                "J\u{fc}rgen \u{2028}\u{202e}\u{a0}x\n".as_bytes(),
                "J\\u{fc}rgen \\u{2028}\\u{202e}\\u{a0}x\n",
            ),
            (b"a\nb\r\n", "a\\nb\\r\n"),
            (b"\x1b[31m\x7f\0\xff\n", "\\u{1b}[31m\\u{7f}\\u{0}\\u{fffd}\n"),
            (b"", ""),
        ] {
            let mut writer = LogWriter::new(Vec::new(), Arc::default());
            assert_eq!(writer.write(line).expect("never fails"), line.len());
            writer.flush().expect("never fails");
            assert_eq!(String::from_utf8_lossy(writer.inner.get_ref()), written);
        }
    }

    /// Accepts the first line and hangs until it is released.
    struct Hanging {
        written: Arc<Mutex<Vec<u8>>>,
        reached: Sender<()>,
        released: Receiver<()>,
    }

    impl Write for Hanging {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.reached.send(());
            let _ = self.released.recv();
            self.written.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn reports_dropped_lines_once_it_can_write_again() {
        let (written, dropped) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::new(OnceLock::new()));
        let ((reached, has_reached), (release, released)) = (channel(), channel());
        let hanging = Hanging { written: Arc::clone(&written), reached, released };
        let writer = LogWriter::new(hanging, Arc::clone(&dropped));
        let (mut lines, guard) =
            NonBlockingBuilder::default().buffered_lines_limit(2).finish(writer);
        dropped.set(lines.error_counter()).expect("set once");

        lines.write_all(b"1\n").expect("never fails");
        has_reached.recv().expect("the first line is being written");
        for line in [b"2\n", b"3\n", b"4\n", b"5\n", b"6\n"] {
            lines.write_all(line).expect("never fails");
        }
        drop(release);
        drop(guard);
        let written = String::from_utf8(written.lock().expect("no panic").clone()).expect("text");
        let (reports, kept): (Vec<&str>, Vec<&str>) =
            written.lines().partition(|line| line.contains(" WARN "));
        assert_eq!(kept, ["1", "2", "3"]);
        assert_eq!(reports.len(), 1, "{written}");
        assert!(reports.iter().all(|line| line.ends_with(": 3 log lines were dropped")));
    }
}
