"""Squid: one worker, no content cache, no access log, default helpers."""

from pathlib import Path

from .. import machine
from ..packages import find
from ..place import Place
from ..process import Process, free_port
from . import users

HELPERS = Path("/usr/lib/squid")
USER = "proxy"

CONFIGURATION = """\
http_port 127.0.0.1:{port}
cache_effective_user {user}
visible_hostname localhost
pid_filename none
cache_log {folder}/cache.log
access_log none
cache deny all
netdb_filename none
coredump_dir {folder}
pinger_enable off
max_filedescriptors 1024
shutdown_lifetime 0 seconds
{authentication}
http_access deny all
"""

# By default, `credentialsttl` caches right passwords for two hours.
BASIC = """\
auth_param basic program {helpers}/basic_ncsa_auth {passwords}
auth_param basic children 1 startup=1 idle=1
auth_param basic realm {realm}
acl known proxy_auth REQUIRED
http_access allow known"""

# By default a nonce is valid for fifty requests, and each renewal costs a round trip.
DIGEST = """\
auth_param digest program {helpers}/digest_file_auth -c {passwords}
auth_param digest children 1 startup=1 idle=1
auth_param digest realm {realm}
auth_param digest nonce_max_count 1000000000
acl known proxy_auth REQUIRED
http_access allow known"""

OPEN = "http_access allow all"


def start(place: Place, name: str, scheme: str) -> tuple[Process, int]:
    folder, port = place.workspace.folder(name, USER), free_port()
    fields = {"helpers": HELPERS, "realm": users.REALM}
    if scheme == "basic":
        authentication = BASIC.format(passwords=users.htpasswd(folder), **fields)
    elif scheme == "digest":
        authentication = DIGEST.format(passwords=users.htdigest(folder), **fields)
    else:
        authentication = OPEN
    text = CONFIGURATION.format(port=port, user=USER, folder=folder, authentication=authentication)
    (folder / "squid.conf").write_text(text)
    command = [find("squid"), "-N", "-f", folder / "squid.conf"]
    process = place.workspace.start(name, command, place.core)
    process.listening(port)
    return process, port


def version() -> str:
    return machine.output(find("squid"), "-v")
