"""Describes the machine."""

import os
import platform
import subprocess
from pathlib import Path

from .build import ROOT


def cores() -> tuple[int, int]:
    """Returns the core of the proxy, and another one for the rest if there is one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def describe() -> dict:
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    proxy, others = cores()
    return {
        "cpu": cpu[0] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "core of the proxy": proxy,
        "core of origin and load": others,
        "kernel": platform.release(),
        "rustc": output("rustc", "--version"),
        "commit": output("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }


def output(*command: str) -> str:
    """Returns the first line that a command prints to stdout or stderr."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.partition("\n")[0].strip()
