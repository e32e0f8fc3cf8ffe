"""The desk through its API: what staff and people do with tickets."""
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import unittest
from urllib.parse import quote

from desk import Desk, wait_for

PROGRAM = os.environ["OTKLIK"]
PRINTER = "Принтер на третьем этаже зажёвывает бумагу, печать встала"
VPN = "Не подключается VPN из дома, пишет ошибку сертификата"


class DeskTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.desk = Desk(PROGRAM).start()
        cls.addClassCleanup(cls.desk.__exit__)
        cls.admin = cls.desk.client("admin")
        cls.anna = cls.desk.client("anna")
        cls.nobody = cls.desk.client()

    def ticket(self, text=PRINTER, **fields):
        r = self.nobody.post("/requests", {"text": text, "ticket": True,
                                           **fields}, 201).json
        return r["id"], r["ticket"]["id"]

    def test_talk(self):
        """A person reads the reply on his page, writes back, and rates."""
        token, id = self.ticket(person={"name": "Клиент", "email": "K@Ex.org"})
        self.anna.post(f"/tickets/{id}/messages",
                       {"kind": "reply", "body": "Смотрю"}, 201)
        self.anna.post(f"/tickets/{id}/messages",
                       {"kind": "note", "body": "секрет"}, 201)
        seen = self.nobody.get(f"/requests/{token}").json
        self.assertEqual([m["kind"] for m in seen["messages"]],
                         ["request", "reply"])
        self.assertNotIn("секрет", json.dumps(seen, ensure_ascii=False))
        self.nobody.post(f"/requests/{token}/feedback", {"score": 5}, 409)
        self.anna.patch(f"/tickets/{id}", {"state": "solved"})
        r = self.nobody.post(f"/requests/{token}/feedback",
                             {"score": 5, "comment": "спасибо"}, 200)
        self.nobody.post(f"/requests/{token}/feedback", {"score": 6}, 422)
        # writing again opens it
        self.nobody.post(f"/requests/{token}/messages",
                         {"body": "Опять сломался"}, 201)
        t = self.anna.get(f"/tickets/{id}").json
        self.assertEqual(t["state"], "open")
        self.assertIsNotNone(t["waiting_since"])
        self.assertIsNotNone(t["next_due"])
        self.assertEqual(r.json["ticket"]["id"], id)

    def test_metrics(self):
        """The last routes of the table are counted as the first ones."""
        def count():
            at = 'otklik_http_seconds_count{method="GET",path="/status"} '
            text = self.nobody.raw("GET", "/metrics").bytes.decode()
            found = [line for line in text.splitlines() if line.startswith(at)]
            return int(found[0].rsplit(" ", 1)[1]) if found else 0
        before = count()
        self.nobody.raw("GET", "/status")
        self.assertEqual(count(), before + 1)

    def test_catalog_that_cannot_be(self):
        """What a desk could not load is refused as a whole."""
        hours = {"mon": "09:00-16:00, 13:00-18:00"}
        bad = [{"schedules": {"s": {"time_zone": "UTC", "hours": hours}}},
               {"skills": {"s": "a\u2028b"}},
               {"skills": {"s": "a" * 500}}]
        for doc in bad:
            self.admin.patch("/catalog", doc, 422)
        self.assertNotIn("s", self.admin.get("/catalog").json["schedules"])

    def test_clock_rests(self):
        """A pending ticket gets its time back."""
        _, id = self.ticket()
        before = self.anna.get(f"/tickets/{id}").json["solution_due"]
        self.anna.patch(f"/tickets/{id}", {"state": "open"})
        self.anna.patch(f"/tickets/{id}", {"state": "pending"})
        self.anna.patch(f"/tickets/{id}", {"state": "open"})
        after = self.anna.get(f"/tickets/{id}").json["solution_due"]
        self.assertGreaterEqual(after, before)

    def test_new_priority_new_promise(self):
        _, id = self.ticket()
        t = self.anna.get(f"/tickets/{id}").json
        keys = [p["key"] for p in self.nobody.get("/priorities").json["items"]]
        urgent = keys[0] if t["priority"]["key"] != keys[0] else keys[-1]
        u = self.anna.patch(f"/tickets/{id}", {"priority": urgent}).json
        self.assertNotEqual(t["solution_due"], u["solution_due"])
        self.assertEqual(u["priority"]["key"], urgent)

    def test_corrections_teach(self):
        _, id = self.ticket("Кофемашина на кухне течёт и мигает красным")
        topics = [t["key"] for t in self.nobody.get("/topics").json["items"]]
        was = self.anna.get(f"/tickets/{id}").json
        right = next(k for k in topics
                     if k not in [p["label"] for p in was["predictions"]])
        self.anna.patch(f"/tickets/{id}", {"topic": right})
        now = self.anna.get(f"/tickets/{id}").json
        topic = next(p for p in now["predictions"] if p["task"] == "topic")
        self.assertEqual(topic["correction"], right)
        store = sqlite3.connect(os.path.join(self.desk.folder, "otklik.db"))
        rows = store.execute("SELECT topic, source FROM examples WHERE "
                             "ticket_id = ?", (id,)).fetchall()
        store.close()
        self.assertEqual(rows, [(right, "correction")])
        old = self.anna.get(f"/tickets/{id}").json["predictions"][0]["model"]
        self.desk.run("train")
        r = wait_for("the new model", lambda: self.nobody_triage(old))
        self.assertEqual(r["tasks"]["topic"]["label"], right)

    def nobody_triage(self, old):
        r = self.anna.post("/triage", {
            "text": "Кофемашина на кухне течёт и мигает красным"}, 200).json
        return r if r["model"] != old else None

    def test_attachments(self):
        token, id = self.ticket()
        data = os.urandom(300000)
        a = self.anna.upload(f"/tickets/{id}/attachments", "../../Отчёт.bin",
                             data, "application/x-thing").json
        self.assertEqual(a["name"], "Отчёт.bin")
        self.assertEqual(a["size"], len(data))
        r = self.anna.raw("GET", f"/api/v1/attachments/{a['id']}")
        self.assertEqual(r.bytes, data)
        self.assertIn("attachment;", r.headers["Content-Disposition"])
        self.assertEqual(r.headers["Content-Type"], "application/x-thing")
        # the person sees what he sent and what came with replies
        mine = self.nobody.upload(f"/requests/{token}/attachments", "a.txt",
                                  b"hello").json
        note = self.anna.post(f"/tickets/{id}/messages",
                              {"kind": "note", "body": "n"}, 201).json["id"]
        self.anna.raw("POST", f"/api/v1/tickets/{id}/attachments?name=s.txt"
                      f"&message={note}", b"staff only")
        seen = self.nobody.get(f"/requests/{token}").json["attachments"]
        self.assertEqual([x["id"] for x in seen], [mine["id"]])
        self.nobody.get(f"/requests/{token}/attachments/{a['id']}", 404)
        self.nobody.get(f"/attachments/{a['id']}", 401)
        # the same bytes are one file
        files = sum(len(f) for _, _, f in os.walk(self.desk.folder + "/files"))
        self.anna.upload(f"/tickets/{id}/attachments", "again", data)
        self.assertEqual(files, sum(
            len(f) for _, _, f in os.walk(self.desk.folder + "/files")))
        self.anna.delete(f"/attachments/{a['id']}")
        self.anna.get(f"/attachments/{a['id']}", 404)

    def test_parts_of_a_file(self):
        """A player looks into the middle of a recording (RFC 9110, 14)."""
        token, id = self.ticket()
        data = os.urandom(100000)
        a = self.nobody.upload(f"/requests/{token}/attachments", "a.ogg", data,
                               "audio/ogg").json
        for who, path in ((self.anna, f"/api/v1/attachments/{a['id']}"),
                          (self.nobody, f"/api/v1/requests/{token}/attachments/"
                                        f"{a['id']}")):
            whole = who.raw("GET", path)
            tag = whole.headers["ETag"]
            self.assertEqual(whole.headers["Accept-Ranges"], "bytes")
            for ask, status, part, said in (
                    ("bytes=0-9", 206, data[:10], "bytes 0-9/100000"),
                    ("bytes=99990-", 206, data[-10:], "bytes 99990-99999/100000"),
                    ("bytes=-1", 206, data[-1:], "bytes 99999-99999/100000"),
                    ("bytes=7-99", 206, data[7:100], "bytes 7-99/100000"),
                    ("bytes=0-1,5-6", 200, data, None),
                    ("bytes=x", 200, data, None)):
                r = who.raw("GET", path, headers={"Range": ask})
                self.assertEqual((r.status, r.bytes, r.headers["Content-Range"]),
                                 (status, part, said), ask)
                self.assertEqual(r.headers["Content-Length"], str(len(part)))
                self.assertEqual(r.headers["Content-Type"], "audio/ogg")
                self.assertEqual(r.headers["ETag"], tag)
            r = who.raw("GET", path, headers={"Range": "bytes=100000-"})
            self.assertEqual((r.status, r.headers["Content-Range"]),
                             (416, "bytes */100000"))
            self.assertEqual(r.json["type"], "/problems/no-such-range")
            part = {"Range": "bytes=1-2"}
            for more, status in (({"If-Range": tag}, 206),
                                 ({"If-Range": '"old"'}, 200),
                                 ({"If-Match": tag}, 206),
                                 ({"If-Match": '"old"'}, 412),
                                 ({"If-None-Match": tag}, 304),
                                 ({"If-None-Match": '"old"'}, 206)):
                r = who.raw("GET", path, headers={**part, **more})
                self.assertEqual(r.status, status, more)
                self.assertEqual(r.headers["ETag"], None if status == 412 else tag)
            for method, more, status in (
                    ("HEAD", part, 200),
                    ("GET", {"If-None-Match": f'"x", W/{tag}'}, 304)):
                r = who.raw(method, path, headers=more)
                self.assertEqual((r.status, r.headers["Content-Length"], r.bytes),
                                 (status, "100000", b""))

    def test_attachments_refused(self):
        _, id = self.ticket()
        path = f"/tickets/{id}/attachments"
        self.anna.upload(path, "empty", b"", want=422)
        self.anna.upload("/tickets/999999/attachments", "x", b"x", want=404)
        self.nobody.upload(path, "x", b"x", want=401)
        r = self.anna.raw("POST", "/api/v1" + path + "?message=zzz", b"x")
        self.assertEqual(r.status, 422)
        self.anna.upload(path, "x", b"x", kind="text/html\t; boundary")
        big = {"Content-Length": str(10 << 40)}
        try:
            r = self.anna.raw("POST", "/api/v1" + path, b"x" * 1000, big)
            self.assertEqual(r.status, 413)
        except ConnectionError:
            pass  # it may hang up on what it refuses

    def test_tags_views_and_search(self):
        _, id = self.ticket(VPN)
        t = self.anna.patch(f"/tickets/{id}",
                            {"tags": ["VPN", "vpn", "Из Дома"]}).json
        self.assertEqual(t["tags"], ["vpn", "из дома"])
        self.anna.patch(f"/tickets/{id}", {"tags": ["a,b"]}, 422)
        self.anna.patch(f"/tickets/{id}", {"tags": "vpn"}, 422)
        self.anna.patch(f"/tickets/{id}", {"tags": ["x"] * 31}, 422)
        found = self.anna.get("/tickets?tag=Vpn").json["items"]
        self.assertEqual([x["id"] for x in found], [id])
        self.assertIn("vpn", [x["tag"] for x in
                              self.anna.get("/tags").json["items"]])
        v = self.anna.post("/views", {"name": "Дом", "filter": {"tag": "vpn"}},
                           201).json
        found = self.anna.get(f"/tickets?view={v['id']}").json["items"]
        self.assertEqual([x["id"] for x in found], [id])
        zhenya = self.desk.client("zhenya")
        zhenya.get(f"/tickets?view={v['id']}", 404)
        self.anna.post("/views", {"name": "x", "filter": {"nope": "1"}}, 422)
        self.anna.post("/views", {"name": "x", "filter": {"tag": 1}}, 422)
        self.anna.delete(f"/views/{v['id']}")
        self.anna.get(f"/tickets?view={v['id']}", 404)
        # stems, ё = е, and the beginning of a last word
        _, other = self.ticket("Щётки проектора перегрелись")
        for q in ("щетка проектор", "перегрел", "ЩЁТКИ"):
            found = self.anna.get("/tickets?q=" + quote(q)).json["items"]
            self.assertIn(other, [x["id"] for x in found], q)
        self.assertEqual(
            self.anna.get("/tickets?q=" + quote("проектор бегемот")).json[
                "items"], [])
        found = self.anna.get("/tickets?state=closed&q=" +
                              quote("щетка")).json["items"]
        self.assertEqual(found, [])

    def test_search_pages(self):
        ids = [self.ticket(f"Редкослово случай {i}")[1] for i in range(7)]
        got, after = [], ""
        for _ in range(10):
            page = self.anna.get("/tickets?limit=2&q=" + quote("редкослово ") +
                                 after).json
            got += [x["id"] for x in page["items"]]
            if not page["has_more"]:
                break
            after = "&after=" + page["next"]
        self.assertEqual(got, ids[::-1])

    def test_filters(self):
        for query, field in (("topic=nope", "topic"), ("priority=x", "priority"),
                             ("team=x", "team"), ("state=gone", "state"),
                             ("updated_since=yesterday", "updated_since"),
                             ("assignee=me!", "assignee"), ("limit=0", "limit"),
                             ("limit=501", "limit"), ("person=x", "person"),
                             ("after=x", "after"), ("view=x", "view")):
            r = self.anna.get("/tickets?" + query, 422)
            self.assertEqual(r.json["field"], field, query)
        _, id = self.ticket()
        t = self.anna.get(f"/tickets/{id}").json
        found = self.anna.get("/tickets?updated_since=" +
                              t["updated_at"]).json["items"]
        self.assertIn(id, [x["id"] for x in found])
        self.assertEqual(self.anna.get(
            "/tickets?updated_since=2099-01-01T00:00:00Z").json["items"], [])

    def test_merge(self):
        token, a = self.ticket(person={"name": "П", "email": "p@ex.org"})
        _, b = self.ticket(VPN)
        self.anna.patch(f"/tickets/{a}", {"tags": ["один"]})
        self.anna.upload(f"/tickets/{a}/attachments", "f", b"f")
        self.anna.post(f"/tickets/{a}/merge", {"into": a}, 409)
        self.anna.post(f"/tickets/{a}/merge", {"into": "999999"}, 404)
        self.anna.post(f"/tickets/{a}/merge", {"into": b}, 200)
        old = self.anna.get(f"/tickets/{a}").json
        new = self.anna.get(f"/tickets/{b}").json
        self.assertEqual((old["state"], old["merged_into"]), ("merged", b))
        self.assertIn(PRINTER, [m["body"] for m in new["messages"]])
        self.assertEqual(new["tags"], ["один"])
        self.assertEqual(len(new["attachments"]), 1)
        self.anna.post(f"/tickets/{a}/merge", {"into": b}, 409)
        # the person's page goes on with the ticket that is left
        self.nobody.post(f"/requests/{token}/messages", {"body": "Ещё"}, 201)
        new = self.anna.get(f"/tickets/{b}").json
        self.assertEqual(new["messages"][-1]["body"], "Ещё")

    def test_split_and_links(self):
        token, id = self.ticket()
        self.nobody.post(f"/requests/{token}/messages", {"body": VPN}, 201)
        t = self.anna.get(f"/tickets/{id}").json
        second = t["messages"][-1]["id"]
        everything = [m["id"] for m in t["messages"]]
        self.anna.post(f"/tickets/{id}/split", {"messages": everything}, 422)
        self.anna.post(f"/tickets/{id}/split", {"messages": []}, 422)
        self.anna.post(f"/tickets/{id}/split", {"messages": ["999999"]}, 422)
        new = self.anna.post(f"/tickets/{id}/split", {"messages": [second]},
                             201).json["id"]
        part = self.anna.get(f"/tickets/{new}").json
        self.assertEqual(part["subject"], VPN)
        self.assertEqual(part["links"][0]["ticket"], id)
        self.assertEqual(part["links"][0]["kind"], "split")
        self.assertFalse(part["links"][0]["outward"])
        self.anna.delete(f"/tickets/{id}/links/{new}")
        self.anna.delete(f"/tickets/{id}/links/{new}", 404)
        for body, status in (({"ticket": id, "kind": "blocks"}, 422),
                             ({"ticket": new, "kind": "likes"}, 422),
                             ({"ticket": "99999", "kind": "blocks"}, 404),
                             ({"ticket": new, "kind": "blocks"}, 201)):
            self.anna.post(f"/tickets/{id}/links", body, status)
        history = self.anna.get(f"/tickets/{id}/history").json["items"]
        self.assertIn("ticket.link", [h["action"] for h in history])

    def test_canned(self):
        _, id = self.ticket(person={"name": "Мария", "email": "m@ex.org"})
        self.anna.post("/canned", {
            "key": "hi", "language": "ru", "title": "Привет",
            "body": "{{person.name}}, № {{ ticket.number }} {{nope}} {{"}, 200)
        texts = {c["key"]: c["body"] for c in
                 self.anna.get(f"/canned?ticket={id}").json["items"]}
        self.assertEqual(texts["hi"], f"Мария, № {id} {{{{nope}}}} {{{{")
        raw = {c["key"]: c for c in self.anna.get("/canned").json["items"]}
        self.assertIn("{{person.name}}", raw["hi"]["body"])
        self.anna.delete(f"/canned/{raw['hi']['id']}")
        self.anna.delete(f"/canned/{raw['hi']['id']}", 404)
        self.anna.post("/canned", {"key": "x", "language": "de", "title": "t",
                                   "body": "b"}, 422)

    def test_people(self):
        p = self.anna.post("/people", {
            "name": "Ольга", "external_id": "crm-1",
            "identities": [{"kind": "email", "value": "OLGA@ex.org"},
                           {"kind": "phone", "value": "+7 (900) 111-22-33"}]},
            201).json
        self.assertEqual(p["identities"][1]["value"], "+79001112233")
        same = self.anna.post("/people", {"external_id": "crm-1",
                                          "note": "важная"}, 200).json
        self.assertEqual(same["id"], p["id"])
        self.assertEqual(same["name"], "Ольга")
        r = self.anna.post("/people", {"name": "Другая", "identities": [
            {"kind": "email", "value": "olga@EX.org"}]}, 409)
        self.assertEqual(r.json["field"], "identities")
        found = self.anna.get("/people?q=olga").json["items"]
        self.assertEqual([x["id"] for x in found], [p["id"]])
        self.assertEqual(self.anna.get("/people?q=%25").json["items"], [])
        self.anna.patch(f"/people/{p['id']}", {"language": "xx"}, 422)
        self.anna.patch("/people/999999", {"name": "x"}, 404)
        self.anna.delete(f"/people/{p['id']}", 403)
        # who is staff, and how to reach them, is for admins to say
        boss = self.admin.get("/session").json["person"]
        self.anna.patch(f"/people/{boss['id']}", {"name": "Никто"}, 403)
        self.admin.patch(f"/people/{boss['id']}", {"organisation": "Мы"})

    def test_erasure(self):
        secret = "Мегасекретный пароль от облака слоникус"
        token, id = self.ticket(secret, person={
            "name": "Стираемый", "email": "erase@ex.org"})
        self.anna.upload(f"/tickets/{id}/attachments", "паспорт.txt",
                         b"slonikus passport")
        t = self.anna.get(f"/tickets/{id}").json
        self.anna.post(f"/tickets/{id}/messages",
                       {"kind": "reply", "body": "Стираемый, слоникус"}, 201)
        person = t["person"]["id"]
        proof = self.admin.call("DELETE", f"/people/{person}", None, 200).json
        self.assertEqual(proof["counts"]["tickets"], 1)
        again = self.admin.get(f"/people/{person}/erasure").json
        self.assertTrue(again["holds"], again)
        self.assertEqual(again["proof"], proof["proof"])
        self.admin.call("DELETE", f"/people/{person}", None, 409)
        for words in ("слоникус", "мегасекретный"):
            self.assertEqual(self.anna.get("/tickets?q=" +
                                           quote(words)).json["items"], [])
        self.assertEqual(self.nobody.get(f"/requests/{token}").json[
            "messages"][0]["body"], "")
        digest = hashlib.blake2b(b"slonikus passport", digest_size=32)
        self.assertFalse(os.path.exists(os.path.join(
            self.desk.folder, "files", digest.hexdigest()[:2],
            digest.hexdigest())))
        # nothing of it is left in the store's file, once its log is moved
        self.assertEqual(self.left_in_store("слоникус"), 0)
        staff = self.anna.get("/staff").json["items"][0]["id"]
        self.admin.call("DELETE", f"/people/{staff}", None, 409)

    def left_in_store(self, word):
        store = sqlite3.connect(os.path.join(self.desk.folder, "otklik.db"))
        n = 0
        tables = [r[0] for r in store.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'")]
        for t in tables:
            try:
                for row in store.execute(f'SELECT * FROM "{t}"'):
                    n += any(word in str(v) for v in row)
            except sqlite3.OperationalError:
                pass  # a part of the full-text index
        store.close()
        return n

    def test_articles(self):
        body = {"key": "krok", "language": "ru", "title": "Крокозябры в почте",
                "questions": "Почему в письме крокозябры?",
                "answer": "Смените кодировку письма на UTF-8."}
        a = self.anna.post("/knowledge/articles", body, 201).json
        r = self.nobody.post("/requests",
                             {"text": "Почему в письме крокозябры?"}, 201).json
        self.assertEqual(r["outcome"], "answered", r)
        self.assertEqual(r["answer"]["article"], a["id"])
        b = self.anna.patch(f"/knowledge/articles/{a['id']}",
                            {"state": "archived"}).json
        self.assertEqual(b["state"], "archived")
        r = self.nobody.post("/requests",
                             {"text": "Почему в письме крокозябры??"}, 201)
        self.assertEqual(r.json["outcome"], "ticket")
        board = self.anna.get("/knowledge/unanswered").json["items"]
        row = next(x for x in board if "крокозябры" in x["text"])
        self.anna.patch(f"/knowledge/unanswered/{row['id']}",
                        {"article": a["id"]}, 204)
        board = self.anna.get("/knowledge/unanswered").json["items"]
        self.assertNotIn(row["id"], [x["id"] for x in board])
        self.anna.patch(f"/knowledge/articles/{a['id']}", {"key": "z"}, 422)
        self.anna.patch(f"/knowledge/articles/{a['id']}", {"state": "z"}, 422)
        self.anna.post("/knowledge/articles", {"key": "n"}, 422)

    def test_once(self):
        """The same Idempotency-Key is the same request."""
        _, id = self.ticket()
        path = f"/tickets/{id}/messages"
        body = {"kind": "note", "body": "раз"}
        first = self.anna.post(path, body, 201, Idempotency_Key="k1")
        again = self.anna.post(path, body, 201, Idempotency_Key="k1")
        self.assertEqual(first.bytes, again.bytes)
        other = self.anna.post(path, {"kind": "note", "body": "два"}, 422,
                               Idempotency_Key="k1")
        self.assertEqual(other.json["field"], "Idempotency-Key")
        notes = [m for m in self.anna.get(f"/tickets/{id}").json["messages"]
                 if m["kind"] == "note"]
        self.assertEqual(len(notes), 1)
        # another's key is another key
        self.admin.post(path, {"kind": "note", "body": "три"}, 201,
                        Idempotency_Key="k1")
        text = {"text": "Одинаковая заявка", "ticket": True}
        a = self.nobody.post("/requests", text, 201, Idempotency_Key="r1").json
        b = self.nobody.post("/requests", text, 200, Idempotency_Key="r1").json
        self.assertEqual(a["id"], b["id"])
        self.nobody.post("/requests", {"text": "Совсем другое"}, 422,
                         Idempotency_Key="r1")

    def test_once_everywhere(self):
        """A repeated POST doubles nothing, whatever it made."""
        key = {"name": "дважды", "scopes": "triage"}
        a = self.admin.post("/keys", key, 201, Idempotency_Key="once").json
        b = self.admin.post("/keys", key, 201, Idempotency_Key="once").json
        self.assertEqual(b, {"id": a["id"], "key": None})
        self.desk.client(key=a["key"]).post("/triage", {"text": VPN}, 200)
        self.assertEqual([k["name"] for k in self.admin.get("/keys").json[
            "items"]].count("дважды"), 1)
        head = {"Content-Type": "application/json", "Idempotency-Key": "once"}
        a, b = (self.nobody.raw("POST", "/v1/bert_prediction_async",
                                b'{"text":"vpn"}', head) for _ in range(2))
        self.assertEqual((a.status, a.bytes), (200, b.bytes))
        self.assertEqual(self.nobody.raw(
            "GET", "/result/" + a.json["task_id"]).json["status"], "SUCCESS")

    def test_external_id(self):
        """A number of another system is one ticket; nothing said is lost."""
        crm = self.desk.client(key=self.desk.key("requests tickets"))

        def send(text, number, path="/requests", want=200, **head):
            return crm.post(path, {"text": text, "external_id": number,
                                   **({} if path == "/tickets" else
                                      {"ticket": True})}, want, **head).json

        def bodies(ticket):
            return [m["body"] for m in crm.get(f"/tickets/{ticket}").json[
                "messages"]]

        id = send(PRINTER, "N-1", want=201)["ticket"]["id"]
        self.assertEqual(send(PRINTER, "N-1")["ticket"]["id"], id)
        self.assertEqual(bodies(id), [PRINTER])
        for _ in range(2):
            self.assertEqual(send(VPN, "N-1")["ticket"]["id"], id)
        self.assertEqual(bodies(id), [PRINTER, VPN])
        # also where another key says that it is another request
        r = send("Третье", "N-1", want=201, Idempotency_Key="n-1")
        self.assertEqual(r["ticket"]["id"], id)
        self.assertEqual(send("Четвёртое", "N-1", "/tickets")["id"], id)
        self.assertEqual(bodies(id), [PRINTER, VPN, "Третье", "Четвёртое"])
        self.assertEqual(len(crm.get(f"/tickets/{id}").json["predictions"]), 2)
        # and when jobs do it
        r = send("Пятое", "N-1", want=202, Idempotency_Key="n-2",
                 Prefer="respond-async")
        wait_for("the jobs", lambda: "Пятое" in bodies(id))
        done = crm.get(f"/requests/{r['id']}").json
        self.assertEqual((done["outcome"], done["ticket"]["id"]),
                         ("ticket", id))
        send("Шестое", "N-1", Prefer="respond-async")
        self.assertIn("Шестое", bodies(id))
        self.assertEqual(self.admin.get("/jobs?state=dead").json["items"], [])
        # of a stranger it is a key, and no number of a ticket
        self.nobody.post("/requests", {"text": "Раз", "external_id": "S-1",
                                       "ticket": True}, 201)
        r = self.nobody.post("/requests", {
            "text": "Два", "external_id": "S-1", "ticket": True}, 422)
        self.assertEqual(r.json["field"], "external_id")

    def test_one_thumb(self):
        """The last thumb of a request counts; repeats do not add up."""
        self.anna.post("/knowledge/articles", {
            "key": "thumbs", "language": "ru", "title": "Большой палец клавиши",
            "questions": "Куда девать большой палец на клавишах?",
            "answer": "На пробел."}, 201)
        r = self.nobody.post("/requests", {
            "text": "Куда девать большой палец на клавишах?"}, 201).json
        self.assertEqual(r["outcome"], "answered")
        path = f"/requests/{r['id']}/feedback"
        self.assertIsNone(
            self.nobody.get(f"/requests/{r['id']}").json["helpful"])

        def thumbs():
            store = sqlite3.connect(os.path.join(self.desk.folder, "otklik.db"))
            n = store.execute(
                "SELECT value FROM feedback WHERE kind = 'thumb' AND inbox_id "
                "= (SELECT id FROM inbox WHERE token = ?)",
                (r["id"],)).fetchall()
            store.close()
            return [x[0] for x in n]

        for helpful in (True, True, False, False):
            now = self.nobody.post(path, {"helpful": helpful}, 200).json
            self.assertEqual(thumbs(), [int(helpful)])
            again = self.nobody.get(f"/requests/{r['id']}").json
            self.assertIs(again["helpful"], helpful)
            self.assertEqual(again["text"],
                             "Куда девать большой палец на клавишах?")
        self.assertEqual(now["outcome"], "ticket")
        asked = [x["times"] for x in self.anna.get(
            "/knowledge/unanswered").json["items"] if "палец" in x["text"]]
        self.assertEqual(asked, [1])

    def test_async(self):
        """Stored at once, understood and filed by jobs."""
        r = self.nobody.post("/requests", {"text": VPN, "ticket": True}, 202,
                             Prefer="respond-async")
        self.assertEqual(r.json["outcome"], "received")
        path = r.headers["Location"].removeprefix("/api/v1")
        done = wait_for("the jobs", lambda: (
            lambda x: x if x["outcome"] != "received" else None)(
                self.nobody.get(path).json))
        self.assertEqual(done["outcome"], "ticket")
        self.assertIsNotNone(done["topic"])
        r = self.nobody.post("/requests", {
            "text": "Как настроить автоответ в почте на время отпуска?"}, 202,
            Prefer="respond-async")
        path = r.headers["Location"].removeprefix("/api/v1")
        done = wait_for("the jobs", lambda: (
            lambda x: x if x["outcome"] != "received" else None)(
                self.nobody.get(path).json))
        now = self.nobody.post("/requests", {
            "text": "Как настроить автоответ в почте на время отпуска?"},
            201).json
        self.assertEqual(done["outcome"], now["outcome"])

    def test_staff_opens_tickets(self):
        t = self.anna.post("/tickets", {
            "text": "Позвонил директор: не работает проектор",
            "subject": "Проектор", "topic": "printing", "priority": "high",
            "person": {"name": "Директор"}}, 201).json
        self.assertEqual(t["subject"], "Проектор")
        self.assertEqual(t["topic"]["key"], "printing")
        self.assertEqual(t["priority"]["key"], "high")
        self.anna.post("/tickets", {"text": "x", "topic": "nope"}, 422)
        for prefer, status, where in (
                ("handling=lenient", 201, "/api/v1/tickets/"),
                ("not-respond-async", 201, "/api/v1/tickets/"),
                ("wait=5, respond-async;x=1", 202, "/api/v1/requests/")):
            r = self.anna.post("/tickets", {"text": VPN}, status,
                               Prefer=prefer)
            self.assertTrue(r.headers["Location"].startswith(where))
            self.anna.get(r.headers["Location"].removeprefix("/api/v1"))
        self.nobody.post("/requests", {"text": "x", "topic": "printing"}, 403)

    def test_catalog(self):
        c = self.admin.get("/catalog").json
        self.assertIn("anna", c["staff"])
        again = self.admin.patch("/catalog", c).json
        self.assertEqual(again, c)
        self.admin.patch("/catalog", {"topics": {"coffee": {
            "name_en": "Coffee", "name_ru": "Кофе"}}})
        keys = [t["key"] for t in self.nobody.get("/topics").json["items"]]
        self.assertIn("coffee", keys)
        head = {"Content-Type": "application/json",
                "X-CSRF-Token": self.admin.csrf, "Cookie": self.admin.cookie}
        for body, status in ((b'{"skills":{"fun":"\\ud83d\\ude00 \\/"}}', 200),
                             (b"skills: {fun: x}", 400),
                             (b"{'skills': {}}", 400), (b"", 400),
                             (b'{"skills":{},"skills":{}}', 400)):
            r = self.nobody.raw("PATCH", "/api/v1/catalog", body, head)
            self.assertEqual(r.status, status, (body, r.bytes))
        self.assertEqual(self.admin.get("/catalog").json["skills"]["fun"],
                         "\U0001f600 /")
        r = self.admin.patch("/catalog", {"topics": {"x": {"teem": "a"}}}, 422)
        self.assertIn("teem", r.json["detail"])
        self.admin.patch("/catalog", {"staff": {"anna": {
            "name": "Анна", "absences": [
                {"from": "2030-01-02", "to": "2030-01-01"}]}}}, 422)
        self.anna.get("/catalog", 403)

    def test_viewers_look(self):
        self.admin.patch("/catalog", {"staff": {"guest": {
            "name": "Гость", "role": "viewer"}}})
        self.desk.run("user", "passwd", "guest", stdin="guest-password\n")
        guest = self.desk.client()
        guest.sign_in("guest", "guest-password")
        _, id = self.ticket()
        guest.get(f"/tickets/{id}")
        guest.patch(f"/tickets/{id}", {"state": "open"}, 403)
        guest.post(f"/tickets/{id}/messages", {"kind": "note", "body": "x"},
                   403)
        guest.delete("/session")
        guest.get("/tickets", 401)

    def test_keys_and_audit(self):
        k = self.admin.post("/keys", {"name": "crm", "scopes": "requests"},
                            201).json
        crm = self.desk.client(key=k["key"])
        crm.get("/tickets", 403)
        crm.post("/requests", {"text": VPN, "external_id": "E-1"}, 201)
        crm.post("/requests", {"text": VPN, "external_id": "E-1"}, 200)
        self.admin.delete(f"/keys/{k['id']}")
        crm.post("/requests", {"text": VPN}, 401)
        page = self.admin.get("/audit?limit=500").json
        actions = [x["action"] for x in page["items"]]
        self.assertIn("ticket.create", actions)
        self.anna.get("/audit", 403)
        self.assertIn("http.port", self.admin.get("/settings").json)
        self.anna.post("/keys", {"name": "x", "scopes": "admin"}, 403)
        self.admin.post("/keys", {"name": "x", "scopes": "king"}, 422)


class SettingsTest(unittest.TestCase):
    """Settings live in otklik.yaml; the API writes there, and everybody reads
    it again."""

    def setUp(self):
        self.desk = Desk(PROGRAM, model=False)
        self.addCleanup(self.desk.__exit__)
        self.desk.start("log.level=error")
        self.admin = self.desk.client("admin")

    def file(self):
        with open(self.desk.folder + "/otklik.yaml", encoding="utf-8") as f:
            return f.read()

    def test_change(self):
        before = self.file()
        all = self.admin.get("/settings").json
        self.assertEqual(all["http.port"]["changes"], "by hand")
        self.assertEqual(all["http.workers"]["changes"], "at start")
        nobody = self.desk.client()
        text = {"text": "Принтер", "ticket": True}
        nobody.post("/requests", text, 201)
        now = self.admin.patch("/settings", {
            "access.anonymous": False, "desk.name": 'Стол: "№ 1" # 😀',
            "http.workers": 5, "knowledge.answer_threshold": 0.75,
            "desk.language": "en"}).json
        nobody.post("/requests", text, 401)  # at once
        self.assertEqual(now["desk.name"]["value"], 'Стол: "№ 1" # 😀')
        self.assertEqual(now["desk.name"]["source"], "file")
        self.assertEqual(now["knowledge.answer_threshold"]["value"], 0.75)
        self.assertEqual((now["http.workers"]["value"],
                          now["http.workers"]["after_restart"]), (16, 5))
        self.assertNotIn("after_restart", now["desk.name"])
        # every other line, and every comment, is as it was
        a, b = before.splitlines(), self.file().splitlines()
        self.assertEqual(len(a), len(b))
        self.assertEqual(sum(x != y for x, y in zip(a, b)), 5)
        # who, and what
        row = self.admin.get("/audit?limit=500").json["items"][-1]
        self.assertEqual((row["action"], row["detail"]["http.workers"]),
                         ("settings.change", 5))
        # one way of keeping them: the command line sees the same
        shown = json.loads(self.desk.run("config", "show", "--json"))
        self.assertEqual(shown["desk.name"]["value"], 'Стол: "№ 1" # 😀')
        self.desk.stop()
        self.desk.start("log.level=error")
        now = self.desk.client("admin").get("/settings").json
        self.assertEqual(now["http.workers"]["value"], 5)
        self.assertNotIn("after_restart", now["http.workers"])
        self.admin = self.desk.client("admin")
        now = self.admin.patch("/settings", {"access.anonymous": None}).json
        self.assertIs(now["access.anonymous"]["value"], True)
        self.desk.client().post("/requests", text, 201)

    def test_limits_count_at_once(self):
        self.desk.stop()
        self.desk.server = None
        p = subprocess.Popen([PROGRAM, "serve", "--desk", self.desk.folder,
                              "http.port=0"], stdout=subprocess.PIPE, text=True)
        self.desk.server = p
        self.desk.port = int(p.stdout.readline().rsplit(":", 1)[1])
        admin, nobody = self.desk.client("admin"), self.desk.client()
        admin.patch("/settings", {"limits.anonymous_per_minute": 1})
        codes = [nobody.get("/topics", None).status for _ in range(3)]
        self.assertEqual(codes[-1], 429)
        admin.patch("/settings", {"limits.anonymous_per_minute": 0})
        nobody.get("/topics", 200)

    def test_refused(self):
        before = self.file()
        for body, status, field in (
                ({"desk.nam": "x"}, 422, "desk.nam"),
                ({"http.workers": "5"}, 422, "http.workers"),
                ({"http.workers": 5.5}, 422, "http.workers"),
                ({"http.workers": 0}, 422, "http.workers"),
                ({"http.workers": 10**18}, 422, "http.workers"),
                ({"access.anonymous": "no"}, 422, "access.anonymous"),
                ({"desk.name": ""}, 422, "desk.name"),
                ({"desk.name": "x" * 201}, 422, "desk.name"),
                ({"desk.name": "a\x07"}, 422, "desk.name"),
                ({"desk.name": ["x"]}, 422, "desk.name"),
                ({"desk.language": "de"}, 422, "desk.language"),
                ({"knowledge.answer_threshold": 2}, 422,
                 "knowledge.answer_threshold"),
                # these run programs, and reach files and machines
                ({"outbox.command": "id"}, 403, "outbox.command"),
                ({"db.url": "sqlite:/etc/x"}, 403, "db.url"),
                ({"knowledge.model": "/"}, 403, "knowledge.model"),
                # said on the command line
                ({"log.level": "debug"}, 409, "log.level"),
                # one that is wrong spoils all
                ({"desk.name": "Другое", "http.workers": 0}, 422,
                 "http.workers")):
            r = self.admin.patch("/settings", body, status)
            self.assertEqual(r.json["field"], field, body)
        self.desk.client("anna").patch("/settings", {"desk.name": "x"}, 403)
        self.desk.client(key=self.desk.key("tickets")).patch(
            "/settings", {"desk.name": "x"}, 403)
        self.assertEqual(self.file(), before)
        self.assertEqual(self.admin.get("/settings").json["desk.name"][
            "value"], "Otklik")

    def test_by_hand(self):
        """What is written into the file by hand is taken up, too; a mistake
        changes nothing."""
        def write(text):
            with open(self.desk.folder + "/new", "w", encoding="utf-8") as f:
                f.write(text)
            os.replace(self.desk.folder + "/new",
                       self.desk.folder + "/otklik.yaml")

        def name():
            return self.admin.get("/settings").json["desk.name"]["value"]

        write("desk: {name: Рукой}\n")
        wait_for("the file", lambda: name() == "Рукой")
        r = self.admin.patch("/settings", {"desk.name": "Опять"})
        self.assertEqual(r.json["desk.name"]["value"], "Опять")
        write("desk:\n  name: [нет\n")
        r = self.admin.patch("/settings", {"desk.name": "Третье"}, 422)
        self.assertIn("otklik.yaml", r.json["detail"])
        self.assertEqual(name(), "Опять")
        self.admin.get("/topics")

    def test_worker_sees_it(self):
        """Another process of the desk takes it up."""
        worker = subprocess.Popen([PROGRAM, "worker", "--desk",
                                   self.desk.folder], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        try:
            worker.stdout.readline()
            self.admin.patch("/settings", {"routing.giveback_minutes": 7})
            self.assertIn("routing.giveback_minutes is another now",
                          worker.stderr.readline())
        finally:
            worker.terminate()
            worker.wait(30)
            worker.stdout.close()
            worker.stderr.close()

    def test_store_locked(self):
        self.desk.stop()
        self.desk.start("log.level=error", "db.busy_ms=100")
        admin = self.desk.client("admin")
        before = self.file()
        lock = sqlite3.connect(self.desk.folder + "/otklik.db",
                               isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        r = admin.patch("/settings", {"desk.name": "x"}, 503)
        self.assertTrue(r.headers["Retry-After"].isdigit())
        lock.execute("ROLLBACK")
        lock.close()
        self.assertEqual(self.file(), before)


class WorkerTest(unittest.TestCase):
    def test_worker_does_the_jobs(self):
        with Desk(PROGRAM) as desk:
            desk.start("jobs.threads=0")
            nobody = desk.client()
            r = nobody.post("/requests", {"text": VPN, "ticket": True}, 202,
                            Prefer="respond-async")
            path = r.headers["Location"].removeprefix("/api/v1")
            admin = desk.client("admin")
            jobs = admin.get("/jobs?state=waiting").json["items"]
            self.assertEqual([j["kind"] for j in jobs], ["intake.understand"])
            worker = subprocess.Popen([PROGRAM, "worker", "--desk",
                                       desk.folder], stdout=subprocess.PIPE)
            try:
                wait_for("the worker", lambda: nobody.get(path).json["outcome"]
                         == "ticket")
            finally:
                worker.terminate()
                self.assertEqual(worker.wait(30), 0)
                worker.stdout.close()

    def test_outbox(self):
        """A reply leaves once, by the owner's program; unsure ones wait."""
        with Desk(PROGRAM) as desk:
            sent = os.path.join(desk.top, "sent")
            verdict = os.path.join(desk.top, "verdict")

            def say(code):
                with open(verdict, "w", encoding="utf-8") as f:
                    f.write(code)

            def lines():
                with open(sent, encoding="utf-8") as f:
                    return f.read().splitlines()

            say("0")
            desk.start(f"outbox.command=cat >>{sent}; exit $(cat {verdict})")
            nobody, anna = desk.client(), desk.client("anna")
            admin = desk.client("admin")
            r = nobody.post("/requests", {
                "text": PRINTER, "ticket": True,
                "person": {"email": "out@ex.org"}}, 201).json
            path = f"/tickets/{r['ticket']['id']}/messages"

            def states():
                return [m["state"] for m in
                        admin.get("/outbox").json["items"]]

            anna.post(path, {"kind": "reply", "body": "Готово"}, 201)
            wait_for("sent", lambda: states() == ["sent"])
            first = json.loads(lines()[0])
            self.assertEqual(first["recipient"], "out@ex.org")
            self.assertEqual(first["text"], "Готово")
            say("67")
            anna.post(path, {"kind": "reply", "body": "Ещё"}, 201)
            wait_for("failed", lambda: states() == ["failed", "sent"])
            anna.post(path, {"kind": "note", "body": "внутри"}, 201)
            say("0")
            id = admin.get("/outbox?state=failed").json["items"][0]["id"]
            admin.post(f"/outbox/{id}", {"action": "retry"}, 200)
            wait_for("sent again", lambda: states() == ["sent", "sent"])
            admin.post(f"/outbox/{id}", {"action": "settle"}, 409)
            admin.post("/outbox/9999", {"action": "settle"}, 404)
            self.assertEqual(len(lines()), 3)

    def test_erased_bytes(self):
        """What was erased is not in the store's files, not even as garbage."""
        word = "слоникус"
        with Desk(PROGRAM) as desk:
            desk.start()
            r = desk.client().post("/requests", {
                "text": f"Пароль {word}", "ticket": True,
                "person": {"name": word}}, 201).json
            admin = desk.client("admin")
            admin.call("DELETE", "/people/" + r["ticket"]["person"]["id"],
                       None, 200)
            desk.stop()
            for top, _, names in os.walk(desk.folder):
                for name in names:
                    with open(os.path.join(top, name), "rb") as f:
                        self.assertNotIn(word.encode(), f.read(), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
