#!/usr/bin/env python3
"""bench/hybrid.py OTKLIK MODEL DATA [PRECISION]: search with a language model.

Lexical alone, vectors alone, and both with the weight that an index finds, by
`otklik kb measure`: the starter's articles with a third of their question forms
held out in turn, two sets of English intents as FAQs - an article an intent,
five questions its forms, its name the answer, 1,000 others asked - and a
Russian FAQ.
"""
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

FORMS, ASKED, PARTS = 5, 1000, 3
KINDS = (("lexical", None), ("vectors", ["--weight", "1"]), ("both", []))


def write(path, head, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(head)
        out.writerows(rows)


def read(path):
    with open(path, encoding="utf-8") as f:
        return list(csv.DictReader(f))


class Bench:
    def __init__(self, otklik, model, precision, folder):
        self.otklik, self.folder = otklik, folder
        self.model = ["--model", model, "--precision", precision]

    def measure(self, articles, questions, options):
        out = subprocess.run(
            [self.otklik, "kb", "measure", articles, questions, "--json"]
            + ([] if options is None else self.model + options),
            check=True, capture_output=True)
        return json.loads(out.stdout)

    def show(self, name, sets):
        """Means over `sets` of (articles, questions), by how many are asked."""
        for kind, options in KINDS:
            all_ = [self.measure(a, q, options) for a, q in sets]
            n = sum(m["questions"] for m in all_)

            def mean(key):
                return sum(m[key] * m["questions"] for m in all_) / n
            found = "" if options is None else " weights " + "; ".join(
                "ru {ru} en {en} other {other}".format(**m["weights"])
                for m in all_)
            print(f"{name:12} {kind:8} {n:5} questions  "
                  f"hit@1 {mean('hit1'):.3f}  hit@3 {mean('hit3'):.3f}  "
                  f"MRR {mean('mrr'):.3f}  ECE {mean('confidence_error'):.3f}  "
                  f"refused {mean('refused_at_10'):.3f} "
                  f"strangers {mean('strangers_refused_at_10'):.3f}{found}",
                  flush=True)

    def starter(self, articles, language, strangers):
        sets = []
        for part in range(PARTS):
            kept, questions = [], []
            for a in articles:
                if a["language"] != language:
                    continue
                forms = [f for f in a["questions"].split("\n") if f.strip()]
                questions += [(f, a["key"]) for i, f in enumerate(forms)
                              if i % PARTS == part]
                kept.append((a["key"], language, a["title"], a["answer"],
                             "\n".join(f for i, f in enumerate(forms)
                                       if i % PARTS != part)))
            at = self.folder / f"{language}{part}"
            write(f"{at}a.csv", ("key", "language", "title", "answer",
                                 "questions"), kept)
            write(f"{at}q.csv", ("text", "keys"), questions + strangers)
            sets.append((f"{at}a.csv", f"{at}q.csv"))
        self.show("starter " + language, sets)

    def intents(self, path, strangers):
        rows = read(path)
        random.seed(7)
        random.shuffle(rows)
        forms, asked = {}, []
        for r in rows:
            own = forms.setdefault(r["intent"], [])
            if len(own) < FORMS:
                own.append(r["text"])
            else:
                asked.append((r["text"], r["intent"]))
        name = path.parent.name
        a, q = self.folder / f"{name}a.csv", self.folder / f"{name}q.csv"
        write(a, ("key", "question", "questions", "answer"),
              [(k, f[0], "\n".join(f[1:]), k.replace("_", " "))
               for k, f in forms.items()])
        write(q, ("text", "keys"), asked[:ASKED] + strangers)
        self.show(name, [(a, q)])


def main():
    otklik, model, data = sys.argv[1:4]
    data = pathlib.Path(data)
    precision = sys.argv[4] if len(sys.argv) > 4 else "int8"
    top = pathlib.Path(__file__).resolve().parents[1]
    random.seed(5)

    def strangers(path, n):
        return [(r["text"], "") for r in random.sample(read(path), n)]
    banking = strangers(data / "en_banking77/train.csv", 300)
    tickets = strangers(top / "starter/tickets.ru.csv", 300)
    english = strangers(top / "starter/tickets.en.csv", 300)
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(otklik, model, precision, pathlib.Path(folder))
        articles = read(top / "starter/knowledge.csv")
        b.starter(articles, "en", banking)
        b.intents(data / "en_banking77/train.csv", english)
        b.intents(data / "en_clinc150/train.csv", english)
        b.starter(articles, "ru", banking)
        faq = data / "ru_rutube_support"
        own = [(r["text"], r["kb_ids"]) for r in read(faq / "train.csv")
               if r["kb_ids"]]
        write(b.folder / "ru.csv", ("text", "keys"), own + tickets)
        b.show("ru_rutube", [(faq / "kb.csv", b.folder / "ru.csv")])


if __name__ == "__main__":
    main()
