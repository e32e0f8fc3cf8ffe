"""A telephone in a few lines: SIP and G.711 over UDP, as much as tests need."""
import random
import socket
import struct
import time

FRAME = 160  # samples: 20 ms
SILENCE = b"\xff" * FRAME


def speech(ms, seed=1):
    """Something that counts as speech, in mu-law: noise in syllables."""
    r = random.Random(seed)
    out = bytearray()
    for i in range(ms * 8):
        loud = i // 1600 % 2 == 0
        out.append(r.choice((0x10, 0x90, 0x1f, 0x9f, 0x30, 0xb0)) if loud
                   else 0xff)
    return bytes(out)


class Message:
    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.first = lines[0]
        self.headers = [tuple(x.strip() for x in l.split(":", 1))
                        for l in lines[1:] if ":" in l]

    @property
    def status(self):
        return int(self.first.split()[1]) if self.first.startswith("SIP/") else 0

    @property
    def method(self):
        return "" if self.status else self.first.split()[0]

    def get(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()),
                    None)

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]


class Phone:
    """One caller with one call at a time."""

    def __init__(self, port, caller="+79001234567", name="Пётр", address="127.0.0.1"):
        self.server = (address, port)
        is_v6 = ":" in address
        self.host = f"[{address}]" if is_v6 else address
        self.family = f"IP{6 if is_v6 else 4}"
        family = socket.AF_INET6 if is_v6 else socket.AF_INET
        self.sip = socket.socket(family, socket.SOCK_DGRAM)
        self.sip.bind((address, 0))
        self.rtp = socket.socket(family, socket.SOCK_DGRAM)
        self.rtp.bind((address, 0))
        self.own = f"{self.host}:{self.sip.getsockname()[1]}"
        self.caller, self.name = caller, name
        self.heard = []  # (payload type, payload)
        self.pending = []
        self.new_call()

    def new_call(self):
        self.call_id = "%x" % random.getrandbits(64)
        self.tag = "%x" % random.getrandbits(32)
        self.to_tag, self.target, self.cseq, self.remote = "", None, 0, None
        self.seq, self.ticks = random.getrandbits(16), random.getrandbits(32)
        self.ssrc = random.getrandbits(32)
        self.heard = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sip.close()
        self.rtp.close()

    # ---- SIP

    def send(self, method, body="", headers=(), cseq=None, number="support",
             kind="application/sdp", branch=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        target = self.target or f"sip:{number}@{self.host}:{self.server[1]}"
        self.branch = branch or "z9hG4bK%x" % random.getrandbits(60)
        body = body.encode()
        lines = [
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.own};rport;branch={self.branch}",
            f"From: \"{self.name}\" <sip:{self.caller}@{self.own}>;tag={self.tag}",
            f"To: <sip:{number}@{self.host}>" +
            (f";tag={self.to_tag}" if self.to_tag else ""),
            f"Call-ID: {self.call_id}", f"CSeq: {cseq} {method}",
            f"Contact: <sip:{self.caller}@{self.own}>", "Max-Forwards: 70",
            *headers, *([f"Content-Type: {kind}"] if body else []),
            f"Content-Length: {len(body)}", "", ""]
        self.sip.sendto("\r\n".join(lines).encode() + body, self.server)

    def reply(self, m, status, reason, body="", headers=()):
        lines = [f"SIP/2.0 {status} {reason}",
                 *(f"Via: {v}" for v in m.all("Via")),
                 *(f"{k}: {m.get(k)}" for k in ("From", "To", "Call-ID", "CSeq")),
                 *headers, *(["Content-Type: application/sdp"] if body else []),
                 f"Content-Length: {len(body)}", "", body]
        self.sip.sendto("\r\n".join(lines).encode(), self.server)

    def wait(self, want, seconds=20):
        """The next message that `want` likes; keeps the others."""
        end = time.monotonic() + seconds
        while True:
            for m in self.pending:
                if want(m):
                    self.pending.remove(m)
                    return m
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.sip.settimeout(left)
            try:
                self.pending.append(Message(self.sip.recv(65536)))
            except socket.timeout:
                return None

    def answer(self, method, seconds=20):
        return self.wait(lambda m: m.status >= 200 and
                         m.get("CSeq").split()[1] == method, seconds)

    def sdp(self, direction="sendrecv", codecs="0 8 101", more=()):
        host, port = self.rtp.getsockname()[:2]
        return "\r\n".join([
            "v=0", f"o=- 1 {self.cseq + 1} IN {self.family} {host}", "s=-",
            f"c=IN {self.family} {host}", "t=0 0", f"m=audio {port} RTP/AVP {codecs}",
            "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:101 telephone-event/8000", f"a={direction}", *more, ""])

    def ack(self, number="support"):
        self.send("ACK", cseq=self.cseq, number=number)

    def take(self, m):
        """What a 2xx to an INVITE says about the other side."""
        self.to_tag = m.get("To").rpartition("tag=")[2]
        self.target = m.get("Contact").partition("<")[2].partition(">")[0]
        for line in m.body.decode().splitlines():
            if line.startswith("m=audio"):
                self.remote = (self.server[0], int(line.split()[1]))

    def dial(self, number="support", **sdp):
        """Calls; the final answer."""
        self.send("INVITE", self.sdp(**sdp), number=number)
        m = self.answer("INVITE")
        if m and m.status == 200:
            self.take(m)
        if m:
            self.ack(number)
        return m

    def hang_up(self):
        self.send("BYE")
        return self.answer("BYE")

    def wait_bye(self, seconds=20):
        m = self.wait(lambda m: m.method == "BYE", seconds)
        if m:
            self.reply(m, 200, "OK")
        return m

    # ---- RTP

    def packet(self, payload, kind=0, ticks=None, marker=False, seq=None):
        if seq is None:
            self.seq = (self.seq + 1) & 0xffff
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if marker else 0),
                           self.seq if seq is None else seq,
                           (self.ticks if ticks is None else ticks)
                           & 0xffffffff, self.ssrc)
        return head + payload

    def hear(self):
        self.rtp.setblocking(False)
        try:
            while True:
                p = self.rtp.recv(2048)
                self.heard.append((p[1] & 127, p[12:]))
        except BlockingIOError:
            pass

    def speak(self, ulaw, until=None):
        """In real time; also hears. `until()`: ends earlier."""
        begun = time.monotonic()
        for i in range(0, len(ulaw), FRAME):
            self.rtp.sendto(self.packet(ulaw[i:i + FRAME]), self.remote)
            self.ticks += FRAME
            self.hear()
            due = begun + (i + FRAME) / 8000
            time.sleep(max(0, due - time.monotonic()))
            if until and until():
                return

    def quiet(self, ms):
        self.speak(SILENCE * (ms // 20))

    def press(self, key):
        """RFC 4733: begins, goes on, and is said three times to be over."""
        event = "0123456789*#".index(key)
        start = self.ticks
        for n in (1, 2, 3, 3, 3):
            over = n == 3
            self.rtp.sendto(
                self.packet(struct.pack("!BBH", event, 0x8a if over else 10,
                                        n * FRAME), 101, start, n == 1),
                self.remote)
        self.ticks += 3 * FRAME

    def spoke(self):
        """Milliseconds that were heard and are no silence, either law."""
        self.hear()
        return 20 * sum(1 for k, p in self.heard
                        if k in (0, 8) and len(set(p)) > 1)
