#!/usr/bin/env python3
"""A step of fine-tuning beside PyTorch: in turn, medians and their ratio.

    bench/finetune.py BUILD [ROUNDS [THREADS...]]   a Markdown table on stdout

DistilBERT and MiniLM of random weights with two heads; a step is the forward,
the way back and AdamW over all tensors. PyTorch has the network of
tests/interop/network.py, its fused AdamW, and texts of different lengths padded
to the longest, which it is told; ours has them one behind the other. One thread
is timed by the processor's time that it got, two by the clock, on which other
programs weigh: the median of the rounds' ratios, and each side's median. In
bf16 both sides round what they multiply, PyTorch by autocast.
"""
import itertools
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests/interop"), str(ROOT / "tests/models")]
import make  # noqa: E402
from engine import write_model  # noqa: E402
from network import Network, padded  # noqa: E402

MODELS = {"DistilBERT": ("distilbert", 768), "MiniLM": ("minilm", 384)}
MIXED = [4, 6, 8, 9, 11, 12, 14, 16, 18, 21, 24, 30, 38, 52, 78, 128]
SHAPES = {"16×32": [32] * 16, f"16 of {MIXED[0]} to {MIXED[-1]}": MIXED}
TASKS = {"topic": 8, "priority": 3}
KINDS = {"": (False, 0.0), ", dropout": (False, 0.1), ", bf16": (True, 0.0)}
ROUNDS, ENOUGH = 5, 1.0  # seconds of steps in one turn


class Ours:
    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, folder], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self.process.stdout.readline().strip()

    def turn(self, lengths, threads, kind, runs):
        bf16, dropout = kind
        self.process.stdin.write(f"{int(bf16)} {threads} {dropout} {runs} "
                                 f"{' '.join(map(str, lengths))}\n")
        self.process.stdin.flush()
        return [float(x) for x in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Theirs:
    def __init__(self, folder):
        self.net = Network(folder, TASKS)
        r = torch.Generator().manual_seed(1)
        for task, n in TASKS.items():
            for name, shape in (("weight", (n, self.net.f.width)), ("bias", (n,))):
                self.net.add(f"heads.{task}.{name}", torch.randn(shape, generator=r) * 0.02)
        both = [[x for x in self.net.parameters() if (x.dim() > 1) == wide]
                for wide in (True, False)]
        self.adam = torch.optim.AdamW([{"params": both[0], "weight_decay": 0.01},
                                       {"params": both[1], "weight_decay": 0.0}],
                                      lr=2e-5, fused=True)

    def step(self, ids, mask, truth, kind):
        bf16, dropout = kind
        self.adam.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            scores = self.net(ids, mask, dropout=dropout)
        sum(F.cross_entropy(s.float(), t) for s, t in zip(scores, truth)).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.adam.step()

    def turn(self, lengths, threads, kind, runs):
        torch.set_num_threads(threads)
        clock = time.process_time if threads == 1 else time.perf_counter
        ends = itertools.accumulate(lengths)
        texts = [[i * 7919 % self.net.f.vocab for i in range(end - n, end)]
                 for n, end in zip(lengths, ends)]
        ids, mask = padded(texts)
        truth = [torch.tensor([i % n for i in range(len(texts))]) for n in TASKS.values()]
        took = []
        for _ in range(runs + 1):
            begin = clock()
            self.step(ids, mask, truth, kind)
            took.append(clock() - begin)
        return took[1:]


def turns(sides, rounds, *shape):
    """Each round: the median (one thread) or the least of each side's steps."""
    runs = [max(1, min(20, int(ENOUGH / s.turn(*shape, 1)[0]))) for s in sides]
    one = statistics.median if shape[1] == 1 else min
    return [[one(s.turn(*shape, n)) for s, n in zip(sides, runs)] for _ in range(rounds)]


def bench(program, name, work, rounds, counts):
    family, hidden = MODELS[name]
    folder = work / family
    write_model(folder, family, hidden)
    sides = [Ours(program, folder), Theirs(folder)]
    for threads in counts:
        for shape, lengths in SHAPES.items():
            for what, kind in KINDS.items():
                took = turns(sides, rounds, lengths, threads, kind)
                a, b = (1e3 * statistics.median(column) for column in zip(*took))
                ratio = statistics.median(row[1] / row[0] for row in took)
                print(f"| {name} {shape}, {threads} thread{'s' * (threads > 1)}{what} "
                      f"| {a:.0f} | {b:.0f} | {ratio:.2f} |", flush=True)
    sides[0].close()
    return f"{name}: {sides[0].about}"


def main():
    program = pathlib.Path(sys.argv[1]) / "bench/model_bench_finetune"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    counts = [int(x) for x in sys.argv[3:]] or (1, 2)
    print(f"PyTorch {torch.__version__}; milliseconds a step, ratios above 1: ours is faster\n\n"
          "| texts × tokens | ours | PyTorch | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        lines = [bench(program, name, pathlib.Path(work), rounds, counts) for name in MODELS]
    print("\n- " + "\n- ".join(lines))


if __name__ == "__main__":
    main()
