"""Apache: mod_proxy under the event MPM, in one permanent process, without logs."""

import os
from pathlib import Path

from .. import machine
from ..packages import find
from ..place import Place
from ..process import Process, free_port
from . import users

MODULES = Path("/usr/lib/apache2/modules")
LOADED = (
    "mpm_event",
    "authn_core",
    "authn_file",
    "authn_socache",
    "authz_core",
    "authz_user",
    "auth_basic",
    "auth_digest",
    "socache_shmcb",
    "proxy",
    "proxy_http",
)
ACCOUNT = "User nobody\nGroup nogroup"

# By default a forward proxy opens a new connection to the origin for each request. The second
# <Proxy> keeps them alive, as all the others do.
CONFIGURATION = """\
{modules}
{account}
ServerName localhost
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache2.pid
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
StartServers 1
ServerLimit 1
ThreadsPerChild 25
MaxRequestWorkers 25
MinSpareThreads 1
MaxSpareThreads 25
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 3600
ProxyRequests On
<Proxy "*">
{authentication}
</Proxy>
<Proxy "http://{origin}/">
ProxySet enablereuse=On keepalive=On
</Proxy>
"""

BASIC = """\
AuthType Basic
AuthName {realm}
AuthBasicProvider file
AuthUserFile {passwords}
Require valid-user"""

CACHED = """\
AuthType Basic
AuthName {realm}
AuthBasicProvider socache file
AuthnCacheProvideFor file
AuthnCacheTimeout 3600
AuthUserFile {passwords}
Require valid-user"""

DIGEST = """\
AuthType Digest
AuthName {realm}
AuthDigestProvider file
AuthUserFile {passwords}
AuthDigestNonceLifetime 3600
Require valid-user"""

OPEN = "Require all granted"


def start(place: Place, name: str, scheme: str) -> tuple[Process, int]:
    folder, port = place.workspace.folder(name), free_port()
    authentication, passwords = {
        "basic": (BASIC, users.htpasswd),
        "cached": (CACHED, users.htpasswd),
        "digest": (DIGEST, users.htdigest),
        "none": (OPEN, lambda _: None),
    }[scheme]
    modules = (f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)
    text = CONFIGURATION.format(
        modules="\n".join(modules),
        account=ACCOUNT if os.geteuid() == 0 else "",
        folder=folder,
        port=port,
        origin=place.origin,
        authentication=authentication.format(realm=users.REALM, passwords=passwords(folder)),
    )
    (folder / "apache2.conf").write_text(text)
    command = [find("apache2"), "-D", "FOREGROUND", "-f", folder / "apache2.conf"]
    process = place.workspace.start(name, command, place.core)
    process.listening(port)
    return process, port


def version() -> str:
    return machine.output(find("apache2"), "-v")
