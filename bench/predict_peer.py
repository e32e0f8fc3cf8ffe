#!/usr/bin/env python3
"""POST /predict beside FastAPI, uvicorn and onnxruntime in 8 bits.

    bench/predict_peer.py OTKLIK [SECONDS [ROUNDS]]     a Markdown table

A DistilBERT of random weights with heads for topic and priority, which
`otklik train` puts on it, is the active model of a desk; the same weights,
with the same heads, are the peer's graph: quantize_dynamic by channel. The peer
is one uvicorn process, as its document starts it, with the endpoint's JSON;
its handler is plain or async, whichever is faster here, and of the texts
nothing is padded. wrk asks both in turn over as many connections, with texts
of the starter data made different from all others ("new"), or some of them
again and again. Requests a second, latencies and the processor's time that a
request took (which other programs on the machine do not change so much) are
medians of the rounds; the ratios are medians of the rounds' ratios.
"""
import csv
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import types

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnxruntime.quantization import QuantType, quantize_dynamic

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests/interop"), str(ROOT / "tests/models")]
from graph import build  # noqa: E402
import make  # noqa: E402

CONNECTIONS, NEW, AGAIN, TAUGHT = 32, 60000, 200, 48
HIDDEN, LAYERS, VOCAB = 768, 6, 30522

APP = '''
import json, pathlib
import numpy, onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import BertWordPieceTokenizer

here = pathlib.Path(__file__).parent
labels = json.loads((here / "labels.json").read_text())
tokenizer = BertWordPieceTokenizer(str(here / "vocab.txt"), lowercase=True)
tokenizer.enable_truncation(128)
session = onnxruntime.InferenceSession(str(here / "int8.onnx"),
                                       providers=["CPUExecutionProvider"])
app = FastAPI()


class Ask(BaseModel):
    text: str


class Answer(BaseModel):
    topic: str
    priority: str
    topic_scores: dict[str, float]
    priority_scores: dict[str, float]


def scores(logits, names):
    e = numpy.exp(logits - logits.max())
    return dict(zip(names, (e / e.sum()).tolist()))


@app.post("/predict")
{kind}def predict(ask: Ask) -> Answer:
    ids = numpy.array([tokenizer.encode(ask.text).ids], numpy.int64)
    out = session.run(["topic", "priority"],
                      {{"input_ids": ids, "attention_mask": numpy.ones_like(ids)}})
    topic, priority = (scores(o[0], labels[t]) for o, t in zip(out, ("topic", "priority")))
    return Answer(topic=max(topic, key=topic.get), priority=max(priority, key=priority.get),
                  topic_scores=topic, priority_scores=priority)
'''

LUA = '''
local bodies, at = {}, tonumber(os.getenv("FROM"))
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
if os.getenv("KEY") then wrk.headers["Authorization"] = "Bearer " .. os.getenv("KEY") end
function request()
    at = at % #bodies + 1
    return wrk.format(nil, nil, nil, bodies[at])
end
function done(summary, latency, requests)
    io.write(string.format("%d %d %d %d %d\\\\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), summary.errors.status
        + summary.errors.timeout + summary.errors.connect + summary.errors.read))
end
'''.replace("\\\\n", "\\n")


def starter_texts():
    rows = []
    for language in ("en", "ru"):
        with open(ROOT / f"starter/tickets.{language}.csv", encoding="utf-8") as f:
            rows += [r for r in csv.DictReader(f) if r["topic"] and r["priority"]]
    return rows


def new_texts(texts, n):
    """As many texts that nobody asked before: a word of each is another's."""
    r, words, made = random.Random(1), sorted({w for t in texts for w in t.split()}), {}
    while len(made) < n:
        words_of = r.choice(texts).split()
        words_of[r.randrange(len(words_of))] = r.choice(words)
        made[" ".join(words_of)] = True
    return list(made)


def write_base(otklik, folder, rows):
    """DistilBERT's size, random, with a vocabulary learnt of the starter's texts."""
    with open(folder.parent / "words.csv", "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([["text"], *([r["text"]] for r in rows)])
    small = folder.parent / "small"
    subprocess.run([otklik, "model", "new", "--vocab-from", folder.parent / "words.csv",
                    "--to", small, "--layers", "1", "--hidden", "64"], check=True,
                   stdout=subprocess.DEVNULL)
    o = types.SimpleNamespace(family="distilbert", hidden=HIDDEN, layers=LAYERS, heads=12,
                              base=True, labels=[], old_names=False)
    c = make.config(o, VOCAB)
    folder.mkdir()
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(small / name, folder)
    make.write_json(folder / "config.json", c)
    make.write_json(folder / "modules.json", [
        {"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
        for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling")])])
    make.write_json(folder / "1_Pooling/config.json",
                    {"word_embedding_dimension": HIDDEN, "pooling_mode_cls_token": True,
                     "pooling_mode_mean_tokens": False})
    r, tensors = np.random.default_rng(1), []
    for name, shape in make.shapes_distilbert(o, c):
        wide = 0.05 if len(shape) == 1 or "embeddings" in name else 1.25 / shape[1] ** 0.5
        x = r.standard_normal(shape, np.float32) * np.float32(wide)
        x += np.float32(len(shape) == 1 and name.endswith("weight"))
        tensors.append((name, "F32", shape, x.tobytes()))
    make.write_safetensors(folder / "model.safetensors", tensors)


def write_desk(otklik, work, rows):
    """A desk whose active model stands on it, and a key to it."""
    desk, taught = work / "desk", work / "taught.csv"
    with open(taught, "w", newline="", encoding="utf-8") as f:
        out = csv.DictWriter(f, ["text", "topic", "priority"], extrasaction="ignore")
        out.writeheader()
        out.writerows(random.Random(2).sample(rows, TAUGHT))
    subprocess.run([otklik, "init", "--demo", desk], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([otklik, "train", taught, "--engine", "transformer", "--base", work / "base",
                    "--epochs", "1", "-o", desk / "models/triage"], check=True,
                   stdout=subprocess.DEVNULL)
    about = desk / "models/triage/model.json"
    model = json.loads(about.read_text())
    for task in model["tasks"]:  # who learnt so little would always say "none"
        task["none_below"] = 0
    about.write_text(json.dumps(model))
    key = subprocess.run([otklik, "key", "add", "bench", "--desk", desk, "--scopes", "triage"],
                         check=True, capture_output=True, text=True).stdout.strip()
    return desk, key


def write_app(model, folder, kind):
    """The peer: graph, labels, vocabulary and app.py."""
    folder.mkdir()
    graph, f = build(model / "encoder")
    tasks = {t["name"]: t["labels"] + ["none"] * bool(t.get("has_none"))
             for t in json.loads((model / "model.json").read_text())["tasks"]}
    nodes, values = graph.graph.node, graph.graph.initializer
    values.append(onnx.numpy_helper.from_array(np.int64(0), "first_token"))
    nodes.append(helper.make_node("Gather", ["hidden", "first_token"], ["first"], axis=1))
    for task, labels in tasks.items():
        for part in ("weight", "bias"):
            x = f.tensors[f"heads.{task}.{part}"]
            values.append(onnx.numpy_helper.from_array(np.ascontiguousarray(x.T), f"{task}.{part}"))
        nodes.append(helper.make_node("MatMul", ["first", f"{task}.weight"], [f"{task}.product"]))
        nodes.append(helper.make_node("Add", [f"{task}.product", f"{task}.bias"], [task]))
        graph.graph.output.append(helper.make_tensor_value_info(
            task, onnx.TensorProto.FLOAT, ["batch", len(labels)]))
    del graph.graph.output[0]  # who asks wants scores only
    onnx.save(graph, folder / "plain.onnx")
    quantize_dynamic(folder / "plain.onnx", folder / "int8.onnx", per_channel=True,
                     weight_type=QuantType.QInt8)
    shutil.copy(model / "encoder/vocab.txt", folder)
    (folder / "labels.json").write_text(json.dumps(tasks))
    (folder / "app.py").write_text(APP.format(kind=kind))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A program that listens, until it is stopped."""

    def __init__(self, name, port, path, command, key=None, **more):
        self.name, self.port, self.key = name, port, key
        self.process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, **more)
        end = time.monotonic() + 60
        while self.ask("GET", path)[0] != 200:
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit(f"{name} does not answer")
            time.sleep(0.1)

    def ask(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        head = {"Content-Type": "application/json"}
        if self.key:
            head["Authorization"] = f"Bearer {self.key}"
        try:
            c.request(method, path, body, head)
            r = c.getresponse()
            return r.status, r.read()
        except OSError:
            return 0, b""
        finally:
            c.close()

    def predict(self, text):
        status, body = self.ask("POST", "/predict", json.dumps({"text": text}))
        assert status == 200, (self.name, status, body)
        return json.loads(body)

    def load(self, bodies, at, seconds, script):
        """Requests a second; p50, p99 and a request's processor time in ms."""
        before = self.spent()
        env = {**os.environ, "BODIES": str(bodies), "FROM": str(at)}
        if self.key:
            env["KEY"] = self.key
        out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s",
                              "-s", script, f"http://127.0.0.1:{self.port}/predict"],
                             check=True, capture_output=True, text=True, env=env).stdout
        n, us, p50, p99, bad = map(int, out.splitlines()[-1].split())
        assert not bad, (self.name, out)
        return 1e6 * n / us, p50 / 1e3, p99 / 1e3, 1e3 * (self.spent() - before) / n, n

    def spent(self):
        """Seconds of the processors' time, of all threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")")[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.terminate()
        self.process.wait()


def open_ours(otklik, desk, key):
    port = free_port()
    return Server("otklik", port, "/ready",
                  [otklik, "serve", "--desk", desk, f"http.port={port}", "log.level=error"], key)


def open_theirs(folder):
    port = free_port()
    return Server("peer", port, "/openapi.json",
                  [sys.executable, "-m", "uvicorn", "app:app", "--port", port, "--log-level",
                   "warning"], cwd=folder)


def agree(a, b, texts):
    """The share of labels that are the same, of both tasks."""
    same = [x[task] == y[task] for x, y in ((a.predict(t), b.predict(t)) for t in texts)
            for task in ("topic", "priority")]
    return sum(same) / len(same)


def compare(sides, bodies, seconds, rounds, script, at):
    """What load() measured, a side, a round; `at` moves on behind the texts."""
    took = []
    for _ in range(rounds):
        row = []
        for side in sides:
            got = side.load(bodies, at[0], seconds, script)
            at[0] += got[-1] + CONNECTIONS
            row.append(got[:-1])
        took.append(row)
    return took


def put(name, took):
    sides = [[statistics.median(x) for x in zip(*(row[i] for row in took))] for i in (0, 1)]
    faster, cheaper = (statistics.median(row[a][k] / row[1 - a][k] for row in took)
                       for a, k in ((0, 0), (1, 3)))
    cells = " | ".join(f"{s:.0f} | {p50:.0f} | {p99:.0f} | {cpu:.2f}"
                       for s, p50, p99, cpu in sides)
    print(f"| {name} | {cells} | {faster:.1f} | {cheaper:.1f} |", flush=True)


def main():
    otklik = pathlib.Path(sys.argv[1]).resolve()
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    rows = starter_texts()
    texts = [r["text"] for r in rows]
    servers, at = [], [0]
    with tempfile.TemporaryDirectory() as top:
        work = pathlib.Path(top)
        script = work / "post.lua"
        script.write_text(LUA)
        for name, some in (("new", new_texts(texts, NEW)), ("again", texts[:AGAIN])):
            (work / name).write_text("".join(json.dumps({"text": t}) + "\n" for t in some))
        write_base(otklik, work / "base", rows)
        desk, key = write_desk(otklik, work, rows)
        for kind in ("", "async "):
            write_app(desk / "models/triage", work / f"app-{len(kind)}", kind)
        try:
            servers = [open_ours(otklik, desk, key)]
            peers = [open_theirs(work / "app-0"), open_theirs(work / "app-6")]
            servers += peers
            speed = [p.load(work / "new", 0, 3, script)[0] for p in peers]
            peer = peers[speed.index(max(speed))]
            for p in peers:
                if p is not peer:
                    p.close()
            sides = [servers[0], peer]
            print(f"onnxruntime {onnxruntime.__version__}, {CONNECTIONS} connections, the peer's "
                  f"handler is {'async' if peer is peers[1] else 'plain'}; "
                  f"{100 * agree(*sides, texts[::40]):.0f} % of the answers are the same\n")
            print("| texts | ours/s | p50 ms | p99 ms | cpu ms | peer/s | p50 ms | p99 ms "
                  "| cpu ms | ratio | of cpu |\n" + "|---" * 11 + "|")
            put("new", compare(sides, work / "new", seconds, rounds, script, at))
            put(f"{AGAIN} again and again",
                compare(sides, work / "again", seconds, rounds, script, at))
        finally:
            for s in servers:
                s.close()


if __name__ == "__main__":
    main()
