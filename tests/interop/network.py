"""The encoders of graph.py once more, in PyTorch, to learn.

Network(folder, names) has the tensors of a folder that parameters_write()
wrote, by the names that they have there, and a head for each of `names`. As
transformers has it, query, key and value are three products, and attention is
PyTorch's own; nothing is taken from src/.
"""
import torch
import torch.nn.functional as F

from graph import Folder


class Network(torch.nn.Module):
    def __init__(self, folder, names, dtype=torch.float32):
        super().__init__()
        self.f, self.names = Folder(folder), names
        self.tensors = {}
        for name, x in self.f.tensors.items():
            self.add(name, torch.tensor(x, dtype=dtype))

    def add(self, name, x):
        self.tensors[name] = torch.nn.Parameter(x)
        self.register_parameter(name.replace(".", "_"), self.tensors[name])

    def linear(self, x, module):
        return F.linear(x, self.tensors[module + ".weight"], self.tensors[module + ".bias"])

    def norm(self, x, module):
        return F.layer_norm(x, (self.f.width,), self.tensors[module + ".weight"],
                            self.tensors[module + ".bias"], self.f.eps)

    def embeddings(self, ids):
        at = "embeddings."
        places = self.tensors[at + "position_embeddings.weight"]
        x = F.embedding(ids, self.tensors[at + "word_embeddings.weight"]) \
            + places[self.f.first:self.f.first + ids.shape[1]]
        types = self.tensors.get(at + "token_type_embeddings.weight")
        return self.norm(x if types is None else x + types[0], at + "LayerNorm")

    def layer(self, x, i, mask, dropout):
        at = self.f.names["layer"].format(i)
        n = {k: at + v for k, v in self.f.names.items()}
        cut = (*x.shape[:2], self.f.heads, self.f.width // self.f.heads)
        q, k, v = (self.linear(x, n[part]).view(cut).transpose(1, 2)
                   for part in ("query", "key", "value"))
        seen = F.scaled_dot_product_attention(q, k, v, mask, dropout)
        seen = self.linear(seen.transpose(1, 2).reshape(x.shape), n["out"])
        x = self.norm(F.dropout(seen, dropout) + x, n["attention_norm"])
        inner = self.linear(F.gelu(self.linear(x, n["inner"])), n["outer"])
        return self.norm(F.dropout(inner, dropout) + x, n["norm"])

    def forward(self, ids, mask=None, cls=False, dropout=0.0):
        """Scores of each task; mask: 1 where a token is, None: everywhere."""
        seen = None if mask is None else mask[:, None, None, :].bool()
        x = F.dropout(self.embeddings(ids), dropout)
        for i in range(self.f.layers):
            x = self.layer(x, i, seen, dropout)
        if cls:
            x = x[:, 0]
        elif mask is None:
            x = x.mean(1)
        else:
            weight = mask.to(x.dtype)[:, :, None]
            x = (x * weight).sum(1) / weight.sum(1)
        x = F.dropout(x, dropout)
        return [self.linear(x, f"heads.{name}") for name in self.names]


def padded(texts):
    """(ids, mask) of texts of different lengths; no mask if they are alike."""
    longest = max(map(len, texts))
    ids = torch.zeros(len(texts), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for i, text in enumerate(texts):
        ids[i, :len(text)], mask[i, :len(text)] = torch.tensor(text), 1
    return ids, None if bool(mask.all()) else mask
