// A voice message: recorded in the browser, sent as any other file.
import { el } from "./dom.js";
import { t, Word } from "./words.js";

const LONGEST_MS = 5 * 60e3; // then it ends by itself and is sent
const BITS_A_SECOND = 32000; // a voice needs no more; 5 minutes are 1.2 MB

// Where the page is not from a safe address, browsers have no microphone.
export function canRecord(): boolean {
  return "MediaRecorder" in window && !!navigator.mediaDevices?.getUserMedia;
}

function problem(e: unknown): Word {
  const name = e instanceof DOMException ? e.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "voice_denied";
  return name === "NotFoundError" ? "voice_none" : "voice_failed";
}

function fileOf(parts: Blob[]): File {
  const type = (parts[0]?.type || "audio/webm").split(";")[0];
  const end = type === "audio/mp4" ? "m4a" : type === "audio/ogg" ? "ogg" : "webm";
  const at = new Date().toISOString().slice(0, 19).replace(/:/g, "-");
  return new File(parts, `voice-${at}.${end}`, { type });
}

// The button, and in its place, while it records, the time and what may be
// done. What could not be sent stays, to be sent again.
export class Voice {
  readonly box = el("div", { class: "voice" });
  private readonly start: HTMLButtonElement;
  private readonly done = el("button", { type: "button", id: "record_send" });
  private readonly cancel = el("button", { type: "button", class: "second", id: "record_cancel" },
                               t("cancel"));
  private readonly time = el("span", { role: "timer", "aria-label": t("voice_time") });
  private readonly said = el("span", { class: "recording", role: "status" });
  private recorder: MediaRecorder | null = null;
  private kept: File | null = null;
  private clock = 0;
  private turn = 0; // a microphone that is granted after it was given up is closed

  // `send` answers whether the desk took it; `tell` shows what went wrong.
  constructor(private readonly send: (file: File) => Promise<boolean>,
              private readonly tell: (words: string | null) => void) {
    this.start = el("button", { type: "button", class: "second", id: "record" }, t("voice"));
    this.start.addEventListener("click", () => void this.begin());
    this.done.addEventListener("click", () => void this.finish());
    this.cancel.addEventListener("click", () => this.drop());
    this.box.addEventListener("keydown", (e) => {
      if (e.key === "Escape" && this.active) this.drop();
    });
    this.box.append(this.start);
  }

  get active(): boolean {
    return this.recorder !== null || this.kept !== null;
  }

  private async begin(): Promise<void> {
    const turn = ++this.turn;
    this.tell(null);
    this.start.disabled = true;
    try {
      const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (turn !== this.turn) return sound.getTracks().forEach((x) => x.stop());
      this.record(sound);
    } catch (e) {
      if (turn === this.turn) this.tell(t(problem(e)));
    }
    this.start.disabled = false;
  }

  private record(sound: MediaStream): void {
    const parts: Blob[] = [];
    const began = Date.now();
    const recorder = new MediaRecorder(sound, { audioBitsPerSecond: BITS_A_SECOND });
    recorder.addEventListener("dataavailable", (e) => e.data.size && parts.push(e.data));
    recorder.addEventListener("stop", () => {
      clearInterval(this.clock);
      sound.getTracks().forEach((x) => x.stop());
      if (recorder !== this.recorder) return; // given up
      this.recorder = null;
      if (parts.length) void this.give(fileOf(parts));
      else this.rest("voice_failed");
    });
    const tick = (): void => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      this.time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (Date.now() - began >= LONGEST_MS) void this.finish();
    };
    recorder.start();
    this.recorder = recorder;
    this.clock = window.setInterval(tick, 500);
    tick();
    this.done.textContent = t("voice_send");
    this.box.replaceChildren(this.said, this.time, this.done, this.cancel);
    this.said.textContent = t("voice_runs"); // in the page already, so it is read aloud
    this.done.focus();
  }

  private async finish(): Promise<void> {
    if (this.recorder?.state === "recording") this.recorder.stop();
    else if (this.kept) await this.give(this.kept);
  }

  private async give(file: File): Promise<void> {
    const turn = this.turn;
    this.kept = file;
    this.done.disabled = this.cancel.disabled = true;
    this.said.textContent = t("sending");
    const taken = await this.send(file);
    this.done.disabled = this.cancel.disabled = false;
    if (turn !== this.turn) return;
    if (taken) return this.rest(null);
    this.said.textContent = t("voice_kept");
    this.done.textContent = t("voice_again");
    this.done.focus();
  }

  // Nothing of it was sent and nothing stays; the microphone is free.
  drop(): void {
    const recorder = this.recorder;
    this.turn++;
    this.recorder = null;
    if (recorder?.state === "recording") recorder.stop();
    this.rest(null);
  }

  private rest(why: Word | null): void {
    const here = this.box.contains(document.activeElement);
    this.kept = null;
    this.said.textContent = "";
    this.start.disabled = false;
    this.box.replaceChildren(this.start);
    this.tell(why && t(why));
    if (here) this.start.focus();
  }
}
