"""tinyproxy: one thread for each connection, which serves one request."""

from .. import machine
from ..packages import find
from ..place import Place
from ..process import Process, free_port
from . import users

CONFIGURATION = """\
Port {port}
Listen 127.0.0.1
Timeout 3600
MaxClients 100
LogLevel Critical
LogFile "{folder}/tinyproxy.log"
{authentication}
"""

BASIC = "BasicAuth {user} {password}"


def start(place: Place, name: str, scheme: str) -> tuple[Process, int]:
    folder, port = place.workspace.folder(name), free_port()
    basic = BASIC.format(user=users.NAME, password=users.PASSWORD)
    text = CONFIGURATION.format(
        port=port, folder=folder, authentication=basic if scheme == "basic" else ""
    )
    (folder / "tinyproxy.conf").write_text(text)
    command = [find("tinyproxy"), "-d", "-c", folder / "tinyproxy.conf"]
    process = place.workspace.start(name, command, place.core)
    process.listening(port)
    return process, port


def version() -> str:
    return machine.output(find("tinyproxy"), "-v")
