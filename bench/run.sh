#!/bin/sh
# make bench: what docs/performance.md tells, measured again. Data sets are
# not ours: DATA names their folder, and without it those lines are left out.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh
need wrk curl
otklik=build/release/otklik
work=$(mktemp -d)
trap 'kill "${server-}" 2>/dev/null; rm -rf "$work"' EXIT

say "== a new desk"
begin=$(date +%s%N)
"$otklik" init --demo "$work/desk" >/dev/null
say "init: $((($(date +%s%N) - begin) / 1000000)) ms"
key=$("$otklik" key add bench --desk "$work/desk" --scopes "requests triage")

begin=$(date +%s%N)
"$otklik" serve --desk "$work/desk" http.port=18080 log.level=error >/dev/null &
server=$!
until curl -fs http://127.0.0.1:18080/healthz >/dev/null; do sleep 0.01; done
say "start: $((($(date +%s%N) - begin) / 1000000)) ms"
say "memory: $(awk '/VmRSS/ {print $2 / 1024 " MB"}' "/proc/$server/status")"

cat >"$work/post.lua" <<LUA
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer $key"
wrk.body = os.getenv("BODY")
LUA

say "== /predict"
BODY='{"text":"Cannot access VPN from home, it says error 809 since this morning"}' \
    wrk -t1 -c32 -d5s --latency -s "$work/post.lua" http://127.0.0.1:18080/predict
say "== request to durable ticket"
BODY='{"text":"The barcode scanner in aisle six reads every second label","ticket":true}' \
    wrk -t1 -c48 -d5s --latency -s "$work/post.lua" http://127.0.0.1:18080/api/v1/requests

say "== search for articles"
python3 bench/knowledge.py "$otklik" ${DATA:+"$DATA"}
if PYTHONDONTWRITEBYTECODE=1 build/interop/bin/python -c \
    'import onnx, onnxruntime' 2>/dev/null; then
    say "== the model engine beside onnxruntime"
    PYTHONDONTWRITEBYTECODE=1 build/interop/bin/python bench/engine.py \
        build/release
else
    say "left out: the model engine; make interop installs its peer"
fi
# their peers are large, or not needed by make interop: who has them, compares
venv=build/interop/bin/python
if PYTHONDONTWRITEBYTECODE=1 "$venv" -c 'import torch' 2>/dev/null; then
    say "== a step of fine-tuning beside PyTorch"
    PYTHONDONTWRITEBYTECODE=1 "$venv" bench/finetune.py build/release
else
    say "left out: fine-tuning; make interop installs its peer"
fi
if PYTHONDONTWRITEBYTECODE=1 "$venv" -c \
    'import fastapi, uvicorn, onnx, onnxruntime, tokenizers' 2>/dev/null; then
    say "== /predict with DistilBERT beside FastAPI and onnxruntime"
    PYTHONDONTWRITEBYTECODE=1 "$venv" bench/predict_peer.py "$otklik"
else
    say "left out: /predict of a language model; for its peer:" \
        "build/interop/bin/pip install fastapi uvicorn uvloop httptools"
fi
[ -n "${DATA-}" ] || exit 0
# MODEL: a folder of all-MiniLM-L6-v2 or another model for sentences
[ -z "${MODEL-}" ] || {
    say "== search with a language model"
    python3 bench/hybrid.py "$otklik" "$MODEL" "$DATA"
    build/release/bench/knowledge_bench_dense 100000 384 1
    build/release/bench/knowledge_bench_dense 1000000 384 1 60
}
say "== training beside scikit-learn"
build/interop/bin/python bench/triage_peer.py "$otklik" \
    "$DATA/tickets_en_itservice/train.csv" text topic 3
