"""Calls by telephones and through a system that others wrote: baresip, sipp
and Kamailio. What is not installed is left out and said."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
import wave

from desk import wait_for
from phone import speech
from test_phone import PhoneDesk, WORDS

MODULES = "/usr/lib/baresip/modules"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wants(*programs):
    absent = [p for p in programs if not shutil.which(p)]
    return unittest.skipIf(absent, "not installed: " + ", ".join(absent))


class Peer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="otklik-peer-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def desk(self, *settings, **more):
        d = PhoneDesk("phone.patience_seconds=10", "phone.silence_ms=1500",
                      *settings, **more)
        self.addCleanup(d.__exit__)
        return d.start()

    # ---- baresip

    def sound(self):
        """Time to be greeted, then Russian by a voice where there is one, else
        noise in syllables; then silence."""
        said = self.path("said.wav")
        raw = self.path("said.raw")
        if shutil.which("espeak-ng"):
            subprocess.run(["espeak-ng", "-v", "ru", "-w", said, WORDS],
                           check=True)
            with wave.open(said) as w:
                rate, pcm = w.getframerate(), w.readframes(w.getnframes())
        else:
            rate = 8000
            pcm = b"".join((1000 if b < 0x80 else -1000 if b != 0xff else 0)
                           .to_bytes(2, "little", signed=True)
                           for b in speech(3000))
        step = 8000 / rate  # the nearest sample does for a test
        n = int(len(pcm) // 2 * step)
        out = b"".join(pcm[int(i / step) * 2:int(i / step) * 2 + 2]
                       for i in range(n))
        path = self.path("phone.wav")
        with wave.open(path, "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(8000)
            w.writeframes(bytes(2 * 8000) + out + bytes(2 * 8000 * 10))
        return path

    def baresip(self, target, account="", codec="PCMU/8000/1", config=""):
        """A real telephone calls and speaks; milliseconds that it heard."""
        modules = "".join(f"module {m}.so\n" for m in (
            "g711", "aufile", "aubridge", "sndfile", "srtp"))
        self.write("config", f"""poll_method epoll
sip_listen 127.0.0.1:{free_port()}
audio_player aubridge,x
audio_source aufile,{self.sound()}
audio_alert aufile,/dev/null
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path {MODULES}
{modules}module_app account.so
module_app menu.so
snd_path {self.folder}
{config}
""")
        self.write("accounts", "<sip:+79161112233@127.0.0.1>;regint=0;"
                   f"audio_codecs={codec}{account}\n")
        self.write("contacts", "")
        p = subprocess.run(
            ["baresip", "-f", self.folder, "-e", f"/dial {target}", "-t", "13"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60)
        self.said = p.stdout + p.stderr
        heard = glob.glob(self.path("dump-*-dec.wav"))
        self.assertTrue(heard, self.said)
        with wave.open(heard[0]) as w:
            pcm = w.readframes(w.getnframes())
        loud = [pcm[i:i + 320] for i in range(0, len(pcm), 320)
                if max(pcm[i + 1:i + 320:2], key=lambda b: min(b, 255 - b))
                not in (0, 255)]
        return 20 * len(loud)

    def check_call(self, d, heard):
        t = d.done(1)
        self.assertEqual(t["subject"], WORDS)
        self.assertGreater(d.recording(t["id"]), 2500)
        self.assertGreaterEqual(heard, 400)  # the greeting and the number
        self.assertIn("session closed", self.said)  # our BYE arrived
        who = d.rows("SELECT value FROM identities WHERE person_id = ?",
                     t["person_id"])
        self.assertEqual(who, [{"value": "+79161112233"}])

    @wants("baresip")
    def test_baresip(self):
        d = self.desk()
        self.check_call(d, self.baresip(f"sip:support@127.0.0.1:{d.sip}"))

    @wants("baresip")
    def test_baresip_alaw_tcp(self):
        d = self.desk()
        self.check_call(d, self.baresip(
            f"sip:support@127.0.0.1:{d.sip};transport=tcp",
            codec="PCMA/8000/1"))

    @wants("baresip", "openssl")
    def test_baresip_tls_srtp(self):
        both = self.path("both.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             self.path("key.pem"), "-out", self.path("cert.pem"), "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        with open(both, "w") as f:
            for name in ("cert.pem", "key.pem"):
                with open(self.path(name)) as part:
                    f.write(part.read())
        port = free_port()
        d = self.desk(f"phone.tls_port={port}", f"phone.certificate={both}",
                      "phone.srtp=required")
        heard = self.baresip(
            f"sip:support@127.0.0.1:{port};transport=tls",
            ";transport=tls;mediaenc=srtp-mand",
            config=f"sip_cafile {self.path('cert.pem')}\n")
        self.check_call(d, heard)
        self.assertIn("AES_CM_128_HMAC_SHA1_80", self.said)

    @wants("baresip")
    def test_baresip_transfer(self):
        """Its own REFER: it calls whom we name, here another line of ours,
        says so, and is let go."""
        port = free_port()
        d = self.desk(f"phone.port={port}", script=f"""
lines:
  default:
    greeting_sound: tone.wav
    transfer: {{to: "sip:200@127.0.0.1:{port}", always: true}}
    transferring_sound: tone.wav
    consent: ""
  "200": {{greeting_sound: tone.wav, consent: "", ask: "", bye: "",
          filed_sound: number.wav}}
""")
        self.baresip(f"sip:support@127.0.0.1:{d.sip}")
        t = d.done(1)
        self.assertGreater(d.recording(t["id"]), 2000)
        self.assertEqual(d.count("calls_total"), 2)
        self.assertEqual(d.count("transferred_total"), 1)

    # ---- Kamailio

    KAMAILIO = """#!KAMAILIO
debug=0
log_stderror=yes
fork=no
children=1
listen=udp:127.0.0.1:{port}
auto_aliases=no
alias="pbx.test"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "siputils.so"
loadmodule "textops.so"
modparam("usrloc", "db_mode", 0)
request_route {{
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("pbx.test", "secret", "0")) {{
            www_challenge("pbx.test", "1");
            exit;
        }}
        save("location");
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("INVITE")) record_route();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"""

    def kamailio(self):
        port = free_port()
        config = self.write("kamailio.cfg", self.KAMAILIO.format(port=port))
        with open(self.path("kamailio.log"), "w") as log:
            p = subprocess.Popen(
                ["kamailio", "-f", config, "-DD", "-E", "-w", self.folder, "-Y",
                 self.folder, "-m", "16", "-M", "4"], stdout=log, stderr=log)

        def end():
            p.terminate()
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.addCleanup(end)
        return port

    def account(self, port, password):
        return ("accounts:\n"
                "  - address: sip:support@pbx.test\n"
                f"    server: sip:127.0.0.1:{port}\n"
                f"    password: {password}\n"
                "lines:\n  default: {greeting_sound: tone.wav, filed_sound: "
                "number.wav, again_sound: tone.wav}\n")

    @wants("kamailio", "baresip")
    def test_registered(self):
        """A call to the extension that we are, through proxy and registrar."""
        port = self.kamailio()
        d = self.desk(script=self.account(port, "secret"))
        wait_for("the registration", lambda: d.count("registered") == 1)
        self.check_call(d, self.baresip(
            f"sip:support@127.0.0.1:{port}"))

    @wants("kamailio")
    def test_wrong_password(self):
        port = self.kamailio()
        d = self.desk(script=self.account(port, "guessed"))
        wait_for("the refusal", lambda: d.count("unregistered_total"))
        self.assertEqual(d.count("registered"), 0)

    # ---- sipp

    SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="speaks and waits for BYE">
<send retrans="500"><![CDATA[
INVITE sip:support@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+7900[call_number]@[local_ip]>;tag=[pid]t[call_number]
To: <sip:support@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+7900[call_number]@[local_ip]>;tag=[pid]t[call_number]
To: <sip:support@[remote_ip]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause milliseconds="500"/>
<nop><action><exec rtp_stream="%s,1,0"/></action></nop>
<recv request="BYE" timeout="30000"/>
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

    @wants("sipp")
    def test_many(self):
        """As many at once as a small desk sees on a bad day: each a ticket,
        each recording whole."""
        calls = 40
        d = self.desk(f"phone.calls_max={calls}")
        ulaw = self.path("said.ulaw")
        with open(ulaw, "wb") as f:
            f.write(speech(3000))
        scenario = self.write("call.xml", self.SCENARIO % ulaw)
        p = subprocess.run(
            ["sipp", f"127.0.0.1:{d.sip}", "-i", "127.0.0.1", "-mi",
             "127.0.0.1", "-p", str(free_port()), "-sf", scenario, "-m",
             str(calls), "-r", "40", "-l", str(calls), "-nostdin"],
            cwd=self.folder, capture_output=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stdout[-2000:])
        d.done(calls)
        ids = [t["id"] for t in d.tickets()]
        self.assertEqual(len(ids), calls)
        short = [d.recording(i) for i in ids if d.recording(i) < 2980]
        self.assertEqual(short, [])


if __name__ == "__main__":
    unittest.main()
