"""Texts that are hard to cut into tokens, the same on every run."""
import csv
import pathlib
import random
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Unicode changed its mind about these since the tables of the reference.
CHANGED = {0x166D, 0x1734, 0x180E, 0x1CF2, 0x1CF3, 0x3F4}
BLOCKS = [(0x01, 0x20), (0x7F, 0xA0), (0xA1, 0x17F), (0x300, 0x36F),
          (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x6FF), (0x900, 0x97F),
          (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F),
          (0x2070, 0x2BFF), (0x3000, 0x30FF), (0x3200, 0x33FF),
          (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xE000, 0xE0FF),
          (0xF900, 0xFA2D), (0xFB00, 0xFDFB), (0xFE00, 0xFFFD),
          (0x1D400, 0x1D7FF), (0x20000, 0x2A6D6), (0x2F800, 0x2FA1D)]
EMOJI = ["🙂", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇷🇺🇺🇸", "❤️", "☎️", "1️⃣", "🤷🏿‍♀️", "🧑‍💻", "😀😀", "🦙"]
BROKEN = [" ", "  ", "   ", "\t", "\n", "\r\n", " \n ", "\u00a0", "\u2009",
          "\u200b", "\u3000", "\ufeff", "\u2028", "\x0b", "\x85", "\u00ad", "\u202e"]
ENGLISH = ["it's", "we've", "I'll", "DON'T", "they're", "'d", "co-op", "C++",
           "e.g.", "#42", "100%", "a@b.com", "http://x.y/z?a=1&b=2", "VPN",
           "naïve", "café", "cafe\u0301", "Ångström", "İstanbul", "straße", "ﬁne"]
RUSSIAN = ["Йогурт", "йогурт", "и\u0306од", "ЁЛКА", "ёлка", "е\u0308ж", "подъезд",
           "по-русски", "1С:Предприятие", "№5", "«кавычки»", "тире—тире", "а\u0301кут"]
OTHER = ["中文字", "日本語テスト", "한국어", "नमस्ते", "สวัสดี", "שלום", "مرحبا", "ﷺ",
         "㍿", "ｆｕｌｌ", "①②", "½", "x²", "Ⅷ", "ｶﾞ", "ế", "e\u0302\u0301", "ᄒ\u1161\u11ab"]


def known(cp):
    """Assigned for long, so that all tables agree about it."""
    return (cp not in CHANGED
            and unicodedata.ucd_3_2_0.category(chr(cp)) not in ("Cn", "Cs"))


def words():
    """Words of the starter's tickets, in both languages."""
    found = []
    for name in ("tickets.ru.csv", "tickets.en.csv"):
        with open(ROOT / "starter" / name, newline="") as f:
            for row in csv.DictReader(f):
                found += row["text"].split()
    return found


def piece(r, plain, added):
    kind = r.random()
    if kind < 0.55:
        return r.choice(plain)
    if kind < 0.62:
        return r.choice(ENGLISH)
    if kind < 0.69:
        return r.choice(RUSSIAN)
    if kind < 0.75:
        return r.choice(OTHER)
    if kind < 0.80:
        return r.choice(EMOJI)
    if kind < 0.86:
        return r.choice(added)
    if kind < 0.87:
        return r.choice(plain) * r.randrange(2, 40)
    if kind < 0.90:
        return r.choice(["...", "!?", "))", "--", "'", "\"", "_", "~", "$", "\\"])
    found = []
    while len(found) < r.randrange(1, 6):
        cp = r.randrange(*r.choice(BLOCKS))
        if known(cp):
            found.append(chr(cp))
    return "".join(found)


def lines(n, added, seed=1):
    """`n` texts with names of `added` tokens in them."""
    r = random.Random(seed)
    plain = words()
    for _ in range(n):
        text = []
        for _ in range(r.randrange(0, 25)):
            text.append(piece(r, plain, added))
            text.append(" " if r.random() < 0.75 else r.choice(BROKEN + [""] * 6))
        if r.random() < 0.3:
            text.insert(0, r.choice(BROKEN))
        yield "".join(text)
