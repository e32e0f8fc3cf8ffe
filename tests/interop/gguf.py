"""Vocabularies out of GGUF files, as folders that tokenizer_load() reads."""
import json
import pathlib
import struct

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?",
           10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def scalar(self, code):
        value, = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def string(self):
        n = self.scalar("Q")
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind = self.scalar("I")
            return [self.value(kind) for _ in range(self.scalar("Q"))]
        return self.scalar(SCALARS[kind])


def metadata(path):
    """The keys and values at the front of a GGUF file."""
    r = Reader(pathlib.Path(path).read_bytes())
    if r.data[:4] != b"GGUF":
        raise ValueError(f"{path}: not a GGUF file")
    r.at = 8
    r.scalar("Q")  # tensors, which such a file has none of
    return {r.string(): r.value(r.scalar("I")) for _ in range(r.scalar("Q"))}


def bert_token(token):
    """Such files mark the beginnings of words; BERT marks what follows."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[1:] if token.startswith("\u2581") else "##" + token


def write_bert(path, folder):
    tokens = metadata(path)["tokenizer.ggml.tokens"]
    text = "".join(bert_token(t) + "\n" for t in tokens)
    (folder / "vocab.txt").write_text(text, newline="\n")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')


def write_gpt2(path, folder):
    meta = metadata(path)
    tokens = meta["tokenizer.ggml.tokens"]
    (folder / "vocab.json").write_text(
        json.dumps({t: i for i, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(m + "\n" for m in meta["tokenizer.ggml.merges"]))
    (folder / "tokenizer_config.json").write_text('{"add_prefix_space": false}')


def cases(path):
    """(text, ids) of the .inp and .out files beside `path`."""
    texts = pathlib.Path(f"{path}.inp").read_text().split("\n__ggml_vocab_test__\n")
    lines = pathlib.Path(f"{path}.out").read_text().split("\n")
    return [(t, [int(x) for x in line.split()]) for t, line in zip(texts, lines)]
