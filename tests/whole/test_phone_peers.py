"""Calls by telephones and through a system that others wrote: baresip, sipp
and Kamailio. What is not installed is left out and said."""
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import wave

import side_by_side
from desk import wait_for
from phone import speech
from sipp import (Callers, SDP, asked, free_port, inside, pause, response,
                  say, scenario, speaks)
from test_phone import PhoneDesk, WORDS

MODULES = "/usr/lib/baresip/modules"


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


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

    def sound(self, to=8000, channels=1):
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
        step = to / rate  # the nearest sample does for a test
        n = int(len(pcm) // 2 * step)
        out = b"".join(pcm[int(i / step) * 2:int(i / step) * 2 + 2] * channels
                       for i in range(n))
        path = self.path("phone.wav")
        with wave.open(path, "wb") as w:
            w.setnchannels(channels)
            w.setsampwidth(2)
            w.setframerate(to)
            w.writeframes(bytes(2 * channels * to) + out +
                          bytes(2 * channels * to * 10))
        return path

    def baresip(self, target, account="", codec="PCMU/8000/1", config="",
                address="127.0.0.1", calls=1):
        """A real telephone calls and speaks; milliseconds that it heard. It
        has two calls when it is put through."""
        modules = "".join(f"module {m}.so\n" for m in (
            "g711", "g722", "opus", "aufile", "aubridge", "sndfile", "srtp"))
        rate, channels = map(int, codec.split("/")[1:])
        here = f"[{address}]" if ":" in address else address
        self.write("config", f"""poll_method epoll
sip_listen {here}:{free_port(address)}
audio_player aubridge,x
audio_source aufile,{self.sound(rate, channels)}
audio_alert aufile,/dev/null
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels {channels}
auplay_channels {channels}
module_path {MODULES}
{modules}module_app account.so
module_app menu.so
snd_path {self.folder}
{config}
""")
        self.write("accounts", f"<sip:+79161112233@{here}>;regint=0;"
                   f"audio_codecs={codec}{account}\n")
        self.write("contacts", "")
        self.said = self.until_closed(
            ["baresip", "-6" if ":" in address else "-4", "-f", self.folder,
             "-e", f"/dial {target}", "-t", "60"], calls)
        heard = glob.glob(self.path("dump-*-dec.wav"))
        self.assertTrue(heard, self.said)
        with wave.open(heard[0]) as w:
            pcm = w.readframes(w.getnframes())
            frame = w.getframerate() // 50 * w.getnchannels() * 2
        loud = [i for i in range(0, len(pcm), frame)
                if max(pcm[i + 1:i + frame:2], key=lambda b: min(b, 255 - b))
                not in (0, 255)]
        return 20 * len(loud)

    def until_closed(self, command, calls):
        """What the telephone prints until its calls are over."""
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = ""
        for line in p.stdout:  # it ends by itself after a minute
            said += line
            if said.count("session closed") == calls:
                p.terminate()
        p.stdout.close()
        p.wait()
        return said

    def check_call(self, d, heard):
        t = d.done(1)
        self.assertEqual(t["subject"], WORDS)
        self.assertGreater(d.recording(t["id"]), 2500)
        self.assertGreater(heard, 250)  # not the greeting (200 ms) alone
        self.assertIn("session closed", self.said)  # our BYE arrived
        who = d.rows("SELECT value FROM identities WHERE person_id = ?",
                     t["person_id"])
        self.assertEqual(who, [{"value": "+79161112233"}])

    def certificate(self):
        """Of this machine, with its key; the two parts lie beside it."""
        both = self.path("both.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
             self.path("key.pem"), "-out", self.path("cert.pem"), "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        with open(both, "w") as f:
            for name in ("cert.pem", "key.pem"):
                with open(self.path(name)) as part:
                    f.write(part.read())
        return both

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

    @wants("baresip")
    def test_baresip_ipv6(self):
        if not os.path.exists("/proc/net/if_inet6"):
            self.skipTest("this machine has no IPv6")
        d = self.desk("phone.address=::1")
        self.check_call(d, self.baresip(f"sip:support@[::1]:{d.sip}",
                                        address="::1"))

    def check_wide(self, name, codec):
        """In 16 kHz, where the program and the telephone have the codec."""
        d = self.desk()
        said = d.run("doctor", want=None, env={"OTKLIK_PHONE_ENABLED": "true"})
        if f"{name}, " not in said:
            self.skipTest("built without " + name)
        self.check_call(d, self.baresip(f"sip:support@127.0.0.1:{d.sip}",
                                        codec=codec))
        self.assertEqual(d.wave(1)[1], 16000)

    @wants("baresip")
    def test_baresip_opus(self):
        self.check_wide("opus", "opus/48000/2")

    @wants("baresip")
    def test_baresip_g722(self):
        self.check_wide("G722", "G722/16000/1")

    @wants("baresip", "openssl")
    def test_baresip_tls_srtp(self):
        both = self.certificate()
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
        self.baresip(f"sip:support@127.0.0.1:{d.sip}", calls=2)
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
listen=tcp:127.0.0.1:{port}
{tls}auto_aliases=no
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

    KAMAILIO_TLS = """enable_tls=yes
listen=tls:127.0.0.1:{port}
listen=tls:127.0.0.2:{port}
loadmodule "tls.so"
modparam("tls", "config", "{config}")
"""
    TLS = """[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
certificate = {folder}/cert.pem
private_key = {folder}/key.pem
[client:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
"""

    def kamailio(self, tls_port=None):
        port = free_port()
        tls = tls_port and self.KAMAILIO_TLS.format(
            port=tls_port, config=self.write(
                "tls.cfg", self.TLS.format(folder=self.folder)))
        config = self.write("kamailio.cfg", self.KAMAILIO.format(
            port=port, tls=tls or ""))
        with open(self.path("kamailio.log"), "w") as log:
            p = subprocess.Popen(
                ["kamailio", "-f", config, "-DD", "-E", "-w", self.folder, "-Y",
                 self.folder, "-m", "32", "-M", "8"], stdout=log, stderr=log,
                start_new_session=True)

        def end():
            p.terminate()
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(p.pid, signal.SIGKILL)  # its children do not always go
            except ProcessLookupError:
                pass
            p.wait()
        self.addCleanup(end)
        if tls_port:  # over UDP a desk asks again by itself while it starts
            wait_for("kamailio", lambda: listens(tls_port))
        return port

    def account(self, port, password, transport="udp", host="127.0.0.1"):
        return ("accounts:\n"
                "  - address: sip:support@pbx.test\n"
                f"    server: sip:{host}:{port};transport={transport}\n"
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

    @wants("kamailio", "baresip", "openssl")
    def test_registered_tls_srtp(self):
        """The same, and nothing of it can be read on the way."""
        if not glob.glob("/usr/lib/*/kamailio/modules/tls.so"):
            self.skipTest("not installed: kamailio-tls-modules")
        both, port = self.certificate(), free_port()
        self.kamailio(port)
        d = self.desk("phone.srtp=required", f"phone.certificate={both}",
                      f"phone.authorities={self.path('cert.pem')}",
                      script=self.account(port, "secret", "tls"))
        wait_for("the registration", lambda: d.count("registered") == 1)
        self.check_call(d, self.baresip(
            f"sip:support@127.0.0.1:{port};transport=tls",
            ";transport=tls;mediaenc=srtp-mand",
            config=f"sip_cafile {self.path('cert.pem')}\n"
                   f"sip_certificate {both}\n"))
        self.assertIn("AES_CM_128_HMAC_SHA1_80", self.said)

    @wants("kamailio", "openssl")
    def test_registrar_of_another(self):
        """A registrar whose certificate nobody vouches for gets no password."""
        if not glob.glob("/usr/lib/*/kamailio/modules/tls.so"):
            self.skipTest("not installed: kamailio-tls-modules")
        both, port = self.certificate(), free_port()
        self.kamailio(port)
        own = self.path("cert.pem")
        for name, authorities in (("127.0.0.1", None), ("127.0.0.2", own)):
            d = self.desk(f"phone.certificate={both}",
                          *([f"phone.authorities={authorities}"]
                            if authorities else []),
                          script=self.account(port, "secret", "tls", name))
            wait_for("the failure", lambda: d.count("unregistered_total"))
            self.assertEqual(d.count("registered"), 0)

    @wants("kamailio")
    def test_wrong_password(self):
        port = self.kamailio()
        d = self.desk(script=self.account(port, "guessed"))
        wait_for("the refusal", lambda: d.count("unregistered_total"))
        self.assertEqual(d.count("registered"), 0)

    # ---- sipp

    @wants("sipp")
    def test_many(self):
        """As many at once as a small desk sees on a bad day: each a ticket,
        each recording whole."""
        calls = 40
        # a sipp for every four: that of Ubuntu 24.04 (3.7.2) waits for up to
        # 10 ms at each stream and falls behind with more (SIPp issue 665)
        each = 4
        d = self.desk(f"phone.calls_max={calls}")
        # a greeting is late on a busy machine, and nothing is kept before it
        # ends
        xml = speaks(self.folder, speech(3000), greeted_ms=3000)
        callers = [Callers(self.folder, d.sip, xml, each, each, 40)
                   for _ in range(calls // each)]
        for c in callers:
            self.addCleanup(c.process.kill)
        for c in callers:
            failed, out = c.wait(60)
            self.assertEqual(failed, 0, out[-2000:])
        d.done(calls)
        ids = [t["id"] for t in d.tickets()]
        self.assertEqual(len(ids), calls)
        short = [d.recording(i) for i in ids if d.recording(i) < 2980]
        self.assertEqual(short, [])

    # ---- session timers (RFC 4028)

    TIMER = "Supported: timer"

    def timed(self, d, *steps, expires, answer, headers=(), seconds=60):
        """A call with a timer of its session, which sipp is content with."""
        failed, out = Callers(self.folder, d.sip, scenario(
            *steps, headers=[self.TIMER, f"Session-Expires: {expires}", *headers],
            answer=[("Session-Expires", answer)])).wait(seconds)
        self.assertEqual(failed, 0, out[-3000:])

    def speech(self, ms):
        path = self.path("timed.ulaw")
        with open(path, "wb") as f:
            f.write(speech(ms))
        return pause(1200) + say(path) + pause(ms)

    @wants("sipp")
    def test_timer_of_sipp(self):
        """It refreshes by both methods, for longer than an interval; a BYE before
        that would fail it. Then it does no more, is hung up on, and what was
        said is a ticket."""
        d = self.desk("phone.session_min_seconds=9", "phone.patience_seconds=60",
                      "phone.silence_ms=60000")
        more = [self.TIMER, "Session-Expires: 9;refresher=uac"]
        told = [("Session-Expires", "9;refresher=uac"), ("Require", "timer")]
        refreshes = "".join(
            pause(2200) + inside("UPDATE", n, more) + response(200, *told)
            for n in (2, 3))
        refreshes += (pause(2200) + inside("INVITE", 4, more, SDP) +
                      response(200, *told) + inside("ACK", 4))
        self.timed(d, self.speech(1000), refreshes,
                   asked("BYE", timeout_ms=20000), expires="9;refresher=uac",
                   answer="9;refresher=uac")
        self.assertGreater(d.recording(d.done(1)["id"]), 300)

    @wants("sipp")
    def test_timer_of_ours(self):
        """It leaves that to us: an UPDATE where it knows one, else an INVITE.
        It takes two, does not answer the third any more, and is hung up on."""
        d = self.desk("phone.session_min_seconds=6", "phone.patience_seconds=60",
                      "phone.silence_ms=60000")
        ours = [("Session-Expires", "6;refresher=uac"),
                ("Contact", "sip:.*@127.0.0.1")]
        timer = ["Require: timer", "Session-Expires: 6;refresher=uac"]
        by_update = asked("UPDATE", *ours, headers=timer)
        by_invite = (asked("INVITE", *ours, headers=timer, body=SDP) +
                     '<recv request="ACK"/>\n')
        for n, (allow, one) in enumerate((
                (["Allow: INVITE, ACK, BYE, CANCEL, UPDATE"], by_update),
                ([], by_invite)), 1):
            with self.subTest(allow=allow):
                left = f'<recv request="{"UPDATE" if allow else "INVITE"}"/>\n'
                self.timed(d, self.speech(1000), one * 2, left,
                           asked("BYE", timeout_ms=15000), headers=allow,
                           expires="6;refresher=uas", answer="6;refresher=uas")
                self.assertGreater(d.recording(d.done(n)["id"]), 300)

    @wants("sipp")
    def test_timer_too_small(self):
        """422 says what is long enough; with that the call is taken."""
        d = self.desk("phone.session_min_seconds=100")
        failed, out = Callers(self.folder, d.sip, scenario(
            headers=[self.TIMER, "Session-Expires: 99"], status=422,
            answer=[("Min-SE", "100")])).wait(20)
        self.assertEqual(failed, 0, out[-3000:])
        self.timed(d, inside("BYE", 2) + response(200), expires="100",
                   headers=["Min-SE: 100"], answer="100;refresher=uac")


if __name__ == "__main__":
    side_by_side.main([Peer])
