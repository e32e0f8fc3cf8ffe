#!/usr/bin/env python3
"""Hold the layers: tools/layers.txt against every #include in src/.

A file may include its own layer and those on lines above; siblings on one
line do not know each other. Headers of a layer that no file includes from
outside are listed, so that what is private can move out of sight.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z_]+)/', re.M)


def ranks():
    rank = {}
    lines = (ROOT / "tools/layers.txt").read_text().splitlines()
    rows = [l.split() for l in lines if l and not l.startswith("#")]
    for level, names in enumerate(rows):
        for name in names:
            rank[name] = level
    return rank


def main():
    rank = ranks()
    bad = 0
    for path in sorted((ROOT / "src").glob("*/*.[ch]")):
        layer = path.parent.name
        if layer not in rank:
            print(f"{path.relative_to(ROOT)}: layer '{layer}' is not in tools/layers.txt")
            bad += 1
            continue
        for used in INCLUDE.findall(path.read_text()):
            if used == layer:
                continue
            if used not in rank or rank[used] >= rank[layer]:
                print(f"{path.relative_to(ROOT)}: '{layer}' may not include '{used}'")
                bad += 1
    return 1 if bad else 0


sys.exit(main())
