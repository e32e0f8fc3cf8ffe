"""What bad input gets over HTTP: a clear answer, and nothing broken."""
import http.client
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import unittest
import urllib.parse

from desk import Desk, wait_for

PROGRAM = os.environ["OTKLIK"]
JSON = {"Content-Type": "application/json"}


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.desk = Desk(PROGRAM).start()
        cls.addClassCleanup(cls.desk.__exit__)
        cls.c = cls.desk.client()
        cls.anna = cls.desk.client("anna")
        cls.admin = cls.desk.client("admin")

    def send(self, body, headers=None, path="/requests", method="POST"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.c.raw(method, "/api/v1" + path, body, headers or JSON)

    def refused(self, status, field, body, **more):
        r = self.send(body, **more)
        self.assertEqual(r.status, status, r.bytes)
        self.assertEqual(r.headers["Content-Type"], "application/problem+json")
        p = r.json
        self.assertEqual(p["status"], status)
        self.assertTrue(p["type"].startswith("/problems/"))
        self.assertTrue(p["detail"], p)
        if field:
            self.assertEqual(p["field"], field, p)

    def test_not_json(self):
        for body in (b"", b"{", b"[]", b"null", b'"x"', b"{}}", b'{"text":}',
                     b'{"text":"a","text":"b"}', b"\xff\xfe", b"\0",
                     b'{"text":"\xff"}', b"[" * 100000, b'{"text":1e999}',
                     b'{"text":"\\ud800"}'):
            r = self.send(body)
            self.assertIn(r.status, (400, 422), (body[:20], r.bytes))
            self.assertEqual(r.headers["Content-Type"],
                             "application/problem+json")

    def test_fields(self):
        self.refused(422, "text", {})
        self.refused(422, "text", {"text": None})
        self.refused(422, "text", {"text": 7})
        self.refused(422, "text", {"text": ["a"]})
        self.refused(422, "text", {"text": ""})
        self.refused(422, "text", {"text": " \n\t "})
        self.refused(422, "text", {"text": "a" * 65537})
        self.refused(422, "text", {"text": "bell \x07"})
        self.refused(422, "teks", {"teks": "a"})
        self.refused(422, "ticket", {"text": "a", "ticket": "yes"})
        self.refused(422, "person", {"text": "a", "person": "Anna"})
        self.refused(422, "email", {"text": "a", "person": {"email": "no"}})
        self.refused(422, "phone", {"text": "a", "person": {"phone": "abc"}})
        self.refused(422, "name", {"text": "a", "person": {"name": "x" * 300}})
        self.refused(422, "nick", {"text": "a", "person": {"nick": "x"}})
        self.refused(422, "external_id", {"text": "a", "external_id": 5})
        self.refused(422, "external_id", {"text": "a",
                                          "external_id": "x" * 201})
        self.refused(400, None, b'{"text":"a\\u0000b"}')

    def test_limits_count_letters(self):
        """As JSON Schema does: a Russian name may be as long as an English one."""
        ask = {"text": "Щ" * 65536, "person": {"name": "Ё" * 200}}
        self.assertEqual(self.send(ask).status, 201)
        for field, bad in (("text", {"text": "Щ" * 65537}),
                           ("name", {"text": "a", "person": {"name": "Ё" * 201}})):
            self.refused(422, field, bad)
        subject = "Ы" * 200
        t = self.anna.post("/tickets", {"text": "x", "subject": subject}, 201)
        self.assertEqual(t.json["subject"], subject)
        self.anna.post("/tickets", {"text": "x", "subject": subject + "!"}, 422)
        self.anna.get("/people?q=" + urllib.parse.quote("ё" * 200))
        self.anna.get("/people?q=" + urllib.parse.quote("ё" * 201), 422)

    def test_too_large(self):
        self.refused(413, None, b'{"text":"' + b"a" * (10 << 20) + b'"}')

    def test_media_types(self):
        for kind in ("application/x-www-form-urlencoded", "text/plain", "",
                     "application/jsonp", "application/json; charset=koi8-r"):
            r = self.send({"text": "a"}, {"Content-Type": kind})
            self.assertEqual(r.status, 415, kind)
            self.assertEqual(r.json["field"], "Content-Type")
        for kind in ("application/json", "Application/JSON; Charset=UTF-8",
                     'application/json;charset="utf-8"',
                     "application/json ; profile=x"):
            r = self.send({"text": "a", "ticket": True}, {"Content-Type": kind})
            self.assertEqual(r.status, 201, kind)

    def test_authorization(self):
        """A key is found in any case of its scheme; a wrong one is no guest."""
        key = self.desk.key("tickets")
        for head, status in (("Bearer " + key, 200), ("bearer " + key, 200),
                             ("Bearer  " + key, 200), ("Bearer x", 401),
                             ("Bearer " + key + "x", 401), (key, 401),
                             ("Basic YTpi", 401)):
            r = self.c.raw("GET", "/api/v1/tickets", None,
                           {"Authorization": head})
            self.assertEqual(r.status, status, head)
            if status == 401:
                self.assertEqual(r.headers["WWW-Authenticate"], "Bearer")
        r = self.c.raw("GET", "/api/v1/topics", None,
                       {"Authorization": "bearer otk_guess"})
        self.assertEqual(r.status, 401)

    def test_paths(self):
        for method, path, status in (
                ("GET", "/api/v1/nothing", 404), ("GET", "/../etc/passwd", 404),
                ("GET", "/api/v1/requests/zzz", 404), ("GET", "/%00", 400),
                ("GET", "/api/v1/tickets/1", 401), ("PUT", "/predict", 405),
                ("DELETE", "/api/v1/requests", 405), ("GET", "/%ff", 400),
                ("GET", "/api/v1/requests/%zz", 400)):
            r = self.c.raw(method, path)
            self.assertEqual(r.status, status, (method, path, r.bytes))
        r = self.c.raw("PUT", "/predict")
        self.assertIn("POST", r.headers["Allow"])
        self.anna.get("/tickets/abc", 404)
        self.anna.get("/tickets/999999", 404)
        self.anna.get("/tickets/99999999999999999999", 404)

    def test_queries(self):
        """A filter that is misspelt is no list of everything."""
        for path, field in (("/tickets?statee=new", "statee"),
                            ("/tickets?State=new", "State"),
                            ("/staff?limit=1", "limit"),
                            ("/outbox?state=gone", "state"),
                            ("/jobs?state=gone", "state"),
                            ("/canned?in=de", "in"),
                            ("/tickets?late=maybe", "late"),
                            ("/knowledge/search?q=", "q"),
                            ("/knowledge/search?q=%07", "q"),
                            ("/knowledge/search?q=a&language=null", "language"),
                            ("/topics?language=fr", "language")):
            r = self.admin.get(path, 422)
            self.assertEqual(r.json["field"], field, path)
        self.admin.get("/tickets?state=%ff", 400)
        self.admin.get("/tickets?limit=1&limit=2", 400)
        self.admin.get("/topics?language=en")
        self.admin.get("/outbox?state=unsure&limit=1")
        self.admin.get("/jobs?state=dead")

    def test_changes(self):
        id = self.send({"text": "Принтер", "ticket": True}).json["ticket"]["id"]
        for body, field in (({"state": "gone"}, "state"), ({"state": 1}, "state"),
                            ({"topic": "x"}, "topic"), ({"team": "x"}, "team"),
                            ({"priority": "x"}, "priority"),
                            ({"assignee": 7}, "assignee"),
                            ({"assignee": "x"}, "assignee"),
                            ({"assignee": "99999"}, "assignee"),
                            ({"subject": ""}, "subject"),
                            ({"subject": "x" * 201}, "subject"),
                            ({"color": "red"}, "color")):
            r = self.anna.patch(f"/tickets/{id}", body, 422)
            self.assertEqual(r.json["field"], field, body)
        for body, field in (({"kind": "reply"}, "body"), ({"body": "x"}, "kind"),
                            ({"kind": "shout", "body": "x"}, "kind"),
                            ({"kind": "note", "body": "  "}, "body"),
                            ({"kind": "note", "body": "x" * 65537}, "body")):
            r = self.anna.post(f"/tickets/{id}/messages", body, 422)
            self.assertEqual(r.json["field"], field, body)
        self.anna.patch(f"/tickets/{id}", {"state": "open"}, 412,
                        If_Match='"999"')
        self.anna.patch(f"/tickets/{id}", {"state": "open"}, 422,
                        If_Match="seven")
        # without the token of the session nothing is changed
        r = self.anna.raw("PATCH", f"/api/v1/tickets/{id}", b"{}",
                          {**JSON, "X-CSRF-Token": "guess"})
        self.assertEqual(r.status, 403)

    def test_other_languages(self):
        for text in ("打印机卡纸了", "Imprimante bloquée", "😀😀😀", "1234",
                     "а" * 30000, "\u202eабв", "ﬁ ﬂ Ⅷ", "e\u0301" * 5000):
            r = self.send({"text": text, "ticket": True})
            self.assertEqual(r.status, 201, r.bytes)

    def test_half_requests(self):
        """A client that goes away leaves nothing, and the desk goes on."""
        before = [n for n in self.files() if not n.endswith(".part")]
        for head in (b"POST /api/v1/requests HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Type: application/json\r\n"
                     b"Content-Length: 500\r\n\r\n{\"text\":\"half",
                     b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"POST /api/v1/tickets/1/attachments HTTP/1.1\r\n"
                     b"Host: x\r\nCookie: " + self.anna.cookie.encode() +
                     b"\r\nX-CSRF-Token: " + self.anna.csrf.encode() +
                     b"\r\nContent-Length: 100000\r\n\r\nhalf a file"):
            s = socket.create_connection(("127.0.0.1", self.desk.port))
            s.sendall(head)
            s.close()
        self.assertEqual(self.c.raw("GET", "/healthz").status, 200)
        wait_for("the half of a file to go", lambda: self.files() == before)

    def files(self):
        return sorted(n for _, _, f in os.walk(self.desk.folder + "/files")
                      for n in f)

    def test_chunked_upload(self):
        id = self.send({"text": "x", "ticket": True}).json["ticket"]["id"]
        c = http.client.HTTPConnection("127.0.0.1", self.desk.port)
        c.request("POST", f"/api/v1/tickets/{id}/attachments?name=a",
                  iter([b"ab", b"cd"]),
                  {"Cookie": self.anna.cookie,
                   "X-CSRF-Token": self.anna.csrf,
                   "Transfer-Encoding": "chunked"}, encode_chunked=True)
        r = c.getresponse()
        said = r.read()
        c.close()
        self.assertEqual(r.status, 201, said)
        self.assertEqual(json.loads(said)["size"], 4)

    def test_store_locked(self):
        """Another program holds the store: 503 with Retry-After, then go on."""
        with Desk(PROGRAM, model=False) as desk:
            desk.start("db.busy_ms=200")
            c = desk.client()
            lock = sqlite3.connect(desk.folder + "/otklik.db",
                                   isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            body = {"text": "Пока закрыто", "ticket": True}
            r = c.post("/requests", body, 503)
            self.assertTrue(r.headers["Retry-After"].isdigit())
            lock.execute("ROLLBACK")
            lock.close()
            c.post("/requests", body, 201)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"),
                     "a small disk can be mounted by root only")
class FullDiskTest(unittest.TestCase):
    def test_full_disk(self):
        disk = tempfile.mkdtemp(prefix="otklik-disk-")
        p = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,nr_inodes=300",
                            "tmpfs", disk], capture_output=True)
        if p.returncode:
            os.rmdir(disk)
            self.skipTest("mount is not allowed here")
        try:
            self.fill(disk)
        finally:
            subprocess.run(["umount", disk], check=True)
            os.rmdir(disk)

    def upload_refused(self, c, data):
        """Nor is a stranger told where the files of the desk are."""
        r = c.raw("POST", f"/api/v1/requests/{self.token}/attachments", data)
        self.assertEqual(r.status, 503, r.bytes)
        self.assertTrue(r.headers["Retry-After"].isdigit())
        self.assertNotIn(b"/tmp", r.bytes)

    def no_place_for_files(self, desk, c, disk):
        """A disk without room for one more folder is full, too."""
        self.token = c.post("/requests", {"text": "x", "ticket": True},
                            201).json["id"]
        os.makedirs(desk.folder + "/files", exist_ok=True)
        names = []
        with self.assertRaises(OSError):
            while True:
                names.append(f"{disk}/{len(names)}")
                os.close(os.open(names[-1], os.O_CREAT | os.O_WRONLY))
        self.upload_refused(c, b"a")
        os.remove(names[0])  # room for the file, none for its folder
        self.upload_refused(c, b"b")
        for name in names[1:-1]:
            os.remove(name)

    def fill(self, disk):
        with Desk(PROGRAM, model=False) as desk:
            shutil.move(desk.folder, disk + "/desk")
            desk.folder = disk + "/desk"
            desk.start("log.level=error")
            c = desk.client()
            self.no_place_for_files(desk, c, disk)
            kept = []
            text = "Диск полон, но что принято, то принято. " * 400
            for i in range(4000):
                r = c.post("/requests", {"text": text + str(i), "ticket": True})
                if r.status != 201:
                    break
                kept.append(r.json["ticket"]["id"])
            self.assertEqual(r.status, 503, r.bytes)
            self.assertTrue(r.headers["Retry-After"].isdigit())
            self.assertGreater(len(kept), 10)
            self.upload_refused(c, b"x" * 500000)
            self.assertEqual(c.raw("GET", "/healthz").status, 200)
            desk.stop()
            store = sqlite3.connect(f"file:{desk.folder}/otklik.db?mode=ro",
                                    uri=True)
            there = {str(r[0]) for r in store.execute("SELECT id FROM tickets")}
            store.close()
            self.assertEqual(set(kept) - there, set())


if __name__ == "__main__":
    unittest.main()
