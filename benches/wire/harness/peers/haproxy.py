"""HAProxy: one thread, and one fixed origin, since it is not a forward proxy.

`http-use-proxy-header` makes it read Proxy-Authorization and answer 407 for targets in absolute
form.
"""

from .. import machine
from ..packages import find
from ..place import Place
from ..process import Process, free_port
from . import users

CONFIGURATION = """\
global
    nbthread 1

defaults
    mode http
    option http-use-proxy-header
    timeout connect 10s
    timeout client 1h
    timeout server 1h

userlist known
    user {user} insecure-password {password}

frontend proxy
    bind 127.0.0.1:{port}
{authentication}
    http-request del-header Proxy-Authorization
    http-request set-uri %[pathq]
    default_backend origin

backend origin
    http-reuse always
    server origin {origin}
"""

BASIC = "    http-request auth realm {realm} unless {{ http_auth(known) }}"


def start(place: Place, name: str, scheme: str) -> tuple[Process, int]:
    folder, port = place.workspace.folder(name), free_port()
    text = CONFIGURATION.format(
        user=users.NAME,
        password=users.PASSWORD,
        port=port,
        origin=place.origin,
        authentication=BASIC.format(realm=users.REALM) if scheme == "basic" else "",
    )
    (folder / "haproxy.cfg").write_text(text)
    command = [find("haproxy"), "-db", "-q", "-f", folder / "haproxy.cfg"]
    process = place.workspace.start(name, command, place.core)
    process.listening(port)
    return process, port


def version() -> str:
    return machine.output(find("haproxy"), "-v")
