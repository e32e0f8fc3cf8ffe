// One ticket: its facts, why it is where it is, its timeline.
import { Decision, Person, TicketBrief } from "./api.js";
import { el } from "./dom.js";
import { t, when, Word } from "./words.js";

interface Message {
  id: string;
  kind: "request" | "reply" | "note" | "system";
  author: Person | null;
  body: string;
  created_at: string;
}

interface Prediction extends Decision {
  task: string;
  words: { text: string; weight: number }[];
  nearest: { text: string; label: string; similarity: number }[];
}

interface Suggestion { article: string; title: string; text: string; confidence: number }

export interface Ticket extends TicketBrief {
  messages: Message[];
  predictions: Prediction[];
  suggestions: Suggestion[];
  states: string[];
}

export interface Actions {
  change(fields: Record<string, unknown>): Promise<void>;
  write(kind: "reply" | "note", body: string): Promise<void>;
}

function choice(name: string, label: string, options: [string, string][], value: string,
                then: (value: string) => void): HTMLElement {
  const select = el("select", { id: name },
    ...options.map(([v, text]) => el("option", { value: v }, text)));
  select.value = value;
  select.addEventListener("change", () => then(select.value));
  return el("div", {}, el("label", { for: name }, label), select);
}

function prediction(p: Prediction, name: string): HTMLElement {
  const box = el("div", { class: "reason" },
    el("strong", {}, t("why_topic", { label: name })), " — ",
    t("confidence", { percent: Math.round(p.confidence * 100), mode: t(("mode_" + p.mode) as Word) }));
  if (p.words.length) {
    const line = el("div", {}, t("words_weighed") + ": ");
    for (const w of p.words.slice(0, 6)) line.append(el("mark", {}, w.text), " ");
    box.append(line);
  }
  if (p.nearest.length) {
    box.append(el("div", {}, t("nearest") + ":"),
      el("ul", {}, ...p.nearest.slice(0, 3).map((n) => el("li", {}, n.text))));
  }
  return box;
}

function message(m: Message): HTMLElement {
  const author = m.author ? m.author.name : t("otklik");
  return el("article", { class: "message " + m.kind },
    el("div", { class: "meta" }, `${author} · ${when(m.created_at)}`,
       m.kind === "note" && ` · ${t("note")}`),
    el("div", { class: "body" }, m.body));
}

function replyForm(ticket: Ticket, actions: Actions): HTMLElement {
  const text = el("textarea", { rows: "4", maxlength: "60000", "aria-label": t("write"),
                                placeholder: t("write"), id: "reply_text" });
  const form = el("form", { class: "card reply-form" });
  for (const s of ticket.suggestions.slice(0, 1)) {
    const insert = el("button", { type: "button", class: "quiet" }, t("insert"));
    insert.addEventListener("click", () => { text.value += s.text; });
    form.append(el("p", {}, `${t("suggested_answer")}: ${s.title} `, insert));
  }
  form.append(text);
  for (const kind of ["reply", "note"] as const) {
    const b = el("button", { type: "button", id: "write_" + kind,
                             class: kind === "note" ? "second" : "" }, t(kind));
    b.addEventListener("click", () => {
      if (text.value.trim()) void actions.write(kind, text.value);
    });
    form.append(b);
  }
  return form;
}

export function drawTicket(place: HTMLElement, x: Ticket, staff: Person[],
                           actions: Actions): void {
  const facts = el("p", { class: "under" });
  if (x.priority)
    facts.append(el("span", { class: "badge priority-" + x.priority.key }, x.priority.name), " ");
  if (x.topic) facts.append(el("span", { class: "badge" }, x.topic.name), " ");
  facts.append(`${x.person ? x.person.name : ""} · ${when(x.created_at)}`);
  const dues = el("dl");
  for (const [word, value] of [["due_first", x.first_due], ["due_next", x.next_due],
                               ["due_solution", x.solution_due]] as [Word, string | null][])
    if (value) dues.append(el("dt", {}, t(word)), el("dd", {}, when(value)));
  const people: [string, string][] = [["", t("nobody")],
    ...staff.map((p): [string, string] => [p.id, p.name])];
  const names: Record<string, string> = { topic: x.topic?.name ?? "—", priority: x.priority?.name ?? "—" };
  place.replaceChildren(
    el("h1", {}, `${x.number} · ${x.subject}`), facts,
    el("p", { class: "reason", id: "why" }, x.reason),
    dues,
    el("div", { class: "actions" },
      choice("set_state", t("state"), x.states.map((s): [string, string] =>
        [s, t(("state_" + s) as Word)]), x.state, (state) => void actions.change({ state })),
      choice("set_assignee", t("assignee"), people, x.assignee?.id ?? "",
        (id) => void actions.change({ assignee: id || null }))),
    ...x.messages.map(message),
    replyForm(x, actions),
    ...x.predictions.filter((p) => p.task in names).map((p) =>
      prediction(p, p.name || names[p.task])));
}
