#!/usr/bin/env python3
"""Training beside scikit-learn: the same features, the same split, one run.

    bench/triage_peer.py OTKLIK FILE TEXT LABEL [REPEATS]

scikit-learn: TfidfVectorizer (words 1-2, char_wb 3-5, sublinear) and
LogisticRegression. Prints medians and ratios; with --strict the exit status
says whether ours is at least as accurate (within 0.01).
"""
import csv
import json
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union


def folded(text):
    text = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(re.findall(r"\w+", text))


def split(rows, share=0.2):
    """Hold out whole groups of texts that say the same."""
    groups = {}
    for text, label in rows:
        groups.setdefault(folded(text), []).append((text, label))
    keys = sorted(groups)
    random.Random(1).shuffle(keys)
    cut = int(len(keys) * share)
    return ([r for k in keys[cut:] for r in groups[k]],
            [r for k in keys[:cut] for r in groups[k]])


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        w = csv.writer(f)
        w.writerow(["text", "topic"])
        w.writerows(rows)


def ours(otklik, folder, train, test):
    write(folder / "train.csv", train)
    write(folder / "test.csv", test)
    begin = time.perf_counter()
    subprocess.run([otklik, "train", folder / "train.csv", "-t", "topic", "-o",
                    folder / "model"], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    out = subprocess.run([otklik, "evaluate", folder / "test.csv", "-t", "topic", "-m",
                          folder / "model", "--json"], check=True, capture_output=True)
    return seconds, json.loads(out.stdout)["topic"]["accuracy"]


def peer(train, test):
    model = make_pipeline(
        make_union(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                   TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)),
        LogisticRegression(max_iter=1000, C=10))
    begin = time.perf_counter()
    model.fit([t for t, _ in train], [l for _, l in train])
    seconds = time.perf_counter() - begin
    return seconds, model.score([t for t, _ in test], [l for _, l in test])


def main():
    strict = "--strict" in sys.argv
    words = [a for a in sys.argv[1:] if a != "--strict"]
    otklik, path, text, label = words[:4]
    repeats = int(words[4]) if len(words) > 4 else 3
    with open(path, newline="", encoding="utf-8") as f:
        rows = [(r[text], r[label]) for r in csv.DictReader(f) if r[text].strip() and r[label]]
    train, test = split(rows)
    times = {"otklik": [], "scikit-learn": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            seconds, accuracy = ours(otklik, pathlib.Path(folder), train, test)
            times["otklik"].append(seconds)
            peer_seconds, peer_accuracy = peer(train, test)
            times["scikit-learn"].append(peer_seconds)
    a, b = (statistics.median(times[k]) for k in ("otklik", "scikit-learn"))
    print(f"{len(train)} rows trained, {len(test)} asked, medians of {repeats}")
    print(f"otklik        {a:8.2f} s  accuracy {accuracy:.4f}")
    print(f"scikit-learn  {b:8.2f} s  accuracy {peer_accuracy:.4f}")
    print(f"ratio         {b / a:8.1f}")
    if strict and accuracy < peer_accuracy - 0.01:
        sys.exit("ours is less accurate")


main()
