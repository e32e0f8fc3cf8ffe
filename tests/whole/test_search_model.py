"""A desk whose search asks a language model too."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["OTKLIK"]
MAKE = pathlib.Path(__file__).resolve().parents[1] / "models/make.py"
HEAD, RECORD = 40, 16 + 4 + 32 + 8


class SearchModelTest(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="otklik-model-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.desk = self.top / "desk"
        shutil.copytree(os.environ["OTKLIK_TEMPLATE"], self.desk)
        self.model("minilm", "tiny")
        self.cache = self.desk / "models/knowledge.vectors"

    def model(self, family, name):
        subprocess.run([sys.executable, MAKE, "--hidden", "32", "--heads", "2",
                        family, self.desk / "models" / name], check=True,
                       stdout=subprocess.DEVNULL)

    def otklik(self, *words, model="tiny", want=0):
        p = subprocess.run(
            [PROGRAM, *words, "--desk", self.desk], cwd=self.top, text=True,
            capture_output=True, timeout=120,
            env={**os.environ, "OTKLIK_KNOWLEDGE_MODEL": model})
        self.assertEqual(p.returncode, want, (p.stdout, p.stderr))
        return p.stdout + p.stderr

    def records(self):
        size = self.cache.stat().st_size - HEAD
        self.assertEqual(size % RECORD, 0)
        return size // RECORD

    def test_vectors_are_kept(self):
        """A restart embeds nothing, an edit the texts that are new."""
        plain = self.otklik("kb", "search", "forgot password", model="")
        self.assertFalse(self.cache.exists())
        # a model of chance counts nothing: the answer stays
        self.assertEqual(self.otklik("kb", "search", "forgot password"), plain)
        before = self.records()
        self.assertGreater(before, 500)
        self.otklik("kb", "search", "printer")
        self.assertEqual(self.records(), before)
        faq = self.top / "faq.csv"
        faq.write_text("question,answer\nWhere is the spare toner?,Room 12.\n")
        self.otklik("kb", "import", str(faq))
        self.otklik("kb", "search", "spare toner")
        # its question, its whole, and where it stands in the trials its answer
        self.assertIn(self.records() - before, (2, 3))
        with open(self.cache, "r+b") as f:
            f.truncate(HEAD + 10 * RECORD + 7)
        self.otklik("kb", "search", "spare toner")
        self.assertGreaterEqual(self.records(), before)

    def test_doctor(self):
        self.assertIn("ok    the model of search", self.otklik("doctor"))
        self.assertNotIn("model of search", self.otklik("doctor", model=""))

    def test_wrong_models(self):
        """An error names the setting and the remedy."""
        self.model("bert", "classifier")
        shutil.copytree(self.desk / "models/tiny", self.desk / "models/broken")
        (self.desk / "models/broken/config.json").write_text("{")
        for name, code, holds in (("nothing", 4, "nothing"),
                                  ("classifier", 2, "a classifier"),
                                  ("broken", 3, "config.json"),
                                  (str(self.top / "none"), 4, "none")):
            said = self.otklik("kb", "search", "x", model=name, want=code)
            for text in ("knowledge.model", "otklik model pull", holds):
                self.assertIn(text, said)
            said = self.otklik("doctor", model=name, want=6)
            self.assertIn("WRONG the desk opens", said)
            self.assertIn("knowledge.model", said)
            # lists are kept and saved without it
            self.otklik("user", "list", model=name)
            self.otklik("kb", "export", model=name)

    def test_path(self):
        shutil.move(self.desk / "models/tiny", self.top / "tiny")
        self.otklik("kb", "search", "printer", model=str(self.top / "tiny"))
        self.assertTrue(self.cache.exists())


if __name__ == "__main__":
    unittest.main()
