"""Builds the measured programs in release mode."""

import json
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


def programs() -> dict[str, Path]:
    """Builds the programs of this folder and the example; returns their paths by name."""
    return _build(HERE, "--bins") | _build(ROOT, "--example", "forward_proxy")


def _build(folder: Path, *what: str) -> dict[str, Path]:
    command = ["cargo", "build", "--release", "--message-format=json-render-diagnostics", *what]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
    messages = map(json.loads, done.stdout.splitlines())
    return {
        message["target"]["name"]: Path(message["executable"])
        for message in messages
        if message.get("executable")
    }
