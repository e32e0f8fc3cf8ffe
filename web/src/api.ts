// Talking to /api/v1.
import { language, number, t } from "./words.js";

export interface Decision {
  label: string;
  name: string;
  confidence: number;
  mode: "auto" | "suggest" | "ask";
}

export interface TicketBrief {
  id: string;
  number: number;
  subject: string;
  state: string;
  topic: Named | null;
  priority: Named | null;
  team: Named | null;
  assignee: Person | null;
  person: Person | null;
  language: string;
  reason: string;
  created_at: string;
  updated_at: string;
  first_due: string | null;
  next_due: string | null;
  solution_due: string | null;
  version: number;
}

export interface Named { key: string; name: string }
export interface Person { id: string; name: string }

export interface Message {
  id: string;
  kind: "request" | "reply" | "note" | "system";
  author: Person | null;
  body: string;
  created_at: string;
}

export interface Attachment {
  id: string;
  message: string | null;
  name: string;
  type: string;
  size: number;
}

export interface Answer {
  article: string;
  title: string;
  text: string;
  passage: string;
  confidence: number;
}

export interface Reply {
  id: string;
  outcome: "answered" | "ticket" | "ignored" | "received";
  topic: Decision | null;
  priority: Decision | null;
  answer: Answer | null;
  ticket: TicketBrief | null;
  messages?: Message[]; // this and below: when it was asked for again
  text?: string;
  helpful?: boolean | null; // null: no thumb yet
  attachments?: Attachment[];
}

export class Problem extends Error {
  constructor(readonly status: number, readonly detail: string, readonly wait: number) {
    super(detail);
  }
}

// What went wrong, for a person. The desk explains in English; the usual cases
// have words of the page's language.
export function told(e: unknown): string {
  if (!(e instanceof Problem)) return t("offline");
  switch (e.status) {
    case 401: return t("problem_session");
    case 403: return t("problem_forbidden");
    case 404: return t("problem_gone");
    case 412: return t("problem_changed");
    case 413: return t("problem_large");
    case 429: return t("problem_often", { time: number(e.wait, "second") });
    case 500: case 503: return t("problem_later");
    default: return t("error", { detail: e.detail });
  }
}

let csrf = "";

export function setCsrf(token: string): void {
  csrf = token;
}

async function send<T>(method: string, path: string, body: BodyInit | undefined,
                       headers: Record<string, string>): Promise<T> {
  if (csrf && method !== "GET") headers["X-CSRF-Token"] = csrf;
  headers["Accept-Language"] = language;
  const reply = await fetch("/api/v1" + path,
                            { method, headers, credentials: "same-origin", body });
  if (reply.status === 204) return undefined as unknown as T;
  const value = await reply.json().catch(() => ({}));
  if (!reply.ok)
    throw new Problem(reply.status, value.detail ?? value.title ?? reply.statusText,
                      Number(reply.headers.get("Retry-After")) || 1);
  return value as T;
}

export async function call<T>(method: string, path: string, body?: unknown,
                              headers: Record<string, string> = {}): Promise<T> {
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return send<T>(method, path, body === undefined ? undefined : JSON.stringify(body), headers);
}

// A file goes as it is; the browser streams it from the disk.
export async function upload(path: string, file: File,
                             headers: Record<string, string> = {}): Promise<Attachment> {
  return send<Attachment>("POST", `${path}?name=${encodeURIComponent(file.name)}`, file,
                          { ...headers, "Content-Type": file.type || "application/octet-stream" });
}

// The key of what is being sent: the same thing tried again after a lost reply
// has the same key and happens once; other words have another key.
export class Once {
  private key = "";
  private what = "";

  of(what: string): Record<string, string> {
    if (what !== this.what || !this.key) {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      this.key = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
      this.what = what;
    }
    return { "Idempotency-Key": this.key };
  }

  // It arrived: the same words again would be meant.
  done(): void {
    this.key = "";
  }
}

// How many bytes of UTF-8 a text or message may have.
const TEXT_MAX = 64 * 1024;

export function tooLong(text: string): boolean {
  return new TextEncoder().encode(text).length > TEXT_MAX;
}
