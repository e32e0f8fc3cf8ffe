#!/usr/bin/env python3
"""bench/knowledge.py OTKLIK [DATA]: search measured by `otklik kb measure`.

On the starter knowledge, a third of its question forms held out in turn; how
long an index of 10,000 articles of chance words takes; and, when the folder of
data sets is given, what the Russian FAQ in it refuses of other subjects.
"""
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ARTICLES, WORDS, PARTS = 10000, 120, 3


def measure(otklik, articles, questions):
    out = subprocess.run([otklik, "kb", "measure", articles, questions,
                          "--json"], check=True, capture_output=True)
    return json.loads(out.stdout)


def write(path, head, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(head)
        out.writerows(rows)


def held_out(otklik, folder, articles):
    hits = [0.0, 0.0]
    asked = 0
    for part in range(PARTS):
        kept, questions = [], []
        for a in articles:
            forms = [f for f in a["questions"].split("\n") if f.strip()]
            questions += [(f, a["key"]) for i, f in enumerate(forms)
                          if i % PARTS == part]
            kept.append((a["key"], a["language"], a["title"], a["answer"],
                         "\n".join(f for i, f in enumerate(forms)
                                   if i % PARTS != part)))
        write(folder / "articles.csv",
              ("key", "language", "title", "answer", "questions"), kept)
        write(folder / "questions.csv", ("text", "keys"), questions)
        m = measure(otklik, folder / "articles.csv", folder / "questions.csv")
        hits[0] += m["hit1"] * len(questions)
        hits[1] += m["hit3"] * len(questions)
        asked += len(questions)
    print(f"starter, forms held out: {asked} questions, "
          f"hit@1 {hits[0] / asked:.3f}, hit@3 {hits[1] / asked:.3f}")


def many(otklik, folder, articles):
    words = sorted({w for a in articles for w in a["answer"].split()})
    random.seed(1)
    write(folder / "many.csv", ("key", "question", "answer"),
          [(i, " ".join(random.choices(words, k=8)),
            " ".join(random.choices(words, k=WORDS)))
           for i in range(ARTICLES)])
    write(folder / "one.csv", ("text", "keys"), [("printer", "1")])
    begin = time.monotonic()
    measure(otklik, folder / "many.csv", folder / "one.csv")
    print(f"{ARTICLES} articles of {WORDS} words: "
          f"{time.monotonic() - begin:.1f} s")


def refused(otklik, folder, data):
    faq = data / "ru_rutube_support"
    with open(faq / "train.csv", encoding="utf-8") as f:
        own = [(r["text"], r["kb_ids"]) for r in csv.DictReader(f)
               if r["kb_ids"]]
    top = pathlib.Path(__file__).resolve().parents[1]
    for name, path, n in (
            ("starter tickets, ru", top / "starter/tickets.ru.csv", 600),
            ("starter tickets, en", top / "starter/tickets.en.csv", 300),
            ("tickets_en_itservice", data / "tickets_en_itservice/train.csv",
             400),
            ("en_banking77", data / "en_banking77/train.csv", 400)):
        with open(path, encoding="utf-8") as f:
            texts = [r["text"] for r in csv.DictReader(f)]
        random.seed(5)
        strangers = [(t, "") for t in random.sample(texts, n)]
        write(folder / "questions.csv", ("text", "keys"), own + strangers)
        m = measure(otklik, faq / "kb.csv", folder / "questions.csv")
        print(f"FAQ: {m['strangers_refused_at_10']:.3f} of {n} {name} "
              "refused at under 10 % of its own wrongly refused")


def main():
    otklik = pathlib.Path(sys.argv[1]).resolve()
    top = pathlib.Path(__file__).resolve().parents[1]
    with open(top / "starter/knowledge.csv", encoding="utf-8") as f:
        articles = list(csv.DictReader(f))
    with tempfile.TemporaryDirectory() as folder:
        held_out(otklik, pathlib.Path(folder), articles)
        many(otklik, pathlib.Path(folder), articles)
        if len(sys.argv) > 2:
            refused(otklik, pathlib.Path(folder), pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
