#!/usr/bin/env python3
"""Whisper beside whisper.cpp, alternating: encoder and decoder of one model.

    bench/whisper.py BENCH_WHISPER LIBWHISPER MODEL [PEER_MODEL] [ROUNDS]

BENCH_WHISPER is build/release/bench/model_bench_whisper, LIBWHISPER a
libwhisper.so (whisper.cpp built by its own CMake, or the one in PyPI's
pywhispercpp), MODEL a ggml-*.bin with tensors; random ones will do, the work
is the same. PEER_MODEL is another file for whisper.cpp, f16 beside our int8.
Times are medians of the processors' time, so that what else runs on the
machine counts little; with two threads that is divided by two.
"""
import ctypes
import random
import statistics
import subprocess
import sys
import time

ROWS, FRAMES, TOKENS = 1500, 3000, 32
PRECISIONS = ("f32", "bf16", "int8")


class Peer:
    """whisper.cpp as it is by default, on the processor."""

    def __init__(self, library, model, threads):
        lib = ctypes.CDLL(library)
        quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        self.quiet = quiet(lambda level, text, user: None)
        lib.whisper_log_set(self.quiet, None)
        lib.whisper_init_from_file.restype = ctypes.c_void_p
        self.lib, self.threads = lib, threads
        self.w = ctypes.c_void_p(lib.whisper_init_from_file(model.encode()))
        if not self.w.value:
            sys.exit(f"whisper.cpp does not read {model}")
        bands = lib.whisper_model_n_mels(self.w)
        r = random.Random(1)
        mels = (ctypes.c_float * (FRAMES * bands))(
            *(r.random() for _ in range(FRAMES * bands)))
        lib.whisper_set_mel(self.w, mels, FRAMES, bands)

    def encode(self):
        start = time.process_time()
        if self.lib.whisper_encode(self.w, 0, self.threads):
            sys.exit("whisper.cpp does not encode")
        return (time.process_time() - start) * 1e3 / self.threads

    def decode(self):
        start = time.process_time()
        for i in range(TOKENS):
            token = (ctypes.c_int32 * 1)(1000 + i)
            if self.lib.whisper_decode(self.w, token, 1, i, self.threads):
                sys.exit("whisper.cpp does not decode")
        return (time.process_time() - start) * 1e3 / TOKENS / self.threads


class Ours:
    def __init__(self, program, model, precision, threads):
        self.threads = threads
        self.p = subprocess.Popen([program, model, precision, str(threads)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return float(self.p.stdout.readline().split()[0]) / self.threads

    def encode(self):
        return self.ask(f"encode {ROWS}")

    def decode(self):
        return self.ask(f"decode {TOKENS}") / TOKENS

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, library, model = sys.argv[1:4]
    peer_model = sys.argv[4] if len(sys.argv) > 4 else model
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 5
    print(f"{'':10}{'encode 30 s':>26}{'decode a token':>26}")
    for threads in (1, 2):
        peer = Peer(library, peer_model, threads)
        ours = {p: Ours(program, model, p, threads) for p in PRECISIONS}
        times = {}
        for _ in range(rounds + 1):
            for name, side in [("whisper.cpp", peer), *ours.items()]:
                for kind in ("encode", "decode"):
                    times.setdefault((name, kind), []).append(getattr(side, kind)())
        for side in ours.values():
            side.close()
        # the first round warms up
        middle = {k: statistics.median(v[1:]) for k, v in times.items()}
        print(f"{threads} thread{'s' if threads > 1 else ''}")
        for name in ("whisper.cpp", *PRECISIONS):
            row = f"  {name:12}"
            for kind in ("encode", "decode"):
                is_ = middle[name, kind]
                row += f"{is_:14.2f} ms{middle['whisper.cpp', kind] / is_:6.2f} ×"
            print(row, flush=True)


if __name__ == "__main__":
    main()
