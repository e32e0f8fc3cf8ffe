"""An encoder as an ONNX graph, from a folder as Hugging Face lays it out.

build(folder) reads config.json and the safetensors and writes out the network
of BERT, DistilBERT, RoBERTa or XLM-RoBERTa op by op, as their papers have it:
nothing of it is taken from src/, so that it can bear witness about src/.

Inputs: input_ids and attention_mask, [batch, length] of int64. Outputs: hidden,
[batch, length, width], and for a classifier logits, [batch, labels].
"""
import json
import math
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
MASKED = np.float32(-1e9)  # exp() of it is zero

BERT = {"layer": "encoder.layer.{}.", "query": "attention.self.query",
        "key": "attention.self.key", "value": "attention.self.value",
        "out": "attention.output.dense", "attention_norm": "attention.output.LayerNorm",
        "inner": "intermediate.dense", "outer": "output.dense", "norm": "output.LayerNorm"}
DISTILBERT = {"layer": "transformer.layer.{}.", "query": "attention.q_lin",
              "key": "attention.k_lin", "value": "attention.v_lin",
              "out": "attention.out_lin", "attention_norm": "sa_layer_norm",
              "inner": "ffn.lin1", "outer": "ffn.lin2", "norm": "output_layer_norm"}


def read_file(path):
    """Tensors of one safetensors file, by name, as float32."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    found = {}
    for name, t in json.loads(data[8:start]).items():
        if name == "__metadata__" or t["dtype"] not in ("F32", "F16", "BF16"):
            continue
        kind = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}[t["dtype"]]
        begin, end = t["data_offsets"]
        x = np.frombuffer(data, kind, (end - begin) // kind().itemsize, start + begin)
        if t["dtype"] == "BF16":  # the upper half of a float
            x = (x.astype(np.uint32) << 16).view(np.float32)
        found[name] = x.astype(np.float32).reshape(t["shape"])
    return found


class Folder:
    """config.json by the names of BERT, and the tensors without prefix."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.config = c = json.loads((folder / "config.json").read_text())
        self.family = c["model_type"]
        self.names = DISTILBERT if self.family == "distilbert" else BERT
        roberta = self.family in ("roberta", "xlm-roberta")
        if self.names is DISTILBERT:
            self.layers, self.heads, self.width = c["n_layers"], c["n_heads"], c["dim"]
            self.activation, self.eps = c["activation"], 1e-12
        else:
            self.layers, self.heads = c["num_hidden_layers"], c["num_attention_heads"]
            self.width, self.activation = c["hidden_size"], c["hidden_act"]
            self.eps = c["layer_norm_eps"]
        # RoBERTa numbers positions from the one after its padding
        self.first = c["pad_token_id"] + 1 if roberta else 0
        self.positions = c["max_position_embeddings"] - self.first
        self.vocab = c["vocab_size"]
        prefix = "roberta." if roberta else self.family + "."
        self.tensors = {}
        for path in sorted(folder.glob("*.safetensors")):
            for name, x in read_file(path).items():
                self.tensors[name.removeprefix(prefix)] = x

    def get(self, module, old, new):
        """A tensor by the name that it has today, or had in TensorFlow."""
        x = self.tensors.get(f"{module}.{new}")
        return self.tensors[f"{module}.{old}"] if x is None else x

    def weight(self, module):
        return self.get(module, "gamma", "weight")

    def bias(self, module):
        return self.get(module, "beta", "bias")

    def head(self):
        """(module, activation, module) from the first token to the labels."""
        if not self.config.get("id2label"):
            return None
        return {"distilbert": ("pre_classifier", "Relu", "classifier"),
                "bert": ("pooler.dense", "Tanh", "classifier"),
                }.get(self.family, ("classifier.dense", "Tanh", "classifier.out_proj"))


class Graph:
    def __init__(self, folder):
        self.f = folder
        self.nodes, self.values = [], {}

    def value(self, name, array):
        if name not in self.values:
            self.values[name] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    def number(self, x):
        return self.value(f"number_{x}", np.float32(x))

    def whole(self, *x):
        return self.value("whole_" + "_".join(map(str, x)), np.array(x, np.int64))

    def op(self, kind, *inputs, name=None, **attributes):
        out = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], **attributes))
        return out

    def linear(self, x, module):
        w = self.value(module + ".weight", self.f.weight(module).T)
        return self.op("Add", self.op("MatMul", x, w),
                       self.value(module + ".bias", self.f.bias(module)))

    def norm(self, x, module):
        return self.op("LayerNormalization", x,
                       self.value(module + ".weight", self.f.weight(module)),
                       self.value(module + ".bias", self.f.bias(module)),
                       axis=-1, epsilon=self.f.eps)

    def activate(self, x):
        if self.f.activation == "relu":
            return self.op("Relu", x)
        if self.f.activation == "gelu_new":
            cube = self.op("Mul", self.op("Mul", x, x), x)
            inside = self.op("Add", x, self.op("Mul", cube, self.number(0.044715)))
            bent = self.op("Tanh", self.op("Mul", inside, self.number(math.sqrt(2 / math.pi))))
        else:
            bent = self.op("Erf", self.op("Div", x, self.number(math.sqrt(2))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", bent, self.number(1))),
                       self.number(0.5))

    def embeddings(self):
        f, at = self.f, "embeddings."
        words = self.op("Gather", self.value("words", f.weight(at + "word_embeddings")),
                        "input_ids")
        length = self.op("Gather", self.op("Shape", "input_ids"), self.whole(1))
        places = self.value("places", f.weight(at + "position_embeddings")[f.first:])
        x = self.op("Add", words,
                    self.op("Slice", places, self.whole(0), length, self.whole(0)))
        if at + "token_type_embeddings.weight" in f.tensors:
            x = self.op("Add", x, self.value(
                "type", f.weight(at + "token_type_embeddings")[0]))
        return self.norm(x, at + "LayerNorm")

    def heads(self, x, module, order):
        width = self.f.width // self.f.heads
        cut = self.op("Reshape", self.linear(x, module),
                      self.whole(0, 0, self.f.heads, width))
        return self.op("Transpose", cut, perm=order)

    def layer(self, x, i, mask):
        f, at = self.f, self.f.names["layer"].format(i)
        n = {k: at + v for k, v in f.names.items()}
        query = self.heads(x, n["query"], [0, 2, 1, 3])
        key = self.heads(x, n["key"], [0, 2, 3, 1])
        value = self.heads(x, n["value"], [0, 2, 1, 3])
        score = self.op("Div", self.op("MatMul", query, key),
                        self.number(math.sqrt(f.width // f.heads)))
        share = self.op("Softmax", self.op("Add", score, mask), axis=-1)
        seen = self.op("Transpose", self.op("MatMul", share, value), perm=[0, 2, 1, 3])
        seen = self.op("Reshape", seen, self.whole(0, 0, f.width))
        x = self.norm(self.op("Add", self.linear(seen, n["out"]), x), n["attention_norm"])
        inner = self.activate(self.linear(x, n["inner"]))
        return self.norm(self.op("Add", self.linear(inner, n["outer"]), x), n["norm"])

    def make(self):
        mask = self.op("Unsqueeze", self.op("Cast", "attention_mask", to=TensorProto.FLOAT),
                       self.whole(1, 2))
        mask = self.op("Mul", self.op("Sub", self.number(1), mask), self.value("masked", MASKED))
        x = self.embeddings()
        for i in range(self.f.layers):
            x = self.layer(x, i, mask)
        self.op("Identity", x, name="hidden")
        outputs = [helper.make_tensor_value_info("hidden", TensorProto.FLOAT,
                                                 ["batch", "length", self.f.width])]
        if self.f.head():
            before, bend, labels = self.f.head()
            first = self.op("Gather", x, self.value("zero", np.int64(0)), axis=1)
            x = self.linear(self.op(bend, self.linear(first, before)), labels)
            self.op("Identity", x, name="logits")
            outputs.append(helper.make_tensor_value_info(
                "logits", TensorProto.FLOAT, ["batch", len(self.f.config["id2label"])]))
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
                  for name in ("input_ids", "attention_mask")]
        graph = helper.make_graph(self.nodes, self.f.family, inputs, outputs,
                                  list(self.values.values()))
        return helper.make_model(graph, ir_version=8,
                                 opset_imports=[helper.make_opsetid("", OPSET)])


def build(folder):
    """(onnx.ModelProto, Folder)"""
    f = Folder(folder)
    return Graph(f).make(), f
