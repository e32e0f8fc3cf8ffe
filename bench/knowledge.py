#!/usr/bin/env python3
"""bench/knowledge.py OTKLIK [DATA]: search measured by `otklik kb measure`.

On the starter knowledge, a third of its question forms held out in turn; how
long an index of 10,000 articles of chance words takes; and, when the folder of
data sets is given, what is refused: by the Russian FAQ in it of its own
questions without their articles, and of other subjects; by intents as FAQs - an
article an intent, five questions its forms, 1,000 others asked - of theirs.
Refusals are at under 10 % of all answerable questions wrongly refused, and at
under 10 % of those whose first hit is right.
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
FORMS, ASKED = 5, 1000


def measure(otklik, articles, questions):
    out = subprocess.run([otklik, "kb", "measure", articles, questions,
                          "--json"], check=True, capture_output=True)
    return json.loads(out.stdout)


def write(path, head, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(head)
        out.writerows(rows)


def read(path):
    with open(path, encoding="utf-8") as f:
        return list(csv.DictReader(f))


def show(name, m, who=""):
    """`who`: "strangers_", or empty: questions without their articles."""
    print(f"{name}: refused {m[who + 'refused_at_10']:.3f} at under 10 % of "
          f"all answerable, {m[who + 'refused_at_10_right']:.3f} at under 10 % "
          "of right first hits")


def held_out(otklik, folder, articles):
    keys = ("hit1", "hit3", "refused_at_10", "refused_at_10_right")
    sums = dict.fromkeys(keys, 0.0)
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
        for key in keys:
            sums[key] += m[key] * len(questions)
        asked += len(questions)
    mean = {key: sums[key] / asked for key in keys}
    print(f"starter, forms held out: {asked} questions, "
          f"hit@1 {mean['hit1']:.3f}, hit@3 {mean['hit3']:.3f}")
    show("starter, own questions without their article", mean)


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


def taken_away(otklik, folder, faq, questions):
    """The article alone, all of its subtopic, all of its topic."""
    articles = read(faq / "kb.csv")
    of = {a["kb_id"]: a for a in articles}
    for name, level in (("article", "kb_id"), ("subtopic", "level2"),
                        ("topic", "level1")):
        rows = []
        for text, keys in questions:
            gone = {of[k][level] for k in keys.split() if k in of}
            rows.append((text, keys, " ".join(
                a["kb_id"] for a in articles if a[level] in gone)))
        write(folder / "questions.csv", ("text", "keys", "without"), rows)
        show(f"FAQ, own questions without their {name}",
             measure(otklik, faq / "kb.csv", folder / "questions.csv"))


def refused(otklik, folder, data):
    faq = data / "ru_rutube_support"
    own = [(r["text"], r["kb_ids"]) for r in read(faq / "train.csv")
           if r["kb_ids"]]
    taken_away(otklik, folder, faq, own)
    top = pathlib.Path(__file__).resolve().parents[1]
    for name, path, n in (
            ("starter tickets, ru", top / "starter/tickets.ru.csv", 600),
            ("starter tickets, en", top / "starter/tickets.en.csv", 300),
            ("tickets_en_itservice", data / "tickets_en_itservice/train.csv",
             400),
            ("en_banking77", data / "en_banking77/train.csv", 400)):
        texts = [r["text"] for r in read(path)]
        random.seed(5)
        strangers = [(t, "") for t in random.sample(texts, n)]
        write(folder / "questions.csv", ("text", "keys"), own + strangers)
        m = measure(otklik, faq / "kb.csv", folder / "questions.csv")
        show(f"FAQ, {n} {name}", m, "strangers_")


def intents(otklik, folder, path):
    """Rows of the intent `oos` are strangers."""
    rows = read(path)
    random.seed(7)
    random.shuffle(rows)
    forms, asked, strangers = {}, [], []
    for r in rows:
        own = forms.setdefault(r["intent"], [])
        if r["intent"] == "oos":
            strangers.append((r["text"], ""))
        elif len(own) < FORMS:
            own.append(r["text"])
        else:
            asked.append((r["text"], r["intent"]))
    write(folder / "articles.csv", ("key", "title", "answer", "questions"),
          [(k, k.replace("_", " "), k.replace("_", " "), "\n".join(own))
           for k, own in forms.items() if k != "oos"])
    write(folder / "questions.csv", ("text", "keys"),
          asked[:ASKED] + strangers)
    m = measure(otklik, folder / "articles.csv", folder / "questions.csv")
    name = path.parent.name
    print(f"{name}: {ASKED} questions, hit@1 {m['hit1']:.3f}, "
          f"hit@3 {m['hit3']:.3f}")
    show(f"{name}, own questions without their article", m)
    if strangers:
        show(f"{name}, {len(strangers)} oos", m, "strangers_")


def main():
    otklik = pathlib.Path(sys.argv[1]).resolve()
    top = pathlib.Path(__file__).resolve().parents[1]
    articles = read(top / "starter/knowledge.csv")
    with tempfile.TemporaryDirectory() as folder:
        held_out(otklik, pathlib.Path(folder), articles)
        many(otklik, pathlib.Path(folder), articles)
        if len(sys.argv) > 2:
            data = pathlib.Path(sys.argv[2])
            refused(otklik, pathlib.Path(folder), data)
            for name in ("en_banking77", "en_clinc150"):
                intents(otklik, pathlib.Path(folder),
                        data / name / "train.csv")


if __name__ == "__main__":
    main()
