"""Many callers at once: sipp, each of whom says the same sound."""
import itertools
import os
import random
import socket
import subprocess

SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="speaks and waits for BYE">
<send retrans="500"><![CDATA[
INVITE sip:support@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}[call_number]@[local_ip]>;tag=[pid]t[call_number]
To: <sip:support@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}[call_number]@[local_ip]>;tag=[pid]t[call_number]
To: <sip:support@[remote_ip]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause milliseconds="{greeted_ms}"/>
<nop><action><exec rtp_stream="{sound},1,0"/></action></nop>
<recv request="BYE" timeout="60000"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"""


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
    """`calls` of them, `at_once` at a time, `rate` new ones a second; each
    waits `greeted_ms`, says the mu-law `sound` and is hung up on. Their numbers
    begin with `caller`."""

    def __init__(self, folder, port, sound, calls, at_once, rate,
                 caller="+7900", greeted_ms=500, address="127.0.0.1"):
        said = os.path.join(folder, f"said{caller}.ulaw")
        scenario = os.path.join(folder, f"call{caller}.xml")
        with open(said, "wb") as f:
            f.write(sound)
        with open(scenario, "w") as f:
            f.write(SCENARIO.format(caller=caller, greeted_ms=greeted_ms,
                                    sound=said))
        there = f"[{address}]" if ":" in address else address
        self.process = subprocess.Popen(
            ["sipp", f"{there}:{port}", "-i", address, "-mi", address,
             "-p", str(free_port(address)), "-sf", scenario, "-m", str(calls),
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
