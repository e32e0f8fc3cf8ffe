#!/usr/bin/env python3
"""How long after a call its ticket is finished, and where that time goes.

    bench/phone_ticket.py OTKLIK [ROUNDS [SECONDS ...]]

sipp calls a desk whose recogniser is a Whisper model of the size of base, speaks
Russian by espeak-ng for 10, 30 and 60 s, or as said, and hangs up. The time
counts from the BYE until the ticket has its words and its desk; the ratio is
that to the length of the recording; the steps are what the desk itself logs
(docs/phone.md).

The models have random weights, as nothing is fetched, of two kinds. `sure` says
as many letters as there would be tokens (3.3 a second, TOKENS_S) and then that
it has ended: the work of a real model on a clear voice. `random` is the worst
case: what it says is never likely and hardly ever ends, so that every window is
tried twice (`speech.tries`), 6 texts in all. Of several rounds the medians are
printed; `processor` is what the program used meanwhile, which counts where the
machine is busy with other things.
"""
import array
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests/whole"))
if len(sys.argv) < 2:
    sys.exit(__doc__)
os.environ["OTKLIK"] = os.path.abspath(sys.argv[1])
from desk import wait_for  # noqa: E402
from sipp import Callers, inside, note, pause, response, say, scenario  # noqa: E402
from test_phone import PhoneDesk  # noqa: E402

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
LENGTHS = [int(x) for x in sys.argv[3:]] or [10, 30, 60]
WINDOW, TOKENS_S = 30, 3.3
GREETED_MS = 1500
STEPS = ("stored", "taken", "decoded", "heard", "asked", "understood", "routing",
         "finished")
WORDS = """Здравствуйте, у нас в бухгалтерии не печатает принтер на третьем этаже,
горит красная лампа и написано, что замялась бумага. Мы открывали крышку, вынимали
картридж, бумаги внутри нет, а лампа горит. Документы нужны сегодня до вечера, их
ждут в банке, поэтому просим прийти поскорее. Ещё на соседнем компьютере со вчерашнего
дня не открывается почта, пишет, что пароль неверный, хотя его никто не менял."""


class WhisperDesk(PhoneDesk):
    keeps_log = True


def make_model(folder, name, *more):
    path = os.path.join(folder, name + ".bin")
    subprocess.run([sys.executable, os.path.join(HERE, "../tests/models/whisper.py"),
                    path, "--type", "f16", "--base", *more], check=True)
    return path


def to_ulaw(x):
    """G.711 by its definition."""
    sign, x = (0x80, -x) if x < 0 else (0, x)
    x = min(x, 32635) + 132
    size = x.bit_length() - 8
    return ~(sign | size << 4 | x >> (size + 3) & 15) & 0xff


def speech(folder, seconds):
    """A file of so much of the words, as a telephone sends them."""
    said = os.path.join(folder, "said.wav")
    subprocess.run(["espeak-ng", "-v", "ru", "-w", said, WORDS * (seconds // 20 + 1)],
                   check=True)
    with wave.open(said) as w:
        rate, pcm = w.getframerate(), array.array("h", w.readframes(w.getnframes()))
    step = rate / 8000  # the nearest sample: nobody listens to it
    path = os.path.join(folder, f"said{seconds}.ulaw")
    with open(path, "wb") as f:
        f.write(bytes(to_ulaw(pcm[int(i * step)]) for i in range(8000 * seconds)))
    return path


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        rest = f.read().rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def call(desk, folder, sound, seconds, n):
    """The n-th call: seconds from its BYE to the ticket, of the processors in
    that time, and what the log says."""
    bye = os.path.join(folder, "bye")
    if os.path.exists(bye):
        os.remove(bye)
    caller = Callers(folder, desk.sip, scenario(
        pause(GREETED_MS), say(sound), pause(seconds * 1000), note(bye),
        inside("BYE", 2), response(200)))
    wait_for("the BYE", lambda: os.path.exists(bye) and os.path.getsize(bye),
             seconds + 30)
    cpu = cpu_seconds(desk.server.pid)
    wait_for("the ticket", lambda: sum(t["stage"] == "ticket"
                                       for t in desk.tickets()) >= n, 600)
    took = time.time() - float(open(bye).read())
    cpu = cpu_seconds(desk.server.pid) - cpu
    if caller.wait(30)[0]:
        sys.exit("a call failed")
    line = wait_for("the line of the log", lambda: (
        [l for l in desk.log() if " is finished: " in l][n - 1:] or [None])[0])
    return took, cpu, {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)\b", line)}


def run(kind, model, seconds, folder):
    sound = speech(folder, seconds)
    with WhisperDesk("speech.recogniser=whisper", f"speech.whisper={model}",
                     "phone.silence_ms=60000") as desk:
        desk.start()
        # the first call loads the model
        rows = [call(desk, folder, sound, seconds, n + 1) for n in range(ROUNDS + 1)]
    took, cpu = (statistics.median(r[i] for r in rows[1:]) for i in (0, 1))
    said = [r[2] for r in rows[1:]]
    middle = {k: statistics.median(x.get(k, 0) for x in said) for k in
              {k for x in said for k in x}}
    length = middle["length_ms"] / 1000
    print(f"{kind:7}{length:6.1f} s{took:8.2f} s{took / length:7.3f}"
          f"{cpu:8.2f} s  {rows[0][0]:6.2f} s   " +
          " ".join(f"{s} {middle.get(s + '_ms', 0):.0f}" for s in STEPS))
    print(f"{'':42}encoder {middle['encoder_ms']:.0f} ms of "
          f"{middle['windows']:.0f} windows, decoder {middle['decoder_ms']:.0f} ms of "
          f"{middle['tokens']:.0f} tokens, {middle.get('retries', 0):.0f} retries",
          flush=True)


def main():
    print("kind      call    ticket  ratio processor   first   steps, ms")
    with tempfile.TemporaryDirectory(prefix="otklik-bench-") as folder:
        for seconds in LENGTHS:
            told = str(int(TOKENS_S * min(seconds, WINDOW)))
            run("sure", make_model(folder, "sure", "--says", told), seconds, folder)
        worst = make_model(folder, "random")
        for seconds in LENGTHS:
            run("random", worst, seconds, folder)


main()
