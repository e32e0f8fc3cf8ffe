// Small helpers to build pages without ever parsing people's text as HTML.
import { Attachment, Message } from "./api.js";
import { number, t, when } from "./words.js";

type Child = Node | string | null | undefined | false;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  for (const c of children) if (c) e.append(c);
  return e;
}

export function byId<T extends HTMLElement>(id: string): T {
  const e = document.getElementById(id);
  if (!e) throw new Error(`no element #${id}`);
  return e as T;
}

// Draw the children of `place` anew, but leave alone those that are as they
// were: the focus, an animation and what is read aloud stay where they are.
export function refill(place: HTMLElement, ...children: (HTMLElement | false)[]): void {
  const held = place.contains(document.activeElement)
    ? document.activeElement as HTMLElement : null;
  const same = new Map([...place.children].map((e) => [e.outerHTML, e]));
  const all = children.filter((c): c is HTMLElement => c !== false).map((child) => {
    const old = same.get(child.outerHTML);
    same.delete(child.outerHTML);
    return old ?? child;
  });
  for (const e of [...place.children]) if (!all.includes(e as HTMLElement)) e.remove();
  all.forEach((e, i) => {
    if (place.children[i] !== e) place.insertBefore(e, place.children[i] ?? null);
  });
  if (held && held !== document.activeElement)
    (held.isConnected ? held : place.querySelector<HTMLElement>(held.id ? "#" + held.id
      : `[data-id="${held.dataset.id}"]`))?.focus({ preventScroll: true });
}

// What TypeScript 4.5 (Ubuntu 22.04) does not know of a dialog.
interface Dialog extends HTMLElement { returnValue: string; close(): void; showModal(): void }

// Ask for one line; null when the person thought better of it.
export function askLine(question: string, yes: string): Promise<string | null> {
  const input = el("input", { id: "line", required: "", maxlength: "100", autocomplete: "off" });
  const no = el("button", { type: "button", class: "second" }, t("cancel"));
  const dialog = el("dialog", { "aria-labelledby": "line_question" },
    el("form", { method: "dialog" },
      el("label", { for: "line", id: "line_question" }, question), input,
      el("div", { class: "buttons" }, el("button", { value: "yes" }, yes), no))) as HTMLElement as Dialog;
  no.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes" ? input.value.trim() || null : null);
  }));
}

// Ctrl+Enter sends what is written, as Enter begins a new line.
export function sendByKeys(text: HTMLTextAreaElement, button: HTMLButtonElement): void {
  text.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    button.click();
  });
}

function link(href: string, text: string): HTMLElement {
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);
}

// Text cut by `mark`; `node` makes what stands in place of a match, or null
// where the match means nothing.
function marked(text: string, mark: RegExp,
                node: (m: RegExpExecArray) => Node | null): Node[] {
  const nodes: Node[] = [];
  let at = 0;
  for (let m = mark.exec(text); m; m = mark.exec(text)) {
    const made = node(m);
    if (!made) continue;
    nodes.push(document.createTextNode(text.slice(at, m.index)), made);
    at = m.index + m[0].length;
  }
  nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

// The last sign of an address is not the full stop or bracket after it.
const address = "https?:\\/\\/[^\\s<>\"«»]*[^\\s<>\"«».,:;!?)\\]]";

// Plain text in which addresses can be followed.
function linked(text: string): Node[] {
  return marked(text, new RegExp(address, "g"), (m) => link(m[0], m[0]));
}

// Bold, slanted, code and links inside a line of Markdown.
function inline(text: string): Node[] {
  const mark = new RegExp("\\*\\*(.+?)\\*\\*|`(.+?)`|\\[([^\\]]+)\\]\\((https?:\\/\\/[^\\s)]+)\\)" +
    `|\\*(\\S(?:[^*]*[^\\s*])?)\\*(?!\\w)|(${address})`, "g");
  return marked(text, mark, (m) => {
    if (m[1]) return el("strong", {}, ...inline(m[1]));
    if (m[2]) return el("code", {}, m[2]);
    if (m[4]) return link(m[4], m[3]);
    if (m[6]) return link(m[6], m[6]);
    return /\w/.test(text[m.index - 1] ?? "") ? null : el("em", {}, ...inline(m[5]));
  });
}

// The Markdown that articles use: paragraphs, lists, headings, blocks of code,
// inline marks.
export function markdown(text: string): DocumentFragment {
  const out = document.createDocumentFragment();
  let list: HTMLElement | null = null;
  let open: HTMLElement | null = null; // the paragraph or item that goes on
  let code: HTMLElement | null = null;
  for (const line of text.split(/\r?\n/)) {
    const ordered = /^\s*(\d{1,6})[.)]\s+(.*)$/.exec(line);
    const bullet = /^\s*[-*]\s+(.*)$/.exec(line);
    const heading = /^#{1,4}\s+(.*)$/.exec(line);
    if (/^\s*```/.test(line)) {
      if (code) code = null;
      else out.append(el("pre", {}, (code = el("code"))));
      list = open = null;
    } else if (code) {
      code.append(line + "\n");
    } else if (ordered || bullet) {
      const tag = ordered ? "ol" : "ul";
      if (!list || list.tagName.toLowerCase() !== tag)
        out.append((list = el(tag, ordered ? { start: ordered[1] } : {})));
      list.append((open = el("li", {}, ...inline(ordered ? ordered[2] : bullet![1]))));
    } else if (heading) {
      out.append(el("h3", {}, ...inline(heading[1])));
      list = open = null;
    } else if (line.trim() === "") {
      open = null;
    } else {
      if (open && (open.tagName === "P" || /^\s/.test(line))) open.append(" ");
      else {
        list = null;
        out.append((open = el("p")));
      }
      open.append(...inline(line.trim()));
    }
  }
  return out;
}

// A recording or voice message is heard where it stands; a browser records
// sound as video/webm, too.
function isSound(a: Attachment): boolean {
  return a.type.startsWith("audio/") || a.type === "video/webm";
}

function player(a: Attachment, href: string): HTMLElement {
  return el("audio", { controls: "", preload: "none", src: href, "aria-label": a.name });
}

// The sound whose words a message is: of a call, or of a file that was heard,
// whose note begins with its name.
export function soundOf(m: Message, files: Attachment[]): Attachment | undefined {
  return files.find((a) => isSound(a) && (a.message === m.id ||
    (m.kind === "note" && m.body.startsWith(a.name + ": "))));
}

export function messageCard(m: Message, sound?: Attachment, href = ""): HTMLElement {
  const author = m.author ? m.author.name : t(m.kind === "request" ? "person" : "otklik");
  return el("article", { class: "message " + m.kind },
    el("div", { class: "meta" }, `${author} · ${when(m.created_at)}`,
       m.kind === "note" && ` · ${t("note")}`),
    sound && player(sound, href),
    el("div", { class: "body" }, ...linked(m.body || t("erased"))));
}

function sizeText(bytes: number): string {
  return bytes < 1000 ? number(bytes, "byte")
    : bytes < 1e6 ? number(Math.round(bytes / 1e3), "kilobyte")
    : number(Math.round(bytes / 1e5) / 10, "megabyte");
}

// Lines of a list of files; those in `heard` have their player elsewhere.
export function fileLines(files: Attachment[], href: (a: Attachment) => string,
                          heard: Set<string> = new Set()): HTMLElement[] {
  return files.map((a) =>
    el("li", {}, el("a", { href: href(a), download: a.name }, a.name), ` ${sizeText(a.size)}`,
      isSound(a) && !heard.has(a.id) && player(a, href(a))));
}
