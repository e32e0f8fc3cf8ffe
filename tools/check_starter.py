#!/usr/bin/env python3
"""Check the starter pack: formats, duplicates, balance, language.

Prints what the pack holds and fails when a promise below is not
kept. `--list` shows near-duplicates too (they are allowed, but look at them).
"""
import collections
import csv
import pathlib
import re
import sys
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parent.parent / "starter"
TOPICS = ("access hardware printing network remote email telephony software "
          "files erp security onboarding").split()
PRIORITIES = ("critical", "high", "normal", "low")
KINDS = "plain short typos angry multi spoken nonsense greeting".split()
TICKETS_MIN = 1200
ARTICLES_MIN = 120
STAFF_MIN = 15

bad = []


def folded(text):
    text = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(re.findall(r"\w+", text))


def rows(name, header):
    with open(ROOT / name, newline="", encoding="utf-8") as f:
        reader = csv.DictReader(f, strict=True)
        if reader.fieldnames != header:
            bad.append(f"{name}: header is {reader.fieldnames}, wanted {header}")
            return
        for row in reader:
            where = f"{name}:{reader.line_num}"
            if None in row or None in row.values():
                bad.append(f"{where}: wrong number of cells")
            else:
                yield where, row


def one_of(where, row, column, values):
    if row[column] not in values:
        bad.append(f"{where}: {column} '{row[column]}' is none of {', '.join(values)}")


def language_of(text):
    cyrillic = len(re.findall("[а-яё]", text.lower()))
    latin = len(re.findall("[a-z]", text.lower()))
    return "ru" if cyrillic >= latin else "en"


def near(texts):
    """Pairs whose sets of words overlap by more than 0.8."""
    sets = [(where, frozenset(folded(t).split())) for where, t in texts]
    by_word = collections.defaultdict(list)
    for i, (_, words) in enumerate(sets):
        for w in words:
            by_word[w].append(i)
    for i, (where, words) in enumerate(sets):
        common = collections.Counter(j for w in words for j in by_word[w] if j > i)
        for j, n in common.items():
            if len(words) > 3 and n / len(words | sets[j][1]) > 0.8:
                yield where, sets[j][0]


def check_tickets():
    total = 0
    for language in ("ru", "en"):
        name = f"tickets.{language}.csv"
        seen = {}
        by_topic = collections.Counter()
        by_priority = collections.Counter()
        kinds = collections.Counter()
        texts = []
        strange = 0
        for where, r in rows(name, ["text", "topic", "priority", "kind"]):
            one_of(where, r, "topic", TOPICS + ["none"])
            one_of(where, r, "priority", PRIORITIES)
            one_of(where, r, "kind", KINDS)
            if (r["kind"] in ("nonsense", "greeting")) != (r["topic"] == "none"):
                bad.append(f"{where}: kind {r['kind']} with topic {r['topic']}")
            key = folded(r["text"]) or r["text"]
            if key in seen:
                bad.append(f"{where}: the same text as {seen[key]}")
            seen[key] = where
            texts.append((where, r["text"]))
            by_topic[r["topic"]] += 1
            by_priority[r["topic"], r["priority"]] += 1
            kinds[r["kind"]] += 1
            strange += r["topic"] != "none" and language_of(r["text"]) != language
        total += len(texts)
        for topic in TOPICS:
            if by_topic[topic] < 40:
                bad.append(f"{name}: only {by_topic[topic]} texts for {topic}")
            for p in PRIORITIES:
                if by_priority[topic, p] < 2:
                    bad.append(f"{name}: {topic} has {by_priority[topic, p]} {p}")
        if strange > len(texts) // 50:
            bad.append(f"{name}: {strange} texts seem to be in another language")
        pairs = list(near(texts))
        print(f"{name}: {len(texts)} texts, {len(pairs)} pairs alike, "
              + ", ".join(f"{k} {n}" for k, n in kinds.most_common()))
        if "--list" in sys.argv:
            for a, b in pairs:
                print(f"  {a} is like {b}")
        if len(pairs) > len(texts) // 20:
            bad.append(f"{name}: {len(pairs)} pairs of texts are nearly the same")
    if total < TICKETS_MIN:
        bad.append(f"{total} tickets, wanted at least {TICKETS_MIN}")


def check_articles():
    name = "knowledge.csv"
    header = ["key", "language", "topic", "audience", "title", "questions", "answer"]
    keys, questions, per_topic = {}, {}, collections.Counter()
    for where, r in rows(name, header):
        one_of(where, r, "language", ("ru", "en"))
        one_of(where, r, "topic", TOPICS)
        one_of(where, r, "audience", ("public", "staff"))
        per_topic[r["language"], r["topic"]] += 1
        if r["key"] in keys:
            bad.append(f"{where}: key {r['key']} stands at {keys[r['key']]} too")
        keys[r["key"]] = where
        if len(r["answer"].split()) < 20:
            bad.append(f"{where}: the answer is too short to help")
        for q in r["questions"].splitlines():
            key = r["language"], folded(q)
            if key in questions:
                bad.append(f"{where}: '{q}' is asked at {questions[key]} too")
            questions[key] = where
    print(f"{name}: {len(keys)} articles, {len(questions)} question forms")
    if len(keys) < ARTICLES_MIN:
        bad.append(f"{name}: {len(keys)} articles, wanted at least {ARTICLES_MIN}")
    for language in ("ru", "en"):
        for topic in TOPICS:
            if per_topic[language, topic] < 4:
                bad.append(f"{name}: {per_topic[language, topic]} articles in "
                           f"{language} for {topic}")


def check_canned():
    keys = set()
    for where, r in rows("canned.csv", ["key", "language", "title", "body"]):
        if r["key"] in keys:
            bad.append(f"{where}: key {r['key']} stands twice")
        keys.add(r["key"])
        for name in re.findall(r"\{\{(.*?)\}\}", r["body"]):
            if name not in ("person.name", "ticket.number", "staff.name"):
                bad.append(f"{where}: unknown variable {{{{{name}}}}}")
    print(f"canned.csv: {len(keys)} replies")


def check_desk():
    text = (ROOT / "desk.yaml").read_text(encoding="utf-8")
    staff = len(re.findall(r"^  [a-z]+: \{name:.*skills", text.split("\nstaff:")[1], re.M))
    print(f"desk.yaml: {staff} staff")
    if staff < STAFF_MIN:
        bad.append(f"desk.yaml: {staff} staff, wanted at least {STAFF_MIN}")


check_tickets()
check_articles()
check_canned()
check_desk()
for line in bad:
    print(line, file=sys.stderr)
sys.exit(1 if bad else 0)
