"""A language model learns on the command line, is stopped, and goes on."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ["OTKLIK"]
MAKE = pathlib.Path(__file__).parent.parent / "models" / "make.py"
WORDS = {"printing": "printer paper toner", "access": "password login account",
         "network": "network wifi vpn"}


class LearningTest(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="otklik-learning-"))
        self.addCleanup(shutil.rmtree, self.top)
        subprocess.run([sys.executable, MAKE, "--hidden", "32", "--heads", "2",
                        "minilm", self.top / "base"], check=True,
                       stdout=subprocess.DEVNULL)
        rows = [f"please {words} {i},{topic}" for i in range(60)
                for topic, words in WORDS.items()]
        self.data = self.top / "data.csv"
        self.data.write_text("\n".join(["text,topic", *rows]) + "\n")

    def words(self, name, *more):
        return [PROGRAM, "train", str(self.data), "--tasks", "topic",
                "--engine", "transformer", "--base", str(self.top / "base"),
                "--epochs", "30", "--output", str(self.top / name), *more]

    def train(self, name, *more, want=0):
        p = subprocess.run(self.words(name, *more), capture_output=True,
                           text=True, timeout=200)
        self.assertEqual(p.returncode, want, p.stderr)
        return p

    def weights(self, name):
        return (self.top / name / "encoder/model.safetensors").read_bytes()

    def checkpoint(self, name):
        return self.top / f"{name}.checkpoint"

    def interrupt(self, name):
        """Ctrl-C as soon as an epoch is over."""
        p = subprocess.Popen(self.words(name), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 100
        while not self.checkpoint(name).exists():
            self.assertIsNone(p.poll())
            self.assertLess(time.monotonic(), end)
            time.sleep(0.002)
        p.send_signal(signal.SIGINT)
        _, said = p.communicate(timeout=100)
        self.assertEqual(p.returncode, 0, said)
        return said

    def test_resume(self):
        self.train("whole")
        self.assertFalse(self.checkpoint("whole").exists())
        said = self.interrupt("part")
        self.assertIn("--resume", said)
        # what was stopped is a model that answers
        p = subprocess.run([PROGRAM, "predict", "--model",
                            str(self.top / "part"), "wifi"],
                           capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertTrue(self.checkpoint("part").exists())
        self.assertNotEqual(self.weights("part"), self.weights("whole"))
        # another learning does not fit, and changes nothing
        p = self.train("part", "--resume", "--seed", "2", want=1)
        self.assertIn("part.checkpoint", p.stderr)
        self.assertIn("remove it", p.stderr)
        self.train("part", "--resume")
        self.assertFalse(self.checkpoint("part").exists())
        self.assertEqual(self.weights("part"), self.weights("whole"))
        self.assertEqual(
            sorted(x.name for x in self.top.iterdir()),
            ["base", "data.csv", "part", "whole"])

    def test_new(self):
        """Where nothing can be fetched: a model from one's own texts."""
        shutil.rmtree(self.top / "base")
        new = [PROGRAM, "model", "new", "--to", str(self.top / "base"),
               "--vocab-from", f"{self.data}:text", "--layers", "2",
               "--hidden", "32", "--vocab", "300", "--json"]
        p = subprocess.run(new, capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr)
        made = json.loads(p.stdout)
        self.assertEqual([made[k] for k in ("layers", "hidden", "heads")],
                         [2, 32, 1])
        vocabulary = (self.top / "base/vocab.txt").read_text().split("\n")
        self.assertEqual(len(vocabulary) - 1, made["vocab"])
        self.assertIn("printer", vocabulary)
        p = subprocess.run(new, capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertIn("already", p.stderr)
        self.train("taught")
        p = subprocess.run([PROGRAM, "predict", "--model",
                            str(self.top / "taught"), "--json", "my password"],
                           capture_output=True, text=True, timeout=60)
        self.assertIn("access", p.stdout)

    def test_new_refused(self):
        for more, holds in (([], "--to FOLDER"), (["x"], "--vocab-from"),
                            (["a/b"], "no name"),
                            (["x", "--vocab-from", f"{self.data}:none"],
                             "text, topic"),
                            (["x", "--vocab-from", str(self.data),
                              "--hidden", "32", "--heads", "5"], "divide"),
                            (["x", "--vocab-from", str(self.data),
                              "--vocab", "20"], "too small")):
            p = subprocess.run([PROGRAM, "model", "new", *more],
                               capture_output=True, text=True, timeout=60,
                               cwd=self.top)
            self.assertNotEqual(p.returncode, 0)
            self.assertEqual(p.stderr.count("\n"), 1)
            self.assertIn(holds, p.stderr)

    def test_adapter(self):
        """Teaching begins with what was learnt apart."""
        adapter = [sys.executable, MAKE.parent / "adapter.py",
                   self.top / "base", self.top / "adapter"]
        subprocess.run(adapter, check=True)
        self.train("plain", "--epochs", "1")
        self.train("adapted", "--epochs", "1", "--adapter",
                   str(self.top / "adapter"))
        self.assertNotEqual(self.weights("plain"), self.weights("adapted"))
        subprocess.run([*adapter, "--set", "use_dora=true"], check=True)
        p = self.train("refused", "--adapter", str(self.top / "adapter"),
                       want=3)
        self.assertIn("use_dora", p.stderr)
        self.assertFalse((self.top / "refused").exists())

    def test_refused(self):
        p = subprocess.run([PROGRAM, "train", str(self.data), "--resume"],
                           capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 2)
        self.assertIn("--base", p.stderr)


if __name__ == "__main__":
    unittest.main()
