"""Calls by sipp: scenarios, and many callers at once."""
import itertools
import os
import random
import socket
import subprocess

SDP = """v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""


def request(method, headers=(), body="", caller="caller", cseq=1, to="",
            uri="[next_url]"):
    """A request of the caller; of the dialog, when there is `to`."""
    more = [*headers, *(["Content-Type: application/sdp"] if body else [])]
    return f"""<send{' retrans="500"' if method != "ACK" else ""}><![CDATA[
{method} {uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}[call_number]@[local_ip]>;tag=[pid]t[call_number]
To: <sip:support@[remote_ip]>{to}
Call-ID: [call_id]
CSeq: {cseq} {method}
Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
{"".join(h + chr(10) for h in more)}Content-Length: [len]

{body}]]></send>
"""


def inside(method, cseq, headers=(), body="", caller="caller"):
    return request(method, headers, body, caller, cseq, "[peer_tag_param]")


def response(status, *checks):
    """It is waited for, and has these headers: (name, regular expression)."""
    return f'<recv response="{status}" rrs="true">' + _check(checks) + "</recv>\n"


def asked(method, *checks, headers=(), body="", timeout_ms=60000):
    """The other side's request, and a 200 to it."""
    more = [*headers, *(["Content-Type: application/sdp"] if body else [])]
    return (f'<recv request="{method}" timeout="{timeout_ms}">' +
            _check(checks) + f"""</recv>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>
{"".join(h + chr(10) for h in more)}Content-Length: [len]

{body}]]></send>
""")


def _check(checks):
    if not checks:
        return ""
    return "<action>" + "".join(
        f'<ereg regexp="{wants}" search_in="hdr" header="{name}:" '
        'check_it="true" assign_to="found"/>' for name, wants in checks
    ) + "</action>"


def pause(ms):
    return f'<pause milliseconds="{ms}"/>\n'


def say(path):
    return f'<nop><action><exec rtp_stream="{path},1,0"/></action></nop>\n'


def note(path):
    """The time of day in seconds, into a file."""
    return ('<nop><action><exec command="date +%s.%N > '
            f'{path}"/></action></nop>\n')


def scenario(*steps, caller="caller", headers=(), status=200, answer=()):
    """Calls, and then these steps. `headers` of the INVITE, `answer` is what the
    response to it has."""
    return ("""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="a call">
""" + request("INVITE", headers, SDP, caller,
              uri="sip:support@[remote_ip]:[remote_port]") +
            '<recv response="100" optional="true"/>\n' +
            response(status, *answer) + inside("ACK", 1, caller=caller) +
            "".join(steps) +
            '<Reference variables="found"/>\n' * any(
                "<ereg" in x for x in (response(status, *answer), *steps)) +
            "</scenario>\n")


def speaks(folder, sound, caller="+7900", greeted_ms=500):
    """Waits `greeted_ms`, says the mu-law `sound` and is hung up on."""
    said = os.path.join(folder, f"said{caller}.ulaw")
    with open(said, "wb") as f:
        f.write(sound)
    return scenario(pause(greeted_ms), say(said), asked("BYE"), caller=caller)


PORTS = itertools.count(random.randrange(10000, 20000, 2), 2)


def free_port(address="127.0.0.1"):
    """Of UDP and TCP, the one after it as well (which baresip has for TLS).
    Below those that the system hands out, and never twice, for peers begin
    side by side."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    while True:
        port = next(PORTS)
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                for p in (port, port + 1):
                    with socket.socket(family, kind) as s:
                        s.bind((address, p))
            return port
        except OSError:
            pass


class Callers:
    """`calls` of them by a scenario, `at_once` at a time, `rate` new ones a
    second."""

    def __init__(self, folder, port, xml, calls=1, at_once=1, rate=1,
                 address="127.0.0.1"):
        path = os.path.join(folder, f"call{free_port(address)}.xml")
        with open(path, "w") as f:
            f.write(xml)
        there = f"[{address}]" if ":" in address else address
        self.process = subprocess.Popen(
            ["sipp", f"{there}:{port}", "-i", address, "-mi", address,
             "-p", str(free_port(address)), "-sf", path, "-m", str(calls),
             "-r", str(rate), "-l", str(at_once), "-nostdin"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace")

    def wait(self, seconds):
        """How many calls failed; what sipp printed."""
        try:
            out = self.process.communicate(timeout=seconds)[0]
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.communicate()
        failed = [l.split("|")[2] for l in out.splitlines()
                  if l.strip().startswith("Failed call")]
        return int(failed[-1]) if failed else -1, out
