"""otklik transcribe, on a small Whisper of random weights: what it says means
nothing, how it says it does."""
import array
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["OTKLIK"]
MAKE = pathlib.Path(__file__).parent.parent / "models" / "whisper.py"
made = pathlib.Path(tempfile.mkdtemp(prefix="otklik-whisper-"))
RATE = 22050


def wav(path, seconds, tag=1, bits=16, channels=1, rate=RATE):
    n = int(seconds * rate)
    wave = [0.4 * math.sin(i * (0.03 + i * 1e-6)) for i in range(n)]
    if tag == 3:
        data = array.array("f", wave).tobytes()
    else:
        data = array.array("h", (int(v * 32767) for v in wave)).tobytes()
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * bits // 8, bits // 8, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def setUpModule():
    subprocess.run([sys.executable, MAKE, made / "whisper.bin", "--type", "f16"],
                   check=True)
    wav(made / "call.wav", 3)
    wav(made / "float.wav", 1, tag=3, bits=32, rate=48000)


def tearDownModule():
    shutil.rmtree(made)


class TranscribeCase(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="otklik-transcribe-"))
        self.addCleanup(shutil.rmtree, self.top)

    def run_it(self, *words, want=0, model=made / "whisper.bin", env=None):
        p = subprocess.run(
            [PROGRAM, "transcribe", "--fast", "--language", "en", "--unguarded",
             *(["--model", model] if model else []), *map(str, words)],
            capture_output=True, text=True, timeout=120,
            env={**os.environ, **(env or {})})
        self.assertEqual(p.returncode, want, (p.stdout[-2000:], p.stderr))
        self.said = p.stderr
        return p.stdout

    def refused(self, code, holds, *words, **more):
        self.run_it(*words, want=code, **more)
        self.assertIn(holds, self.said)
        self.assertEqual(self.said.count("\n"), 1)


class Forms(TranscribeCase):
    def test_json(self):
        out = json.loads(self.run_it(made / "call.wav", "--json", "--words"))
        self.assertEqual(out["language"], "en")
        self.assertEqual(out["duration_ms"], 3000)
        self.assertTrue(out["segments"])
        for s in out["segments"]:
            self.assertLessEqual(s["from_ms"], s["to_ms"])
            self.assertLessEqual(s["to_ms"], 3020)
            self.assertTrue(0 < s["confidence"] <= 1)
            self.assertTrue(s["words"])
            self.assertEqual(" ".join(w["word"] for w in s["words"]), s["text"])

    def test_text_and_subtitles(self):
        text = self.run_it(made / "call.wav")
        srt = self.run_it(made / "call.wav", "--format", "srt")
        vtt = self.run_it(made / "call.wav", "--format", "vtt", "--words")
        lines = text.strip().split("\n")
        time = r"\d\d:\d\d:\d\d"
        self.assertEqual(len(re.findall(rf"(?m)^{time},\d+ --> {time},\d+$", srt)),
                         len(lines))
        self.assertTrue(srt.startswith("1\n"))
        self.assertTrue(vtt.startswith("WEBVTT\n\n"))
        self.assertRegex(vtt, rf"(?m)^{time}\.\d+ --> {time}\.\d+$")
        for line in lines:
            self.assertIn(line, srt)

    def test_several_files_beside(self):
        self.run_it(made / "call.wav", made / "float.wav", "--format", "srt",
                    "--output", self.top)
        self.assertEqual(sorted(p.name for p in self.top.iterdir()),
                         ["call.srt", "float.srt"])
        self.refused(2, "--output FOLDER", made / "call.wav", made / "float.wav",
                     "--format", "vtt")

    def test_precisions_and_threads(self):
        for words in (["-p", "f32"], ["-p", "bf16"], ["-t", "3"], ["-b", "3"]):
            self.assertTrue(self.run_it(made / "float.wav", *words), words)


class Models(TranscribeCase):
    def test_of_the_desk(self):
        desk = self.top / "desk"
        (desk / "models").mkdir(parents=True)
        self.refused(4, "no model 'whisper'", made / "float.wav", "--desk", desk,
                     model=None)
        shutil.copy(made / "whisper.bin", desk / "models" / "whisper.bin")
        self.run_it(made / "float.wav", "--desk", desk, model=None)
        self.run_it(made / "float.wav", "--desk", desk, model="whisper")
        # under the name by which it is pulled
        folder = desk / "models" / "openai-whisper-base"
        subprocess.run([sys.executable, MAKE, folder, "--form", "folder"], check=True)
        self.run_it(made / "float.wav", "--desk", desk, model="whisper-base")

    def test_a_folder(self):
        folder = self.top / "hf"
        subprocess.run([sys.executable, MAKE, folder, "--form", "folder"], check=True)
        self.assertEqual(self.run_it(made / "float.wav", "-p", "f32", model=folder),
                         self.run_it(made / "float.wav", "-p", "f32"))
        config = json.loads((folder / "config.json").read_text())
        config["d_model"] = 33
        (folder / "config.json").write_text(json.dumps(config))
        self.refused(3, "n_audio_head is 2, which does not divide",
                     made / "float.wav", model=folder)
        config["model_type"] = "bert"
        (folder / "config.json").write_text(json.dumps(config))
        self.refused(3, "config.json: model_type: 'bert' is no model that "
                     "transcribes", made / "float.wav", model=folder)

    def test_damaged(self):
        whole = (made / "whisper.bin").read_bytes()
        bad = self.top / "bad.bin"
        bad.write_bytes(whole[:-100])
        self.refused(3, "bad.bin: tensor", made / "float.wav", model=bad)
        bad.write_bytes(b"\0" * 1000)
        self.refused(3, "this is no model of whisper.cpp", made / "float.wav",
                     model=bad)
        at = whole.index(b"decoder.ln.weight") + len(b"decoder.ln.weight")
        bad.write_bytes(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4:])
        self.refused(3, "tensor 'decoder.ln.weight': value 0 is not a finite",
                     made / "float.wav", model=bad)


class Words(TranscribeCase):
    def test_vocabulary(self):
        """What the desk is told about is what the model is told."""
        desk = self.top / "desk"
        subprocess.run([PROGRAM, "init", desk, "--no-model"], check=True,
                       capture_output=True)
        def told(*words, own=""):
            return self.run_it(made / "float.wav", "--json", "--desk", desk, *words,
                               env={"OTKLIK_SPEECH_VOCABULARY": own})
        plain = told()
        self.assertEqual(told(own="Кашалот"), plain)
        words = told("--vocabulary")
        self.assertNotEqual(words, plain)
        self.assertNotEqual(told("--vocabulary", own="Кашалот"), words)
        self.assertNotEqual(told("--vocabulary", "--prompt", "Нарвал"), words)
        self.refused(4, "is not a desk", made / "float.wav", "--desk", self.top,
                     "--vocabulary")


class Sounds(TranscribeCase):
    def test_what_is_no_sound(self):
        bad = self.top / "bad.wav"
        bad.write_text("a letter")
        self.refused(3, "bad.wav: ", bad)
        bad.write_bytes((made / "call.wav").read_bytes()[:40])
        self.refused(3, "bad.wav: ", bad)
        self.refused(4, "nowhere.wav", self.top / "nowhere.wav")

    def test_options(self):
        self.refused(2, "text|srt|vtt|json", made / "call.wav",
                     "--format", "doc")
        self.refused(2, "language: 'xx'", made / "call.wav", "-l", "xx")
        self.refused(2, "threads", made / "call.wav", "-t", "0")


if __name__ == "__main__":
    unittest.main()
