// One ticket: its timeline, what may be done with it, why it is where it is.
import { Attachment, Decision, Message, Named, Once, Person, TicketBrief,
         tooLong } from "./api.js";
import { dues, dueWords } from "./due.js";
import { askLine, el, fileLines, messageCard, refill, sendByKeys, soundOf } from "./dom.js";
import { t, when, Word } from "./words.js";

interface Prediction extends Decision {
  task: string;
  correction: string | null;
  words: { text: string; weight: number }[];
  nearest: { text: string; label: string; similarity: number }[];
}

interface Suggestion { article: string; title: string; text: string; confidence: number }
interface Link { ticket: string; kind: string; subject: string; state: string; outward: boolean }
export interface Similar { ticket: string; subject: string; state: string; likeness: number }
export interface Canned { id: string; title: string; body: string; language: string }

export interface Ticket extends TicketBrief {
  messages: Message[];
  attachments: Attachment[];
  tags: string[];
  links: Link[];
  predictions: Prediction[];
  suggestions: Suggestion[];
  similar?: Similar[]; // asked for apart, once the ticket is there
  states: string[];
}

// What there is to choose from, and whether this member of staff may choose:
// viewers look.
export interface Choices {
  staff: Person[];
  topics: Named[];
  priorities: Named[];
  may: boolean;
}

export interface Actions {
  // Each answers whether the desk took it; what was refused has been shown.
  change(fields: Record<string, unknown>): Promise<boolean>;
  write(kind: "reply" | "note", body: string, once: Once): Promise<boolean>;
  attach(files: File[]): Promise<boolean>;
  merge(into: string): Promise<boolean>;
  canned(): Promise<Canned[]>;
}

// The words begun under a ticket wait in this tab for the person to come back.
const draftKey = (id: string): string => "draft:" + id;

function draft(id: string): string {
  try { return sessionStorage.getItem(draftKey(id)) ?? ""; } catch { return ""; }
}

function keepDraft(id: string, text: string): void {
  try {
    if (text) sessionStorage.setItem(draftKey(id), text);
    else sessionStorage.removeItem(draftKey(id));
  } catch { /* no room, or not allowed: the text is in its field */ }
}

export function dropDrafts(): void {
  try { sessionStorage.clear(); } catch { /* nothing was kept */ }
}

// Leave the field, so that what the desk says is drawn, be it yes or no; then
// come back, for those who work by the keyboard.
async function aside(field: HTMLElement, work: () => Promise<boolean>): Promise<void> {
  field.blur();
  await work();
  if (document.activeElement === document.body) document.getElementById(field.id)?.focus();
}

function choice(name: string, label: string, options: [string, string][], value: string,
                then: (value: string) => Promise<boolean>): HTMLElement {
  const select = el("select", { id: name }, ...options.map(([v, text]) =>
    el("option", v === value ? { value: v, selected: "" } : { value: v }, text)));
  select.addEventListener("change", () => void aside(select, () => then(select.value)));
  return el("div", { "data-part": name }, el("label", { for: name }, label), select);
}

// The same for those who only look.
function fact(name: string, label: string, value: string): HTMLElement {
  return el("div", { "data-part": name }, el("div", { class: "what" }, label), value);
}

// "—" only where nothing is chosen yet: it is no choice.
const named = (all: Named[], now: Named | null): [string, string][] =>
  [...(now ? [] : [["", "—"] as [string, string]]),
   ...all.map((x): [string, string] => [x.key, x.name])];

function prediction(p: Prediction, name: string): HTMLElement {
  const box = el("details", { class: "reason" },
    el("summary", {}, el("strong", {}, t("why_topic", { label: name })), " — ",
      t("confidence", { percent: Math.round(p.confidence * 100),
                        mode: t(("mode_" + p.mode) as Word) })));
  if (p.correction) box.append(el("div", {}, t("corrected")));
  if (p.words.length) {
    const line = el("div", {}, t("words_weighed") + ": ");
    for (const w of p.words.slice(0, 6)) line.append(el("mark", {}, w.text), " ");
    box.append(line);
  }
  if (p.nearest.length) {
    box.append(el("div", {}, t("nearest") + ":"),
      el("ul", {}, ...p.nearest.slice(0, 3).map((n) => el("li", {}, n.text))));
  }
  if (p.task === "topic") box.open = true;
  return box;
}

function cannedChoice(text: HTMLTextAreaElement, actions: Actions,
                      keep: () => void): HTMLElement {
  const select = el("select", { id: "canned", "aria-label": t("canned") },
    el("option", { value: "" }, t("canned")));
  let all: Canned[] = [];
  // They are many and seldom wanted: fetched when the list is first opened.
  select.addEventListener("focus", async () => {
    if (all.length) return;
    all = await actions.canned();
    select.append(...all.map((c) => el("option", { value: c.id }, c.title)));
  });
  select.addEventListener("change", () => {
    const c = all.find((x) => x.id === select.value);
    if (c) text.value += (text.value ? "\n" : "") + c.body;
    select.value = "";
    keep();
    text.focus();
  });
  return select;
}

function replyForm(ticket: Ticket, actions: Actions): HTMLElement {
  const text = el("textarea", { rows: "4", "aria-label": t("write"),
                                placeholder: t("write"), id: "reply_text" });
  const error = el("p", { class: "error", role: "alert", hidden: "" });
  const form = el("form", { class: "card reply-form", "data-part": "reply" });
  const once = new Once();
  const keep = (): void => keepDraft(ticket.id, text.value);
  text.value = draft(ticket.id);
  text.addEventListener("input", keep);
  for (const s of ticket.suggestions.slice(0, 1)) {
    const insert = el("button", { type: "button", class: "quiet" }, t("insert"));
    insert.addEventListener("click", () => {
      text.value += (text.value ? "\n" : "") + s.text;
      keep();
      text.focus();
    });
    form.append(el("p", {}, `${t("suggested_answer")}: ${s.title} `, insert));
  }
  const line = el("div", { class: "buttons" });
  const buttons = (["reply", "note"] as const).map((kind) => {
    const b = el("button", { type: "button", id: "write_" + kind,
                             class: kind === "note" ? "second" : "" }, t(kind));
    b.addEventListener("click", async () => {
      const body = text.value;
      error.hidden = !tooLong(body);
      error.textContent = error.hidden ? "" : t("text_long");
      if (!body.trim() || !error.hidden) return text.focus();
      buttons.forEach((x) => (x.disabled = true));
      if (await actions.write(kind, body, once) && text.value === body) {
        text.value = "";
        keep();
      }
      buttons.forEach((x) => (x.disabled = false));
      if (document.activeElement === document.body) text.focus();
    });
    return b;
  });
  sendByKeys(text, buttons[0]);
  line.append(...buttons, cannedChoice(text, actions, keep));
  form.append(text, error, line);
  return form;
}

function tagLine(x: Ticket, actions: Actions): HTMLElement {
  const input = el("input", { id: "tags", value: x.tags.join(", "), placeholder: t("tags_hint"),
                              maxlength: "1000" });
  input.addEventListener("change", () => {
    input.defaultValue = input.value;
    void aside(input, () => actions.change(
      { tags: input.value.split(",").map((s) => s.trim()).filter(Boolean) }));
  });
  return el("div", { "data-part": "tags" }, el("label", { for: "tags" }, t("tags")), input);
}

const fileHref = (a: Attachment): string => `/api/v1/attachments/${a.id}`;

// What was heard has its player above the words.
function timeline(x: Ticket): [HTMLElement, Set<string>] {
  const heard = new Set<string>();
  const log = el("div", { "data-part": "messages", role: "log", "aria-label": t("talk_title") });
  for (const m of x.messages) {
    const sound = soundOf(m, x.attachments.filter((a) => !heard.has(a.id)));
    if (sound) heard.add(sound.id);
    log.append(sound ? messageCard(m, sound, fileHref(sound)) : messageCard(m));
  }
  return [log, heard];
}

function files(x: Ticket, heard: Set<string>, actions: Actions, may: boolean): HTMLElement {
  const input = el("input", { type: "file", multiple: "", hidden: "" });
  const button = el("button", { type: "button", class: "quiet", id: "attach" }, t("attach"));
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    button.disabled = true;
    button.textContent = t("sending");
    await actions.attach([...(input.files ?? [])]);
    button.disabled = false;
    button.textContent = t("attach");
    input.value = "";
  });
  return el("div", { class: "files", "data-part": "files" },
    el("div", { class: "what" }, t("files")),
    el("ul", { class: "file-list" }, ...fileLines(x.attachments, fileHref, heard)),
    may && input, may && button);
}

function links(x: Ticket, actions: Actions, may: boolean): HTMLElement {
  const list = el("ul", { class: "links" });
  for (const l of x.links) {
    const go = el("a", { href: "#" + l.ticket }, `${l.ticket} · ${l.subject}`);
    list.append(el("li", {}, t(`link_${l.kind}_${l.outward ? "out" : "in"}` as Word), " ", go));
  }
  const merge = el("button", { type: "button", class: "quiet", id: "merge" }, t("merge"));
  merge.addEventListener("click", async () => {
    const into = await askLine(t("merge_into"), t("merge_do"));
    if (into) await actions.merge(into.replace(/^\D+/, ""));
  });
  return el("div", { "data-part": "links" }, x.links.length > 0 && list,
    may && x.state !== "merged" && merge);
}

// Perhaps the same: then they can be merged, or the answer is there already.
function similar(x: Ticket): HTMLElement {
  const part = el("div", { "data-part": "similar" });
  if (!x.similar?.length) return part;
  const list = el("ul", { class: "links" });
  for (const s of x.similar)
    list.append(el("li", {}, el("a", { href: "#" + s.ticket }, `${s.ticket} · ${s.subject}`),
      " ", el("small", {}, `${t(`state_${s.state}` as Word)}, ${Math.round(100 * s.likeness)} %`)));
  part.append(el("div", { class: "what" }, t("similar")), list);
  return part;
}

// Nothing else is drawn again: a person may be at work there.
export function drawSimilar(place: HTMLElement, x: Ticket): void {
  place.querySelector("[data-part=similar]")?.replaceWith(similar(x));
}

function dueList(x: Ticket): HTMLElement {
  const list = el("dl", { "data-part": "dues" });
  for (const due of dues(x))
    list.append(el("dt", {}, t(("due_" + due.kind) as Word)),
      el("dd", {}, when(due.at), due.lateness !== "" &&
        el("div", { class: "due " + due.lateness }, dueWords(due))));
  return list;
}

// Once more, because time has passed.
export function drawDues(place: HTMLElement, x: Ticket): void {
  place.querySelector("[data-part=dues]")?.replaceWith(dueList(x));
}

function choicesOf(x: Ticket, choices: Choices, actions: Actions): HTMLElement {
  const people: [string, string][] = [["", t("nobody")],
    ...choices.staff.map((p): [string, string] => [p.id, p.name])];
  return el("div", { class: "choices" },
    choice("set_state", t("state"), x.states.map((s): [string, string] =>
      [s, t(("state_" + s) as Word)]), x.state, (state) => actions.change({ state })),
    choice("set_assignee", t("assignee"), people, x.assignee?.id ?? "",
      (id) => actions.change({ assignee: id || null })),
    choice("set_topic", t("ticket_topic"), named(choices.topics, x.topic),
      x.topic?.key ?? "", (topic) => actions.change({ topic })),
    choice("set_priority", t("ticket_priority"), named(choices.priorities, x.priority),
      x.priority?.key ?? "", (priority) => actions.change({ priority })));
}

function factsOf(x: Ticket): HTMLElement {
  return el("div", { class: "choices" },
    fact("set_state", t("state"), t(("state_" + x.state) as Word)),
    fact("set_assignee", t("assignee"), x.assignee?.name ?? t("nobody")),
    fact("set_topic", t("ticket_topic"), x.topic?.name ?? "—"),
    fact("set_priority", t("ticket_priority"), x.priority?.name ?? "—"),
    fact("tags", t("tags"), x.tags.join(", ") || "—"));
}

function head(x: Ticket): HTMLElement {
  const facts = el("p", { class: "under" });
  if (x.priority)
    facts.append(el("span", { class: "badge priority-" + x.priority.key }, x.priority.name), " ");
  if (x.topic) facts.append(el("span", { class: "badge" }, x.topic.name), " ");
  facts.append(`${x.person?.name || t("person")} · ${when(x.created_at)}`);
  return el("header", { "data-part": "head" },
    el("h1", { tabindex: "-1" }, `${x.number} · ${x.subject || t("erased")}`), facts,
    el("p", { class: "reason", id: "why" }, x.reason));
}

function reasons(x: Ticket): HTMLElement {
  const names: Record<string, string> = { topic: x.topic?.name ?? "—", priority: x.priority?.name ?? "—" };
  return el("div", { "data-part": "reasons" },
    ...x.predictions.filter((p) => p.task in names).map((p) =>
      prediction(p, p.name || names[p.task])));
}

// Somebody is at work in this part: it has the focus, words not yet sent, or a
// sound that is being heard. (The timeline keeps the messages that stay.)
function busy(part: Element): boolean {
  if (part.matches("[data-part=files]") &&
      [...part.querySelectorAll("audio")].some((sound) => !sound.paused)) return true;
  if (part.contains(document.activeElement?.closest("input, textarea, select") ?? null))
    return true;
  return [...part.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input, textarea")]
    .some((field) => field.type !== "file" && field.value !== field.defaultValue);
}

// What a person has unfolded or folded stays so.
function unfold(now: Element, part: Element): void {
  const old = now.querySelectorAll("details");
  part.querySelectorAll("details").forEach((d, i) => (d.open = old[i]?.open ?? d.open));
}

// The same ticket drawn again (somebody wrote, something changed) leaves alone
// the parts in which a person is at work.
export function drawTicket(place: HTMLElement, x: Ticket, choices: Choices,
                           actions: Actions): void {
  const [log, heard] = timeline(x);
  const fresh = [
    head(x),
    el("div", { class: "columns" },
      el("div", { class: "talk" },
        log,
        choices.may && replyForm(x, actions), reasons(x)),
      el("aside", { class: "side" },
        ...(choices.may ? [choicesOf(x, choices, actions), tagLine(x, actions)] : [factsOf(x)]),
        similar(x), dueList(x), files(x, heard, actions, choices.may),
        links(x, actions, choices.may)))];
  if (place.dataset.ticket !== x.id) {
    place.dataset.ticket = x.id;
    place.replaceChildren(...fresh);
    return;
  }
  const old = new Map([...place.querySelectorAll<HTMLElement>("[data-part]")].map(
    (part) => [part.dataset.part, part]));
  for (const part of fresh.flatMap((f) => f.dataset.part ? [f]
    : [...f.querySelectorAll<HTMLElement>("[data-part]")])) {
    const now = old.get(part.dataset.part);
    if (!now || busy(now)) continue;
    if (part.dataset.part === "messages" || part.dataset.part === "reasons") {
      unfold(now, part);
      refill(now, ...[...part.children] as HTMLElement[]);
    } else {
      now.replaceWith(part);
    }
  }
}
