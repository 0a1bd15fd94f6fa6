"""The measured proxies, and functions that start them."""

from .peers import apache, haproxy, squid, tinyproxy
from .peers.users import NAME, PASSWORD
from .place import Place
from .process import START_SECONDS, Process

PEERS = {"squid": squid, "apache": apache, "haproxy": haproxy, "tinyproxy": tinyproxy}

BARE = {
    "bare": "--auth none",
    "layer-basic": "--auth basic",
    "layer-md5-off": "--auth digest --algorithm md5 --auth-info off",
    "layer-md5-full": "--auth digest --algorithm md5 --auth-info full",
    "layer-sha-256-off": "--auth digest --algorithm sha-256 --auth-info off",
    "layer-sha-256-full": "--auth digest --algorithm sha-256 --auth-info full",
    "layer-both": "--auth both",
    "answer-407": "--auth both --answer-407",
}

USER = f"--user {NAME}:{PASSWORD}"
EXAMPLE = {
    "example-none": "--insecure-no-auth",
    "example-basic": f"{USER} --scheme basic",
    "example-md5": f"{USER} --scheme digest --algorithm md5",
    "example-sha-256": f"{USER} --scheme digest --algorithm sha-256",
    "example-both": f"{USER} --scheme both",
}


# These write a line for each request, to a file.
LOGGING = {"example-basic-log": f"{USER} --scheme basic"}


def start(place: Place, name: str) -> tuple[Process, str]:
    """Starts the proxy `name` and returns its address."""
    if name in BARE:
        command = [place.programs["bare_proxy"], *BARE[name].split()]
        return _announced(place.workspace.start(name, command, place.core))
    if options := EXAMPLE.get(name) or LOGGING.get(name):
        command = [place.programs["forward_proxy"], "--listen", "127.0.0.1:0", *options.split()]
        level = {"RUST_LOG": "info" if name in LOGGING else "warn"}
        return _announced(place.workspace.start(name, command, place.core, level))
    peer, _, scheme = name.partition("-")
    process, port = PEERS[peer].start(place, name, scheme)
    return process, f"127.0.0.1:{port}"


def start_origin(place: Place) -> tuple[Process, str]:
    """Starts the origin and returns its address."""
    command = [place.programs["origin"]]
    return _announced(place.workspace.start("origin", command, place.core))


def _announced(process: Process) -> tuple[Process, str]:
    """Reads the address from the first line of one of our own programs."""
    return process, process.line(START_SECONDS).strip().rpartition("/")[2]
