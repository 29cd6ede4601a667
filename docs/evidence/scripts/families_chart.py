#!/usr/bin/env python3
"""Draws accuracy against cost, size and latency as one SVG, and prints the table.

usage: families_chart.py RUNS_DIR     RUNS_DIR holds NAME.json as 'lab evaluate --json' prints it.
Writes RUNS_DIR/families.svg and, of all rows, RUNS_DIR/families.json. Needs nothing but Python.
"""

import glob
import json
import math
import os
import sys
from html import escape

WIDTH, HEIGHT, MARGIN = 360, 300, 46
LETTER = 4.9  # width of a letter of a name, roughly
PANELS = (
    ("macs", "multiply-accumulates, millions", 1e6),
    ("fileBytes", "file, KiB", 1024),
    ("latencyP50Micros", "ONNX Runtime p50, 1 thread, ms", 1000),
)


def ticks(low, high):
    """One, two and five in each decade that the axis covers."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [s * 10**e for e in range(first, last + 1) for s in (1, 2, 5) if low <= s * 10**e <= high]


def place(x, y, width, left, right, taken):
    """A box for a mark's name beside it that covers as little as possible of what is there."""
    best, best_cost = None, math.inf
    for step in (0, 1, -1, 2, -2, 3, -3):
        for start in (x + 7, x - 7 - width):
            box = (start, y - 5 + 9 * step, start + width, y + 5 + 9 * step)
            outside = max(0, left - box[0]) + max(0, box[2] - right)
            cost = 3 * abs(step) + 20 * outside + sum(overlap(box, other) for other in taken)
            if cost < best_cost:
                best, best_cost = box, cost
    return best


def overlap(a, b):
    """Area that two boxes share."""
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def panel(rows, left, field, title, unit):
    xs = [row[field] / unit for row in rows]
    ys = [100 * row["accuracy"] for row in rows]
    low, high = min(xs) / 1.5, max(xs) * 1.5
    bottom, top = math.floor(min(ys) / 5) * 5, math.ceil(max(ys) / 5) * 5
    span = math.log(high / low)
    inner_w, inner_h = WIDTH - 1.5 * MARGIN, HEIGHT - 2 * MARGIN

    def x_of(x):
        return left + MARGIN + inner_w * math.log(x / low) / span

    def y_of(y):
        return HEIGHT - MARGIN - inner_h * (y - bottom) / max(1, top - bottom)

    parts = []
    for x in ticks(low, high):
        parts.append(f'<line x1="{x_of(x):.1f}" x2="{x_of(x):.1f}" y1="{MARGIN}" y2="{HEIGHT - MARGIN}"/>')
        parts.append(f'<text x="{x_of(x):.1f}" y="{HEIGHT - MARGIN + 14}" text-anchor="middle">{x:g}</text>')
    for y in range(bottom, top + 1, 5):
        parts.append(f'<line x1="{left + MARGIN}" x2="{left + MARGIN + inner_w:.1f}" y1="{y_of(y):.1f}" y2="{y_of(y):.1f}"/>')
        parts.append(f'<text x="{left + MARGIN - 6}" y="{y_of(y) + 4:.1f}" text-anchor="end">{y}</text>')
    marks = [(x_of(x), y_of(y), row["name"]) for row, x, y in zip(rows, xs, ys)]
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y, _ in marks]
    for x, y, name in marks:
        box = place(x, y, LETTER * len(name), left + MARGIN, left + MARGIN + inner_w, taken)
        taken.append(box)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        parts.append(f'<text x="{box[0]:.1f}" y="{box[3] - 2:.1f}" class="name">{escape(name)}</text>')
    parts.append(f'<text x="{left + MARGIN + inner_w / 2:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(title)}</text>')
    return "\n".join(parts)


def main(runs):
    rows = []
    for path in sorted(glob.glob(os.path.join(runs, "*.json"))):
        if os.path.basename(path) == "families.json":
            continue
        with open(path, encoding="utf-8") as file:
            rows.append({**json.load(file), "name": os.path.basename(path)[: -len(".json")]})
    if not rows:
        sys.exit(f"{runs}: no JSON of 'lab evaluate' in it")
    rows.sort(key=lambda row: row["macs"])
    body = "\n".join(panel(rows, i * WIDTH, *spec) for i, spec in enumerate(PANELS))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(PANELS) * WIDTH} {HEIGHT}">\n'
        "<style>text{font:10px sans-serif;fill:#333}.name{font-size:9px}"
        "line{stroke:#ddd}circle{fill:#1f6f8b}</style>\n"
        '<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="8" y="18" style="font-weight:bold">Accuracy on the test images, %</text>\n{body}\n</svg>\n'
    )
    with open(os.path.join(runs, "families.svg"), "w", encoding="utf-8") as file:
        file.write(svg)
    for row in rows:
        row.pop("directory", None)
    with open(os.path.join(runs, "families.json"), "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=2)
        file.write("\n")
    print("| Network, width | Accuracy, % | MACs, millions | Parameters | File, KiB | p50, ms |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f'| {row["name"]} | {100 * row["accuracy"]:.2f} | {row["macs"] / 1e6:.1f} | {row["params"]:,} '
            f'| {row["fileBytes"] / 1024:.1f} | {row["latencyP50Micros"] / 1000:.2f} |'
        )


main(sys.argv[1])
