"""Runs every subject once per repetition, in a different order each time."""

import http.client
import json
import random
import time
from dataclasses import dataclass

from .build import programs
from .cpu import Meter
from .machine import cores
from .place import Place
from .process import Process, Workspace
from .servers import start, start_origin
from .subjects import Subject

# The time limit of a run.
RUN_SECONDS = 300
# For what a proxy does after the last response.
SETTLE_SECONDS = 0.05


@dataclass(frozen=True)
class Plan:
    requests: int
    warm_up: int
    repetitions: int
    connections: int
    seed: int


class Bench:
    """All proxies, running at the same time."""

    def __init__(self, workspace: Workspace, subjects: list[Subject]):
        proxy_core, self._core = cores()
        self._workspace = workspace
        self._programs = programs()
        origin = Place(workspace, self._programs, self._core)
        _, self._origin = start_origin(origin)
        # One connection is kept, so that the query does not change the result.
        self._statistics = http.client.HTTPConnection(self._origin)
        place = Place(workspace, self._programs, proxy_core, self._origin)
        names = dict.fromkeys(subject.server for subject in subjects)
        self._servers = {name: start(place, name) for name in names}

    def run(self, subject: Subject, requests: int, plan: Plan) -> dict:
        """Sends `requests` requests; returns the CPU time of the proxy and other counts."""
        process, address = self._servers[subject.server]
        load = self._load(subject, address, requests, plan)
        try:
            if load.line(RUN_SECONDS) != "ready":
                raise load.failed("is not ready")
            time.sleep(SETTLE_SECONDS)
            accepted, meter = self._accepted(), Meter(process.pid)
            load.say("go")
            result = json.loads(load.line(RUN_SECONDS))
            time.sleep(SETTLE_SECONDS)
            usage = meter.read()
            accepted = self._accepted() - accepted
        finally:
            self._workspace.end(load)
        return {
            "subject": subject.name,
            **result,
            "cpu_ns": usage.precise,
            "cpu_ticks_ns": usage.ticks,
            "origin_connections": accepted,
        }

    def _load(self, subject: Subject, address: str, requests: int, plan: Plan) -> Process:
        command = [
            self._programs["load"],
            *("--proxy", address),
            *("--origin", self._origin),
            *("--requests", requests),
            *("--warm-up", plan.warm_up),
            *("--connections", plan.connections),
            *subject.options(),
        ]
        return self._workspace.start("load", command, self._core)

    def _accepted(self) -> int:
        """Returns how many connections the origin has accepted."""
        self._statistics.request("GET", "/accepted")
        return int(self._statistics.getresponse().read())


def measure(bench: Bench, subjects: list[Subject], plan: Plan, tell) -> list[dict]:
    """Performs all runs. `tell` is called with messages about the progress."""
    shuffle = random.Random(plan.seed)
    order = list(subjects)
    for subject in order:
        tell(f"warm-up: {subject.title}")
        bench.run(subject, plan.warm_up, plan)
    runs = []
    for repetition in range(plan.repetitions):
        shuffle.shuffle(order)
        for subject in order:
            run = bench.run(subject, plan.requests, plan)
            runs.append({"repetition": repetition, **run})
        tell(f"repetition {repetition + 1} of {plan.repetitions}")
    return runs
