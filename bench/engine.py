#!/usr/bin/env python3
"""The encoder beside onnxruntime: forwards in turn, medians and their ratio.

    bench/engine.py BUILD [ROUNDS]        a Markdown table on stdout

DistilBERT and MiniLM of random weights. The graph is that of tests/interop,
op by op, which onnxruntime fuses itself; its int8 is quantize_dynamic by
channel, signed or unsigned, whichever is faster here. It spins between the
operations, as it does by default. One thread is timed by the processor's time
that it got: medians. Two are timed by the clock, on which other programs weigh:
medians of each turn's fastest forward. Loading is the processor's time with the
files in the page cache.
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import types

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import QuantType, quantize_dynamic

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests/interop"), str(ROOT / "tests/models")]
from graph import build  # noqa: E402
import make  # noqa: E402

MODELS = {"DistilBERT": ("distilbert", 768), "MiniLM": ("minilm", 384)}
SHAPES = [(1, 32), (1, 128), (16, 32), (16, 128)]
VOCAB = 30522
ENOUGH = 0.15  # seconds of forwards in one turn


def write_model(folder, family, hidden):
    """A folder of random weights, as tests/models/make.py has them but fast."""
    o = types.SimpleNamespace(family=family, hidden=hidden, layers=6, heads=12, base=True,
                              labels=[], old_names=False)
    c = make.config(o, VOCAB)
    folder.mkdir()
    make.write_json(folder / "config.json", c)
    r = np.random.default_rng(1)
    tensors = []
    for name, shape in (make.shapes_distilbert if family == "distilbert"
                        else make.shapes_bert)(o, c):
        x = r.standard_normal(shape, np.float32)
        x = x * np.float32(0.05) + np.float32(len(shape) == 1 and name.endswith("weight"))
        tensors.append((name, "F32", shape, x.tobytes()))
    make.write_safetensors(folder / "model.safetensors", tensors)


class Ours:
    def __init__(self, program, folder, precision):
        self.process = subprocess.Popen([program, folder, precision], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.load = float(self.process.stdout.readline().split()[1])

    def turn(self, texts, tokens, threads, runs):
        self.process.stdin.write(f"{texts} {tokens} {threads} {runs}\n")
        self.process.stdin.flush()
        return [float(x) for x in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def memory(pid, field="VmHWM"):
    """MB of a process: the most it had resident, or RssAnon: without files."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split(field + ":")[1].split()[0]) / 1024


def open_session(path, threads):
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])


class Theirs:
    def __init__(self, path):
        self.path, self.sessions = path, {}

    def turn(self, texts, tokens, threads, runs):
        if threads not in self.sessions:
            self.sessions = {threads: open_session(self.path, threads)}
        session = self.sessions[threads]
        ids = (np.arange(texts * tokens, dtype=np.int64) * 7919 % VOCAB).reshape(texts, tokens)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        clock = time.thread_time if threads == 1 else time.perf_counter
        took = []
        for _ in range(runs + 1):
            begin = clock()
            session.run(None, feed)
            took.append(clock() - begin)
        return took[1:]


def child(path):
    """In a process of its own: seconds and memory of opening a session."""
    before = memory("self", "VmRSS")
    begin = time.process_time()
    session = open_session(path, 1)
    load = time.process_time() - begin
    ids = np.ones((1, 128), np.int64)
    session.run(None, {"input_ids": ids, "attention_mask": ids})
    print(1e3 * load, memory("self") - before)


def loads(program, folder, precision, path):
    """Medians: our milliseconds, MB and those without the mapped file; theirs."""
    rows = []
    for _ in range(5):
        one = Ours(program, folder, precision)
        one.turn(1, 128, 1, 1)
        pid = one.process.pid
        row = [one.load, memory(pid), memory(pid, "RssAnon")]
        one.close()
        if path:
            out = subprocess.run([sys.executable, __file__, "--child", path], check=True,
                                 capture_output=True, text=True)
            row += map(float, out.stdout.split())
        rows.append(row)
    return [statistics.median(column) for column in zip(*rows)]


def turns(sides, texts, tokens, threads, rounds):
    """What each turn of each side took, in seconds."""
    runs = [max(1, min(50, int(ENOUGH / min(s.turn(texts, tokens, threads, 1))))) for s in sides]
    one = statistics.median if threads == 1 else min
    took = []
    for _ in range(rounds):
        took.append([])
        for side, n in zip(sides, runs):
            time.sleep(0.02)  # until the threads of the one before stopped spinning
            took[-1].append(one(side.turn(texts, tokens, threads, n)))
    return took


def ratio(took, a, b):
    """How many times faster a is than b: the median of the rounds."""
    return statistics.median(row[b] / row[a] for row in took)


def best_int8(plain, work):
    """quantize_dynamic in its ways; the fastest, and what it is called."""
    found = []
    for kind in (QuantType.QInt8, QuantType.QUInt8):
        path = work / f"{plain.stem}-{kind.name}.onnx"
        quantize_dynamic(plain, path, per_channel=True, weight_type=kind)
        side = Theirs(path)
        took = [min(side.turn(texts, tokens, 1, 3)) for texts, tokens in SHAPES[:3]]
        found.append((float(np.prod(took)), kind.name, path))
    return min(found)[1:]


def bench(program, name, work, rounds):
    """The rows of one model, and a line of what loading it takes."""
    family, hidden = MODELS[name]
    folder, plain = work / family, work / f"{family}.onnx"
    write_model(folder, family, hidden)
    onnx.save(build(folder)[0], plain)
    kind, small = best_int8(plain, work)
    sides = [Ours(program, folder, p) for p in ("f32", "bf16", "int8")]
    sides += [Theirs(plain), Theirs(small)]
    for threads in (1, 2):
        for texts, tokens in SHAPES:
            took = turns(sides, texts, tokens, threads, rounds)
            f32, bf16, int8, their_f32, their_int8 = (
                1e3 * statistics.median(column) for column in zip(*took))
            print(f"| {name} {texts}×{tokens}, {threads} thread{'s' * (threads > 1)} "
                  f"| {f32:.2f} | {their_f32:.2f} | {ratio(took, 0, 3):.2f} | {bf16:.2f} "
                  f"| {int8:.2f} | {their_int8:.2f} | {ratio(took, 2, 4):.2f} |", flush=True)
    for side in sides[:3]:
        side.close()
    lines = []
    for precision, path in (("f32", plain), ("bf16", None), ("int8", small)):
        figures = loads(program, folder, precision, path)
        theirs = "; onnxruntime {:.0f} ms, {:.0f} MB".format(*figures[3:]) if path else ""
        lines.append("{} {}: {:.0f} ms, {:.0f} MB, {:.0f} MB of them not the file's"
                     .format(name, precision, *figures) + theirs)
    return lines + [f"{name}: onnxruntime's int8 is {kind}"]


def peaks(build):
    """Gop/s of one thread in loops of registers only, by bench_kernels."""
    reason = subprocess.run([build / "bench/tensor_bench_kernels", "none"], check=True,
                            capture_output=True, text=True).stdout
    table = reason.splitlines()[0].split("takes ")[1].split()[0].rstrip(",;")
    out = subprocess.run([build / "bench/tensor_bench_kernels", table], check=True,
                         capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines()[2:]]
    return table + "".join(f", {row[1].removeprefix('tile_')} {row[5]}"
                           for row in rows if len(row) > 5 and row[2] == rows[0][2])


def machine():
    fields = dict(line.split(":", 1) for line in pathlib.Path("/proc/cpuinfo").read_text()
                  .split("\n\n")[0].replace("\t", "").splitlines())
    return ", ".join(f"{k} {fields[k].strip()}" for k in
                     ("model name", "cpu family", "model") if k in fields)


def main():
    if sys.argv[1] == "--child":
        child(sys.argv[2])
        return
    build_folder = pathlib.Path(sys.argv[1])
    program = build_folder / "bench/model_bench_encoder"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"{machine()}; peak of one thread in Gop/s: {peaks(build_folder)}")
    print(f"onnxruntime {ort.__version__}; milliseconds a forward, "
          "ratios above 1: ours is faster\n")
    print("| texts × tokens | f32 | onnxruntime | ratio | bf16 | int8 | onnxruntime | ratio |\n"
          "|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        lines = [line for name in MODELS
                 for line in bench(program, name, pathlib.Path(work), rounds)]
    print("\nLoading and the most memory resident:\n\n- " + "\n- ".join(lines))


if __name__ == "__main__":  # bench/finetune.py takes write_model from here
    main()
