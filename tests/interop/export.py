"""Models that we wrote as ONNX, run by onnxruntime, beside ourselves.

export.py OTKLIK ASK: for every family, in float and in int8: onnx.checker, then
all outputs on batches of texts of different lengths, padded, beside ASK, which
computes them by src/model. The same of a model that `otklik train` made.
"""
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = ["bert", "distilbert", "roberta", "xlm-roberta", "minilm"]
TEXTS, WORDS_FROM = 24, 5  # tokens below are marks
CLOSE, ALIKE = 1e-4, 0.99
bad = 0


def run(*words, **more):
    return subprocess.run([str(w) for w in words], check=True, text=True,
                          capture_output=True, **more).stdout


def make(family, folder, *words):
    run(sys.executable, HERE.parent / "models/make.py", family, folder, *words)


def texts_of(vocab, longest, seed):
    r = random.Random(seed)
    lengths = [1, 2, longest] + [r.randint(3, longest) for _ in range(TEXTS - 3)]
    return [[r.randrange(WORDS_FROM, vocab) for _ in range(n)] for n in lengths]


def ours(ask, folder, texts, heads=()):
    lines = "".join(" ".join(map(str, t)) + "\n" for t in texts)
    return [json.loads(line) for line in run(ask, folder, *heads, input=lines).splitlines()]


def open_file(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version >= 17, model.opset_import
    o = onnxruntime.SessionOptions()
    o.log_severity_level = 3
    o.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    return session, {p.key: p.value for p in model.metadata_props}


def theirs(session, texts, batch, pad, left=False):
    """A dict of outputs for each text; its own rows of last_hidden_state."""
    names = [o.name for o in session.get_outputs()]
    all_ = []
    for i in range(0, len(texts), batch):
        some = texts[i:i + batch]
        longest = max(map(len, some))
        ids = numpy.full((len(some), longest), pad, numpy.int64)
        mask = numpy.zeros_like(ids)
        spans = [slice(longest - len(t), longest) if left else slice(0, len(t)) for t in some]
        for k, t in enumerate(some):
            ids[k, spans[k]], mask[k, spans[k]] = t, 1
        out = dict(zip(names, session.run(names, {"input_ids": ids, "attention_mask": mask})))
        for k in range(len(some)):
            one = {n: v[k] for n, v in out.items()}
            one["last_hidden_state"] = one["last_hidden_state"][spans[k]]
            all_.append(one)
    return all_


def cosine(a, b):
    return float(a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b)))


def softmax(x):
    e = numpy.exp(x - x.max())
    return e / e.sum()


def say(ok, *words):
    global bad
    bad += not ok
    print("ok  " if ok else "BAD ", *words)


def compare(name, got, want, int8, only=None):
    """Largest difference, or the least cosine, of each output. A handful of scores
    by random labels is too few numbers for a cosine: all texts' are taken as one."""
    for key in want[0]:
        if only and key not in only:
            continue
        pairs = [(numpy.ravel(g[key]), numpy.float32(w[key])) for g, w in zip(got, want)]
        if int8 and len(pairs[0][1]) < 16:
            pairs = [[numpy.concatenate(side) for side in zip(*pairs)]]
        if int8:
            value = min(cosine(a, b) for a, b in pairs)
            say(value >= ALIKE, f"{name}: {key}: cosine {value:.5f}")
        else:
            value = max(float(abs(a - b).max()) for a, b in pairs)
            say(value <= CLOSE, f"{name}: {key}: differs by {value:.1e}")


def one_family(otklik, ask, family, top):
    folder = top / family
    make(family, folder)
    if not (folder / "vocab.txt").exists():
        # any tokenizer: here the tokens are given
        make("bert", top / "vocab")
        for name in ("vocab.txt", "tokenizer_config.json"):
            (folder / name).write_bytes((top / "vocab" / name).read_bytes())
    config = json.loads((folder / "config.json").read_text())
    want = ours(ask, folder, texts := texts_of(config["vocab_size"], 60, family))
    for int8 in (False, True):
        path = str(top / f"{family}{int8:d}.onnx")
        run(otklik, "model", "export", folder, "--onnx", path, *["--int8"][:int8])
        session, notes = open_file(path)
        assert notes["otklik.family"] == config["model_type"], notes
        pad = int(notes["otklik.pad_id"])
        if "id2label" in config:
            assert json.loads(notes["otklik.labels"]) == list(config["id2label"].values())
        name = family + (" int8" if int8 else "")
        compare(name, theirs(session, texts, 8, pad), want, int8)
        if not int8:
            compare(name + ", one by one", theirs(session, texts, 1, pad), want, False)
            # the first token is not where it was: outputs of all tokens only
            compare(name + ", padded in front", theirs(session, texts, 8, pad, left=True),
                    want, False, {"last_hidden_state"})


def activations(otklik, ask, top):
    for kind in ("gelu_new", "relu"):
        folder = top / kind
        make("bert", folder, "--type", "f16")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"hidden_act": kind}))
        texts = texts_of(config["vocab_size"], 60, kind)
        path = str(top / f"{kind}.onnx")
        run(otklik, "model", "export", folder, "--onnx", path)
        session, notes = open_file(path)
        compare(kind + ", f16", theirs(session, texts, 8, int(notes["otklik.pad_id"])),
                ours(ask, folder, texts), False)


def trained(otklik, ask, top):
    """Heads of two tasks, with labels and temperatures."""
    make("distilbert", top / "base", "--base")
    with open(top / "texts.csv", "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["text", "topic", "priority"])
        words = {"printing": "printer paper", "access": "password login",
                 "none": "hello", "network": "network wifi"}
        for i in range(200):
            topic = list(words)[i % 4]
            out.writerow([f"please my {words[topic]} {i}", topic, ["low", "high"][i // 4 % 2]])
    run(otklik, "train", top / "texts.csv", "--engine", "transformer", "--base", top / "base",
        "--epochs", "2", "--output", top / "triage")
    model = json.loads((top / "triage/model.json").read_text())
    tasks = {t["name"]: t for t in model["tasks"]}
    heads = [f"{n}={len(t['labels']) + t['has_none']}" for n, t in tasks.items()]
    vocab = json.loads((top / "base/config.json").read_text())["vocab_size"]
    texts = texts_of(vocab, 30, "trained")
    want = ours(ask, top / "triage/encoder", texts, heads)
    for w in want:
        for name, t in tasks.items():
            w[f"probabilities_{name}"] = softmax(numpy.float64(w[f"scores_{name}"])
                                                 * t["temperature"])
    for int8 in (False, True):
        path = str(top / f"triage{int8:d}.onnx")
        run(otklik, "model", "export", top / "triage", "--onnx", path, *["--int8"][:int8])
        session, notes = open_file(path)
        assert notes["otklik.version"] == model["version"], notes
        for name, t in tasks.items():
            labels = t["labels"] + [None] * t["has_none"]
            assert json.loads(notes[f"otklik.labels.{name}"]) == labels, notes
        compare("trained" + (" int8" if int8 else ""),
                theirs(session, texts, 8, int(notes["otklik.pad_id"])), want, int8)


def main():
    otklik, ask = sys.argv[1:]
    with tempfile.TemporaryDirectory() as top:
        for family in FAMILIES:
            one_family(otklik, ask, family, pathlib.Path(top))
        activations(otklik, ask, pathlib.Path(top))
        trained(otklik, ask, pathlib.Path(top))
    return bad > 0


sys.exit(main())
