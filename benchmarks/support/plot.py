"""Results as SVG, without a library: bars with intervals and ratios to the base, one file a case group."""
import html
import math
import os
import re

_WIDTH, _LEFT, _ROW, _HEAD = 860, 300, 22, 34
_COLORS = {"base": "#2563eb", "again": "#93c5fd", "other": "#9ca3af"}


def _text(x, y, words, anchor="start", size=12, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">'
            f"{html.escape(words)}</text>")


def short(number):
    """Three or four digits, as tables show them."""
    if number == 0 or not math.isfinite(number):
        return str(number)
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.{max(0, 3 - int(math.floor(math.log10(abs(number)))) - 1)}f}"


def _range(case):
    """The lowest and the highest positive number of a case's first quantity; None where there is none."""
    sides = next(iter(case["quantities"].values())).values()
    lows = [own["median"] for own in sides if own["median"] > 0]
    return (min(lows), max(own["interval"][1] for own in sides)) if lows else None


def _is_wide(case):
    """Bars of its smaller numbers could not be seen on a linear scale."""
    return _range(case) is not None and _range(case)[1] / _range(case)[0] > 50


def _bars(case, top, logarithmic):
    """The first quantity of a case: (lines of SVG, height)."""
    quantity, sides = next(iter(case["quantities"].items()))
    if _range(case) is None:
        return [], 0
    lowest, highest = _range(case)
    start = 10 ** math.floor(math.log10(lowest) - 0.3) if logarithmic else 0
    room = _WIDTH - _LEFT - 120

    def x(value):
        if not logarithmic:
            return _LEFT + room * value / highest
        return _LEFT + room * max(0, math.log(max(value, start) / start)) / math.log(highest / start)

    unit = f"{case['case']} — {quantity}" + (", logarithmic" if logarithmic else "")
    made = [_text(10, top + 16, unit + (" — REJECTED: too noisy" if case["rejected"] else ""), size=13, weight="bold")]
    y = top + _HEAD
    for side, own in sides.items():
        kind = "base" if side == case["base"] else "again" if side == f"{case['base']}, again" else "other"
        low, high = own["interval"]
        said = short(own["median"]) + ("" if kind == "base" else f"  ({short(own['ratio']['median'])} ×)")
        made += [_text(_LEFT - 8, y + 12, side, "end"),
                 f'<rect x="{_LEFT}" y="{y}" width="{x(own["median"]) - _LEFT:.1f}" height="15" fill="{_COLORS[kind]}"/>',
                 f'<path d="M{x(low):.1f},{y + 7.5}H{x(high):.1f}" stroke="#111827" stroke-width="1.5"/>',
                 _text(max(x(high), x(own["median"])) + 6, y + 12, said)]
        y += _ROW
    return made, y - top + 12


def write_all(result, directory):
    """One SVG a group of cases; gives the paths."""
    groups = {}
    for case in result["cases"]:
        groups.setdefault(case["group"], []).append(case)
    paths = []
    for group, cases in groups.items():
        made, top = [_text(10, 22, result["title"] + (f": {group}" if group else ""), size=15, weight="bold")], 36
        logarithmic = any(_is_wide(case) for case in cases)  # one scale on a page
        for case in cases:
            lines, height = _bars(case, top, logarithmic)
            made += lines
            top += height
        name = "_".join(filter(None, [result["benchmark"], re.sub(r"[^a-z0-9]+", "_", group.lower()).strip("_")]))
        paths.append(os.path.join(directory, f"{name}.svg"))
        with open(paths[-1], "w", encoding="utf-8") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" '
                       f'viewBox="0 0 {_WIDTH} {top}" font-family="sans-serif">'
                       f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(made) + "\n</svg>\n")
    return paths
