//! The audit file: one line of JSON for each request.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tower_proxy_auth::event::{AuthEvent, ChannelObserver};

use super::{audit_file::AuditFile, audit_line, loss_log::LossLog};
use crate::Mistake;

/// The maximum number of lines that wait to be written. Each takes up to a few KiB.
const MAX_LINES: usize = 4 * 1024;

/// How many bytes are collected before they are written.
const BATCH: usize = 64 * 1024;

/// How long the end of the process waits for the last lines.
const END: Duration = Duration::from_secs(2);

/// Sends lines to a thread that writes them to the file, so that no request waits for a disk.
///
/// Lines that cannot be written, or do not fit into the queue, are lost, counted and reported.
pub(crate) struct Audit {
    observer: ChannelObserver<Message>,
    control: AuditControl,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

/// A message to the thread.
pub(crate) enum Message {
    Line(String),
    /// Makes the thread check the flags of [`AuditControl`].
    Wake,
}

impl From<AuthEvent> for Message {
    /// A line takes less memory than an event, which may keep the buffer of a whole request.
    fn from(event: AuthEvent) -> Self {
        Self::Line(audit_line::of(&event))
    }
}

/// Controls the thread.
#[derive(Clone)]
pub(crate) struct AuditControl {
    sender: SyncSender<Message>,
    flags: Arc<Flags>,
}

#[derive(Default)]
struct Flags {
    must_reopen: AtomicBool,
    must_end: AtomicBool,
}

impl Audit {
    /// Opens the file and starts the thread.
    ///
    /// # Errors
    /// One line about the file.
    pub(crate) fn start(path: PathBuf) -> Result<Self, Mistake> {
        let option = format!("--audit {}", path.display().to_string().escape_debug());
        let file = AuditFile::open(path).map_err(|error| format!("{option}: {error}"))?;
        let (sender, messages) = sync_channel(MAX_LINES);
        let observer = ChannelObserver::new(sender.clone());
        let control = AuditControl { sender, flags: Arc::default() };
        let writer = Writer {
            file,
            messages,
            flags: Arc::clone(&control.flags),
            queue: observer.clone(),
            unwritten: LossLog::new(option.clone()),
            unqueued: LossLog::new(option.clone()),
            option,
        };
        let (guard, ended) = sync_channel(0);
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || {
            let _guard: SyncSender<()> = guard;
            writer.run();
        });
        thread.map_err(|error| format!("--audit: {error}"))?;
        Ok(Self { observer, control, ended })
    }

    pub(crate) fn observer(&self) -> ChannelObserver<Message> {
        self.observer.clone()
    }

    pub(crate) fn control(&self) -> AuditControl {
        self.control.clone()
    }

    /// Waits for a limited time until the thread has written the lines that are queued.
    pub(crate) fn finish(self) {
        self.control.flags.must_end.store(true, Ordering::SeqCst);
        self.control.wake();
        let _ = self.ended.recv_timeout(END);
    }
}

impl AuditControl {
    /// Opens the file again, after it was renamed.
    pub(crate) fn reopen(&self) {
        self.flags.must_reopen.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        // If the queue is full, the thread checks the flags after the next message.
        let _ = self.sender.try_send(Message::Wake);
    }
}

/// The thread.
struct Writer {
    file: AuditFile,
    messages: Receiver<Message>,
    flags: Arc<Flags>,
    /// Counts the lines that did not fit into the queue.
    queue: ChannelObserver<Message>,
    unwritten: LossLog,
    unqueued: LossLog,
    /// The option and the name of the file, for messages.
    option: String,
}

impl Writer {
    fn run(mut self) {
        loop {
            let message = match self.report() {
                Some(wait) => self.messages.recv_timeout(wait),
                None => self.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let must_end = self.flags.must_end.load(Ordering::SeqCst);
            if self.flags.must_reopen.swap(false, Ordering::SeqCst)
                && let Err(error) = self.file.reopen()
            {
                tracing::error!("{}: it cannot be opened again: {error}", self.option);
            }
            let is_idle = match message {
                Ok(first) => self.write(first),
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if must_end && is_idle {
                self.unwritten.report_now();
                self.unqueued.report_now();
                return;
            }
        }
    }

    /// Writes queued lines, and returns whether the queue is empty then.
    fn write(&mut self, first: Message) -> bool {
        let mut lines = String::new();
        let mut next = Some(first);
        while let Some(message) = next {
            if let Message::Line(line) = message {
                lines += &line;
            }
            next = (lines.len() < BATCH).then(|| self.messages.try_recv().ok()).flatten();
        }
        if let Err(loss) = self.file.append(&lines) {
            self.unwritten.add(loss.lines, &loss.error.to_string());
        }
        lines.len() < BATCH
    }

    /// Reports losses; returns when the next report is due.
    fn report(&mut self) -> Option<Duration> {
        self.unqueued.set(self.queue.dropped(), "the queue was full");
        let due = [self.unwritten.report(), self.unqueued.report()];
        due.into_iter().flatten().min()
    }
}
