"""From the runs to figures: microseconds of CPU time per request."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import median, quantiles

# What happens less often than once in so many requests makes no difference.
RARELY = 1000


@dataclass(frozen=True)
class Figure:
    """Medians over the repetitions, and the quartiles round `micros`.

    `ratio` to the yardstick and what authentication `adds` compare runs of the same repetition, so
    that a slow minute of the machine is in both. `adds` is None where nothing is to compare with.
    """

    micros: float
    low: float
    high: float
    ratio: float
    adds: float | None
    observed: list[str]


def figures(data: dict) -> dict[str, Figure]:
    """By the name of the subject."""
    runs: dict[str, list[dict]] = defaultdict(list)
    for run in data["runs"]:
        runs[run["subject"]].append(run)
    micros = {name: [_micros(run) for run in found] for name, found in runs.items()}
    return {
        subject["name"]: _figure(subject, micros, runs[subject["name"]])
        for subject in data["subjects"]
    }


def tick_share(data: dict) -> float:
    """What utime+stime of all runs are, as a share of what was measured."""
    return sum(run["cpu_ticks_ns"] for run in data["runs"]) / sum(
        run["cpu_ns"] for run in data["runs"]
    )


def _figure(subject: dict, micros: dict[str, list[float]], runs: list[dict]) -> Figure:
    own = micros[subject["name"]]
    low, _, high = quantiles(own, n=4, method="inclusive") if len(own) > 1 else own * 3
    yardstick, without = micros[subject["yardstick"]], micros.get(subject["without"])
    return Figure(
        micros=median(own),
        low=low,
        high=high,
        ratio=median(one / other for one, other in zip(own, yardstick)),
        adds=median(one - other for one, other in zip(own, without)) if without else None,
        observed=_observed(runs),
    )


def _observed(runs: list[dict]) -> list[str]:
    """What a proxy did beside answering, if it did it often."""
    kinds = {
        "connections": "a new connection from the client",
        "origin_connections": "a new connection to the origin",
        "challenges": "a renewed challenge",
    }
    requests = sum(run["requests"] for run in runs)
    each = {text: requests / max(sum(run[kind] for run in runs), 1) for kind, text in kinds.items()}
    return [
        f"{text} for each request" if apart < 1.5 else f"{text} every {apart:.0f} requests"
        for text, apart in each.items()
        if apart < RARELY
    ]


def _micros(run: dict) -> float:
    return run["cpu_ns"] / run["requests"] / 1000
