// Small helpers to build pages without ever parsing people's text as HTML.
import { Attachment, Message } from "./api.js";
import { t, when } from "./words.js";

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

// Bold, code and links inside a line of Markdown.
function inline(text: string): Node[] {
  const nodes: Node[] = [];
  const mark = /\*\*(.+?)\*\*|`(.+?)`|\[(.+?)\]\((https?:\/\/[^\s)]+)\)/g;
  let at = 0;
  for (let m = mark.exec(text); m; m = mark.exec(text)) {
    nodes.push(document.createTextNode(text.slice(at, m.index)));
    if (m[1]) nodes.push(el("strong", {}, m[1]));
    else if (m[2]) nodes.push(el("code", {}, m[2]));
    else nodes.push(el("a", { href: m[4], rel: "noopener noreferrer" }, m[3]));
    at = m.index + m[0].length;
  }
  nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

// The Markdown that articles use: paragraphs, lists, headings, inline marks.
export function markdown(text: string): DocumentFragment {
  const out = document.createDocumentFragment();
  let list: HTMLElement | null = null;
  let paragraph: HTMLElement | null = null;
  for (const line of text.split(/\r?\n/)) {
    const ordered = /^\s*\d+[.)]\s+(.*)$/.exec(line);
    const bullet = /^\s*[-*]\s+(.*)$/.exec(line);
    const heading = /^#{1,4}\s+(.*)$/.exec(line);
    if (ordered || bullet) {
      const tag = ordered ? "ol" : "ul";
      if (!list || list.tagName.toLowerCase() !== tag) out.append((list = el(tag)));
      list.append(el("li", {}, ...inline((ordered ?? bullet)![1])));
      paragraph = null;
    } else if (heading) {
      out.append(el("h3", {}, ...inline(heading[1])));
      list = paragraph = null;
    } else if (line.trim() === "") {
      paragraph = null;
    } else {
      list = null;
      if (paragraph) paragraph.append(" ");
      else out.append((paragraph = el("p")));
      paragraph.append(...inline(line.trim()));
    }
  }
  return out;
}

export function messageCard(m: Message): HTMLElement {
  const author = m.author ? m.author.name : t(m.kind === "request" ? "person" : "otklik");
  return el("article", { class: "message " + m.kind },
    el("div", { class: "meta" }, `${author} · ${when(m.created_at)}`,
       m.kind === "note" && ` · ${t("note")}`),
    el("div", { class: "body" }, m.body || t("erased")));
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${Math.round(bytes / 1024)} KiB`
    : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

export function fileList(files: Attachment[], href: (a: Attachment) => string): HTMLElement {
  return el("ul", { class: "file-list" }, ...files.map((a) =>
    el("li", {}, el("a", { href: href(a), download: a.name }, a.name), ` ${sizeText(a.size)}`)));
}
