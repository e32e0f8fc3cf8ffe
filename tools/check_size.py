#!/usr/bin/env python3
"""Show the size of the house; refuse files and functions that grew too big."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_MAX = 700
FUNCTION_MAX = 80


def functions(lines):
    """(name, first line, length) of each function, by the house format."""
    start, name = None, ""
    for i, line in enumerate(lines):
        if line.startswith("{") and start is None:
            head = " ".join(lines[max(0, i - 6):i])
            match = re.findall(r"([A-Za-z_]\w*)\s*\(", head)
            start, name = i, match[0] if match else "?"
        elif line.startswith("}") and start is not None:
            yield name, start + 1, i - start
            start = None


def main():
    bad = 0
    totals = {}
    for path in sorted(ROOT.glob("src/*/*.[ch]")):
        lines = path.read_text().splitlines()
        layer = path.parent.name
        totals[layer] = totals.get(layer, 0) + len(lines)
        if len(lines) > FILE_MAX:
            print(f"{path.relative_to(ROOT)}: {len(lines)} lines, the limit is {FILE_MAX}")
            bad += 1
        for name, at, n in functions(lines):
            if n > FUNCTION_MAX:
                print(f"{path.relative_to(ROOT)}:{at}: {name}() has {n} lines, "
                      f"the limit is {FUNCTION_MAX}")
                bad += 1
    print("lines: " + ", ".join(f"{k} {v}" for k, v in totals.items()))
    return 1 if bad else 0


sys.exit(main())
