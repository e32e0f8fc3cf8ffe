#!/usr/bin/env python3
"""Many calls at once: sipp beside the program, on the same machine.

    bench/phone.py OTKLIK [AT_ONCE [CALLS]]

400 simultaneous calls and 800 in all unless said otherwise. Each caller hears
the greeting, speaks 5.76 s of G.711 in real time, is silent, hears the number
of the ticket and is hung up on. The callers are of four kinds who say different
things, so that a sound in the wrong recording is seen. A recording is intact
when it has as many samples as were said, within 20 ms, and each of them is the
one that was said.
"""
import array
import os
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tests/whole"))
if len(sys.argv) < 2:
    sys.exit(__doc__)
os.environ["OTKLIK"] = os.path.abspath(sys.argv[1])
from desk import wait_for  # noqa: E402
from phone import speech  # noqa: E402
from sipp import Callers, speaks  # noqa: E402
from test_phone import PhoneDesk  # noqa: E402

AT_ONCE = int(sys.argv[2]) if len(sys.argv) > 2 else 400
CALLS = int(sys.argv[3]) if len(sys.argv) > 3 else 2 * AT_ONCE
KINDS, SAID_MS, RATE, WITHIN = 4, 5760, 100, 160
GREETED_MS = 1500  # the greeting has 200; who speaks into it is not recorded


def from_ulaw(byte):
    """G.711 by its definition."""
    byte = ~byte & 0xff
    size = (((byte & 15) << 3) + 132 << (byte >> 4 & 7)) - 132
    return -size if byte & 0x80 else size


LINEAR = [from_ulaw(b) for b in range(256)]


class Watch:
    """What the process used."""

    def __init__(self, pid):
        self.pid, self.begun = pid, time.monotonic()
        self.cpu = self.cpu_seconds()

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as f:
            rest = f.read().rpartition(")")[2].split()
        return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self, which):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(which + r":\s*(\d+)", f.read())[1]) / 1024

    def report(self):
        return (f"{self.rss_mb('VmHWM'):.0f} MB peak, "
                f"{self.cpu_seconds() - self.cpu:.1f} s of processor time, "
                f"{time.monotonic() - self.begun:.1f} s")


def difference(desk, row, said):
    """What is wrong with a recording; empty: nothing."""
    h = row["hash"]
    with open(f"{desk.folder}/files/{h[:2]}/{h}", "rb") as f:
        head, data = f.read(44), f.read()
    if head[:4] != b"RIFF" or len(data) % 2:
        return "no recording"
    got = array.array("h", data)
    want = said[row["value"][len("+790"):][0]]
    if abs(len(got) - len(want)) > WITHIN:
        return f"{len(got)} samples instead of {len(want)}"
    n = min(len(got), len(want))
    wrong = sum(a != b for a, b in zip(got[:n], want[:n]))
    return f"{wrong} samples of {n} are others" if wrong else ""


def main():
    desk = PhoneDesk(f"phone.calls_max={AT_ONCE}", "phone.silence_ms=2000",
                     "phone.patience_seconds=20")
    with desk, tempfile.TemporaryDirectory() as folder:
        desk.start()
        watch = Watch(desk.server.pid)
        before = watch.rss_mb("VmRSS")
        sounds = {str(k): speech(SAID_MS, k) for k in range(KINDS)}
        said = {k: array.array("h", (LINEAR[b] for b in s))
                for k, s in sounds.items()}
        share, each = CALLS // KINDS, AT_ONCE // KINDS
        groups = [Callers(folder, desk.sip, speaks(folder, s, f"+790{k}",
                                                   GREETED_MS), share, each,
                          RATE // KINDS) for k, s in sounds.items()]
        most, failed = 0, 0
        while any(g.process.poll() is None for g in groups):
            most = max(most, desk.count("calls"))
            time.sleep(0.5)
        for g in groups:
            n, out = g.wait(60)
            failed += n
            if n:
                print(out[-3000:])
        total = share * KINDS
        wait_for("all tickets", lambda: len(desk.tickets()) >= total - failed, 60)
        print(f"calls: {total}, at once: {most}, failed: {failed}, tickets: "
              f"{len(desk.tickets())}")
        print(f"the program: {before:.0f} MB before, {watch.report()}")
        rows = desk.rows(
            "SELECT a.hash, i.value FROM attachments a JOIN tickets t ON "
            "t.id = a.ticket_id JOIN identities i ON i.person_id = "
            "t.person_id WHERE t.channel = 'phone'")
        wrong = [d for d in (difference(desk, r, said) for r in rows) if d]
        print(f"recordings intact: {len(rows) - len(wrong)} of {len(rows)}; "
              f"concealed {desk.count('concealed_ms_total')} ms, dropped "
              f"{desk.count('dropped_total')} packets")
        for d in wrong[:10]:
            print("   ", d)


main()
