"""otklik model add, list, show, verify, run and pack, on folders of random
weights and on folders with every kind of fault."""
import json
import math
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["OTKLIK"]
MAKE = pathlib.Path(__file__).parent.parent / "models" / "make.py"
WEIGHTS = "model.safetensors"
SMALL = ["--hidden", "32", "--heads", "2"]
FAMILIES = ["bert", "distilbert", "roberta", "xlm-roberta", "minilm"]
made = pathlib.Path(tempfile.mkdtemp(prefix="otklik-models-"))


def setUpModule():
    for family in FAMILIES:
        subprocess.run([sys.executable, MAKE, family, made / family, *SMALL],
                       check=True)


def tearDownModule():
    shutil.rmtree(made)


class ModelCase(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="otklik-model-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.desk = self.top / "desk"
        self.desk.mkdir()

    def run_model(self, command, *words, want=0, data=None, **env):
        p = subprocess.run(
            [PROGRAM, "model", command, *map(str, words), "--desk", self.desk],
            capture_output=True, text=True, timeout=120, input=data,
            env={**os.environ, **env})
        self.assertEqual(p.returncode, want, (p.stdout[-2000:], p.stderr))
        self.said = p.stderr
        return p.stdout

    def json(self, command, *words, **more):
        return json.loads(self.run_model(command, *words, "--json", **more))

    def refused(self, code, holds, command, *words, **more):
        out = self.run_model(command, *words, want=code, **more)
        for text in holds if isinstance(holds, tuple) else (holds,):
            self.assertIn(text, self.said)
        self.assertEqual(self.said.count("\n"), 1)
        self.assertTrue(self.said.startswith("otklik: "))
        return out

    def copy(self, family):
        shutil.copytree(made / family, self.top / "bad", dirs_exist_ok=True)
        return self.top / "bad"

    def models(self):
        folder = self.desk / "models"
        return sorted(os.listdir(folder)) if folder.exists() else []


class AddTest(ModelCase):
    def test_add(self):
        for family in FAMILIES:
            self.run_model("add", made / family)
            self.assertEqual(self.said, "")
        self.assertEqual(self.models(), sorted(FAMILIES))
        for family in FAMILIES:
            for path in (made / family).rglob("*"):
                there = (self.desk / "models" / family /
                         path.relative_to(made / family))
                if path.is_file():
                    self.assertEqual(there.read_bytes(), path.read_bytes())
        got = self.json("list")
        self.assertEqual([x["name"] for x in got], sorted(FAMILIES))
        self.assertEqual(
            [(x["family"], x["layers"], x["hidden"], x["labels"], x["packed"])
             for x in got if x["name"] in ("minilm", "roberta")],
            [("bert", 2, 32, 0, []), ("roberta", 2, 32, 3, [])])
        text = self.run_model("list")
        self.assertEqual(len(text.splitlines()), 5)
        self.assertIn("vectors", text)
        self.assertIn("3 labels", text)

    def test_shards(self):
        subprocess.run([sys.executable, MAKE, "bert", self.top / "b", *SMALL,
                        "--shards", "3"], check=True)
        got = self.json("add", str(self.top / "b") + "//")
        self.assertEqual((got["name"], len(got["files"])), ("b", 7))
        self.run_model("verify", "b")

    def test_only_what_matters(self):
        bad = self.copy("bert")
        (bad / "pytorch_model.bin").write_bytes(b"x")
        (bad / "run.sh").write_text("echo")
        (bad / "LICENSE").write_text("Apache-2.0")
        self.run_model("add", bad, "--name", "good")
        self.assertEqual(sorted(os.listdir(self.desk / "models/good")),
                         ["LICENSE", "config.json", WEIGHTS,
                          "tokenizer_config.json", "vocab.txt"])

    def test_replace(self):
        self.run_model("add", made / "bert", "--name", "m")
        self.refused(1, ("models/m", "--replace"), "add", made / "roberta",
                     "--name", "m")
        self.assertEqual(self.json("show", "m")["family"], "bert")
        # one that is broken leaves the one that works alone
        bad = self.copy("roberta")
        os.truncate(bad / WEIGHTS, 5000)
        self.refused(3, WEIGHTS, "add", bad, "--name", "m", "--replace")
        self.assertEqual(self.json("show", "m")["family"], "bert")
        self.run_model("add", made / "roberta", "--name", "m", "--replace")
        self.assertEqual(self.json("show", "m")["family"], "roberta")
        self.assertEqual(self.models(), ["m"])

    def test_running_model_keeps_its_files(self):
        """A replaced model answers on until the one who has it lets it go."""
        self.run_model("add", made / "bert", "--name", "m")
        p = subprocess.Popen(
            [PROGRAM, "model", "run", "m", "--desk", self.desk, "--json"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        p.stdin.write("vpn\n" * 256)
        p.stdin.flush()
        first = p.stdout.readline()
        self.run_model("add", made / "roberta", "--name", "m", "--replace")
        p.stdin.write("vpn\n")
        out, _ = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0)
        last = json.loads(out.splitlines()[-1])
        self.assertEqual(last["text"], 257)
        self.assertEqual(last["labels"], json.loads(first)["labels"])

    def test_not_a_folder(self):
        self.refused(4, ("owner/model", "model pull owner/model"), "add",
                     "owner/model")
        self.refused(2, ("https://", "model pull"), "add",
                     "https://example.org/model")
        self.refused(2, "--name", "add", made / "bert", "--name", "a/b")
        self.refused(2, "--name", "add", made / "bert", "--name", ".hidden")
        self.refused(4, "config.json", "add", self.desk)
        self.assertEqual(self.models(), [])

    def test_list_with_a_broken_one(self):
        self.assertEqual(self.run_model("list"), "")
        self.assertIn("model pull", self.said)
        self.assertEqual(self.json("list"), [])
        self.run_model("add", made / "bert")
        os.truncate(self.desk / "models/bert" / WEIGHTS, 100)
        self.assertIn("cannot be used", self.run_model("list"))
        self.assertIn(WEIGHTS, self.json("list")[0]["error"])


class ShowTest(ModelCase):
    def test_show(self):
        got = self.json("show", made / "minilm")
        self.assertEqual(
            [got[k] for k in ("hidden", "max_tokens", "pooling", "normalized",
                              "labels", "tokenizer", "packed")],
            [32, 64, "mean", True, [], "WordPiece", False])
        kinds = {f: self.json("show", made / f)["tokenizer"] for f in FAMILIES}
        self.assertEqual(kinds, {
            "bert": "WordPiece", "distilbert": "WordPiece", "roberta": "BPE",
            "xlm-roberta": "Unigram", "minilm": "WordPiece"})
        text = self.run_model("show", made / "bert")
        for part in ("2 layers × 32", "access, network, printing", WEIGHTS,
                     "kernels"):
            self.assertIn(part, text)
        self.assertEqual(
            self.json("show", made / "bert", OTKLIK_ISA="plain")["kernels"],
            "plain, asked for by OTKLIK_ISA")

    def test_not_there(self):
        self.refused(4, ("'nothing'", "model list", "model pull"), "show",
                     "nothing")
        self.refused(4, "config.json", "show", self.desk)
        self.refused(2, "model pull", "show", "https://example.org/m")
        self.refused(2, ("--precision", "int4", "bf16"), "show",
                     made / "bert", "--precision", "int4")


class VerifyTest(ModelCase):
    def test_whole(self):
        for family in FAMILIES:
            got = self.json("verify", made / family)
            self.assertGreater(got["tensors"], 30)
            self.assertEqual(got["f32"], {"cosine": 1.0, "packed": False})
            self.assertGreater(got["bf16"]["cosine"], 0.9995)
            self.assertGreater(got["int8"]["cosine"], 0.99)

    def test_lies(self):
        """Each fault by its file and field, and none of them in the desk."""
        header = 2**63

        def change(name, **fields):
            def do(folder):
                with open(folder / name, encoding="utf-8") as f:
                    old = json.load(f)
                with open(folder / name, "w", encoding="utf-8") as f:
                    json.dump({**old, **fields}, f)
            return do

        def patch(at, data):
            def do(folder):
                with open(folder / WEIGHTS, "r+b") as f:
                    f.seek(at, 0 if at >= 0 else 2)
                    f.write(data)
            return do

        def drop(name):
            return lambda folder: os.remove(folder / name)

        def other_tokenizer(folder):
            os.remove(folder / "vocab.txt")
            for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
                shutil.copy(made / "roberta" / name, folder)

        def append(folder):
            with open(folder / WEIGHTS, "ab") as f:
                f.write(bytes(10**6))

        labels = {"0": "a", "1": "b", "2": "c", "3": "d"}
        cases = [
            (3, (WEIGHTS, "cut short"),
             lambda f: os.truncate(f / WEIGHTS, 40000)),
            (3, (WEIGHTS, "empty"), lambda f: os.truncate(f / WEIGHTS, 0)),
            (3, (WEIGHTS, "1000000 bytes after"), append),
            (3, (WEIGHTS, "header"), patch(0, struct.pack("<Q", header))),
            (3, (WEIGHTS, "JSON"), patch(0, struct.pack("<Q", 10))),
            (3, (WEIGHTS, "not a finite number"),
             patch(-4, struct.pack("<f", math.nan))),
            (3, (WEIGHTS, "not a finite number"),
             patch(-4, struct.pack("<f", -math.inf))),
            (3, ("different models", "vocab_size 270"), other_tokenizer),
            (3, ("classifier", "[4, 32]"), change("config.json",
                                                  id2label=labels)),
            (3, ("config.json", "label2id", "'access'"),
             change("config.json", label2id={"access": 2})),
            (3, ("word_embeddings", "[2000000, 32]"),
             change("config.json", vocab_size=2000000)),
            (3, ("config.json", "vocab_size"),
             change("config.json", vocab_size=10**15)),
            (3, ("config.json", "num_hidden_layers"),
             change("config.json", num_hidden_layers=-1)),
            (3, ("config.json", "model_type"),
             change("config.json", model_type="gpt2")),
            (4, "config.json", drop("config.json")),
            (4, WEIGHTS, drop(WEIGHTS)),
            (4, "vocab.txt", drop("vocab.txt")),
            (4, "tokenizer_config.json", drop("tokenizer_config.json")),
            (3, "tokenizer.json",
             lambda f: (f / "tokenizer.json").write_text("[]")),
        ]
        for code, holds, spoil in cases:
            with self.subTest(holds=holds):
                folder = self.copy("bert")
                spoil(folder)
                self.refused(code, holds, "verify", folder)
                self.refused(code, holds, "add", folder)
                self.refused(code, holds, "run", folder, "vpn")
                shutil.rmtree(folder)
        self.assertEqual(self.models(), [])

    def test_no_memory_of_a_lie(self):
        """Sizes that lie do not allocate: a small address space is enough."""
        folder = self.copy("bert")
        with open(folder / WEIGHTS, "r+b") as f:
            f.write(struct.pack("<Q", 90 * 10**6))
        p = subprocess.run(
            ["sh", "-c", 'ulimit -v 400000; exec "$0" model verify "$1"',
             PROGRAM, folder], capture_output=True, text=True, timeout=60)
        if "Sanitizer" in p.stderr:
            self.skipTest("sanitizers need a large address space")
        self.assertEqual(p.returncode, 3, p.stderr)
        self.assertIn("header", p.stderr)


class RunTest(ModelCase):
    def test_labels(self):
        got = self.json("run", made / "bert", "printer toner")
        self.assertEqual(set(got["labels"]), {"access", "network", "printing"})
        self.assertAlmostEqual(sum(got["labels"].values()), 1, places=5)
        chances = list(got["labels"].values())
        self.assertEqual(chances, sorted(chances, reverse=True))
        text = self.run_model("run", made / "bert", "printer toner", "vpn")
        self.assertEqual(len(text.splitlines()), 2)
        self.assertIn(f"{next(iter(got['labels']))} {chances[0]:.4f}", text)

    def test_many_labels(self):
        folder = self.copy("bert")
        config = json.loads((folder / "config.json").read_text())
        config["problem_type"] = "multi_label_classification"
        (folder / "config.json").write_text(json.dumps(config))
        one = self.json("run", made / "bert", "vpn")["labels"]
        many = self.json("run", folder, "vpn")["labels"]

        def logit(p):
            return math.log(p / (1 - p))

        # the same differences between scores, by another way to chances
        self.assertAlmostEqual(
            logit(many["access"]) - logit(many["network"]),
            math.log(one["access"] / one["network"]), places=4)

    def test_vectors(self):
        exact = self.json("run", made / "minilm", "vpn")["vector"]
        self.assertEqual(len(exact), 32)
        self.assertAlmostEqual(sum(x * x for x in exact), 1, places=5)
        for precision, least in (("bf16", 0.999), ("int8", 0.99)):
            near = self.json("run", made / "minilm", "vpn", "--precision",
                             precision)["vector"]
            self.assertGreater(sum(a * b for a, b in zip(exact, near)), least)

    def test_lines(self):
        lines = ["printer", "вход не работает", "x" * 5000] * 200
        path = self.top / "texts"
        path.write_text("\r\n".join(lines))
        got = [json.loads(x) for x in self.run_model(
            "run", made / "roberta", "--json", "--file", path, "--threads",
            "2").splitlines()]
        self.assertEqual([x["text"] for x in got], list(range(1, 601)))
        self.assertEqual([x["truncated"] for x in got[:3]],
                         [False, False, True])
        same = [json.loads(x) for x in self.run_model(
            "run", made / "roberta", "--json",
            data="\n".join(lines) + "\n").splitlines()]
        for a, b in zip(got, same):
            for label, chance in a["labels"].items():
                self.assertAlmostEqual(chance, b["labels"][label], places=5)

    def test_bad_texts(self):
        self.refused(3, ("text 2", "empty"), "run", made / "bert", "vpn", " ")
        self.refused(3, ("standard input: line 3", "empty"), "run",
                     made / "bert", data="a\nb\n\nc\n")
        self.refused(3, ("standard input", "empty"), "run", made / "bert",
                     data="")
        self.refused(3, ("line 2", "1048576"), "run", made / "bert",
                     data="a\n" + "x" * 2**22 + "\n")
        self.run_model("run", made / "bert", data="x" * 2**20)
        self.refused(4, "nothing", "run", made / "bert", "--file",
                     self.top / "nothing")
        self.refused(2, "--file", "run", made / "bert", "vpn", "--file", "x")
        self.refused(2, "threads", "run", made / "bert", "a", "--threads", "0")

    def test_too_many(self):
        """100,000 texts are slices; one more is refused by its number."""
        folder = self.top / "tiny"
        subprocess.run([sys.executable, MAKE, "distilbert", folder, "--hidden",
                        "4", "--heads", "1", "--layers", "1"], check=True)
        path = self.top / "texts"
        path.write_text("a\n" * 100001)
        out = self.refused(3, ("line 100001", "100000"), "run", folder,
                           "--file", path)
        self.assertGreaterEqual(len(out.splitlines()), 99000)


class PackTest(ModelCase):
    def test_same(self):
        self.run_model("add", made / "minilm")
        for precision in ("f32", "bf16", "int8"):
            words = ("minilm", "--precision", precision)
            before = self.run_model("run", *words[:1], "vpn", *words[1:])
            got = self.json("pack", *words)
            path = pathlib.Path(got["folder"]) / got["file"]
            self.assertEqual(path.stat().st_size, got["bytes"])
            self.assertTrue(self.json("show", *words)["packed"])
            self.assertEqual(
                self.run_model("run", *words[:1], "vpn", *words[1:]), before)
            self.assertEqual(self.said, "")
        got = self.json("verify", "minilm")
        self.assertTrue(all(got[p]["packed"] for p in ("f32", "bf16", "int8")))
        self.assertEqual(self.json("list")[0]["packed"],
                         ["f32", "bf16", "int8"])
        self.assertIn("packed: f32 bf16 int8", self.run_model("list"))

    def test_damage(self):
        """A packed file that does not fit is passed over, with a word."""
        folder = self.copy("bert")
        before = self.run_model("run", folder, "vpn", "--precision", "int8")
        self.run_model("pack", folder)
        path = folder / "packed-int8.otk"
        whole = path.read_bytes()
        for bad in (whole[:-64], whole[:100], b"", whole + b"x",
                    b"?" + whole[1:], whole[:-9000] + b"?" + whole[-8999:]):
            path.write_bytes(bad)
            self.assertEqual(
                self.run_model("run", folder, "vpn", "--precision", "int8"),
                before)
            self.assertIn("packed-int8.otk", self.said)
            self.assertEqual(self.said.count("\n"), 1)
            self.refused(3, "packed-int8.otk", "verify", folder)
        path.write_bytes(whole)
        self.run_model("verify", folder)

    def test_other_weights(self):
        folder = self.copy("bert")
        self.run_model("pack", folder)
        subprocess.run([sys.executable, MAKE, "bert", folder, *SMALL, "--seed",
                        "2"], check=True)
        self.run_model("run", folder, "vpn", "--precision", "int8")
        self.assertIn("other weights", self.said)
        # nothing is wrong with the weights: one word mends it
        self.refused(3, ("other weights", "model pack"), "verify", folder)
        self.run_model("pack", folder)
        self.run_model("verify", folder)

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_read_only(self):
        folder = self.copy("bert")
        os.chmod(folder, 0o500)
        self.refused(1, "packed-int8.otk", "pack", folder)
        os.chmod(folder, 0o700)


if __name__ == "__main__":
    unittest.main()
