"""Writes wire.md: tables of all figures."""

from pathlib import Path

from . import chart
from .figures import Figure, figures, tick_share

INTRODUCTION = """\
# CPU time per request

CPU time of the whole proxy with its helper processes, user and system, in microseconds per request:
median and quartiles of {repetitions} runs of {requests:,} requests each, over {connections}
kept-alive connections on loopback. The runs of all proxies were interleaved; the proxy had one
core, origin and load generator another.

*× bare* compares with the smallest hyper proxy that gets the same header bytes, *adds* with the
same proxy without authentication; both compare runs of the same repetition. *Ignored* credentials
were sent to a proxy that does not require any.
"""


def write(data: dict, folder: Path) -> None:
    """Writes wire.md and wire.svg."""
    (folder / "wire.md").write_text(markdown(data))
    (folder / "wire.svg").write_text(chart.svg(data))


def markdown(data: dict) -> str:
    found = figures(data)
    plan = data["plan"]
    groups = dict.fromkeys(subject["group"] for subject in data["subjects"])
    return "\n".join(
        [
            INTRODUCTION.format(**plan),
            *(_table(group, data["subjects"], found) for group in groups),
            _circumstances(data),
        ]
    )


def _table(group: str, subjects: list[dict], found: dict[str, Figure]) -> str:
    rows = [
        _row(subject, found[subject["name"]]) for subject in subjects if subject["group"] == group
    ]
    head = ["| proxy | µs | quartiles | × bare | adds µs | notes |", "|---|--:|:-:|--:|--:|---|"]
    return "\n".join([f"## {group}", "", *head, *rows, ""])


def _row(subject: dict, figure: Figure) -> str:
    adds = "" if figure.adds is None else f"{figure.adds:+.1f}"
    notes = "; ".join([*filter(None, [subject["note"]]), *figure.observed])
    cells = [
        subject["title"],
        f"{figure.micros:.1f}",
        f"{figure.low:.1f} .. {figure.high:.1f}",
        f"{figure.ratio:.2f}",
        adds,
        notes,
    ]
    return f"| {' | '.join(cells)} |"


def _circumstances(data: dict) -> str:
    lines = [
        f"- {name}: {value}"
        for name, value in [*data["machine"].items(), *data["peers"].items()]
    ]
    share = f"{tick_share(data):.1%} of the measured time"
    check = f"- utime and stime of all runs are {share}"
    return "\n".join(["## Circumstances", "", *lines, check, ""])
