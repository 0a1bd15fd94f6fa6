"""The CPU time of a process tree, from the kernel's accounting."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

NANOSECONDS = 1_000_000_000
TICK = NANOSECONDS // os.sysconf("SC_CLK_TCK")

# The CPU clock of a process with the scheduler's count in nanoseconds, for all threads including
# ended ones. See clock_getcpuclockid(3); Python only has the one for threads.
CPUCLOCK_SCHED = 2


class TreeChanged(Exception):
    """A process started or ended, so its CPU time is unknown."""


@dataclass(frozen=True)
class Usage:
    """CPU time in nanoseconds: exact, and in whole ticks from utime and stime."""

    precise: int
    ticks: int


def tree(root: int) -> list[int]:
    """Returns `root` and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


class Meter:
    """Measures the CPU time of a process tree from now on."""

    def __init__(self, root: int):
        self._root = root
        self._start = self._read()

    def read(self) -> Usage:
        now = self._read()
        if now.keys() != self._start.keys():
            raise TreeChanged(f"{sorted(self._start)} became {sorted(now)}")
        spent = [
            (usage.precise - self._start[pid].precise, usage.ticks - self._start[pid].ticks)
            for pid, usage in now.items()
        ]
        return Usage(*map(sum, zip(*spent)))

    def _read(self) -> dict[int, Usage]:
        return {pid: _usage(pid) for pid in tree(self._root)}


def _usage(pid: int) -> Usage:
    clock = (~pid << 3) | CPUCLOCK_SCHED
    fields = _stat(pid)
    if not fields:
        raise TreeChanged(f"{pid} has ended")
    return Usage(time.clock_gettime_ns(clock), (int(fields[11]) + int(fields[12])) * TICK)


def _stat(pid: int) -> list[str]:
    """Returns the fields of /proc/PID/stat after the name; none if the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
