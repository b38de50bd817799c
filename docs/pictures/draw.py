"""Draws the diagrams of the documentation as SVG.

    python docs/pictures/draw.py

Plain boxes and arrows: they render everywhere, and need no script and no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
    'aria-label="{label}" font-family="system-ui, sans-serif" font-size="14">\n'
    "<style>rect{{fill:#fff;stroke:#8a94a6}} .page{{stroke:none}} .kind{{fill:#eef4ff}} "
    ".file{{fill:#6b7280;font-size:12px}} text{{fill:#1f2937}} "
    ".arrow{{stroke:#8a94a6;fill:none;marker-end:url(#head)}}</style>\n"
    '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="#8a94a6"/></marker></defs>\n'
    '<rect class="page" width="{width}" height="{height}" rx="8"/>\n'
)

#: What passes between the stages, with the stage that writes it and the kinds it calls.
PATH = (
    ("Question", "", "source"),
    ("Response", "sample", "sampler, model"),
    ("Cluster", "cluster", "clusterer"),
    ("Rationale", "rationale", "rationale writer"),
    ("Example", "target", "judge, target, format"),
    ("ModelRef", "train", "trainer, reward, judge"),
    ("Prediction", "evaluate", "estimator, judge"),
    ("Score", "report", "metric"),
)

#: Layers from top to bottom; a layer imports only from those below it.
LAYERS = (
    ("cli, commands, serving, Python API", "parse arguments, print results, answer requests"),
    ("runs", "walk a plan: skip, resume, manifest, events, progress"),
    ("stages", "one file per stage: read records, call components, write records"),
    ("plan", "recipe to steps with fingerprints"),
    ("recipes", "recipe text to a validated Recipe"),
    ("components", "models, sources, samplers, clusterers, rationales, targets, formats, …"),
    ("helpers", "hf, answers, replies, prompting, scoring, faithfulness, files"),
    ("contracts", "interfaces, registry, hookspecs, records, errors; costs and storage"),
)


def box(x: float, y: float, width: float, height: float, lines: Sequence[str], kind: str) -> str:
    """A box with its first line in bold and the others small."""
    parts = [f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>']
    top = y + height / 2 - 9 * (len(lines) - 1) + 5
    for number, line in enumerate(lines):
        style = ' class="file"' if number else ' font-weight="600"'
        centre = x + width / 2
        parts.append(
            f'<text x="{centre}" y="{top + 18 * number}" text-anchor="middle"{style}>{line}</text>'
        )
    return "\n".join(parts)


def arrow(*points: tuple[float, float]) -> str:
    return f'<polyline class="arrow" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


def path() -> str:
    """The path of one question: records in boxes, stages and kinds on the arrows."""
    width, height = 880, 300
    parts = [HEAD.format(width=width, height=height, label="The path of one question")]
    columns = 4
    for number, (record, stage, kinds) in enumerate(PATH):
        row, column = divmod(number, columns)
        x, y = 20 + 215 * column, 50 + 140 * row
        lines = [record, *([f"stage: {stage}"] if stage else []), kinds]
        parts.append(box(x, y, 190, 76, lines, "kind"))
        if column:
            parts.append(arrow((x - 25, y + 38), (x - 2, y + 38)))
        elif row:
            parts.append(
                arrow((width - 30, 126), (width - 30, 158), (x + 95, 158), (x + 95, y - 2))
            )
    parts.append('<text x="20" y="28" font-weight="600">The path of one question</text>')
    return "\n".join([*parts, "</svg>\n"])


def layers() -> str:
    """The layers of the package; imports point down."""
    width, height = 880, 60 + 54 * len(LAYERS)
    parts = [HEAD.format(width=width, height=height, label="The layers of the package")]
    parts.append('<text x="20" y="28" font-weight="600">Imports point down</text>')
    for number, (name, purpose) in enumerate(LAYERS):
        parts.append(box(60, 44 + 54 * number, 800, 44, [name, purpose], "kind"))
    parts.append(arrow((36, 50), (36, height - 26)))
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    (HERE / "path.svg").write_text(path(), encoding="utf-8")
    (HERE / "layers.svg").write_text(layers(), encoding="utf-8")
