"""The command line: what it makes, and what it says to wrong input."""
import json
import os
import sqlite3
import subprocess
import unittest
from urllib.parse import quote

from desk import Desk

PROGRAM = os.environ["OTKLIK"]


class CliTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.desk = Desk(PROGRAM)
        cls.addClassCleanup(cls.desk.__exit__)

    def file(self, name, text, encoding="utf-8"):
        path = os.path.join(self.desk.top, name)
        with open(path, "wb") as f:
            f.write(text.encode(encoding) if isinstance(text, str) else text)
        return path

    def refuses(self, code, holds, *words, **more):
        self.desk.run(*words, want=code, **more)
        self.assertIn(holds, self.desk.complaint)

    def test_wrong_usage(self):
        self.refuses(2, "serve", "serv", folder=False)
        self.refuses(2, "--force", "restore", "x", "--forse")
        self.refuses(2, "FILE", "import")
        self.refuses(2, "tickets", "import", "x.csv", "--as", "tikets")
        self.refuses(4, "nowhere", "import", "nowhere.csv")

    def test_no_desk(self):
        p = subprocess.run([PROGRAM, "kb", "export", "--desk", self.desk.top],
                           capture_output=True, text=True)
        self.assertEqual(p.returncode, 4)
        self.assertIn("otklik init", p.stderr)

    def test_settings(self):
        self.refuses(3, "http.port", "config", "check", "http.port=no")
        self.refuses(3, "http.port", "config", "check", "http.prot=1")
        self.assertEqual(self.desk.run("config", "check").strip(), "ok")
        shown = json.loads(self.desk.run("config", "show", "--json",
                                         "http.port=81"))
        port = shown["http.port"]
        self.assertEqual((port["value"], port["source"], port["default"]),
                         (81, "command line", 8080))
        self.assertEqual(port["changes"], "by hand")

    def test_import_examples(self):
        path = self.file("e.csv", "text,topic,priority\n"
                         "Сломался сканер штрихкодов,printing,high\n"
                         ",printing,high\n"
                         "без меток,,\n"
                         "Принтер мигает,printing\n"
                         "Не пускает в почту,email,normal\n")
        dry = json.loads(self.desk.run("import", path, "--dry-run", "--json",
                                       want=3))
        self.assertEqual(dry["new"], 2)
        self.assertEqual([b["row"] for b in dry["bad"]], [5, 3, 4])
        self.assertIn("2 new", self.desk.run("import", path, want=3))
        self.assertIn("e.csv:3: text", self.desk.complaint)
        self.assertIn("0 new, 0 changed, 2 the same",
                      self.desk.run("import", path, want=3))
        self.refuses(3, "--map", "import", self.file("x.csv", "a,b\n1,2\n"))
        mapped = self.file("m.csv", "Вопрос,Тема\nНовый вопрос,printing\n")
        self.assertIn("1 new", self.desk.run(
            "import", mapped, "--map", "text=Вопрос,topic=Тема"))

    def test_import_people_and_tickets(self):
        path = self.file("p.jsonl", '{"name":"Иван","email":"i@ex.org"}\n'
                         '{"name":"Пётр","email":"не почта"}\n'
                         '{"name":"","email":""}\n')
        r = json.loads(self.desk.run("import", path, "--as", "people",
                                     "--json", want=3))
        self.assertEqual((r["new"], len(r["bad"])), (1, 2))
        path = self.file("t.csv", "text,external_id,state,topic,answer,email,"
                         "created_at\n"
                         "Старая заявка,OLD-1,closed,printing,Заменили ролик,"
                         "i@ex.org,2025-03-01T10:00:00Z\n"
                         "Заявка,OLD-2,gone,printing,,,\n"
                         "Заявка,OLD-3,closed,nope,,,\n"
                         "Заявка,OLD-4,closed,printing,,,yesterday\n")
        r = json.loads(self.desk.run("import", path, "--as", "tickets",
                                     "--json", want=3))
        self.assertEqual((r["new"], len(r["bad"])), (1, 3))
        r = json.loads(self.desk.run("import", path, "--as", "tickets",
                                     "--json", want=3))
        self.assertEqual((r["new"], r["same"]), (0, 1))
        self.desk.start()
        anna = self.desk.client("anna")
        t = anna.get("/tickets?state=closed&q=%D1%81%D1%82%D0%B0%D1%80%D0%B0%D1"
                     "%8F").json["items"][0]
        self.assertEqual(t["created_at"], "2025-03-01T10:00:00.000Z")
        self.assertEqual(t["person"]["name"], "Иван")
        whole = anna.get(f"/tickets/{t['id']}").json
        self.assertEqual([m["kind"] for m in whole["messages"]],
                         ["request", "reply"])
        self.desk.stop()

    def test_search_through_many(self):
        """Few tickets pass the filter: the search goes on behind the first
        messages, and behind as many as one request looks at."""
        n = 5300
        rows = "".join(f"Кочерга номер {i},M-{i},"
                       f"{'open' if i % 900 == 0 else 'closed'}\n"
                       for i in range(n))
        path = self.file("many.csv", "text,external_id,state\n" + rows)
        r = json.loads(self.desk.run("import", path, "--as", "tickets",
                                     "--json"))
        self.assertEqual(r["new"], n)
        self.desk.start()
        anna = self.desk.client("anna")
        got, after, pages = [], "", 0
        while after is not None:
            page = anna.get("/tickets?limit=2&state=open&q=" +
                            quote("кочерга") + after).json
            got += [x["external_id"] for x in page["items"]]
            after = "&after=" + page["next"] if page["has_more"] else None
            pages += 1
            self.assertLess(pages, 9)
        self.assertEqual(got, [f"M-{i}" for i in range(4500, -1, -900)])
        self.desk.stop()

    def test_import_catalog(self):
        good = self.file("c.yaml", "topics:\n  keys: {name_en: Keys}\n")
        self.assertIn("would be taken",
                      self.desk.run("import", good, "--dry-run"))
        self.desk.run("import", good)
        bad = self.file("b.yaml", "topics:\n  keys:\n    nam: Keys\n")
        self.refuses(3, "b.yaml:3", "import", bad)

    def test_measure_without_keys(self):
        """Keys that no article has are no misses of the search."""
        plain = "question,answer\nHow is jam cleared?,Open the lid.\n"
        articles = self.file("a.csv", plain)
        questions = self.file("q.csv", "text,keys\nclear a jam,0\n")
        self.refuses(3, "--map key=", "kb", "measure", articles, questions)
        keyed = self.file("k.csv", "key," + plain.replace("How", "0,How"))
        more = self.file("m.csv", "text,keys\nclear a jam,0\nother,9\n")
        said = self.desk.run("kb", "measure", keyed, more)
        self.assertIn("1 questions have keys that no article has", said)

    def test_broken_tables(self):
        for name, text in (("u.csv", b"text,topic\n\xff\xfe\xff,x\n"),
                           ("n.csv", b"text,topic\na\0b,x\n"),
                           ("q.csv", 'text,topic\n"open,x\n'),
                           ("j.jsonl", '{"text":"a","topic":"x"}\n{"text":\n'),
                           ("z.xlsx", b"PK\x03\x04 not a spreadsheet"),
                           ("e.csv", b"")):
            p = subprocess.run([PROGRAM, "import", self.file(name, text),
                                "--desk", self.desk.folder],
                               capture_output=True, text=True)
            self.assertEqual(p.returncode, 3, (name, p.stdout, p.stderr))
            self.assertIn(name, p.stderr)

    def test_train_from_store(self):
        """Lessons, few of them to be quick, and question forms of articles."""
        with Desk(PROGRAM, model=False) as desk:
            store = sqlite3.connect(os.path.join(desk.folder, "otklik.db"))
            store.execute("DELETE FROM examples WHERE id % 10 <> 0")
            store.commit()
            lessons = store.execute("SELECT COUNT(*) FROM examples")
            lessons = lessons.fetchone()[0]
            out = json.loads(desk.run("train", "--json"))
            self.assertGreater(lessons, 100)
            self.assertGreater(out["examples"], lessons + 500)
            self.assertLess(out["examples"], lessons + 1000)
            store.execute("DELETE FROM examples")
            store.commit()
            store.close()
            desk.run("train", want=4)
            self.assertIn("otklik import", desk.complaint)

    def test_backup_and_restore(self):
        with Desk(PROGRAM, model=False) as desk:
            desk.start()
            anna = desk.client("anna")
            t = desk.client().post("/requests", {
                "text": "Файл при мне", "ticket": True}, 201).json["ticket"]
            a = anna.upload(f"/tickets/{t['id']}/attachments", "f.txt",
                            b"precious").json
            place = os.path.join(desk.top, "copy")
            desk.run("backup", place)
            desk.run("backup", place, want=1)
            self.assertTrue(os.path.exists(place + "/otklik.yaml"))
            anna.post(f"/tickets/{t['id']}/messages",
                      {"kind": "note", "body": "после копии"}, 201)
            desk.stop()
            desk.run("restore", place, want=1)
            desk.run("restore", place, "--force")
            names = os.listdir(place)
            self.assertNotIn("otklik.db-wal", names)
            desk.start()
            anna = desk.client("anna")
            got = anna.get(f"/tickets/{t['id']}").json
            self.assertEqual(len(got["messages"]), 1)
            self.assertEqual(anna.raw(
                "GET", f"/api/v1/attachments/{a['id']}").bytes, b"precious")
            desk.stop()
            # into a folder of its own, and from a broken copy
            other = os.path.join(desk.top, "other")
            desk.run("restore", place, "--desk", other, folder=False)
            self.assertEqual(sorted(os.listdir(other)),
                             ["files", "otklik.db", "otklik.yaml"])
            with open(place + "/otklik.db", "r+b") as f:
                f.seek(5000)
                f.write(b"\0" * 20000)
            before = os.path.getsize(other + "/otklik.db")
            desk.run("restore", place, "--force", "--desk", other,
                     folder=False, want=1)
            self.assertEqual(os.path.getsize(other + "/otklik.db"), before)
            self.assertIn("no usable backup", desk.complaint)

    def test_doctor(self):
        out = json.loads(self.desk.run("doctor", "--json"))
        self.assertTrue(all(x["ok"] for x in out), out)

    def test_users_and_keys(self):
        self.refuses(4, "nobody", "user", "passwd", "nobody",
                     stdin="long-enough\n")
        self.refuses(3, "8", "user", "passwd", "anna", stdin="short\n")
        self.refuses(3, "king", "key", "add", "x", "--scopes", "king")
        self.desk.run("key", "add", "x", "--scopes", "tickets")
        keys = json.loads(self.desk.run("key", "list", "--json"))
        self.desk.run("key", "revoke", keys[-1]["id"])
        self.desk.run("key", "revoke", "999", want=4)

    def test_texts(self):
        top = os.path.join(self.desk.top, "texts")
        self.desk.run("install-texts", top, folder=False)
        page = os.path.join(top, "man/man1/otklik-import.1")
        with open(page, encoding="utf-8") as f:
            self.assertIn("dry\\-run", f.read())


if __name__ == "__main__":
    unittest.main()
