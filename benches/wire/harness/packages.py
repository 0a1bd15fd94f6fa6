"""The Debian packages of the other proxies."""

import os
import shutil
import subprocess
from pathlib import Path

# Program -> package. Debian installs servers where only the PATH of root includes them.
PACKAGES = {
    "squid": "squid",
    "apache2": "apache2",
    "htpasswd": "apache2-utils",
    "haproxy": "haproxy",
    "tinyproxy": "tinyproxy",
}
# Package -> the services that its installation starts.
SERVICES = {
    "squid": ["squid"],
    "apache2": ["apache2", "apache-htcacheclean"],
    "haproxy": ["haproxy"],
    "tinyproxy": ["tinyproxy"],
}


def find(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def missing() -> list[str]:
    return [package for program, package in PACKAGES.items() if not find(program)]


def install(packages: list[str]) -> None:
    """Installs packages, and stops and disables their services."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    subprocess.run(command, env=environment, check=True)
    # Without systemd nothing starts them.
    if Path("/run/systemd/system").exists():
        services = [service for package in packages for service in SERVICES.get(package, [])]
        subprocess.run(["systemctl", "disable", "--now", *services], check=True)


def absent_peers() -> list[str]:
    """Returns the proxies that cannot be measured, by the start of their names."""
    needed = {
        "squid": ("squid", "htpasswd"),
        "apache": ("apache2", "htpasswd"),
        "haproxy": ("haproxy",),
        "tinyproxy": ("tinyproxy",),
    }
    return [peer for peer, programs in needed.items() if not all(map(find, programs))]
