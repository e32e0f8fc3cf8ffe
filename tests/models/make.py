#!/usr/bin/env python3
"""Write a model folder of random weights, as Hugging Face would lay it out.

    make.py FAMILY FOLDER [options]      FAMILY: bert distilbert roberta
                                         xlm-roberta minilm

The same arguments give the same bytes. Weights are normal, 0.02 * k wide with
k so large that attention prefers some tokens; at 0.02 a narrow network would
look at all of them alike and hide faults. MiniLM is a BERT of width 384 for
embeddings, with the files of sentence-transformers.
"""
import argparse
import array
import json
import math
import pathlib
import random
import struct
import sys

POSITIONS = 128
TYPES = {"f32": ("F32", 4), "f16": ("F16", 2), "bf16": ("BF16", 2)}
WORDS = """the a to my is not no in on and can i it of for with work works
password account login printer paper toner network internet wifi vpn mail file
disk screen phone please help reset open error slow broken new old access
и в не на с по мой моя нет к у из за как что это пароль учётная запись вход
принтер бумага картридж сеть интернет почта файл диск экран телефон помогите
сбросьте открыть ошибка медленно сломался новый старый доступ работает""".split()
PIECES = "ing ed er s ly ion able ость ение ать ить ся ов ами ого ный".split()


def vocabulary():
    """Tokens of WordPiece: marks, every letter at both places, some words."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789" \
              "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
    marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«»—№"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += list(marks) + list(letters) + ["##" + c for c in letters]
    tokens += [w for w in WORDS if len(w) > 1] + ["##" + p for p in PIECES]
    return list(dict.fromkeys(tokens))


def byte_letters():
    """The letter that GPT-2 writes for each byte: itself when it can be seen."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in seen]
    return {b: chr(b) for b in seen} | {b: chr(256 + i) for i, b in enumerate(rest)}


def byte_pairs():
    """(tokens, merges) of byte-level BPE: all bytes, and some words with the
    space before them, each put together from its left end."""
    letters, merges = byte_letters(), []
    tokens = ["<s>", "<pad>", "</s>", "<unk>"] + list(letters.values())
    for word in WORDS:
        written = [letters[b] for b in (" " + word).encode()]
        left = written[0]
        for letter in written[1:]:
            merges.append((left, letter))
            left += letter
            tokens.append(left)
    merges = list(dict.fromkeys(merges))
    return list(dict.fromkeys(tokens)) + ["<mask>"], merges


def unigrams():
    """(token, score) of a SentencePiece model: marks, letters, words."""
    letters = sorted(set("".join(WORDS)) | set("bcdfghjklmnpqruvxyz0123456789.,!?"))
    words = ["\u2581" + w for w in WORDS]
    scored = [(t, 0.0) for t in ("<s>", "<pad>", "</s>", "<unk>")]
    scored += [("\u2581", -6.0)] + [(c, -9.0) for c in letters]
    scored += [(w, -4.0 - i / 64) for i, w in enumerate(dict.fromkeys(words))]
    return scored + [("<mask>", 0.0)]


def write_word_pieces(folder, tokens):
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
    write_json(folder / "tokenizer_config.json",
               {"do_lower_case": True, "tokenizer_class": "BertTokenizer"})


def write_byte_pairs(folder, tokens, merges):
    write_json(folder / "vocab.json", {t: i for i, t in enumerate(tokens)})
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    write_json(folder / "tokenizer_config.json",
               {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": False,
                "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>",
                "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
                "mask_token": "<mask>"})


def write_unigrams(folder, scored):
    special = {t: i for i, (t, _) in enumerate(scored) if t.startswith("<")}
    write_json(folder / "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": i, "content": t, "single_word": False, "lstrip": t == "<mask>",
             "rstrip": False, "normalized": False, "special": True}
            for t, i in special.items()],
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581",
                          "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                     {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "</s>", "type_id": 0}},
                     {"SpecialToken": {"id": "</s>", "type_id": 0}},
                     {"Sequence": {"id": "B", "type_id": 0}},
                     {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "special_tokens": {t: {"id": t, "ids": [special[t]], "tokens": [t]}
                               for t in ("<s>", "</s>")}},
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": special["<unk>"],
                  "vocab": [list(x) for x in scored], "byte_fallback": False}})


def write_tokenizer(o):
    """The family's own kind; returns the number of tokens."""
    if o.family == "roberta":
        tokens, merges = byte_pairs()
        write_byte_pairs(o.folder, tokens, merges)
    elif o.family == "xlm-roberta":
        tokens = unigrams()
        write_unigrams(o.folder, tokens)
    else:
        tokens = vocabulary()
        write_word_pieces(o.folder, tokens)
    return len(tokens)


def config(o, vocab):
    """config.json, and the sizes that the tensors need."""
    distil = o.family == "distilbert"
    roberta = o.family in ("roberta", "xlm-roberta")
    pad = 1 if roberta else 0
    names = ("dim", "n_layers", "n_heads", "hidden_dim", "activation") if distil \
        else ("hidden_size", "num_hidden_layers", "num_attention_heads",
              "intermediate_size", "hidden_act")
    made = dict(zip(names, (o.hidden, o.layers, o.heads, 4 * o.hidden, "gelu")))
    made |= {
        "model_type": "bert" if o.family == "minilm" else o.family,
        "vocab_size": vocab,
        "max_position_embeddings": POSITIONS + (pad + 1 if roberta else 0),
        "pad_token_id": pad,
    }
    if not distil:
        made["layer_norm_eps"] = 1e-5 if roberta else 1e-12
        made["type_vocab_size"] = 1 if roberta else 2
    if not o.base:
        made["id2label"] = {str(i): l for i, l in enumerate(o.labels)}
        made["label2id"] = {l: i for i, l in enumerate(o.labels)}
        made["problem_type"] = "single_label_classification"
    return made


def linear(name, out, into):
    """(name, shape) of a weight and its bias."""
    return [(name + ".weight", (out, into)), (name + ".bias", (out,))]


def norm(name, width, old=False):
    """As linear(), of a norm; `old` is how TensorFlow called them."""
    ends = (".gamma", ".beta") if old else (".weight", ".bias")
    return [(name + e, (width,)) for e in ends]


def shapes_distilbert(o, c):
    h, prefix = o.hidden, "" if o.base else "distilbert."
    all_ = [(prefix + "embeddings.word_embeddings.weight", (c["vocab_size"], h)),
            (prefix + "embeddings.position_embeddings.weight", (POSITIONS, h))]
    all_ += norm(prefix + "embeddings.LayerNorm", h)
    for i in range(o.layers):
        at = f"{prefix}transformer.layer.{i}."
        for x in ("q_lin", "k_lin", "v_lin", "out_lin"):
            all_ += linear(at + "attention." + x, h, h)
        all_ += norm(at + "sa_layer_norm", h)
        all_ += linear(at + "ffn.lin1", 4 * h, h) + linear(at + "ffn.lin2", h, 4 * h)
        all_ += norm(at + "output_layer_norm", h)
    if not o.base:
        all_ += linear("pre_classifier", h, h)
        all_ += linear("classifier", len(o.labels), h)
    return all_


def shapes_bert(o, c):
    """BERT and its children."""
    roberta = o.family in ("roberta", "xlm-roberta")
    h, old = o.hidden, o.old_names
    prefix = "" if o.base else "roberta." if roberta else "bert."
    at = prefix + "embeddings."
    all_ = [(at + "word_embeddings.weight", (c["vocab_size"], h)),
            (at + "position_embeddings.weight", (c["max_position_embeddings"], h)),
            (at + "token_type_embeddings.weight", (c["type_vocab_size"], h))]
    all_ += norm(at + "LayerNorm", h, old)
    for i in range(o.layers):
        at = f"{prefix}encoder.layer.{i}."
        for x in ("query", "key", "value"):
            all_ += linear(at + "attention.self." + x, h, h)
        all_ += linear(at + "attention.output.dense", h, h)
        all_ += norm(at + "attention.output.LayerNorm", h, old)
        all_ += linear(at + "intermediate.dense", 4 * h, h)
        all_ += linear(at + "output.dense", h, 4 * h)
        all_ += norm(at + "output.LayerNorm", h, old)
    if not roberta:
        all_ += linear(prefix + "pooler.dense", h, h)
    if not o.base and roberta:
        all_ += linear("classifier.dense", h, h)
        all_ += linear("classifier.out_proj", len(o.labels), h)
    elif not o.base:
        all_ += linear("classifier", len(o.labels), h)
    return all_


def values(name, shape, seed):
    """Floats that depend on the seed and the name only."""
    r = random.Random(f"{seed}:{name}")
    n = math.prod(shape)
    scale = name.endswith((".weight", ".gamma"))
    if len(shape) == 1:  # norms are near one, biases near zero
        return array.array("f", (r.gauss(1.0 if scale else 0.0, 0.1 if scale else 0.05)
                                 for _ in range(n)))
    wide = 0.05 if "embeddings" in name else 1.25 / math.sqrt(shape[1])
    return array.array("f", (r.gauss(0.0, wide) for _ in range(n)))


def encode(floats, kind):
    if kind == "f32":
        return floats.tobytes()
    if kind == "f16":
        return struct.pack(f"<{len(floats)}e", *floats)
    bits = array.array("I", floats.tobytes())  # to the nearest, ties to even
    return array.array("H", ((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits)).tobytes()


def write_safetensors(path, tensors):
    """tensors: (name, dtype, shape, bytes); larger types first, as peers do."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    tensors = sorted(tensors, key=lambda t: t[1] != "I64")
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in tensors:
            f.write(t[3])


def write_weights(o, folder, tensors):
    if o.shards == 1:
        write_safetensors(folder / "model.safetensors", tensors)
        return
    weight_map, each = {}, -(-len(tensors) // o.shards)
    for i in range(o.shards):
        name = f"model-{i + 1:05}-of-{o.shards:05}.safetensors"
        part = tensors[i * each:(i + 1) * each]
        write_safetensors(folder / name, part)
        weight_map |= {t[0]: name for t in part}
    total = sum(len(t[3]) for t in tensors)
    write_json(folder / "model.safetensors.index.json",
               {"metadata": {"total_size": total}, "weight_map": weight_map})


def write_json(path, what):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(what, indent=2, ensure_ascii=False) + "\n")


def write_sentence_files(o, folder):
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    write_json(folder / "modules.json",
               [{"idx": i, "name": str(i), "path": path,
                 "type": "sentence_transformers.models." + kind}
                for i, (path, kind) in enumerate(steps)])
    write_json(folder / "1_Pooling/config.json",
               {"word_embedding_dimension": o.hidden,
                "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True})
    write_json(folder / "sentence_bert_config.json",
               {"max_seq_length": POSITIONS // 2, "do_lower_case": False})


def options():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("family", choices=["bert", "distilbert", "roberta", "xlm-roberta", "minilm"])
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--type", choices=TYPES, default="f32")
    p.add_argument("--shards", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--hidden", type=int)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--heads", type=int)
    p.add_argument("--labels", default="access,network,printing")
    p.add_argument("--base", action="store_true", help="without prefix and labels")
    p.add_argument("--old-names", action="store_true", help="gamma and beta of norms")
    o = p.parse_args()
    mini = o.family == "minilm"
    o.hidden = o.hidden or (384 if mini else 64)
    o.heads = o.heads or (12 if mini else 4)
    o.base = o.base or mini
    o.labels = o.labels.split(",")
    if o.shards < 1 or o.layers < 1 or o.hidden % o.heads:
        p.error("shards and layers begin at 1; heads divide hidden")
    return o


def main():
    o = options()
    o.folder.mkdir(parents=True, exist_ok=True)
    c = config(o, write_tokenizer(o))
    write_json(o.folder / "config.json", c)
    shapes = (shapes_distilbert if o.family == "distilbert" else shapes_bert)(o, c)
    dtype = TYPES[o.type][0]
    tensors = [(name, dtype, shape, encode(values(name, shape, o.seed), o.type))
               for name, shape in shapes]
    if o.family == "bert":  # a tensor of numbers that older files have
        name = ("" if o.base else "bert.") + "embeddings.position_ids"
        tensors.append((name, "I64", (1, POSITIONS),
                        struct.pack(f"<{POSITIONS}q", *range(POSITIONS))))
    write_weights(o, o.folder, tensors)
    if o.family == "minilm":
        write_sentence_files(o, o.folder)
    return 0


if __name__ == "__main__":  # bench/engine.py takes the names from here
    sys.exit(main())
