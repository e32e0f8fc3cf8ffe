#!/usr/bin/env python3
"""What fine-tuning by LoRA writes, read by peft.

    tests/interop/lora.py OTKLIK

A small encoder learns the starter's topics by a change of low rank. Its base
with the adapter, put together by transformers and peft, has to say what the
model with merged weights says.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModel, logging

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TICKETS = ROOT / "starter/tickets.en.csv"
NEAR = 1e-4


def main():
    otklik = pathlib.Path(sys.argv[1]).resolve()
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as work:
        base, model = pathlib.Path(work) / "base", pathlib.Path(work) / "model"
        for words in (["model", "new", "--vocab-from", TICKETS, "--to", base, "--layers", "2",
                       "--hidden", "64"],
                      ["train", TICKETS, "--engine", "transformer", "--base", base, "-o", model,
                       "--epochs", "2", "--set", "lora-rank=4,learning-rate=1e-2"]):
            subprocess.run([otklik, *words], check=True, stdout=subprocess.DEVNULL)
        ids = torch.arange(5, 45).reshape(2, 20)
        merged = AutoModel.from_pretrained(base).eval()
        weights = load_file(model / "encoder/model.safetensors")
        missing, more = merged.load_state_dict(
            {k: v for k, v in weights.items() if not k.startswith("heads.")}, strict=False)
        plain = AutoModel.from_pretrained(base).eval()
        with torch.no_grad():
            before = plain(ids).last_hidden_state
            with_adapter = PeftModel.from_pretrained(plain, model / "encoder/adapter").eval()
            a, b = (x(ids).last_hidden_state for x in (with_adapter, merged))
    off, change = (a - b).abs().max().item(), (a - before).abs().max().item()
    good = off < NEAR and change > 100 * NEAR and not more \
        and all("pooler" in name for name in missing)
    print(f"{'ok  ' if good else 'BAD '} LoRA by peft: differs by {off:.1e} from the merged model, "
          f"by {change:.1e} from the base; missing {missing}, more {more}")
    return 0 if good else 1


sys.exit(main())
