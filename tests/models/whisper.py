#!/usr/bin/env python3
"""Write a small Whisper model of random weights, in whisper.cpp's format or
as a folder of Hugging Face.

    whisper.py OUT [--form ggml|folder] [--type f32|f16|q4_0|q4_1|q5_0|q5_1|q8_0]
               [--audio ROWS] [--english] [--seed N] [--base] [--says N |
               --loops]

The same seed gives the same numbers in every form and type (rounded to what
the type holds). The network is 32 wide, 2 heads, 2 and 2 layers; the
vocabulary has the size of the real one: 256 bytes, some words put together by
merging, and " w1234" for the rest. With --base it is of that model's size, and
the numbers of large tensors repeat themselves.

With --says (and --base) it is sure of N letters in each of the first two
windows, whatever it hears, and then of the end, as a real one is: what a place
in the text says outweighs all else. With --loops all places say the same, a
letter.
"""
import argparse
import array
import json
import math
import pathlib
import random
import struct

WIDTH, HEADS, LAYERS, TEXT, BANDS, BINS, BLOCK = 32, 2, 2, 96, 80, 201, 32
WORDS = [b" hello", b" world", b" printer", " принтер".encode(), b"ing"]
TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8}
FTYPES = {"f32": 0, "f16": 1, "q4_0": 2002, "q4_1": 2003, "q5_0": 2008,
          "q5_1": 2009, "q8_0": 2007}


def vocabulary(n):
    """Bytes of each token of text, in the order of merging."""
    tokens = [bytes([b]) for b in range(256)]
    for word in WORDS:
        for end in range(2, len(word) + 1):
            if word[:end] not in tokens:
                tokens.append(word[:end])
    return tokens + [b" w%d" % i for i in range(len(tokens), n)]


def filters():
    """Slaney's: triangles of one area, even below 1 kHz, then logarithmic."""
    step = 27 / math.log(6.4)

    def hertz(mel):
        return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) / step)

    top = 15 + math.log(8) * step
    edges = [hertz(top * i / (BANDS + 1)) for i in range(BANDS + 2)]
    rows = []
    for low, middle, high in zip(edges, edges[1:], edges[2:]):
        rows += [max(0.0, min((f - low) / (middle - low), (high - f) / (high - middle)))
                 * 2 / (high - low) for f in (k * 40 for k in range(BINS))]
    return rows


class Numbers:
    """Uniform numbers by name: the order of asking does not matter."""

    MOST = 4000037  # a prime: rows, whatever their width, do not repeat soon

    def __init__(self, seed):
        self.seed = seed

    def of(self, name, n, width, middle=0.0):
        r = random.Random(f"{self.seed} {name}")
        step = width / 32768
        own = [middle + v * step for v in
               array.array("h", r.randbytes(2 * min(n, self.MOST)))]
        return (own * (n // len(own) + 1))[:n]


def sinusoids(rows):
    half = WIDTH // 2
    steps = [math.exp(-math.log(10000) / (half - 1) * i) for i in range(half)]
    out = []
    for r in range(rows):
        out += [math.sin(r * s) for s in steps] + [math.cos(r * s) for s in steps]
    return out


END, TIMES = 50257, 50364  # of the vocabulary of many languages
LOUD, QUIET = 4.0, 0.02


def said_at(n):
    """(place, token that comes after it): the prompt of the first window has 3
    tokens, that of the second the text before as well."""
    r = random.Random(n)
    text = [TIMES, *(32 if i % 6 == 5 else r.randrange(97, 123)
                     for i in range(n)), TIMES + 1500, END]
    return [(begin + i, t) for begin in (2, n + 5) for i, t in enumerate(text)]


def speak(said, places, words, share):
    """The rows of tokens that are to come point to where they are to, by a share
    of what is there, so that a token does not call for itself."""
    rows = {}
    for place, token in said:
        at = places[place * WIDTH:(place + 1) * WIDTH]
        rows.setdefault(token, []).append(at)
    for token, ats in rows.items():
        words[token * WIDTH:(token + 1) * WIDTH] = [
            sum(x) / LOUD / share for x in zip(*ats)]


def tensors(numbers, audio, vocab, says=0, loops=False):
    """(name, shape, values), OpenAI's names."""
    d = WIDTH
    is_told = says or loops

    def matrix(name, *shape, width=None):
        n = math.prod(shape)
        fan = math.prod(shape[1:])
        return name, shape, numbers.of(name, n, width or 1.7 / math.sqrt(fan))

    def bias(name, *shape):
        return name, shape, numbers.of(name, math.prod(shape), 0.1)

    def norm(stem):
        yield stem + ".weight", (d,), numbers.of(stem + ".weight", d, 0.1, 1)
        yield bias(stem + ".bias", d)

    def block(stem, crosses):
        for a in ["attn", "cross_attn"] if crosses else ["attn"]:
            yield from norm(stem + a + "_ln")
            for part in ("query", "key", "value", "out"):
                wide = 4 if part in ("query", "key") else 1.7
                if crosses and is_told and part == "out":
                    wide = QUIET
                yield matrix(f"{stem}{a}.{part}.weight", d, d,
                             width=wide / math.sqrt(d))
                if part != "key":
                    yield bias(f"{stem}{a}.{part}.bias", d)
        yield from norm(stem + "mlp_ln")
        yield matrix(stem + "mlp.0.weight", 4 * d, d)
        yield bias(stem + "mlp.0.bias", 4 * d)
        yield matrix(stem + "mlp.2.weight", d, 4 * d,
                     width=QUIET / math.sqrt(d) if crosses and is_told else None)
        yield bias(stem + "mlp.2.bias", d)

    yield "encoder.positional_embedding", (audio, d), sinusoids(audio)
    yield matrix("encoder.conv1.weight", d, BANDS, 3)
    yield bias("encoder.conv1.bias", d, 1)
    yield matrix("encoder.conv2.weight", d, d, 3)
    yield bias("encoder.conv2.bias", d, 1)
    yield from norm("encoder.ln_post")
    for i in range(LAYERS):
        yield from block(f"encoder.blocks.{i}.", False)
    places = matrix("decoder.positional_embedding", TEXT, d,
                    width=LOUD if is_told else 0.9)
    words = matrix("decoder.token_embedding.weight", vocab, d, width=0.25)
    if says:  # each its own direction: there are more numbers than places
        places[2][:] = [LOUD * math.sqrt(d) if i % d == i // d else 0.0
                        for i in range(TEXT * d)]
    if loops:
        places[2][:] = places[2][:d] * TEXT
    if is_told:
        speak([(0, ord("a"))] if loops else said_at(says), places[2], words[2],
              4 if loops else 16)
    yield places
    yield words
    yield from norm("decoder.ln")
    for i in range(LAYERS):
        yield from block(f"decoder.blocks.{i}.", True)


def block_bytes(x, kind):
    """32 numbers as whisper.cpp has them."""
    low, high = min(x), max(x)
    if kind == "q8_0":
        d = max(abs(low), abs(high)) / 127 or 1.0
        d = struct.unpack("<e", struct.pack("<e", d))[0]
        q = [max(-127, min(127, round(v / d))) for v in x]
        return struct.pack("<e32b", d, *q)
    bits = int(kind[1])
    top = (1 << bits) - 1
    if kind.endswith("_1"):
        d, m = (high - low) / top or 1.0, low
    else:
        d = max(abs(low), abs(high)) / (1 << (bits - 1)) or 1.0
        m = None
    d = struct.unpack("<e", struct.pack("<e", d))[0]
    least = m if m is not None else -(1 << (bits - 1)) * d
    q = [max(0, min(top, round((v - least) / d))) for v in x]
    out = struct.pack("<e", d) + (struct.pack("<e", m) if m is not None else b"")
    if bits == 5:
        out += struct.pack("<I", sum((v >> 4) << i for i, v in enumerate(q)))
    return out + bytes((q[i] & 15) | (q[i + 16] & 15) << 4 for i in range(16))


def encode(shape, values, kind):
    """(type, bytes): vectors and places of tokens are always f32, rows that
    are no whole blocks f16."""
    if kind == "f32" or len(shape) < 2 or shape[-1] == 1:
        return "f32", array.array("f", values).tobytes()
    if kind == "f16" or shape[-1] % BLOCK:
        return "f16", struct.pack(f"<{len(values)}e", *values)
    return kind, b"".join(block_bytes(values[i:i + BLOCK], kind)
                          for i in range(0, len(values), BLOCK))


def write_ggml(o, vocab, n_text, tokens, numbers):
    with open(o.out, "wb") as f:
        f.write(struct.pack("<12i", 0x67676D6C, vocab, o.audio, WIDTH, HEADS, LAYERS,
                            TEXT, WIDTH, HEADS, LAYERS, BANDS, FTYPES[o.type]))
        f.write(struct.pack("<2i", BANDS, BINS))
        f.write(array.array("f", filters()).tobytes())
        f.write(struct.pack("<i", n_text))
        for t in tokens:
            f.write(struct.pack("<i", len(t)) + t)
        for name, shape, values in tensors(numbers, o.audio, vocab, o.says, o.loops):
            keeps = name.endswith("positional_embedding")
            kind, data = encode(shape, values, "f32" if keeps else o.type)
            f.write(struct.pack("<3i", len(shape), len(name), TYPES[kind]))
            f.write(struct.pack(f"<{len(shape)}i", *reversed(shape)))
            f.write(name.encode() + data)


PARTS = {"attn.query": "self_attn.q_proj", "attn.key": "self_attn.k_proj",
         "attn.value": "self_attn.v_proj", "attn.out": "self_attn.out_proj",
         "attn_ln": "self_attn_layer_norm", "mlp_ln": "final_layer_norm",
         "mlp.0": "fc1", "mlp.2": "fc2"}
PARTS |= {"cross_" + k: v.replace("self_attn", "encoder_attn")
          for k, v in PARTS.items() if k.startswith("attn")}
WHOLE = {"encoder.positional_embedding": "encoder.embed_positions.weight",
         "decoder.positional_embedding": "decoder.embed_positions.weight",
         "decoder.token_embedding.weight": "decoder.embed_tokens.weight",
         "encoder.ln_post.weight": "encoder.layer_norm.weight",
         "encoder.ln_post.bias": "encoder.layer_norm.bias",
         "decoder.ln.weight": "decoder.layer_norm.weight",
         "decoder.ln.bias": "decoder.layer_norm.bias"}


def theirs(name):
    """Hugging Face's name."""
    if ".blocks." in name:
        side, rest = name.split(".blocks.")
        layer, part = rest.split(".", 1)
        stem, kind = part.rsplit(".", 1)
        return f"model.{side}.layers.{layer}.{PARTS[stem]}.{kind}"
    return "model." + WHOLE.get(name, name)


def letters():
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in seen]
    return {b: chr(b) for b in seen} | {b: chr(256 + i) for i, b in enumerate(rest)}


def write_folder(o, vocab, tokens, numbers):
    folder = pathlib.Path(o.out)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"],
        "vocab_size": vocab, "num_mel_bins": BANDS, "d_model": WIDTH,
        "max_source_positions": o.audio, "max_target_positions": TEXT,
        "encoder_layers": LAYERS, "encoder_attention_heads": HEADS,
        "encoder_ffn_dim": 4 * WIDTH, "decoder_layers": LAYERS,
        "decoder_attention_heads": HEADS, "decoder_ffn_dim": 4 * WIDTH,
        "activation_function": "gelu", "scale_embedding": False}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    letter = letters()
    words = {"".join(letter[b] for b in t): i for i, t in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(words))
    header, data = {}, []
    at = 0
    for name, shape, values in tensors(numbers, o.audio, vocab, o.says, o.loops):
        if name.startswith("encoder.conv") and name.endswith("bias"):
            shape = shape[:1]
        raw = array.array("f", values).tobytes()
        header[theirs(name)] = {"dtype": "F32", "shape": list(shape),
                                "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data.append(raw)
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for raw in data:
            f.write(raw)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--form", choices=("ggml", "folder"), default="ggml")
    p.add_argument("--type", choices=TYPES, default="f32")
    p.add_argument("--audio", type=int, default=100)
    p.add_argument("--english", action="store_true")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--base", action="store_true")
    p.add_argument("--says", type=int, default=0)
    p.add_argument("--loops", action="store_true")
    o = p.parse_args()
    if o.base:
        globals().update(WIDTH=512, HEADS=8, LAYERS=6, TEXT=448)
        o.audio = 1500
    vocab = 51864 if o.english else 51865
    n_text = 50256 if o.english else 50257
    tokens = vocabulary(n_text)
    if o.form == "ggml":
        write_ggml(o, vocab, n_text, tokens, Numbers(o.seed))
    else:
        write_folder(o, vocab, tokens, Numbers(o.seed))


if __name__ == "__main__":
    main()
