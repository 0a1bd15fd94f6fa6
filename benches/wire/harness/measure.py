"""Measures: every subject once in each repetition, each repetition in an order of its own."""

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

# How long a run may take.
RUN_SECONDS = 300
# For what is left to do when the last answer is there.
SETTLE_SECONDS = 0.05


@dataclass(frozen=True)
class Plan:
    requests: int
    warm_up: int
    repetitions: int
    connections: int
    seed: int


class Bench:
    """All proxies, running."""

    def __init__(self, workspace: Workspace, subjects: list[Subject]):
        proxy_core, self._core = cores()
        self._workspace = workspace
        self._programs = programs()
        origin = Place(workspace, self._programs, self._core)
        _, self._origin = start_origin(origin)
        # One connection is kept, so that to ask for the number does not change it.
        self._statistics = http.client.HTTPConnection(self._origin)
        place = Place(workspace, self._programs, proxy_core, self._origin)
        names = dict.fromkeys(subject.server for subject in subjects)
        self._servers = {name: start(place, name) for name in names}

    def run(self, subject: Subject, requests: int, plan: Plan) -> dict:
        """One run: what the proxy used for `requests` requests, and what else happened."""
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
        """How many connections the origin has accepted."""
        self._statistics.request("GET", "/accepted")
        return int(self._statistics.getresponse().read())


def measure(bench: Bench, subjects: list[Subject], plan: Plan, tell) -> list[dict]:
    """All runs. `tell` is called with what is going on."""
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
