#!/usr/bin/env python3
"""Search of a large desk over HTTP.

    bench/search.py OTKLIK [TICKETS]

Imports TICKETS tickets (500,000) of words that are as uneven as words are,
then asks for one to three words, rare and frequent ones, whole and unfinished,
as staff does, with and without a filter; prints medians and p95 by kind.
"""
import csv
import itertools
import os
import random
import statistics
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tests/whole"))
from desk import Desk  # noqa: E402

OTKLIK = os.path.abspath(sys.argv[1])
N = int(sys.argv[2]) if len(sys.argv) > 2 else 500000
WORDS, QUERIES = 40000, 150


def vocabulary():
    """Words of the starter tickets, then made-up ones; frequencies by Zipf."""
    top = os.path.join(os.path.dirname(__file__), "../starter")
    words = {}
    for name in ("tickets.ru.csv", "tickets.en.csv"):
        with open(os.path.join(top, name), encoding="utf-8") as f:
            for row in csv.DictReader(f):
                for w in row["text"].split():
                    w = "".join(c for c in w.lower() if c.isalpha())
                    if len(w) > 2:
                        words[w] = True
    words = list(words)
    syllables = "ра мо ти ку ле са бо ни ve ro ta li shu ком пер".split()
    while len(words) < WORDS:
        words.append("".join(random.choices(syllables, k=random.randint(2, 4)))
                     + str(len(words)))
    return words


def make_rows(path, words):
    weights = list(itertools.accumulate(1 / (i + 10)
                                        for i in range(len(words))))
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(["text", "external_id", "state", "created_at"])
        for i in range(N):
            text = " ".join(random.choices(words, cum_weights=weights, k=12))
            state = "open" if i % 50 == 0 else "closed"
            out.writerow([text, f"b{i}", state, "2026-01-31T09:30:00Z"])


def ask(client, query):
    begin = time.perf_counter()
    r = client.raw("GET", "/api/v1/tickets?" + query)
    ms = (time.perf_counter() - begin) * 1000
    assert r.status == 200, r.bytes
    return ms, len(r.json["items"])


def measure(client, name, queries):
    got = [ask(client, q) for q in queries]
    ms = sorted(g[0] for g in got)
    found = sum(g[1] > 0 for g in got)
    print(f"{name:34s} {statistics.median(ms):7.1f} "
          f"{ms[int(len(ms) * 0.95)]:7.1f} {ms[-1]:7.1f}   {found}/{len(ms)}")


def main():
    random.seed(1)
    words = vocabulary()
    frequent, middle, rare = words[:50], words[500:3000], words[20000:]
    pick = random.choice
    with Desk(OTKLIK, "log.level=error", model=False) as desk:
        rows = os.path.join(desk.top, "rows.csv")
        make_rows(rows, words)
        begin = time.perf_counter()
        p = desk.run("import", rows, "--as", "tickets", timeout=3600)
        took = time.perf_counter() - begin
        print(f"{p.strip()}; {N / took:.0f} rows/s")
        desk.start()
        c = desk.client("admin")
        kinds = {
            "one rare word": lambda: [pick(rare)],
            "one usual word": lambda: [pick(middle)],
            "one frequent word": lambda: [pick(frequent)],
            "two usual words": lambda: [pick(middle), pick(middle)],
            "three frequent words": lambda: random.sample(frequent, 3),
            "frequent and rare": lambda: [pick(frequent), pick(rare)],
            "unfinished word": lambda: [pick(middle)[:3]],
        }
        print(f"{'':34s}  median     p95     max   found")
        for name, make in kinds.items():
            queries = ["q=" + urllib.parse.quote(" ".join(make()))
                       for _ in range(QUERIES)]
            measure(c, name, queries)
            if name in ("one frequent word", "two usual words"):
                measure(c, name + ", open only",
                        [q + "&state=new,open" for q in queries])


main()
