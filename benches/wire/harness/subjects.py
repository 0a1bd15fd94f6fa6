"""The subjects: a proxy under a load, with its baseline."""

from dataclasses import dataclass

FORWARDED = "Forwarded requests"
REFUSED = "Requests without credentials, answered with 407"

NONE = "none"
BASIC = "basic"
MD5 = "digest --algorithm md5"
SHA_256 = "digest --algorithm sha-256"

LONG = {NONE: "no credentials", BASIC: "Basic", MD5: "Digest MD5", SHA_256: "Digest SHA-256"}


@dataclass(frozen=True)
class Subject:
    """`name` is unique; `baseline` and `without` are names of others under the same load.

    `baseline` is the bare proxy, `without` the same proxy without authentication. `unasked`
    credentials are sent to a proxy that does not require them.
    """

    name: str
    title: str
    server: str
    group: str
    credentials: str
    baseline: str
    without: str | None = None
    unasked: bool = False
    note: str = ""

    def options(self) -> list[str]:
        """Returns the options of the load generator."""
        expect = "407" if self.group == REFUSED else "200"
        options = ["--credentials", *self.credentials.split(), "--expect", expect]
        return [*options, "--unasked"] if self.unasked else options


@dataclass(frozen=True)
class Family:
    """A proxy in all its configurations."""

    title: str
    open: str
    unasked: tuple[str, ...]
    # Server, title, credentials, note.
    authenticating: tuple[tuple[str, str, str, str], ...]
    # Server, title.
    refusing: tuple[tuple[str, str], ...]

    def subjects(self) -> list[Subject]:
        return [
            *(self._open(credentials) for credentials in self.unasked),
            *(self._authenticating(*one) for one in self.authenticating),
            *(self._refusing(*one) for one in self.refusing),
        ]

    def _open(self, credentials: str) -> Subject:
        title = f"{self.title}, open, {LONG[credentials]}"
        title += "" if credentials == NONE else " ignored"
        return Subject(
            name=_under(self.open, credentials),
            title=title,
            server=self.open,
            group=FORWARDED,
            credentials=credentials,
            baseline=_under(BASELINE, credentials),
            unasked=credentials != NONE,
        )

    def _authenticating(self, server: str, title: str, credentials: str, note: str) -> Subject:
        return Subject(
            name=_under(server, credentials),
            title=f"{self.title}{title}",
            server=server,
            group=FORWARDED,
            credentials=credentials,
            baseline=_under(BASELINE, credentials),
            without=_under(self.open, credentials),
            note=note,
        )

    def _refusing(self, server: str, title: str) -> Subject:
        return Subject(
            name=f"{server}/407",
            title=f"{self.title}{title}",
            server=server,
            group=REFUSED,
            credentials=NONE,
            baseline=f"{REFUSING_BASELINE}/407",
        )


BASELINE = "bare"
REFUSING_BASELINE = "answer-407"

FAMILIES = (
    Family(
        title="bare",
        open="bare",
        unasked=(NONE, BASIC, MD5, SHA_256),
        authenticating=(
            ("layer-basic", " + layer, Basic", BASIC, ""),
            ("layer-md5-off", " + layer, Digest MD5, info off", MD5, ""),
            ("layer-md5-full", " + layer, Digest MD5, info full", MD5, ""),
            ("layer-sha-256-off", " + layer, Digest SHA-256, info off", SHA_256, ""),
            ("layer-sha-256-full", " + layer, Digest SHA-256, info full", SHA_256, ""),
        ),
        refusing=(
            ("answer-407", ", a prepared 407, three challenges"),
            ("layer-both", " + layer, three challenges"),
        ),
    ),
    Family(
        title="example",
        open="example-none",
        unasked=(NONE, BASIC, MD5, SHA_256),
        authenticating=(
            ("example-basic", ", Basic", BASIC, ""),
            ("example-basic-log", ", Basic, access log", BASIC, ""),
            ("example-md5", ", Digest MD5, info full", MD5, ""),
            ("example-sha-256", ", Digest SHA-256, info full", SHA_256, ""),
        ),
        refusing=(("example-both", ", three challenges"),),
    ),
    Family(
        title="Squid",
        open="squid-none",
        unasked=(BASIC, MD5),
        authenticating=(
            ("squid-basic", ", Basic", BASIC, "calls its helper once, then uses its cache"),
            ("squid-digest", ", Digest MD5", MD5, "keeps H(A1); `nonce_max_count` raised from 50"),
        ),
        refusing=(("squid-basic", ", one challenge"),),
    ),
    Family(
        title="Apache",
        open="apache-none",
        unasked=(BASIC, MD5),
        authenticating=(
            ("apache-basic", ", Basic", BASIC, "computes the apr1 hash each time"),
            (
                "apache-cached",
                ", Basic, socache",
                BASIC,
                "the cache saves the look-up, not the hash",
            ),
            ("apache-digest", ", Digest MD5", MD5, ""),
        ),
        refusing=(("apache-basic", ", one challenge"),),
    ),
    Family(
        title="HAProxy",
        open="haproxy-none",
        unasked=(BASIC,),
        authenticating=(
            ("haproxy-basic", ", Basic", BASIC, "not a forward proxy: one fixed origin; plain text"),
        ),
        refusing=(("haproxy-basic", ", one challenge"),),
    ),
    Family(
        title="tinyproxy",
        open="tinyproxy-none",
        unasked=(BASIC,),
        authenticating=(("tinyproxy-basic", ", Basic", BASIC, ""),),
        refusing=(("tinyproxy-basic", ", one challenge"),),
    ),
)


def subjects() -> list[Subject]:
    return [subject for family in FAMILIES for subject in family.subjects()]


def _under(server: str, credentials: str) -> str:
    return f"{server}/{credentials.split()[-1]}"
