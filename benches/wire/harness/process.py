"""Starts processes on one core, and ends all of them."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import cpu

START_SECONDS = 20
END_SECONDS = 5
POLL_SECONDS = 0.05
LOG_TAIL = 2000

# The signals that a user or a closing terminal sends.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Failed(Exception):
    """A process did not do what it was started for."""


class Process:
    """A running process, with its lines on stdin and stdout."""

    def __init__(self, command: list, core: int, folder: Path, environment: dict | None = None):
        self.folder = folder
        self._received = b""
        self._log = folder / "stderr.log"
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                list(map(str, command)),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=os.environ | (environment or {}),
                # Only the script handles Ctrl-C.
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        self.pid = self._popen.pid

    def line(self, seconds: float) -> str:
        """Returns the next line on stdout."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self._popen.stdout], [], [], left)[0]:
                raise self.failed(f"printed nothing for {seconds} s")
            received = self._popen.stdout.read(4096)
            if not received:
                raise self.failed("ended")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return line.decode()

    def say(self, line: str) -> None:
        self._popen.stdin.write(f"{line}\n".encode())

    def listening(self, port: int) -> None:
        """Waits until the process accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self._popen.poll() is not None:
                raise self.failed("ended at once")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise self.failed(f"does not listen on port {port}") from None
                time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """Ends the process and all its descendants."""
        descriptors = []
        for pid in cpu.tree(self.pid) if self._popen.poll() is None else []:
            try:
                # Unlike the number, a descriptor never refers to another process.
                descriptors.append(os.pidfd_open(pid))
            except ProcessLookupError:
                pass
        for number in (signal.SIGTERM, signal.SIGKILL):
            for descriptor in descriptors:
                _send(descriptor, number)
            self._wait(descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        for pipe in (self._popen.stdin, self._popen.stdout):
            pipe.close()

    def _wait(self, descriptors: list[int]) -> None:
        deadline = time.monotonic() + END_SECONDS
        # A descriptor is readable once its process has ended.
        while select.select(descriptors, [], [], 0)[0] != descriptors:
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)
        self._popen.wait()

    def failed(self, what: str) -> Failed:
        said = self._log.read_text(errors="replace")[-LOG_TAIL:]
        return Failed(f"{self.folder.name} {what}: {said}")


class Workspace:
    """A temporary folder, and the processes that use it.

    Both are removed at the end of the `with` block, also after a signal other than SIGKILL.
    """

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="wire-"))
        # Servers that drop root privileges need access.
        self._folder.chmod(0o755)
        self._processes: list[Process] = []
        self._handlers: dict = {}

    def __enter__(self) -> "Workspace":
        self._handlers = {number: signal.signal(number, _stop) for number in ENDING}
        return self

    def __exit__(self, *_) -> None:
        _ignore_signals()
        for process in reversed(self._processes):
            process.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def folder(self, name: str, owner: str | None = None) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        if owner and os.geteuid() == 0:
            shutil.chown(folder, owner)
        return folder

    def start(
        self, name: str, command: list, core: int, environment: dict | None = None
    ) -> Process:
        process = Process(command, core, self.folder(name), environment)
        self._processes.append(process)
        return process

    def end(self, process: Process) -> None:
        self._processes.remove(process)
        process.end()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _stop(number: int, _) -> None:
    _ignore_signals()
    sys.exit(128 + number)


def _ignore_signals() -> None:
    """A second Ctrl-C must not leave processes running."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _send(descriptor: int, number: int) -> None:
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        pass
