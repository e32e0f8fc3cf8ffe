#!/usr/bin/env python3
"""Whisper beside transformers, on a small model of random weights.

    whisper.py INTEROP_LISTEN

Sound to mel bands to logits; token for token a greedy text by the network
alone; and one by the rules of timestamps, which transformers has as its
WhisperTimeStampLogitsProcessor. The same through whisper.cpp's format. With
NANO naming a model and NANO_LOGITS a file of whisper.cpp's logits of it (as its
"what" says), and SOUND the 16 kHz WAV they are of, those are compared, too.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.generation.logits_process import (
    SuppressTokensAtBeginLogitsProcessor, SuppressTokensLogitsProcessor,
    WhisperTimeStampLogitsProcessor)

HERE = pathlib.Path(__file__).parent
START, LANGUAGE, TASK, NO_TIMES, TIMES, END = 50258, 50263, 50359, 50363, 50364, 50257
VOCAB, STEPS, TEXT = 51865, 60, 96


class Ours:
    def __init__(self, program, model, precision, sound):
        self.p = subprocess.Popen([program, str(model), precision, str(sound)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, line):
        self.p.stdin.write(line.encode() + b"\n")
        self.p.stdin.flush()

    def logits(self, tokens):
        self.send("logits " + " ".join(map(str, tokens)))
        raw = self.p.stdout.read(4 * VOCAB * len(tokens))
        return np.frombuffer(raw, np.float32).reshape(len(tokens), VOCAB)

    def line(self, line):
        self.send(line)
        return [int(t) for t in self.p.stdout.readline().split()]


def make(out, *options):
    subprocess.run([sys.executable, str(HERE.parent / "models/whisper.py"), str(out),
                    "--audio", "1500", *options], check=True)


def greedy(model, encoded, prompt, process, steps):
    """Tokens, and how far each was ahead of the next one."""
    tokens, ahead = list(prompt), []
    while len(tokens) - len(prompt) < steps:
        ids = torch.tensor([tokens])
        scores = model(encoder_outputs=encoded, decoder_input_ids=ids).logits[:, -1]
        for p in process:
            scores = p(ids, scores)
        top = torch.topk(scores[0], 2)
        tokens.append(int(top.indices[0]))
        ahead.append(float(top.values[0] - top.values[1]))
        if tokens[-1] == END:
            break
    return tokens[len(prompt):], ahead


def same(name, theirs, ahead, mine):
    """One token is another only where the two likeliest are all but equal."""
    for i, t in enumerate(theirs):
        if t == END:
            break
        if i >= len(mine) or mine[i] != t:
            if ahead[i] > 1e-3:
                sys.exit(f"{name}: token {i} is {mine[i:i + 1]}, transformers says {t}")
            print(f"{name}: as likely as not from token {i} on")
            return
    print(f"{name}: {len(theirs)} tokens are the same")


def near(name, a, b, limit):
    apart = float(np.abs(a - b).max())
    print(f"{name}: logits are {apart:.6f} apart, of {np.abs(b).max():.1f}")
    if not apart <= limit:
        sys.exit(f"{name}: the limit is {limit}")


def rules(model, forbidden):
    c = model.generation_config
    c.no_timestamps_token_id, c.eos_token_id = NO_TIMES, END
    c.max_initial_timestamp_index = 50
    quiet = sorted(set(forbidden) | set(range(END + 1, TIMES)))
    return [SuppressTokensLogitsProcessor(quiet),
            SuppressTokensAtBeginLogitsProcessor([ord(" "), END], 3),
            WhisperTimeStampLogitsProcessor(c, begin_index=3)]


def compare(program, folder, ggml, sound):
    pcm = np.fromfile(sound, np.float32)
    features = WhisperFeatureExtractor(feature_size=80)(
        pcm, sampling_rate=16000, return_tensors="pt").input_features
    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    prompt = [START, LANGUAGE, TASK]
    with torch.no_grad():
        encoded = model.model.encoder(features)
        plain, ahead = greedy(model, encoded, prompt + [NO_TIMES], [], STEPS)
        all_ = prompt + [NO_TIMES] + plain
        theirs = model(encoder_outputs=encoded,
                       decoder_input_ids=torch.tensor([all_])).logits[0].numpy()
        for name, path in (("folder", folder), ("ggml", ggml)):
            ours = Ours(program, path, "f32", sound)
            logits = ours.logits(all_)
            near(name, logits, theirs, 2e-3)
            mine = [int(r.argmax()) for r in logits[len(prompt):-1]]
            same(f"{name}, network", plain, ahead, mine)
            timed, lead = greedy(model, encoded, prompt,
                                 rules(model, ours.line("forbidden")),
                                 TEXT - len(prompt) - 1)
            mine = ours.line("search " + " ".join(map(str, prompt)))
            same(f"{name}, rules", timed, lead, mine)


def compare_nano(program, model, file, wav, top):
    d = json.loads(pathlib.Path(file).read_text())
    raw = np.frombuffer(pathlib.Path(wav).read_bytes()[44:], np.int16)
    sound = top / "nano.f32"
    (raw.astype(np.float32) / 32768).tofile(sound)
    logits = Ours(program, model, "f32", sound).logits(d["tokens"])
    kind = "f16" if "f16" in pathlib.Path(model).name else "f32"
    theirs = np.array([row["logits"] for row in d[kind]], np.float32)
    near(f"whisper.cpp, {kind}", logits[:, d["indices"]], theirs, 0.05)
    for i, row in enumerate(d[kind]):
        first, second = row["top_logits"][:2]
        if first - second > 0.1 and int(logits[i].argmax()) != row["top"][0]:
            sys.exit(f"whisper.cpp: token {i} is another")


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        top = pathlib.Path(name)
        r = np.random.default_rng(1)
        t = np.arange(16000 * 9) / 16000
        pcm = 0.3 * np.sin(2 * np.pi * (200 + 150 * t) * t) * (np.sin(7 * t) > -0.3)
        (pcm + 0.01 * r.standard_normal(len(t))).astype(np.float32).tofile(top / "pcm")
        for seed in ("1", "2"):
            make(top / "folder", "--form", "folder", "--seed", seed)
            make(top / "model.bin", "--seed", seed)
            compare(program, top / "folder", top / "model.bin", top / "pcm")
        if os.environ.get("NANO"):
            compare_nano(program, os.environ["NANO"], os.environ["NANO_LOGITS"],
                         os.environ["SOUND"], top)
        else:
            print("LEFT OUT: whisper.cpp's logits; NANO names no model")


if __name__ == "__main__":
    main()
