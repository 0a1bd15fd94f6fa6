"""The environment in which proxies are started."""

from dataclasses import dataclass
from pathlib import Path

from .process import Workspace


@dataclass(frozen=True)
class Place:
    """`origin` is the address of the origin, without a scheme."""

    workspace: Workspace
    programs: dict[str, Path]
    core: int
    origin: str = ""
