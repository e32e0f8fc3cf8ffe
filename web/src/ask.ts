// The page of a person who needs help.
import { Answer, call, idempotencyKey, Problem, Reply, TicketBrief } from "./api.js";
import { byId, el, markdown } from "./dom.js";
import { language, onLanguage, t, translate, when } from "./words.js";

const form = byId<HTMLFormElement>("ask");
const result = byId<HTMLElement>("result");
const send = byId<HTMLButtonElement>("send");
let key = idempotencyKey();
let shown: Reply | null = null;

function again(): HTMLElement {
  const b = el("button", { type: "button", class: "second" }, t("ask_again"));
  b.addEventListener("click", () => {
    shown = null;
    draw();
    byId<HTMLTextAreaElement>("text").value = "";
    byId<HTMLTextAreaElement>("text").focus();
  });
  return b;
}

function thumbs(reply: Reply): HTMLElement {
  const box = el("div", { class: "thumbs" });
  for (const helpful of [true, false]) {
    const b = el("button", { type: "button", id: helpful ? "helped" : "not_helped",
                             class: helpful ? "thumb" : "thumb down second" },
                 t(helpful ? "helped" : "not_helped"));
    b.addEventListener("click", async () => {
      try {
        const next = await call<Reply>("POST", `/requests/${reply.id}/feedback`, { helpful });
        if (!helpful) { shown = next; draw(); return; }
        box.replaceChildren(el("strong", { id: "thanks" }, t("thanks")), again());
      } catch (e) {
        fail(e);
      }
    });
    box.append(b);
  }
  return box;
}

function answerCard(reply: Reply, a: Answer): HTMLElement {
  return el("div", { class: "card answer", id: "answer" },
    el("h2", {}, t("answer_title")),
    markdown(a.text),
    el("p", { class: "source" }, t("answer_source", { title: a.title }), " · ",
       t("answer_sure", { percent: Math.round(a.confidence * 100) })),
    thumbs(reply));
}

function pair(list: HTMLElement, name: string, value: string): void {
  list.append(el("dt", {}, name), el("dd", {}, value));
}

function ticketCard(ticket: TicketBrief): HTMLElement {
  const list = el("dl");
  const where = ticket.assignee ? ticket.assignee.name
    : ticket.team ? t("in_queue", { team: ticket.team.name }) : t("in_queue_any");
  pair(list, t("ticket_where"), where);
  if (ticket.topic) pair(list, t("ticket_topic"), ticket.topic.name);
  if (ticket.priority) pair(list, t("ticket_priority"), ticket.priority.name);
  if (ticket.first_due) pair(list, t("ticket_due"), when(ticket.first_due));
  if (ticket.reason) pair(list, t("ticket_reason"), ticket.reason);
  return el("div", { class: "card", id: "ticket" },
    el("h2", {}, t("ticket_title")),
    el("p", { class: "number" }, t("ticket_number", { number: ticket.number })),
    list, again());
}

function draw(): void {
  form.hidden = shown !== null;
  result.hidden = shown === null;
  if (!shown) return;
  if (shown.ticket) result.replaceChildren(ticketCard(shown.ticket));
  else if (shown.answer) result.replaceChildren(answerCard(shown, shown.answer));
  else result.replaceChildren(el("div", { class: "card", id: "ignored" },
    el("h2", {}, t(shown.outcome === "received" ? "received_title" : "ignored_title")),
    el("p", {}, t("ignored_text")), again()));
}

function fail(e: unknown): void {
  const p = byId<HTMLElement>("error");
  p.hidden = false;
  p.textContent = e instanceof Problem ? t("error", { detail: e.detail }) : t("offline");
  form.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId<HTMLElement>("error").hidden = true;
  send.disabled = true;
  send.textContent = t("sending");
  const data = new FormData(form);
  const person: Record<string, string> = {};
  for (const name of ["name", "email"])
    if (data.get(name)) person[name] = String(data.get(name));
  try {
    shown = await call<Reply>("POST", "/requests",
      { text: String(data.get("text")), person },
      { "Idempotency-Key": key });
    key = idempotencyKey();
    draw();
  } catch (e) {
    if (e instanceof Problem && e.status < 500) key = idempotencyKey();
    fail(e);
  } finally {
    send.disabled = false;
    send.textContent = t("ask_send");
  }
});

translate();
onLanguage(draw);
