"""Computes the figures from the runs: microseconds of CPU time per request."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import median, quantiles

# Events that are rarer than one in so many requests are not reported.
RARELY = 1000


@dataclass(frozen=True)
class Figure:
    """Medians over the repetitions, and the quartiles of `micros`.

    `ratio` to the baseline and the cost that authentication `adds` compare runs of the same
    repetition, so that a slow minute of the machine affects both. `adds` is None for an open proxy.
    """

    micros: float
    low: float
    high: float
    ratio: float
    adds: float | None
    observed: list[str]


def figures(data: dict) -> dict[str, Figure]:
    """Returns the figures by the name of the subject."""
    runs: dict[str, list[dict]] = defaultdict(list)
    for run in data["runs"]:
        runs[run["subject"]].append(run)
    micros = {name: [_micros(run) for run in found] for name, found in runs.items()}
    return {
        subject["name"]: _figure(subject, micros, runs[subject["name"]])
        for subject in data["subjects"]
    }


def tick_share(data: dict) -> float:
    """Returns utime and stime of all runs as a share of the measured time."""
    return sum(run["cpu_ticks_ns"] for run in data["runs"]) / sum(
        run["cpu_ns"] for run in data["runs"]
    )


def _figure(subject: dict, micros: dict[str, list[float]], runs: list[dict]) -> Figure:
    own = micros[subject["name"]]
    low, _, high = quantiles(own, n=4, method="inclusive") if len(own) > 1 else own * 3
    baseline, without = micros[subject["baseline"]], micros.get(subject["without"])
    return Figure(
        micros=median(own),
        low=low,
        high=high,
        ratio=median(one / other for one, other in zip(own, baseline)),
        adds=median(one - other for one, other in zip(own, without)) if without else None,
        observed=_observed(runs),
    )


def _observed(runs: list[dict]) -> list[str]:
    """Describes frequent other events of a proxy."""
    kinds = {
        "connections": "a new connection from the client",
        "origin_connections": "a new connection to the origin",
        "challenges": "a renewed challenge",
    }
    requests = sum(run["requests"] for run in runs)
    counts = {text: sum(run[kind] for run in runs) for kind, text in kinds.items()}
    return [
        f"{text} for each request"
        if requests < 1.5 * count
        else f"{text} every {requests / count:.0f} requests"
        for text, count in counts.items()
        if count * RARELY > requests
    ]


def _micros(run: dict) -> float:
    return run["cpu_ns"] / run["requests"] / 1000
