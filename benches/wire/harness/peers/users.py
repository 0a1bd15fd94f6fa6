"""Writes the only user to the files of the servers."""

import hashlib
import subprocess
from pathlib import Path

from ..packages import find

NAME = "alice"
PASSWORD = "wonder"
REALM = "proxy"


def htpasswd(folder: Path) -> Path:
    """Writes a file with the default hash of `htpasswd`."""
    path = folder / "htpasswd"
    command = [find("htpasswd"), "-b", "-c", path, NAME, PASSWORD]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    path.chmod(0o644)
    return path


def htdigest(folder: Path) -> Path:
    """Writes what `htdigest` writes, which reads its password from a terminal only."""
    path = folder / "htdigest"
    digest = hashlib.md5(f"{NAME}:{REALM}:{PASSWORD}".encode()).hexdigest()
    path.write_text(f"{NAME}:{REALM}:{digest}\n")
    path.chmod(0o644)
    return path
