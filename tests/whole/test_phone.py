"""Calls to the real program: by a small telephone of our own, and, where they
are installed, by sipp, baresip and through Kamailio."""
import glob
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time
import unittest
import wave
from contextlib import closing

import side_by_side
from desk import Desk, wait_for
from hearer import Hearer
from phone import FRAME, Phone, speech
from torture import REQUESTS, message

PROGRAM = os.environ["OTKLIK"]
WORDS = "Не печатает принтер на третьем этаже, горит красная лампа"



def tone(path, ms=200):
    """An owner's sound: a square wave."""
    with wave.open(path, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", 8000 if i // 8 % 2 else -8000)
                               for i in range(8 * ms)))


SCRIPT = """
lines:
  default:
    greeting_sound: tone.wav
    again_sound: tone.wav
    filed_sound: number.wav
    later_sound: tone.wav
    nothing_sound: tone.wav
    consent: ""
    ask: ""
    due: ""
    bye: ""
"""

# A voice that writes down what it is to say: its words are seconds of nothing.
VOICE = """#!/bin/sh
{ printf '%s ' "$2"; cat; echo; } >> "$(dirname "$0")/spoken.txt"
cat "$(dirname "$0")/word.wav"
"""


class PhoneDesk(Desk):
    def __init__(self, *settings, script=SCRIPT):
        super().__init__(PROGRAM, "phone.enabled=true",
                         "phone.address=127.0.0.1", "phone.port=0",
                         "phone.silence_ms=600", "phone.patience_seconds=2",
                         "phone.rtp_from=21000", "phone.rtp_to=21999",
                         "phone.calls_per_minute=100000",
                         "speech.recogniser=memory",
                         f"speech.memory_text={WORDS}", "speech.synthesiser=",
                         *settings)
        tone(os.path.join(self.folder, "tone.wav"))
        tone(os.path.join(self.folder, "number.wav"), 300)
        with open(os.path.join(self.folder, "phone.yaml"), "w") as f:
            f.write(script)

    def give_voice(self):
        """What is spoken is in spoken(), and sounds like a short tone."""
        path = os.path.join(self.folder, "voice.sh")
        with open(path, "w") as f:
            f.write(VOICE)
        os.chmod(path, 0o755)
        tone(os.path.join(self.folder, "word.wav"), 60)
        return self.start(f"speech.synthesiser={path}")

    def spoken(self):
        with open(os.path.join(self.folder, "spoken.txt")) as f:
            return f.read().splitlines()

    def start(self, *more):
        super().start(*more)
        line = self.server.stdout.readline()
        assert "sip:" in line, line
        self.sip = int(line.rsplit(":", 1)[1])
        return self

    def rows(self, sql, *values):
        with closing(sqlite3.connect(f"{self.folder}/otklik.db")) as db:
            db.row_factory = sqlite3.Row
            return [dict(r) for r in db.execute(sql, values)]

    def tickets(self):
        return self.rows("SELECT t.*, i.stage FROM tickets t JOIN inbox i ON "
                         "i.ticket_id = t.id WHERE t.channel = 'phone' ORDER "
                         "BY t.id")

    def done(self, n):
        """The n-th ticket of a call, when it is finished."""
        def look():
            t = self.tickets()
            return len(t) >= n and t[n - 1]["stage"] == "ticket" and t[n - 1]
        return wait_for(f"ticket {n} of a call", look)

    def wave(self, ticket):
        """The ticket's file: how long it is, in milliseconds, and its rate."""
        r = self.rows("SELECT hash FROM attachments WHERE ticket_id = ?", ticket)
        h = r[0]["hash"]
        with wave.open(f"{self.folder}/files/{h[:2]}/{h}") as w:
            return w.getnframes() * 1000 // w.getframerate(), w.getframerate()

    def recording(self, ticket):
        return self.wave(ticket)[0]

    def notes(self, ticket):
        return [r["body"] for r in self.rows(
            "SELECT body FROM messages WHERE ticket_id = ? AND kind = 'note' "
            "ORDER BY id", ticket)]

    def keeps_nothing(self):
        """What is filed, or was nothing, is soon removed."""
        wait_for("recordings to go", lambda: not glob.glob(
            f"{self.folder}/calls/*"))

    def count(self, name):
        text = self.client().raw("GET", "/metrics").bytes.decode()
        at = f"otklik_phone_{name} "
        return next(int(l[len(at):]) for l in text.splitlines()
                    if l.startswith(at))


class SharedDesk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.desk = PhoneDesk().start()
        cls.addClassCleanup(cls.desk.__exit__)

    def setUp(self):
        self.before = len(self.desk.tickets())
        self.phone = Phone(self.desk.sip)
        self.addCleanup(self.phone.__exit__)

    def greeted(self):
        """The greeting was heard to its end."""
        self.phone.speak(b"\xff" * FRAME * 40,
                         until=lambda: self.phone.spoke() >= 200)
        self.assertGreaterEqual(self.phone.spoke(), 200)
        self.phone.quiet(60)

    def dial(self, **more):
        m = self.phone.dial(**more)
        self.assertEqual(m.status, 200, m.first)
        self.greeted()

    def ticket(self):
        return self.desk.done(self.before + 1)


class PhoneEndsTest(SharedDesk):
    """How a call goes, and ends."""

    def test_silence_ends(self):
        """Greeted, recorded, a ticket with words, its number read back."""
        self.dial()
        self.phone.speak(speech(1400))
        heard = self.phone.spoke()
        self.phone.speak(b"\xff" * FRAME * 200, until=lambda: any(
            m.method == "BYE" for m in self.phone.pending) or
            self.phone.spoke() - heard >= 300)
        self.assertIsNotNone(self.phone.wait_bye())
        self.assertGreaterEqual(self.phone.spoke() - heard, 280)
        t = self.ticket()
        self.assertEqual(t["subject"], WORDS)
        self.assertTrue(t["topic_id"] and t["assignee_id"])
        self.assertAlmostEqual(self.desk.recording(t["id"]), 2060, delta=300)
        who = self.desk.rows("SELECT kind, value FROM identities WHERE "
                             "person_id = ?", t["person_id"])
        self.assertEqual(who, [{"kind": "phone", "value": "+79001234567"}])
        self.desk.keeps_nothing()

    def test_hash_ends(self):
        self.dial()
        self.phone.speak(speech(700))
        self.phone.press("#")
        self.assertIsNotNone(self.phone.wait_bye())
        self.assertEqual(self.ticket()["subject"], WORDS)

    def test_info_key_ends(self):
        self.dial()
        self.phone.speak(speech(700))
        self.phone.quiet(500)  # a message may overtake the sound
        self.phone.send("INFO", "Signal=#\r\nDuration=160\r\n",
                        kind="application/dtmf-relay")
        self.assertEqual(self.phone.answer("INFO").status, 200)
        self.assertIsNotNone(self.phone.wait_bye())
        self.assertTrue(self.ticket())

    def test_hang_up_ends(self):
        self.dial()
        self.phone.speak(speech(700))
        self.assertEqual(self.phone.hang_up().status, 200)
        self.assertEqual(self.ticket()["subject"], WORDS)

    def test_alaw(self):
        self.dial(codecs="8 101")
        self.assertTrue(all(k == 8 for k, _ in self.phone.heard))
        self.assertEqual(self.phone.hang_up().status, 200)

    def test_nothing_said(self):
        """Asked once more, then good-bye; no ticket, no recording."""
        silent = self.desk.count("silent_total")
        self.dial()
        self.assertIsNotNone(self.phone.wait_bye(15))
        self.assertGreaterEqual(self.phone.spoke(), 560)  # three texts
        wait_for("a silent call",
                 lambda: self.desk.count("silent_total") > silent)
        self.assertEqual(len(self.desk.tickets()), self.before)
        self.desk.keeps_nothing()

    def test_words_and_no_packets(self):
        """A telephone that stops sending is silent by the clock."""
        self.dial()
        self.phone.speak(speech(700))
        self.assertIsNotNone(self.phone.wait_bye())
        self.assertTrue(self.ticket())

    def test_hold(self):
        """On hold the clock of silence stands still, nothing is sent."""
        self.dial()
        self.phone.speak(speech(700))
        self.phone.send("INVITE", self.phone.sdp("sendonly"))
        m = self.phone.answer("INVITE")
        self.assertEqual(m.status, 200)
        self.assertIn(b"a=recvonly", m.body)
        self.phone.ack()
        time.sleep(1.5)  # longer than the silence that ends a call
        self.assertEqual(self.desk.count("calls"), 1)
        self.phone.send("INVITE", self.phone.sdp())
        self.assertEqual(self.phone.answer("INVITE").status, 200)
        self.phone.ack()
        self.phone.speak(speech(400))
        self.assertIsNotNone(self.phone.wait_bye())
        self.assertTrue(self.ticket())

    def test_hidden_number(self):
        with Phone(self.desk.sip, "anonymous", "Anonymous") as p:
            self.assertEqual(p.dial().status, 200)
            p.speak(b"\xff" * FRAME * 20)
            p.speak(speech(700))
            p.hang_up()
        self.assertIsNone(self.ticket()["person_id"])


class PhoneSignalsTest(SharedDesk):
    """What comes, and what of it is refused."""

    def test_packets_out_of_order(self):
        self.dial()
        ulaw = speech(1000)
        frames = [ulaw[i:i + FRAME] for i in range(0, len(ulaw), FRAME)]
        start = self.phone.ticks
        order = list(range(len(frames)))
        for i in range(0, len(order) - 4, 5):
            order[i], order[i + 2] = order[i + 2], order[i]
        for i in order + [3, 4, 5]:  # and some twice
            self.phone.rtp.sendto(self.phone.packet(
                frames[i], ticks=start + i * FRAME), self.phone.remote)
            time.sleep(0.02)
        self.phone.hang_up()
        t = self.ticket()
        self.assertAlmostEqual(self.desk.recording(t["id"]), 1060, delta=120)

    def test_strangers_are_not_heard(self):
        self.dial()
        strangers = self.desk.count("strangers_total")
        with Phone(self.desk.sip) as other:
            other.remote = self.phone.remote
            for _ in range(20):
                other.rtp.sendto(other.packet(speech(20)), other.remote)
                self.phone.quiet(20)
        wait_for("strangers", lambda: self.desk.count("strangers_total") >=
                 strangers + 20)
        self.phone.hang_up()

    def test_options(self):
        self.phone.send("OPTIONS")
        m = self.phone.answer("OPTIONS")
        self.assertEqual(m.status, 200)
        for method in ("INVITE", "UPDATE", "NOTIFY"):
            self.assertIn(method, m.get("Allow"))

    def test_refusals(self):
        rows = [
            ("INVITE", {"body": "hello", "kind": "text/plain"}, 415),
            ("INVITE", {"body": self.phone.sdp(),
                        "headers": ["Require: 100rel"]}, 420),
            ("INVITE", {"body": self.phone.sdp(codecs="18")}, 488),
            ("INVITE", {"body": "v=0\r\nnonsense"}, 400),
            ("SUBSCRIBE", {}, 405), ("MESSAGE", {"body": "x"}, 405),
            ("BYE", {}, 481), ("FOO", {}, 405),
        ]
        for method, more, want in rows:
            with self.subTest(method=method, want=want):
                self.phone.new_call()
                self.phone.send(method, **more)
                m = self.phone.answer(method)
                self.assertEqual(m.status, want, m.first)
                if method == "INVITE":
                    self.phone.to_tag = m.get("To").rpartition("tag=")[2]
                    self.phone.send("ACK", cseq=self.phone.cseq,
                                    branch=self.phone.branch)

    def test_torture(self):
        """RFC 4475: what is whole is handled, what is not is refused."""
        for i, (name, more, want) in enumerate(REQUESTS):
            with self.subTest(name):
                with Phone(self.desk.sip) as p:
                    p.sip.sendto(message(p.own, i, **more), p.server)
                    m = p.wait(lambda m: m.status >= 200,
                               10 if want else 0.5)
                    self.assertEqual(m and m.status, want)
                    if want == 200:
                        self.end(p, m)

    def end(self, p, m):
        """ACK and BYE as the answer has it."""
        for method, n in (("ACK", 1), ("BYE", 2)):
            p.sip.sendto("\r\n".join([
                f"{method} {m.get('Contact').strip('<>')} SIP/2.0",
                f"Via: SIP/2.0/UDP {p.own};rport;branch=z9hG4bK{method}{p.tag}",
                f"From: {m.get('From')}", f"To: {m.get('To')}",
                f"Call-ID: {m.get('Call-ID')}",
                f"CSeq: {int(m.get('CSeq').split()[0]) + n - 1} {method}",
                "Max-Forwards: 70", "Content-Length: 0", "", ""]).encode(),
                p.server)
        self.assertEqual(p.answer("BYE").status, 200)

    def test_offer_later(self):
        """An INVITE without SDP: ours is the offer."""
        self.phone.send("INVITE")
        m = self.phone.answer("INVITE")
        self.assertEqual(m.status, 200)
        self.assertIn(b"PCMA/8000", m.body)
        self.phone.take(m)
        self.phone.send("ACK", self.phone.sdp(), cseq=self.phone.cseq)
        self.greeted()
        self.phone.speak(speech(700))
        self.phone.hang_up()
        self.assertTrue(self.ticket())

    def test_voice_message(self):
        """A file of sound that is uploaded gets its words as a note."""
        path = os.path.join(self.desk.folder, "said.wav")
        with wave.open(path, "wb") as w:
            w.setparams((1, 2, 8000, 0, "NONE", ""))
            w.writeframes(b"".join(
                (4000 if b < 0x80 else -4000 if b != 0xff else 0)
                .to_bytes(2, "little", signed=True) for b in speech(2000)))
        files = [("said.wav", path)]
        if shutil.which("ffmpeg") and os.path.exists(
                os.path.join(os.path.dirname(PROGRAM), "otklik-decode")):
            ogg = os.path.join(self.desk.folder, "said.ogg")
            subprocess.run(["ffmpeg", "-loglevel", "error", "-i", path, "-c:a",
                            "libopus", ogg], check=True)
            files.append(("said.ogg", ogg))
        anna = self.desk.client("anna")
        for name, path in files:
            r = anna.post("/tickets", {"text": "Смотрите файл"}, 201).json
            with open(path, "rb") as f:
                anna.upload(f"/tickets/{r['id']}/attachments", name, f.read(),
                            "audio/ogg")
            wait_for("a note", lambda: self.desk.rows(
                "SELECT 1 FROM messages WHERE ticket_id = ? AND kind = 'note' "
                "AND body = ?", r["id"], f"{name}: {WORDS}"))


class PhoneTalksTest(unittest.TestCase):
    """What is said, by a voice that writes it down. Each test has its number."""

    SCRIPT = """
lines:
  "201": {languages: [ru, en], ask: "", consent: {en: Recorded.}}
  "203": {ask: ""}
  "204": {ask: "", greet_by_name: false}
  "205":
    language: en
    ask: ""
    consent: ""
    questions:
      - {field: Добавочный, text: "Какой?", kind: digits, digits: 4}
      - {field: Имя, text: "Как вас зовут?"}
  "206": {consent: "", ask: "", transfer: {to: "sip:100@pbx.test", key: "0"}}
  "207": {consent: "", ask: "", transfer: {to: "sip:1@b.test", key: "0",
          schedule: Nowhere}}
  "208": {consent: "", ask: ""}
"""

    @classmethod
    def setUpClass(cls):
        cls.desk = PhoneDesk(script=cls.SCRIPT).give_voice()
        cls.addClassCleanup(cls.desk.__exit__)

    def setUp(self):
        self.before = len(self.desk.tickets())
        self.spoken = len(self.desk.spoken())

    def said(self):
        """What was spoken since the test began."""
        return self.desk.spoken()[self.spoken:]

    def dial(self, number, caller="+79001234567", desk=None):
        p = Phone((desk or self.desk).sip, caller, "")
        self.addCleanup(p.__exit__)
        self.assertEqual(p.dial(number).status, 200)
        return p

    def hear(self, p, ms):
        """So much was said since the call began: 60 ms a text."""
        p.speak(b"\xff" * FRAME * 500, until=lambda: p.spoke() >= ms)
        self.assertGreaterEqual(p.spoke(), ms)

    def tell(self, p, ms=700):
        """The caller speaks and ends."""
        p.quiet(60)
        p.speak(speech(ms))
        p.press("#")

    def ticket(self, p):
        """The desk ends the call; its ticket when it is finished."""
        self.assertIsNotNone(p.wait_bye())
        return self.desk.done(self.before + 1)

    def heard_in(self, ticket):
        """The language of its transcript."""
        return self.desk.rows(
            "SELECT t.language FROM transcripts t JOIN attachments a ON a.id = "
            "t.attachment_id WHERE a.ticket_id = ?", ticket)[0]["language"]

    def test_language(self):
        """The caller chooses by key; all that follows is in that language."""
        self.assertIn("ru Для русского языка нажмите 1.", self.desk.spoken())
        self.assertIn("en For English, press 2.", self.desk.spoken())
        self.assertIn("en Recorded.", self.desk.spoken())
        p = self.dial("201")
        self.hear(p, 120)
        p.press("2")
        self.hear(p, 240)  # greeting, consent
        self.tell(p)
        t = self.ticket(p)
        self.assertIn("en Thank you. Your request is on the desk. Its number "
                      f"is {t['id']}. Again: {t['id']}.", self.said())
        self.assertRegex("\n".join(self.desk.spoken()),  # perhaps kept
                         r"\nen We will answer "
                         r"(today|tomorrow|on \w+( \d+)?) by .+\.(\n|$)")
        self.assertEqual(self.heard_in(t["id"]), "en")  # as it was told

    def test_name_and_incident(self):
        """What is out of order comes first; who has a name is greeted by it."""
        admin = self.desk.client("admin")
        admin.post("/people", {
            "name": "Мария Ивановна",
            "identities": [{"kind": "phone", "value": "+7 900 765-43-21"}]}, 201)
        admin.patch("/settings", {"phone.incident_ru": "Почта не работает."})
        p = self.dial("203", "+79007654321")
        self.hear(p, 180)  # incident, greeting, consent
        p.hang_up()
        self.assertEqual(self.said(), [
            "ru Почта не работает.", "ru Здравствуйте, Мария Ивановна. Вы "
            "позвонили в службу поддержки."])
        admin.patch("/settings", {"phone.incident_ru": ""})
        for number, caller in (("204", "+79007654321"), ("203", "+7123")):
            p = self.dial(number, caller)
            self.hear(p, 120)
            p.hang_up()
        self.assertEqual(len(self.said()), 2)

    # ---- questions

    def test_questions(self):
        """Asked after the problem was told; the answers are notes."""
        p = self.dial("205")
        self.hear(p, 60)
        self.tell(p)
        self.hear(p, 120)
        for key in "12#":
            p.press(key)
            p.quiet(60)
        self.hear(p, 180)
        self.tell(p)
        t = self.ticket(p)
        self.assertEqual(t["subject"], WORDS)
        self.assertEqual(self.desk.notes(t["id"]),
                         ["Добавочный: 12", f"Имя: {WORDS}"])
        # nobody said that the caller speaks as the line does
        self.assertEqual(self.heard_in(t["id"]), "ru")
        self.desk.keeps_nothing()

    # ---- a person

    def refer(self, p, status=202):
        """Our side of a transfer, which the desk asks for."""
        self.hear(p, 120)  # greeting, the key
        p.press("0")
        m = p.wait(lambda m: m.method == "REFER")
        self.assertEqual(m.get("Refer-To"), "<sip:100@pbx.test>")
        p.reply(m, status, "Accepted" if status < 300 else "Forbidden")

    def notify(self, p, sipfrag, state="terminated;reason=noresource"):
        p.send("NOTIFY", sipfrag + "\r\n", kind="message/sipfrag;version=2.0",
               headers=["Event: refer", f"Subscription-State: {state}"])
        self.assertEqual(p.answer("NOTIFY").status, 200)

    def test_transfer(self):
        """A key reaches a person, while the caller is put on hold and shows
        life; our part of the call ends."""
        self.assertIn("ru Чтобы поговорить с сотрудником, нажмите 0.",
                      self.desk.spoken())
        done = self.desk.count("transferred_total")
        silent = self.desk.count("silent_total")
        p = self.dial("206")
        self.refer(p)
        self.notify(p, "SIP/2.0 100 Trying", "active;expires=60")
        p.send("UPDATE", p.sdp("sendonly"),
               ["Supported: timer", "Session-Expires: 90;refresher=uac"])
        m = p.answer("UPDATE")
        self.assertEqual((m.status, m.get("Session-Expires")),
                         (200, "90;refresher=uac"))
        self.assertIn(b"a=recvonly", m.body)
        self.notify(p, "SIP/2.0 200 OK")
        self.assertIsNotNone(p.wait_bye())
        self.assertEqual(len(self.desk.tickets()), self.before)
        self.assertEqual(self.desk.count("transferred_total"), done + 1)
        self.assertEqual(self.desk.count("silent_total"), silent)

    def test_transfer_fails(self):
        """Nobody answers, or it is refused: the caller can say what happened."""
        failed = self.desk.count("untransferred_total")
        for status in (202, 603):
            p = self.dial("206")
            self.refer(p, status)
            if status == 202:
                self.notify(p, "SIP/2.0 486 Busy Here")
            self.hear(p, 240)  # putting through, nobody can answer
            self.tell(p)
            self.assertIsNotNone(p.wait_bye())
        self.desk.done(self.before + 2)
        self.assertEqual(self.desk.count("untransferred_total"), failed + 2)

    def test_no_transfer(self):
        """Nobody is there at this hour, or never: a schedule that is none."""
        said = self.desk.run("doctor", want=None,
                             env={"OTKLIK_PHONE_ENABLED": "true",
                                  "OTKLIK_SPEECH_SYNTHESISER": ""})
        self.assertIn("the desk has no schedule 'Nowhere'", said)
        p = self.dial("207")
        self.hear(p, 120)  # greeting, nobody is here
        p.press("0")
        self.tell(p)
        self.assertTrue(self.ticket(p))

    # ---- an answer

    def test_answer(self):
        """To what there is an article: 1 closes it, 2 makes a ticket."""
        asked = "Почему в письме крокозябры?"
        d = PhoneDesk("phone.answer_seconds=20", f"speech.memory_text={asked}",
                      script=self.SCRIPT)
        self.addCleanup(d.__exit__)
        d.give_voice()
        d.client("anna").post("/knowledge/articles", {
            "key": "krok", "language": "ru", "title": "Крокозябры в почте",
            "questions": asked,
            "answer": "# Почта\n\nСмените **кодировку** на UTF-8."}, 201)
        for key, tickets in (("1", 0), ("2", 1)):
            p = self.dial("208", desk=d)
            self.hear(p, 60)
            self.tell(p)
            self.hear(p, 240)  # one moment, the answer, did it help?
            self.assertIn("ru Почта. Смените кодировку на UTF-8.", d.spoken())
            p.press(key)
            self.assertIsNotNone(p.wait_bye())
            self.assertEqual(len(d.tickets()), tickets)
        self.assertEqual(d.done(1)["subject"], asked)
        self.assertEqual(d.rows(
            "SELECT i.text, i.stage, f.value FROM inbox i JOIN feedback f ON "
            "f.inbox_id = i.id"),
            [{"text": asked, "stage": "answered", "value": 1}])
        self.assertEqual(d.count("answered_total"), 1)
        d.keeps_nothing()


class PhoneWordsTest(unittest.TestCase):
    """What the recogniser is told and given, by one that writes it down."""

    def desk(self, text, *settings, script=SCRIPT):
        self.hearer = Hearer(text)
        self.addCleanup(self.hearer.__exit__)
        d = PhoneDesk(*settings, *self.hearer.settings(), script=script)
        self.addCleanup(d.__exit__)
        return d

    def call(self, d, number="support", ms=1000):
        p = Phone(d.sip)
        self.addCleanup(p.__exit__)
        self.assertEqual(p.dial(number).status, 200)
        p.quiet(400)
        p.speak(speech(ms))
        return p

    def test_vocabulary(self):
        """Calls and files are recognised with the words of the desk; who only
        repeats them heard nothing."""
        d = self.desk(WORDS).start()
        d.client("admin").patch("/settings", {
            "speech.vocabulary": "Лысый ёж, Кашалот-9"})
        self.call(d).hang_up()
        self.assertEqual(d.done(1)["subject"], WORDS)
        prompt = self.hearer.asked[0]["prompt"]
        self.assertTrue(prompt.endswith(", Кашалот-9, Лысый ёж."), prompt)
        self.assertLessEqual(len(prompt.encode()), 600)
        self.assertIn("VPN", prompt)
        names = [r["name"] for r in d.rows(
            "SELECT name FROM people JOIN staff ON staff.person_id = people.id")]
        self.assertTrue([n for n in names if n in prompt], prompt)
        # an article that is new, and a setting that is another, count at once
        anna = d.client("anna")
        for n in range(40):
            anna.post("/knowledge/articles", {
                "key": f"z{n}", "language": "ru", "title": "Сервер ЗюйдВест",
                "answer": f"Перезапустите ЗюйдВест {n}."}, 201)
        d.client("admin").patch("/settings", {"speech.vocabulary": "Нарвал"})
        path = os.path.join(d.folder, "said.wav")
        with wave.open(path, "wb") as w:
            w.setparams((1, 2, 8000, 0, "NONE", ""))
            w.writeframes(b"\x00\x10\x00\xf0" * 8000)
        t = anna.post("/tickets", {"text": "Смотрите файл"}, 201).json["id"]

        def told():
            n = len(d.notes(t))
            with open(path, "rb") as f:
                anna.upload(f"/tickets/{t}/attachments", "said.wav", f.read(),
                            "audio/wav")
            wait_for("a note", lambda: len(d.notes(t)) > n)
            return self.hearer.asked[-1]["prompt"].endswith(
                "ЗюйдВест, Нарвал.")
        wait_for("the new words", told)
        # it hears the list alone
        self.hearer.text = lambda asked: asked["prompt"]
        self.call(d).hang_up()
        body = d.rows("SELECT body FROM messages WHERE ticket_id = ?",
                      d.done(2)["id"])[0]["body"]
        self.assertEqual(body, "Слова не разобраны: послушайте файл.")


    def test_heard_once(self):
        """What was recognised to find an answer is not recognised for the
        ticket: the endpoint gets each second of speech once."""
        d = self.desk(WORDS, "phone.answer_seconds=20", script=SCRIPT + """
  "205": {greeting_sound: tone.wav, consent: "", ask: "", questions: [
          {field: Код, sound: tone.wav, kind: digits, digits: 2},
          {field: Имя, sound: tone.wav}]}
""").start()
        p = self.call(d, "205")
        p.press("#")
        wait_for("the words", lambda: self.hearer.asked)
        p.quiet(800)  # a moment, none, the first question
        for key in "34":
            p.press(key)
            p.quiet(60)
        p.quiet(400)
        p.speak(speech(900))
        p.press("#")
        self.assertIsNotNone(p.wait_bye())
        t = d.done(1)
        self.assertEqual(t["subject"], WORDS)
        self.assertEqual(d.notes(t["id"]), ["Код: 34", f"Имя: {WORDS}"])
        given = [a["ms"] for a in self.hearer.asked]
        self.assertEqual(len(given), 2)
        self.assertLessEqual(abs(sum(given) - d.recording(t["id"])), 2)
        self.assertEqual([a.get("prompt") for a in self.hearer.asked],
                         [self.hearer.asked[0]["prompt"]] * 2)

    def test_gone_while_it_is_heard(self):
        """Who hangs up before his words are there has a ticket with them, and
        they are not recognised again."""
        gone = threading.Event()

        def text(_):
            gone.wait(60)
            return WORDS
        d = self.desk(text, "phone.answer_seconds=60").start()
        self.addCleanup(gone.set)
        p = self.call(d)
        p.press("#")
        wait_for("the question", lambda: self.hearer.asked)
        p.hang_up()
        gone.set()
        t = d.done(1)
        self.assertEqual(t["subject"], WORDS)
        self.assertEqual(len(self.hearer.asked), 1)
        d.keeps_nothing()

    def test_stopped_while_it_is_heard(self):
        """A desk that stops does not wait for the words; they come when it is
        back, and people were not bothered with a call without them."""
        back = threading.Event()

        def text(_):
            back.wait(120)
            return WORDS
        d = self.desk(text).start()
        self.addCleanup(back.set)
        self.call(d).hang_up()
        wait_for("the question", lambda: self.hearer.asked)
        d.stop()
        self.assertEqual(d.rows("SELECT state, attempts, last_error FROM jobs"),
                         [{"state": "waiting", "attempts": 0, "last_error": None}])
        back.set()
        d.start()
        self.assertEqual(d.done(1)["subject"], WORDS)
        self.assertEqual(len(self.hearer.asked), 2)


class PhoneStartsTest(unittest.TestCase):
    """Tests that need a telephone of their own."""

    def desk(self, *settings, **more):
        d = PhoneDesk(*settings, **more)
        self.addCleanup(d.__exit__)
        return d.start()

    def speaking(self, d, ms=1500, number="support"):
        p = Phone(d.sip)
        self.addCleanup(p.__exit__)
        self.assertEqual(p.dial(number).status, 200)
        p.quiet(400)
        p.speak(speech(ms))
        return p

    def test_killed(self):
        """What was said and answered before a crash is a ticket after the
        restart: of a call that was listened to, and of one that was asked."""
        d = self.desk("phone.silence_ms=30000", script=SCRIPT + """
  "205": {greeting_sound: tone.wav, consent: "", ask: "", questions: [
          {field: Код, sound: tone.wav, kind: digits, digits: 4},
          {field: Имя, sound: tone.wav}]}
""")
        self.speaking(d)
        asked = self.speaking(d, 1200, "205")
        for key in "#3456":
            asked.press(key)
            asked.quiet(60)
        asked.quiet(400)  # the next question
        d.server.kill()
        d.server.wait()
        self.assertEqual(len(d.tickets()), 0)
        self.assertEqual(len(glob.glob(f"{d.folder}/calls/*.call")), 2)
        d.start()
        d.done(2)
        tickets = [d.done(n) for n in (1, 2)]
        for t in tickets:
            self.assertEqual(t["subject"], WORDS)
            self.assertGreaterEqual(d.recording(t["id"]), 1000)
        self.assertEqual(sorted(d.notes(t["id"]) for t in tickets),
                         [[], ["Код: 3456"]])
        self.assertEqual(d.rows("SELECT line FROM inbox WHERE channel = 'phone'"
                                " ORDER BY line"),
                         [{"line": "205"}, {"line": "default"}])
        d.keeps_nothing()
        self.assertEqual(d.count("resumed_total"), 2)

    def test_stopped(self):
        """A stop says BYE and files what was said."""
        d = self.desk("phone.silence_ms=30000")
        p = self.speaking(d)
        d.server.send_signal(signal.SIGTERM)
        self.assertIsNotNone(p.wait_bye())
        d.server.wait(20)
        self.assertEqual(len(d.tickets()), 1)
        d.keeps_nothing()

    def trace(self, d, n):
        """The n-th line that says where the time of a call went."""
        def look():
            lines = [l for l in d.log() if " is finished: " in l]
            return len(lines) >= n and dict(
                w.split("=") for w in lines[n - 1].split() if "=" in w)
        return wait_for(f"line {n} of a finished call", look)

    def test_trace(self):
        """A line in the log tells each step's time: together they are the
        whole. Without a recogniser the ticket is finished when it is filed."""
        steps = ["stored", "taken", "decoded", "heard", "asked", "understood",
                 "routing", "finished"]
        d = PhoneDesk()
        d.keeps_log = True
        self.addCleanup(d.__exit__)
        d.start()
        self.speaking(d, 700).hang_up()
        t = d.done(1)
        said = self.trace(d, 1)
        self.assertEqual(said["ticket"], str(t["id"]))
        self.assertIn(f"call={said['call']} line=default begins",
                      "\n".join(d.log()))
        self.assertEqual(sum(int(said[s + "_ms"]) for s in steps),
                         int(said["took_ms"]))
        self.assertEqual(int(said["length_ms"]), d.recording(t["id"]))
        self.assertEqual(said["attempt"], "1")
        d.stop()
        d.start("speech.recogniser=none")
        self.speaking(d, 700).hang_up()
        said = self.trace(d, 2)
        self.assertEqual(int(said["stored_ms"]) + int(said["finished_ms"]),
                         int(said["took_ms"]))
        self.assertNotIn("heard_ms", said)

    def test_no_recogniser_then_one(self):
        d = self.desk("speech.recogniser=none")
        self.speaking(d, 700).hang_up()
        wait_for("a ticket", d.tickets)
        body = d.rows("SELECT body FROM messages")[0]["body"]
        self.assertIn("не расшифрована", body)
        self.assertEqual(d.tickets()[0]["stage"], "recorded")
        d.stop()
        d.start("speech.recogniser=memory")
        self.assertEqual(d.done(1)["subject"], WORDS)

    def timed(self, d, expires, headers=("Supported: timer",)):
        """Calls with a timer of the session; the answer and the telephone."""
        p = Phone(d.sip)
        self.addCleanup(p.__exit__)
        p.send("INVITE", p.sdp(),
               [*headers, *([f"Session-Expires: {expires}"] if expires else [])])
        m = p.answer("INVITE")
        if m.status == 200:
            p.take(m)
            p.ack()
        return p, m

    def test_timer_of_the_caller(self):
        """The caller is to refresh: while it does, the call goes on (RFC
        4028); then it is ended, and what was said is a ticket."""
        d = self.desk("phone.silence_ms=60000", "phone.patience_seconds=60",
                      "phone.session_min_seconds=3")
        p, m = self.timed(d, "3;refresher=uac")
        self.assertEqual(m.get("Session-Expires"), "3;refresher=uac")
        self.assertEqual(m.get("Require"), "timer")
        p.quiet(300)
        p.speak(speech(800))
        more = ["Supported: timer", "Session-Expires: 4;refresher=uac"]
        p.send("INVITE", p.sdp(), more)
        m = p.answer("INVITE")
        self.assertEqual((m.status, m.get("Session-Expires")),
                         (200, "4;refresher=uac"))
        p.ack()
        p.send("UPDATE", "", ["Supported: timer",
                              "Session-Expires: 2;refresher=uac"])
        m = p.answer("UPDATE")
        self.assertEqual((m.status, m.get("Min-SE")), (422, "3"))
        p.send("UPDATE", p.sdp("sendonly"), more)
        m = p.answer("UPDATE")
        self.assertEqual((m.status, m.get("Session-Expires")),
                         (200, "4;refresher=uac"))
        self.assertIn(b"a=recvonly", m.body)
        p.send("UPDATE", "", more, cseq=1)
        self.assertEqual(p.answer("UPDATE").status, 500)
        for _ in range(3):
            time.sleep(1.5)
            p.send("UPDATE", "", more)
            self.assertEqual(p.answer("UPDATE").status, 200)
        self.assertEqual(d.count("calls"), 1)
        self.assertIsNotNone(p.wait_bye())
        self.assertTrue(d.done(1))
        p.send("UPDATE", "", more)
        self.assertEqual(p.answer("UPDATE").status, 481)

    def test_timer_of_ours(self):
        """We are to refresh, by what the caller knows."""
        d = self.desk("phone.patience_seconds=60", "phone.session_min_seconds=2")
        for allow, method in ((), "INVITE"), (["Allow: INVITE, UPDATE"],
                                              "UPDATE"):
            with self.subTest(method=method):
                p, m = self.timed(d, "2;refresher=uas",
                                  ["Supported: timer", *allow])
                self.assertEqual(m.get("Session-Expires"), "2;refresher=uas")
                for _ in range(2):
                    m = p.wait(lambda m: m.method == method, 10)
                    self.assertEqual(m.get("Session-Expires"),
                                     "2;refresher=uac")
                    self.assertIn("@127.0.0.1", m.get("Contact"))
                    if method == "INVITE":
                        p.reply(m, 200, "OK", p.sdp(),
                                ["Contact: <sip:me@%s>" % p.own])
                        self.assertIsNotNone(
                            p.wait(lambda m: m.method == "ACK"))
                    else:
                        p.reply(m, 200, "OK")
                p.wait(lambda m: m.method == method, 10)
                self.assertIsNotNone(p.wait_bye())  # for want of an answer

    def test_timer_is_too_small(self):
        d = self.desk()
        p, m = self.timed(d, "89")
        self.assertEqual((m.status, m.get("Min-SE")), (422, "90"))
        p, m = self.timed(d, "90", ["Require: timer", "Supported: timer"])
        self.assertEqual((m.status, m.get("Session-Expires")),
                         (200, "90;refresher=uac"))
        p, m = self.timed(d, None)
        self.assertEqual((m.status, m.get("Session-Expires")), (200, None))

    def test_busy(self):
        d = self.desk("phone.calls_max=2")
        phones = [Phone(d.sip) for _ in range(3)]
        for p in phones:
            self.addCleanup(p.__exit__)
        self.assertEqual([p.dial().status for p in phones], [200, 200, 486])
        phones[0].hang_up()
        wait_for("the end of a call", lambda: d.count("calls") == 1)
        phones[2].new_call()
        self.assertEqual(phones[2].dial().status, 200)

    def test_ipv6(self):
        """Both families at once: each is answered in its own."""
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                s.bind(("::1", 0))
        except OSError:
            self.skipTest("this machine has no ::1")
        d = self.desk("phone.address=127.0.0.1, ::1",
                      "phone.public_address=127.0.0.1")
        for address, line in (("::1", b"c=IN IP6 ::1"),
                              ("127.0.0.1", b"c=IN IP4 127.0.0.1")):
            with Phone(d.sip, address=address) as p:
                m = p.dial()
                self.assertEqual(m.status, 200)
                self.assertIn(line, m.body)
                p.quiet(400)
                p.speak(speech(800))
                self.assertGreaterEqual(p.spoke(), 180)
                p.send("INVITE", p.sdp("sendonly"))
                self.assertEqual(p.answer("INVITE").status, 200)
                p.ack()
                self.assertEqual(p.hang_up().status, 200)
        self.assertTrue(d.done(2))

    def test_ban(self):
        d = self.desk("phone.calls_per_minute=3")
        with Phone(d.sip) as p:
            for want in (405, 405, 405, None):
                p.new_call()
                p.send("PUBLISH")
                m = p.answer("PUBLISH", 2)
                self.assertEqual(m and m.status, want)
            p.send("OPTIONS")
            self.assertIsNone(p.answer("OPTIONS", 1))
        self.assertGreaterEqual(d.count("banned_total"), 2)

    def test_not_allowed(self):
        d = self.desk("phone.allow=192.0.2.1")
        with Phone(d.sip) as p:
            p.send("INVITE", p.sdp())
            self.assertIsNone(p.answer("INVITE", 1))

    def test_srtp_is_wanted(self):
        d = self.desk("phone.srtp=required")
        with Phone(d.sip) as p:
            self.assertEqual(p.dial().status, 488)

    def test_bad_settings(self):
        """A start that cannot be says which setting is wrong."""
        rows = [("phone.trust=x", "phone.trust"),
                ("phone.address=nowhere", "phone.address"),
                ("phone.tls_port=25061", "phone.certificate")]
        for setting, want in rows:
            d = PhoneDesk()
            self.addCleanup(d.__exit__)
            p = subprocess.run(
                [PROGRAM, "serve", "--desk", d.folder, *d.settings, setting,
                 "http.port=0"], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(p.returncode, 0)
            self.assertIn(want, p.stderr)


if __name__ == "__main__":
    side_by_side.main([PhoneStartsTest, PhoneWordsTest],
                      [PhoneEndsTest, PhoneSignalsTest, PhoneTalksTest])
