"""Writes wire.svg: a bar for each proxy, with the cost of authentication in another colour.

The colours follow the light or dark mode of the reader, and the figures are next to the bars.
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from .figures import Figure, figures

WIDTH = 900
LABELS = 300
PLOT = 480
ROW = 22
BAR = 14
HEADER = 66
GROUP = 34
TICKS = 6

STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.group { font-weight: 600; }
.minor { fill: #59636e; }
.grid { stroke: #d1d9e0; }
.proxy { fill: #9aa4af; }
.adds { fill: #0969da; }
.spread { stroke: #1f2328; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .minor { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .proxy { fill: #656c76; }
  .adds { fill: #4493f8; }
  .spread { stroke: #f0f6fc; }
}"""


@dataclass(frozen=True)
class Scale:
    """Converts microseconds to horizontal positions."""

    step: int
    steps: int

    @classmethod
    def to(cls, largest: float) -> "Scale":
        step = next(
            factor * 10**power
            for power in range(9)
            for factor in (1, 2, 5)
            if factor * 10**power * TICKS >= largest
        )
        return cls(step, int(largest // step) + 1)

    def width(self, micros: float) -> float:
        return micros * PLOT / (self.step * self.steps)

    def place(self, micros: float) -> float:
        return LABELS + self.width(micros)


def svg(data: dict) -> str:
    found = figures(data)
    subjects = [subject for subject in data["subjects"] if _is_shown(subject)]
    groups = dict.fromkeys(subject["group"] for subject in subjects)
    scale = Scale.to(max(found[subject["name"]].high for subject in subjects))
    bottom = HEADER + GROUP * len(groups) + ROW * len(subjects) + 8
    parts = [_head(bottom + 24), *_grid(scale, bottom)]
    top = HEADER
    for group in groups:
        parts.append(_text(8, top + GROUP - 12, group, "group"))
        top += GROUP
        for subject in subjects:
            if subject["group"] == group:
                parts += _bar(subject["title"], found[subject["name"]], scale, top)
                top += ROW
    return "\n".join([*parts, "</svg>", ""])


def _is_shown(subject: dict) -> bool:
    """A bar with two colours shows the cost of the open proxy already."""
    return not subject["unasked"]


def _head(height: int) -> str:
    title = "CPU time per request"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            _text(8, 22, f"{title}, in µs (less is better)", "title"),
            _key(8, "proxy", "proxy without authentication, same header bytes"),
            _key(330, "adds", "what authentication adds"),
            '<path class="spread" d="M520 42H540"/>',
            _text(546, 46, "quartiles", "minor"),
        ]
    )


def _key(left: int, colour: str, text: str) -> str:
    return f'<rect class="{colour}" x="{left}" y="36" width="12" height="12"/>' + _text(
        left + 18, 46, text, "minor"
    )


def _grid(scale: Scale, bottom: int) -> list[str]:
    parts = []
    for number in range(scale.steps + 1):
        micros = number * scale.step
        place = scale.place(micros)
        parts.append(
            f'<line class="grid" x1="{place:.1f}" x2="{place:.1f}" y1="{HEADER}" y2="{bottom}"/>'
        )
        parts.append(_text(place, bottom + 16, f"{micros}", "minor", "middle"))
    return parts


def _bar(title: str, figure: Figure, scale: Scale, top: int) -> list[str]:
    middle = top + ROW / 2
    # Without an open proxy to compare with, the whole bar has one colour.
    adds = min(max(figure.adds or 0, 0), figure.micros)
    own = figure.micros - adds
    return [
        _text(LABELS - 8, middle + 4, title, "", "end"),
        _rectangle("proxy", scale.place(0), middle, scale.width(own)),
        _rectangle("adds", scale.place(own), middle, scale.width(adds)),
        f'<path class="spread" d="M{scale.place(figure.low):.1f} {middle}'
        f'H{scale.place(figure.high):.1f}"/>',
        _text(scale.place(figure.high) + 8, middle + 4, f"{figure.micros:.1f}{_added(figure)}"),
    ]


def _added(figure: Figure) -> str:
    return "" if figure.adds is None else f" ({figure.adds:+.1f})"


def _rectangle(colour: str, left: float, middle: float, width: float) -> str:
    top = middle - BAR / 2
    return (
        f'<rect class="{colour}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR}"/>'
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )
