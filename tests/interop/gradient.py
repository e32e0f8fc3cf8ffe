#!/usr/bin/env python3
"""Our way back beside PyTorch's: every tensor's slopes, then steps of AdamW.

    tests/interop/gradient.py GRADIENT        (interop_gradient of the build)

Models of random weights of each family, texts of one to many tokens in one
batch, two tasks of which some labels are not known, classes of different
weight, labels smoothed; nothing is dropped out. PyTorch computes in f64, so
what differs is ours: of each tensor of slopes the length of the difference, by
its own length. Then ten steps of AdamW over the same batch, with decay, a clip,
a rate that warms up, heads that learn faster and layers that learn slower; the
losses before each step have to be the same. The exit status says whether the
bounds hold.
"""
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F

from graph import Folder
from network import Network, padded

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = {"bert": "cls", "distilbert": "mean", "roberta": "mean", "xlm-roberta": "cls",
            "minilm": "mean"}
LENGTHS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 128, 31, 32, 33, 7, 16]
# The same numbers stand in gradient.c.
TASKS = {"topic": 5, "priority": 3}
WEIGHTS = {"topic": [1, 0.5, 2, 1, 3], "priority": [1, 1, 1]}
SMOOTHING, DECAY, CLIP, HEAD_RATE, LAYER_DECAY = 0.1, 0.01, 1.0, 5, 0.9
RATES = [1e-4, 3e-4, 1e-3, 1e-3, 1e-3, 8e-4, 6e-4, 4e-4, 2e-4, 1e-4]
SLOPES, LOSSES = 1e-5, 1e-4  # by their own length; by their own size


def batch(vocab, seed):
    r = random.Random(seed)
    texts = [[r.randrange(vocab) for _ in range(n)] for n in LENGTHS]
    truth = {task: [r.randrange(-1, n) for _ in texts] for task, n in TASKS.items()}
    return texts, truth


def ours(program, folder, out, pooling, texts, truth):
    """Losses before each step and after the last; values and slopes in `out`."""
    for name in ("values", "slopes"):
        (out / name).mkdir(parents=True)
        shutil.copy(folder / "config.json", out / name)
    lines = "".join(" ".join(map(str, [truth[t][i] for t in TASKS] + text)) + "\n"
                    for i, text in enumerate(texts))
    done = subprocess.run([program, folder, out, pooling, "2", *map(str, RATES)], check=True,
                          input=lines.encode(), stdout=subprocess.PIPE)
    return [float(x) for x in done.stdout.split()]


def loss_of(net, ids, mask, pooling, truth):
    scores = net(ids, mask, pooling == "cls")
    return sum(F.cross_entropy(s, truth[t], torch.tensor(WEIGHTS[t], dtype=s.dtype),
                               ignore_index=-1, label_smoothing=SMOOTHING)
               for s, t in zip(scores, TASKS))


def depth(net, name):
    if name.startswith("heads."):
        return net.f.layers + 1
    return 0 if name.startswith("embeddings.") else 1 + int(name.split("layer.")[1].split(".")[0])


def optimizer(net):
    """Weights decay, biases and norms do not; each depth has its own rate."""
    groups = []
    for name, x in net.tensors.items():
        above = net.f.layers + 1 - depth(net, name)
        by = LAYER_DECAY ** above if above else HEAD_RATE
        groups.append({"params": [x], "by": by, "weight_decay": DECAY if x.dim() > 1 else 0.0})
    return torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8)


def theirs(net, texts, truth, pooling):
    """Losses likewise, and the slopes before the first step."""
    ids, mask = padded(texts)
    truth = {t: torch.tensor(x) for t, x in truth.items()}
    adam, losses, slopes = optimizer(net), [], None
    for rate in RATES + [None]:
        adam.zero_grad()
        loss = loss_of(net, ids, mask, pooling, truth)
        losses.append(loss.item())
        if rate is None:
            break
        loss.backward()
        slopes = slopes or {n: x.grad.clone() for n, x in net.tensors.items()}
        torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        for group in adam.param_groups:
            group["lr"] = rate * group["by"]
        adam.step()
    return losses, slopes


def compare(got, want):
    """The tensor that differs most, by how much, and what is broken. A key's
    bias changes nothing: what it may have is the rounding of its weights'."""
    worst, broken = ("", 0.0), []
    for name, x in want.items():
        off = (torch.tensor(got[name]).double() - x).norm()
        nothing = name.endswith(("key.bias", "k_lin.bias"))
        by = want[name.removesuffix("bias") + "weight"].norm() if nothing else x.norm()
        worst = max(worst, (name, float(off / by)), key=lambda w: w[1])
        if not off / by <= SLOPES:
            broken.append(name)
    return worst, broken


def one_family(program, family, folder, out):
    subprocess.run([sys.executable, HERE.parent / "models/make.py", family, folder], check=True)
    pooling = FAMILIES[family]
    texts, truth = batch(Folder(folder).vocab, family)
    losses = ours(program, folder, out, pooling, texts, truth)
    net = Network(out / "values", TASKS, torch.float64)
    want, slopes = theirs(net, texts, truth, pooling)
    got = Folder(out / "slopes").tensors
    assert got.keys() == slopes.keys(), got.keys() ^ slopes.keys()
    worst, broken = compare(got, slopes)
    apart = max(abs(a - b) / b for a, b in zip(losses, want))
    good = not broken and len(losses) == len(want) and apart <= LOSSES and want[-1] < want[0]
    print(f"{family:12} {len(slopes)} tensors, the worst {worst[0]} {worst[1]:.1e}; loss "
          f"{losses[0]:.6f} to {losses[-1]:.6f} in {len(RATES)} steps, PyTorch to "
          f"{want[-1]:.6f}, apart {apart:.1e}"
          + ("" if good else f"  BROKEN: {SLOPES:.0e} {LOSSES:.0e} {broken}"), flush=True)
    return not good


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        top = pathlib.Path(work)
        broken = [one_family(sys.argv[1], f, top / f, top / f"{f}-out") for f in FAMILIES]
    return any(broken)


sys.exit(main())
