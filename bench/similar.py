#!/usr/bin/env python3
"""bench/similar.py OTKLIK DATA [MODEL]: are similar tickets about the same?

2,000 texts of en_banking77/train.csv are tickets of one topic; of each tenth
the similar ones are asked for. Two tickets are about the same when they have
the same intent. Prints, for each likeness from which on they count, how many
tickets have any, how often the first one is right, and how many of all are.
With MODEL - the folder of a language model - search asks that, too.
"""
import csv
import os
import pathlib
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tests/whole"))
from desk import Desk  # noqa: E402

TICKETS, EACH = 2000, 10


def main():
    otklik, data = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    settings = [f"knowledge.model={os.path.abspath(sys.argv[3])}"] if len(sys.argv) > 3 else []
    with open(data / "en_banking77/train.csv", encoding="utf-8") as f:
        rows = random.Random(2).sample(list(csv.DictReader(f)), TICKETS)
    with Desk(otklik, "log.level=error", *settings) as desk:
        desk.start()
        c = desk.client("admin")
        intents, took, found = {}, [], []
        for row in rows:
            ticket = c.post("/tickets", {"text": row["text"], "topic": "software"}, 201).json
            intents[ticket["id"]] = row["intent"]
        for ticket in list(intents)[::EACH]:
            begin = time.perf_counter()
            items = c.get(f"/tickets/{ticket}/similar").json["items"]
            took.append(1000 * (time.perf_counter() - begin))
            found.append([(x["likeness"], intents.get(x["ticket"]) == intents[ticket])
                          for x in items])
    print(f"{len(found)} asked, median {statistics.median(took):.1f} ms, "
          f"most {max(took):.1f} ms\n\n| likeness from | with any | first right | all right |"
          "\n|---|---|---|---|")
    for least in (0.4, 0.5, 0.6, 0.7):
        some = [[right for likeness, right in one if likeness >= least] for one in found]
        first, all_ = [s[0] for s in some if s], [right for s in some for right in s]
        print(f"| {least} | {len(first)} | {statistics.mean(first):.2f} "
              f"| {statistics.mean(all_):.2f} of {len(all_)} |")


main()
