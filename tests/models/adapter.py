#!/usr/bin/env python3
"""Write a LoRA adapter for a model of make.py, as peft would lay it out.

    adapter.py BASE FOLDER [--set NAME=JSON]...    settings of its config
    adapter.py BASE FOLDER --merged MERGED         and the whole, merged here

The tensors are of the rank and the modules that the settings name; the same
arguments give the same bytes. FOLDER may be BASE itself.
"""
import argparse
import array
import json
import math
import pathlib
import random
import shutil
import struct
import sys

FRONT = "base_model.model."


def read_safetensors(path):
    """name: (dtype, shape, bytes)"""
    data = path.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    at = {k: v["data_offsets"] for k, v in header.items()}
    return {k: (v["dtype"], v["shape"], data[8 + n + at[k][0]:8 + n + at[k][1]])
            for k, v in header.items()}


def write_safetensors(path, tensors):
    header, at, body = {}, 0, b""
    for name, (dtype, shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [at, at + len(data)]}
        at += len(data)
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def normal(name, n, wide):
    r = random.Random(name)
    return array.array("f", (r.gauss(0, wide) for _ in range(n)))


def merge(weight, shape, a, b, rank, scale):
    w, (rows, columns) = array.array("f", weight), shape
    for i in range(rows):
        for j in range(columns):
            w[i * columns + j] += scale * sum(
                b[i * rank + k] * a[k * columns + j] for k in range(rank))
    return w.tobytes()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("base", type=pathlib.Path)
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--set", action="append", default=[])
    p.add_argument("--strip", default="", help="a prefix that modules lose")
    p.add_argument("--merged", type=pathlib.Path)
    o = p.parse_args()
    c = {"alpha_pattern": {}, "auto_mapping": None,
         "base_model_name_or_path": "owner/base", "bias": "none",
         "fan_in_fan_out": False, "inference_mode": True,
         "init_lora_weights": True, "lora_alpha": 16, "lora_dropout": 0.1,
         "megatron_config": None, "megatron_core": "megatron.core",
         "modules_to_save": None, "peft_type": "LORA", "r": 4,
         "rank_pattern": {}, "target_modules": ["query", "value"],
         "task_type": "FEATURE_EXTRACTION", "use_dora": False,
         "use_rslora": False}
    c |= {k: json.loads(v) for k, v in (s.split("=", 1) for s in o.set)}
    base = read_safetensors(o.base / "model.safetensors")
    rank, made, whole = c["r"], {}, dict(base)
    scale = c["lora_alpha"] / (math.sqrt(rank) if c["use_rslora"] else rank)
    for name, (dtype, shape, data) in base.items():
        module = name.removesuffix(".weight")
        if len(shape) != 2 or module.rsplit(".", 1)[-1] not in c["target_modules"]:
            continue
        named = FRONT + module.removeprefix(o.strip)
        a = normal(module + "A", rank * shape[1], 0.2)
        b = normal(module + "B", rank * shape[0], 0.2)
        made[named + ".lora_A.weight"] = ("F32", [rank, shape[1]], a.tobytes())
        made[named + ".lora_B.weight"] = ("F32", [shape[0], rank], b.tobytes())
        if o.merged:
            whole[name] = (dtype, shape, merge(data, shape, a, b, rank, scale))
    o.folder.mkdir(exist_ok=True)
    (o.folder / "adapter_config.json").write_text(json.dumps(c, indent=2))
    write_safetensors(o.folder / "adapter_model.safetensors", made)
    if o.merged:
        shutil.copytree(o.base, o.merged, ignore=shutil.ignore_patterns("adapter_*"))
        write_safetensors(o.merged / "model.safetensors", whole)
    return 0


sys.exit(main())
