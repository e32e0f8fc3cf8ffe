#!/usr/bin/env python3
"""Mutated SIP messages for the real program, which must survive them.

    tests/whole/phone_mutate.py OTKLIK [MESSAGES [SEED [FILE...]]]

Valid messages of every kind, those of torture.py and FILEs (one message each)
are changed at random, from SEED, and sent by UDP and by TCP: to begin calls, and
within calls that go on. Then all calls must end, no port may be left open, the
next call must become a ticket, and the program must stop as one that is well:
built with a sanitizer it fails on any fault or leak.
"""
import os
import random
import re
import socket
import sys
import time

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ["OTKLIK"] = os.path.abspath(sys.argv[1])
from desk import wait_for
from phone import Message, Phone, speech
from test_phone import PhoneDesk
from torture import REQUESTS, SDP, message

CALLS_MAX = 200
LEAVES_MS = 64 * 500 + 10000  # RFC 3261: an answer waits so long for its ACK
KEYS = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n"
BODIES = [
    "", SDP, SDP.replace("RTP/AVP 0 12", "RTP/SAVP 0") + KEYS,
    SDP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
    SDP.replace("IP4 127.0.0.1", "IP6 ::1"),
    SDP + "a=sendonly\r\na=ptime:20\r\na=rtcp:40001\r\na=rtcp-mux\r\n",
    SDP.replace("0 12", "8 0 9 96 101") + "a=rtpmap:96 opus/48000/2\r\n"
    "a=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\n",
]
PIECES = [b"\r\n", b":", b";", b"=", b"<", b">", b'"', b"0" * 50,
          b"999999999999", b"-1", b"%s%n", b"\0", b"\xff\xfe", b",", b"\\", b"@",
          b"%00", b"A" * 3000, b";lr;lr", b"\r\n ", b"\r\n\r\n", b"sip:", b"a=",
          b"m=audio 0 RTP/AVP 0\r\n", b"[::1]", b"RTP/SAVP"]


class Source:
    """Messages, all from one seed but for the dialogs that the program makes."""

    def __init__(self, seed, files=()):
        self.r = random.Random(seed)
        self.i = 0
        self.run = f"{seed}-{os.getpid()}-"
        self.files = files
        self.dialogs = []  # calls that go on

    def next(self, own, transport):
        """One message; now and then one that ends a call as it should be."""
        if len(self.dialogs) > 10:
            return self.inside(own, "BYE", self.dialogs.pop(0), transport, "")
        return self.change(self.whole(own, transport))

    def whole(self, own, transport):
        r, self.i = self.r, self.i + 1
        i, body = self.run + str(self.i), r.choice(BODIES)
        kind = r.random()
        if kind < 0.1 and self.files:
            return re.sub(rb"(?im)^(call-id|i)( *:)", rb"\1\2 %d" % self.i,
                          r.choice(self.files))
        if kind < 0.3:
            return message(own, i, **{"transport": transport,
                                      **r.choice(REQUESTS)[1]})
        if kind < 0.6 and self.dialogs:
            method = r.choice(("INVITE", "INFO", "UPDATE", "ACK", "INVITE",
                               "ACK", "CANCEL", "REFER"))
            return self.inside(own, method, r.choice(self.dialogs), transport,
                               body)
        if kind < 0.65:
            return message(own, i, transport=transport).replace(
                b"INVITE sip:support@127.0.0.1 SIP/2.0", b"SIP/2.0 %d OK" %
                r.choice((100, 180, 200, 401, 404, 503)), 1)
        if kind < 0.9:
            return message(own, i, body=body, transport=transport,
                           Supported="timer, 100rel",
                           Session_Expires=str(r.choice((2, 90, 1800))))
        return message(own, i, r.choice((
            "OPTIONS", "BYE", "CANCEL", "ACK", "REGISTER", "UPDATE", "PRACK",
            "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE")), body="",
            transport=transport)

    def inside(self, own, method, d, transport, body):
        """A request of a call that goes on."""
        r, more = self.r, {}
        self.i += 1
        if method == "INFO":
            body = r.choice(("Signal=5\r\nDuration=100\r\n", "#", "Signal="))
            more["Content_Type"] = r.choice(("application/dtmf-relay",
                                             "application/dtmf"))
        d["cseq"] += method != "ACK"
        return message(own, self.run + str(self.i), method, d["uri"], body,
                       transport=transport, From=d["from"], To=d["to"],
                       Call_ID=d["id"], CSeq=f"{d['cseq']} {method}", **more)

    def heard(self, data):
        """An answer: is it the beginning of a call?"""
        try:
            m = Message(data)
            if m.status == 200 and "INVITE" in m.get("CSeq"):
                self.dialogs.append({
                    "uri": m.get("Contact").strip("<>"), "from": m.get("From"),
                    "to": m.get("To"), "id": m.get("Call-ID"),
                    "cseq": int(m.get("CSeq").split()[0])})
        except (ValueError, TypeError, AttributeError, IndexError):
            pass  # what we mutated comes back

    def change(self, data):
        r, m = self.r, bytearray(data)
        for _ in range(r.choice((0, 1, 1, 2, 3, 6))):
            if not m:
                break
            how, at = r.random(), r.randrange(len(m))
            if how < 0.25:
                m[at] = r.randrange(256)
            elif how < 0.4:
                del m[at:at + r.randint(1, 40)]
            elif how < 0.6:
                m[at:at] = r.choice(PIECES)
            elif how < 0.7:
                other = r.randrange(len(m))
                m[at:at] = m[other:other + r.randint(1, 200)]
            else:
                m = self.change_line(m)
        if r.random() < 0.5:  # so that what is in the body is read, too
            head, _, body = bytes(m).partition(b"\r\n\r\n")
            head = re.sub(rb"(?im)^Content-Length:[^\r]*",
                          b"Content-Length: %d" % len(body), head)
            m = head + b"\r\n\r\n" + body
        return bytes(m[:60000])

    def change_line(self, m):
        r, lines = self.r, bytes(m).split(b"\r\n")
        i, how = r.randrange(len(lines)), r.random()
        if how < 0.3:
            lines.insert(r.randrange(len(lines)), lines[i])
        elif how < 0.6:
            del lines[i]
        elif how < 0.8:
            lines[i] = re.sub(rb"\d+", lambda x: r.choice(
                (b"0", b"-1", b"65536", b"4294967296", b"9" * 40)), lines[i], 1)
        else:
            lines[i] = lines[i] * r.choice((2, 10, 100))
        return bytearray(b"\r\n".join(lines))


def read_all(s, source):
    try:
        while True:
            data = s.recv(65536)
            if not data:
                return
            source.heard(data)
    except OSError:
        pass


def by_udp(source, port, n):
    """How many were sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.setblocking(False)
        own = "%s:%d" % s.getsockname()
        for i in range(n):
            try:
                s.sendto(source.next(own, "UDP"),
                         ("127.0.0.1", port))
            except BlockingIOError:
                pass
            if i % 4 == 3:
                time.sleep(0.001)
            read_all(s, source)
    return n


def by_tcp(source, port, n):
    """Some messages on one connection, in pieces; the end of it as it comes."""
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        own = "%s:%d" % s.getsockname()
        for i in range(n):
            data = source.next(own, "TCP")
            cut = source.r.randrange(len(data) + 1)
            s.settimeout(10)
            try:
                s.sendall(data[:cut])
                s.sendall(data[cut:])
            except OSError:
                return i  # it has hung up on us
            s.settimeout(0.001)
            read_all(s, source)
    return n


def left_open(d):
    """Sockets of the program: for sound, and connections of SIP."""
    own, found = set(), []
    for fd in os.listdir(f"/proc/{d.server.pid}/fd"):
        try:
            own.add(os.readlink(f"/proc/{d.server.pid}/fd/{fd}"))
        except OSError:
            pass  # closed meanwhile
    for kind in ("udp", "tcp"):
        with open(f"/proc/net/{kind}") as f:
            rows = [l.split() for l in f][1:]
        for r in rows:
            port = int(r[1].rpartition(":")[2], 16)
            listens = kind == "tcp" and r[3] == "0A"
            if f"socket:[{r[9]}]" in own and (
                    21000 <= port <= 21999 if kind == "udp" else
                    port == d.sip and not listens):
                found.append((kind, port))
    return found


def attack(d, messages, seed, files=()):
    """What is left afterwards is what was there before."""
    source = Source(seed, files)
    left = messages
    while left > 0:
        n = min(left, source.r.randint(1, 40))
        by = by_udp if source.r.random() < 0.5 else by_tcp
        left -= by(source, d.sip, n)
        if d.server.poll() is not None:
            raise AssertionError(f"the program ended: {d.server.returncode}")
    wait_for("the end of all calls", lambda: d.count("calls") == 0,
             LEAVES_MS / 1000)
    wait_for("all ports to be closed", lambda: not left_open(d))
    with Phone(d.sip) as p:
        tickets = len(d.tickets())
        if p.dial().status != 200:
            raise AssertionError("it takes no calls any more")
        p.quiet(400)
        p.speak(speech(800))
        p.hang_up()
        wait_for("the ticket of the call after",
                 lambda: len(d.tickets()) > tickets)


def main():
    messages = int(sys.argv[2]) if len(sys.argv) > 2 else 60000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    files = []
    for name in sys.argv[4:]:
        with open(name, "rb") as f:
            files.append(f.read())
    begun = time.monotonic()
    with PhoneDesk(f"phone.calls_max={CALLS_MAX}", "phone.hold_seconds=5") as d:
        d.start()
        attack(d, messages, seed, files)
        names = ("calls_total", "busy_total", "refused_total")
        counts = ", ".join(f"{n} {d.count(n)}" for n in names)
        d.stop()
    print(f"{messages} messages from seed {seed} in "
          f"{time.monotonic() - begun:.0f} s: {counts}; well")


if __name__ == "__main__":
    main()
