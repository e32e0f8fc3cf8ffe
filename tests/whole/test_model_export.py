"""otklik model export, with a trtexec of our own in PATH."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["OTKLIK"]
MAKE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                    "models", "make.py")
TRTEXEC = """#!/bin/sh
printf '%s\\n' "$@" >"$(dirname "$0")/asked"
echo "engine of $1"
for a; do case $a in --saveEngine=*) echo plan >"${a#*=}" ;; esac; done
exit CODE
"""


class ExportTest(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="otklik-export-")
        self.addCleanup(shutil.rmtree, self.top)
        os.makedirs(self.path("models"))
        subprocess.run([sys.executable, MAKE, "minilm", self.path("models/owner-small"),
                        "--hidden", "32", "--heads", "2"], check=True)

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    def export(self, *words, want=0, path=""):
        # nothing of the machine's own: it may have a real trtexec
        env = {**os.environ, "PATH": path or self.path("empty")}
        p = subprocess.run([PROGRAM, "model", "export", *words], env=env, cwd=self.top,
                           capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, want, (p.stdout, p.stderr))
        self.said = p.stderr
        return p.stdout

    def trtexec(self, code=0):
        os.makedirs(self.path("bin"), exist_ok=True)
        with open(self.path("bin/trtexec"), "w") as f:
            f.write(TRTEXEC.replace("CODE", str(code)))
        os.chmod(self.path("bin/trtexec"), 0o755)
        return self.path("bin") + ":/usr/bin:/bin"

    def test_names(self):
        for name in ("models/owner-small", "owner-small", "owner/small"):
            out = self.export(name, "--onnx", "a.onnx")
            self.assertIn("outputs  last_hidden_state, embedding\n", out)
            self.assertGreater(os.path.getsize(self.path("a.onnx")), 10000)
            os.unlink(self.path("a.onnx"))
        self.export("other", "--onnx", "a.onnx", want=4)
        self.assertIn("model pull", self.said)

    def test_json(self):
        self.export("owner-small", "--onnx", "a.onnx")
        got = json.loads(self.export("owner-small", "--onnx", "b.onnx", "--int8", "--json"))
        self.assertEqual((got["onnx"], got["opset"], got["precision"], got["tensorrt"]),
                         ("b.onnx", 17, "int8", None))
        self.assertEqual(got["outputs"], ["last_hidden_state", "embedding"])
        self.assertEqual(got["bytes"], os.path.getsize(self.path("b.onnx")))
        self.assertLess(2 * got["bytes"], os.path.getsize(self.path("a.onnx")))

    def test_wrong(self):
        self.export("owner-small", want=2)
        self.assertIn("--onnx", self.said)
        self.export("owner-small", "--onnx", "no/a.onnx", want=1)
        self.export("owner-small", "--onnx", "a.onnx", "--int8", "--tensorrt", "p", want=2)
        with open(self.path("models/owner-small/config.json"), "w") as f:
            f.write("{")
        self.export("owner-small", "--onnx", "a.onnx", want=3)
        self.assertEqual(os.listdir(self.top), ["models"])

    def test_other_engine(self):
        os.makedirs(self.path("models/triage"))
        with open(self.path("models/triage/model.json"), "w") as f:
            task = {"name": "topic", "labels": ["a"], "confidence_terms": [0, 0, 0, 0],
                    "temperature": 1, "auto_threshold": 1, "suggest_threshold": 1,
                    "none_below": 0, "accuracy": None, "macro_f1": None, "ece": None}
            json.dump({"engine": "linear", "version": "linear-1", "examples": 1,
                       "trained_at": "2026-01-31T09:30:00Z", "tasks": [task]}, f)
        self.export("triage", "--onnx", "a.onnx", want=2)
        self.assertIn("--engine transformer", self.said)

    def test_no_tensorrt(self):
        self.export("owner-small", "--onnx", "a.onnx", "--tensorrt", "p", want=4)
        self.assertIn("TensorRT", self.said)
        self.assertIn("libnvinfer-bin", self.said)
        self.assertFalse(os.path.exists(self.path("a.onnx")))

    def test_tensorrt(self):
        out = self.export("owner-small", "--onnx", "a b.onnx", "--tensorrt", "my plan",
                          path=self.trtexec())
        self.assertIn("my plan: the engine", out)
        self.assertIn("engine of --onnx=a b.onnx", self.said)
        self.assertNotIn("engine of --onnx", out)
        with open(self.path("bin/asked")) as f:
            self.assertEqual(f.read().splitlines(), [
                "--onnx=a b.onnx", "--saveEngine=my plan",
                "--minShapes=input_ids:1x1,attention_mask:1x1",
                "--optShapes=input_ids:8x64,attention_mask:8x64",
                "--maxShapes=input_ids:32x64,attention_mask:32x64"])
        self.assertTrue(os.path.exists(self.path("my plan")))

    def test_tensorrt_fails(self):
        self.export("owner-small", "--onnx", "a.onnx", "--tensorrt", "p", want=1,
                    path=self.trtexec(7))
        self.assertIn("engine of", self.said)
        self.assertIn("exit code 7", self.said)
        self.assertTrue(os.path.exists(self.path("a.onnx")))


unittest.main()
