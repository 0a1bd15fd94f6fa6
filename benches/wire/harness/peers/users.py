"""The one user, in the files that servers keep their users in."""

import hashlib
import subprocess
from pathlib import Path

from ..packages import find

NAME = "alice"
PASSWORD = "wonder"
REALM = "proxy"


def htpasswd(folder: Path) -> Path:
    """Hashed in whatever way `htpasswd` takes unless told otherwise."""
    path = folder / "htpasswd"
    command = [find("htpasswd"), "-b", "-c", path, NAME, PASSWORD]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    path.chmod(0o644)
    return path


def htdigest(folder: Path) -> Path:
    """MD5 of name, realm and password, as `htdigest` would write it if it could be scripted."""
    path = folder / "htdigest"
    digest = hashlib.md5(f"{NAME}:{REALM}:{PASSWORD}".encode()).hexdigest()
    path.write_text(f"{NAME}:{REALM}:{digest}\n")
    path.chmod(0o644)
    return path
