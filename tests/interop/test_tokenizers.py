"""Our ids and places beside those of the PyPI package `tokenizers`.

test_tokenizers.py TOKENIZE [LINES]: trains small models of every sort on texts
made here and compares them on LINES texts (20,000). With DATA naming a folder
that has tokenizers/*.gguf, the vocabularies in it are compared, too.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import gguf
import sentencepiece
import text_mix
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (AddedToken, BertWordPieceTokenizer,
                        ByteLevelBPETokenizer, Regex, Tokenizer, models,
                        normalizers, pre_tokenizers, processors, trainers)

ADDED = [AddedToken("<mask>", lstrip=True, normalized=False),
         AddedToken("[КОД]", single_word=True),
         AddedToken("Отклик"),
         AddedToken("ABC", normalized=False),
         AddedToken("ABCD", rstrip=True),
         AddedToken("café")]
NAMES = ["<mask>", "[КОД]", "Отклик", "ABC", "ABCD", "ABCDE", "отклик", "[SEP]",
         "<s>", "</s>", "<unk>", "[UNK]", "xABCx", "[КОД]x", "café", "CAFE"]


def ours(tokenize, folder, texts, most=0):
    """[(id, from, to), …] of each text, by our program."""
    data = b"".join(t.encode() + b"\0" for t in texts)
    out = subprocess.run([tokenize, folder, str(most)], input=data, check=True,
                         capture_output=True).stdout.decode()
    found = out.removesuffix("\n").split("\n")
    assert len(found) == len(texts), (len(found), len(texts))
    return [[tuple(map(int, t.split(":"))) for t in line.removesuffix(" ...").split()]
            for line in found]


def theirs(tokenizer, texts):
    """The same, by the reference, places turned from characters to bytes."""
    for text, e in zip(texts, tokenizer.encode_batch(texts)):
        at = [0]
        for c in text:
            at.append(at[-1] + len(c.encode()))
        yield [(i, at[a], at[b]) for i, (a, b) in zip(e.ids, e.offsets)]


def compare(name, tokenize, tokenizer, texts):
    """How many texts have other ids or other places."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(f"{folder}/tokenizer.json")
        return compare_folder(name, tokenize, folder, tokenizer, texts)


def compare_folder(name, tokenize, folder, tokenizer, texts):
    """The same for files that are there."""
    got = ours(tokenize, folder, texts)
    ids, places, tokens = 0, 0, 0
    for text, mine, want in zip(texts, got, theirs(tokenizer, texts)):
        tokens += len(want)
        if mine == want:
            continue
        if [t[0] for t in mine] != [t[0] for t in want]:
            ids += 1
        else:
            places += 1
        if ids + places <= 3:
            odd = [(m, w) for m, w in zip(mine, want) if m != w][:3]
            print(f"{name}: {text!r}\n  ours, theirs: {odd}")
    print(f"{name}: {len(texts)} texts, {tokens} tokens; "
          f"other ids in {ids}, other places in {places}")
    return ids + places


def finish(t, cls, sep, around):
    """Added tokens, and special ones around texts."""
    t.add_special_tokens([cls, sep])
    t.add_tokens(ADDED)
    if around:
        t.post_processor = around(t, cls, sep)
    return t


def template(t, cls, sep):
    return processors.TemplateProcessing(
        single=f"{cls} $A {sep}", pair=f"{cls} $A {sep} $B:1 {sep}:1",
        special_tokens=[(cls, t.token_to_id(cls)), (sep, t.token_to_id(sep))])


def bert(t, cls, sep):
    return processors.BertProcessing((sep, t.token_to_id(sep)), (cls, t.token_to_id(cls)))


def roberta(trim, space):
    def make(t, cls, sep):
        return processors.RobertaProcessing(
            (sep, t.token_to_id(sep)), (cls, t.token_to_id(cls)),
            trim_offsets=trim, add_prefix_space=space)
    return make


def wordpiece(corpus, normalizer, pre, around, **options):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", **options))
    t.normalizer, t.pre_tokenizer = normalizer, pre
    t.train_from_iterator(corpus, trainers.WordPieceTrainer(
        vocab_size=4000, limit_alphabet=600, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    return finish(t, "[CLS]", "[SEP]", around)


def bpe(corpus, normalizer, pre, around, alphabet=(), limit=1000, **options):
    t = Tokenizer(models.BPE(**options))
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=4000, initial_alphabet=list(alphabet), show_progress=False,
        limit_alphabet=limit,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"]))
    return finish(t, "<s>", "</s>", around)


def unigram(corpus, normalizer, pre, around):
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer = normalizer, pre
    t.train_from_iterator(corpus, trainers.UnigramTrainer(
        vocab_size=9000, unk_token="<unk>", show_progress=False,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"]))
    return finish(t, "<s>", "</s>", around)


def sentencepiece_model(corpus, folder):
    """A model of SentencePiece itself, whose normalizer is compiled in."""
    path = f"{folder}/corpus.txt"
    pathlib.Path(path).write_text("\n".join(" ".join(c.split()) for c in corpus))
    sentencepiece.SentencePieceTrainer.train(
        input=path, model_prefix=f"{folder}/sp", vocab_size=3000, minloglevel=2,
        character_coverage=0.98, normalization_rule_name="nmt_nfkc")
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(pathlib.Path(f"{folder}/sp.model").read_bytes())
    return proto


def xlmr(proto, cut):
    """As multilingual models are turned into tokenizer.json."""
    t = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], 0))
    charsmap = proto.normalizer_spec.precompiled_charsmap
    if cut:
        t.normalizer = normalizers.Precompiled(charsmap)
        t.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    else:
        t.normalizer = normalizers.Sequence(
            [normalizers.Precompiled(charsmap), normalizers.Strip(False, True),
             normalizers.Replace(Regex(" {2,}"), "\u2581")])
        t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    return finish(t, "<s>", "</s>", template)


def limited(t, most, direction):
    t.enable_truncation(most, direction=direction)
    return t


def made(corpus, folder):
    """(name, tokenizer) of every sort that we read."""
    b, p, n = normalizers.BertNormalizer, pre_tokenizers, normalizers
    pre = p.BertPreTokenizer()
    yield "WordPiece uncased", wordpiece(corpus, b(), pre, template)
    yield "WordPiece cased", wordpiece(corpus, b(lowercase=False), pre, bert)
    yield "WordPiece accents", wordpiece(corpus, b(strip_accents=False), pre, template)
    yield "WordPiece bare", wordpiece(
        corpus, b(clean_text=False, handle_chinese_chars=False, strip_accents=True,
                  lowercase=False), pre, bert, max_input_chars_per_word=20)
    steps = n.Sequence([n.NFD(), n.Lowercase(), n.StripAccents()])
    yield "WordPiece words", wordpiece(corpus, steps, p.Whitespace(), None)
    yield "WordPiece to 16", limited(
        wordpiece(corpus, b(), pre, template), 16, "right")
    yield "WordPiece last 16", limited(
        wordpiece(corpus, n.NFKD(), p.WhitespaceSplit(), template), 16, "left")
    signs = p.ByteLevel.alphabet()
    yield "BPE bytes", bpe(corpus, None, p.ByteLevel(add_prefix_space=False), None, signs)
    yield "BPE roberta", bpe(corpus, n.NFC(), p.ByteLevel(add_prefix_space=True),
                             roberta(True, True), signs)
    yield "BPE no trim", bpe(corpus, n.NFKC(), p.ByteLevel(add_prefix_space=True, use_regex=False),
                             roberta(False, True), signs)
    yield "BPE trim", bpe(corpus, n.Strip(), p.ByteLevel(add_prefix_space=False),
                          lambda *_: processors.ByteLevel(add_prefix_space=False), signs)
    for fuse in (False, True):
        yield f"BPE characters, fuse {fuse}", bpe(
            corpus, n.NFKC(), p.Whitespace(), template, limit=150,
            unk_token="<unk>", fuse_unk=fuse)
    yield "Unigram", unigram(corpus, n.NFKC(), p.Metaspace(), template)
    yield "Unigram first", unigram(
        corpus, n.Sequence([n.Replace("ё", "е"), n.Replace(Regex(r"\s+"), " "), n.Lowercase()]),
        p.Metaspace(prepend_scheme="first"), template)
    yield "Unigram whole", unigram(
        corpus, n.NFC(), p.Metaspace(prepend_scheme="never", split=False), None)
    proto = sentencepiece_model(corpus, folder)
    yield "SentencePiece cut", xlmr(proto, True)
    yield "SentencePiece whole", xlmr(proto, False)


def compare_cases(name, tokenize, folder, cases):
    """With the ids that llama.cpp tests with, which have no special tokens."""
    n = 0
    for (text, want), tokens in zip(cases, ours(tokenize, folder, [c[0] for c in cases])):
        ids = [t[0] for t in tokens]
        ids = ids[1:-1] if name == "bert-bge" else ids
        if ids != want:
            n += 1
            print(f"{name}: {text!r}\n  {ids}\n  {want}")
    print(f"{name}: {len(cases)} cases of llama.cpp; other ids in {n}")
    return n


def reference(name, folder):
    """What `tokenizers` makes of vocab.txt, or vocab.json and merges.txt."""
    if name == "bert-bge":
        return BertWordPieceTokenizer(f"{folder}/vocab.txt")
    return ByteLevelBPETokenizer(f"{folder}/vocab.json", f"{folder}/merges.txt")


def compare_data(tokenize, data, texts):
    """The vocabularies of real models, on their own cases and on `texts`."""
    bad = 0
    for name, write in (("bert-bge", gguf.write_bert), ("gpt-2", gguf.write_gpt2)):
        path = data / f"ggml-vocab-{name}.gguf"
        with tempfile.TemporaryDirectory() as folder:
            write(path, pathlib.Path(folder))
            bad += compare_cases(name, tokenize, folder, gguf.cases(path))
            bad += compare_folder(name, tokenize, folder, reference(name, folder), texts)
    return bad


def main():
    tokenize = sys.argv[1]
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    data = pathlib.Path(os.environ.get("DATA", "")) / "tokenizers"
    bad = 0
    texts = list(text_mix.lines(n, NAMES))
    if os.environ.get("DATA") and data.is_dir():
        bad += compare_data(tokenize, data, texts)
    else:
        print("LEFT OUT: bert-bge and gpt-2; DATA names no folder with tokenizers/*.gguf")
    corpus = list(text_mix.lines(6000, [""], seed=2))
    with tempfile.TemporaryDirectory() as folder:
        for name, tokenizer in made(corpus, folder):
            bad += compare(name, tokenize, tokenizer, texts)
    return 1 if bad else 0


sys.exit(main())
