"""Strangers at the door, behind a proxy: who is who, and what is whose."""
import http.client
import json
import os
import sqlite3
import unittest

from desk import Desk

PROGRAM = os.environ["OTKLIK"]
# what the starter knowledge answers by itself
QUESTION = "Как поставить автоответ в почте на время отпуска?"


class StrangersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.desk = Desk(PROGRAM, "http.behind_proxy=true").start(
            "limits.anonymous_per_minute=60", "knowledge.answer_threshold=0.3")
        cls.addClassCleanup(cls.desk.__exit__)
        cls.anna = cls.desk.client("anna")
        cls.nobody = cls.desk.client()

    def send(self, address, text="Не печатает", want=None, key=None, **fields):
        headers = {"X_Forwarded_For": address}
        if key:
            headers["Idempotency_Key"] = key
        return self.nobody.post("/requests",
                                {"text": text, "ticket": True, **fields}, want,
                                **headers)

    def test_keys_are_ones_own(self):
        first = self.send("192.0.2.1", key="k", want=201).json
        again = self.send("192.0.2.1", key="k", want=200).json
        other = self.send("192.0.2.2", key="k", want=201).json
        self.assertEqual(first["id"], again["id"])
        self.assertNotEqual(first["id"], other["id"])
        # what a client says of himself stands before what the proxy saw
        forged = self.send("192.0.2.1, 2001:db8::7", key="k", want=201).json
        self.assertNotIn(forged["id"], (first["id"], other["id"]))
        self.send("192.0.2.1", "другой текст", key="k", want=422)

    def test_numbers_are_ones_own(self):
        first = self.send("192.0.2.3", external_id="7", want=201).json
        again = self.send("192.0.2.3", external_id="7", want=200).json
        other = self.send("192.0.2.4", external_id="7", want=201).json
        self.assertEqual(first["id"], again["id"])
        self.assertNotEqual(first["id"], other["id"])
        # keys of one desk share the numbers of the system they come from
        one = self.desk.client(key=self.desk.key("requests"))
        two = self.desk.client(key=self.desk.key("requests"))
        body = {"text": "Не печатает", "external_id": "CRM-7", "ticket": True}
        self.assertEqual(one.post("/requests", body, 201).json["id"],
                         two.post("/requests", body, 200).json["id"])

    def test_rate_of_one_is_not_of_another(self):
        replies = [self.send("192.0.2.5").status for _ in range(60)]
        self.assertIn(429, replies)
        self.send("192.0.2.6", want=201)
        r = self.send("192.0.2.5", want=429)
        self.assertGreaterEqual(int(r.headers["Retry-After"]), 1)
        # no address at all: the connection's own
        self.send("gibberish, , ", want=201)

    def test_predictions_cannot_be_guessed(self):
        body = json.dumps({"text": "Всё встало, горит срок"})
        head = {"Content-Type": "application/json",
                "X-Forwarded-For": "192.0.2.8"}
        r = self.nobody.raw("POST", "/v1/bert_prediction_async", body, head)
        self.assertEqual(r.status, 200, r.bytes)
        self.assertEqual(r.json["priorstatusity_score"], "submitted")
        r = self.nobody.raw("GET", "/result/" + r.json["task_id"], None, head)
        self.assertEqual(r.json["status"], "SUCCESS")
        self.assertIn("task_priority", r.json["result"])
        for guess in ("1", "0", "00000000000000000000000000000000", "x"):
            r = self.nobody.raw("GET", "/result/" + guess, None, head)
            self.assertEqual(r.status, 404)
        replies = [self.nobody.raw("POST", "/v1/bert_prediction_async", body,
                                   head).status for _ in range(60)]
        self.assertIn(429, replies)

    def test_the_same_upload(self):
        id = self.send("192.0.2.9", want=201).json["ticket"]["id"]

        def upload(data, name="a.txt"):
            return self.anna.raw(
                "POST", f"/api/v1/tickets/{id}/attachments?name={name}", data,
                {"Content-Type": "text/plain", "Idempotency-Key": "u1"})
        first = upload(b"one")
        self.assertEqual(first.status, 201)
        self.assertEqual(upload(b"one").json, first.json)
        self.assertEqual(upload(b"two").status, 422)
        self.assertEqual(upload(b"one", "b.txt").status, 422)
        files = self.anna.get(f"/tickets/{id}").json["attachments"]
        self.assertEqual(len(files), 1)

    def test_what_was_said_is_not_lost(self):
        """The answer did not help: the ticket is what was sent."""
        crm = self.desk.client(key=self.desk.key("requests tickets"))
        r = crm.post("/requests", {
            "text": QUESTION, "subject": "Отпуск", "topic": "email",
            "priority": "high", "external_id": "A-1"},
            201).json
        self.assertEqual(r["outcome"], "answered")
        r = crm.post(f"/requests/{r['id']}/feedback", {"helpful": False},
                     200).json
        t = self.anna.get("/tickets/" + r["ticket"]["id"]).json
        self.assertEqual((t["subject"], t["priority"]["key"],
                          t["topic"]["key"], t["external_id"]),
                         ("Отпуск", "high", "email", "A-1"))

    def test_who_was_away_too_long(self):
        """More events than are kept ready: load anew, do not miss some."""
        with sqlite3.connect(self.desk.folder + "/otklik.db",
                             timeout=20) as db:
            db.executemany(
                "INSERT INTO events (kind, body_json, created_at) VALUES "
                "('ticket.updated', '{\"ticket\":\"1\"}', 1)",
                [()] * 5000)
        for after, wanted in (("0", b"event: reset"), (None, b": welcome")):
            c = http.client.HTTPConnection("127.0.0.1", self.desk.port,
                                           timeout=20)
            head = {"Cookie": self.anna.cookie}
            if after:
                head["Last-Event-ID"] = after
            c.request("GET", "/api/v1/events", None, head)
            r = c.getresponse()
            seen = b""
            while wanted not in seen:
                part = r.fp.readline()
                self.assertTrue(part, seen[-200:])
                seen += part
            c.close()


if __name__ == "__main__":
    unittest.main()
