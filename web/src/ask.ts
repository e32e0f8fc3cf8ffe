// The page of a person who needs help.
import { Answer, call, Once, Problem, Reply, TicketBrief, told, tooLong, upload } from "./api.js";
import { byId, el, fileLines, markdown, messageCard, refill, sendByKeys } from "./dom.js";
import { canRecord, Voice } from "./voice.js";
import { onLanguage, t, translate, when, Word } from "./words.js";

const form = byId<HTMLFormElement>("ask");
const result = byId<HTMLElement>("result");
const send = byId<HTMLButtonElement>("send");
const question = byId<HTMLTextAreaElement>("text");
const title = byId("title");
const lost = byId("lost");
const once = new Once();
let shown: Reply | null = null;
let talk: Talk | null = null;

// The address names the request, so that a person can come back to it.
function named(): string {
  const id = location.hash.slice(1);
  return /^[0-9a-f]{32}$/.test(id) ? id : "";
}

function again(): HTMLElement {
  const b = el("button", { type: "button", class: "second", id: "again" }, t("ask_again"));
  b.addEventListener("click", () => {
    history.pushState(null, "", location.pathname);
    question.value = "";
    leave();
    question.focus();
  });
  return b;
}

function leave(): void {
  talk?.voice.drop();
  shown = talk = null;
  complain(null);
  complain(null, lost);
  draw();
}

function complain(e: unknown, place = byId("error")): void {
  place.hidden = e === null;
  place.textContent = e === null ? "" : typeof e === "string" ? e : told(e);
}

function errorLine(): HTMLElement {
  return el("p", { class: "error", role: "alert", hidden: "" });
}

function thumbs(reply: Reply): HTMLElement {
  const box = el("div", { class: "thumbs" });
  if (reply.helpful) {
    box.append(el("strong", { id: "thanks", tabindex: "-1" }, t("thanks")), again());
    return box;
  }
  const error = errorLine();
  const say = async (helpful: boolean): Promise<void> => {
    const buttons = [...box.querySelectorAll("button")];
    buttons.forEach((b) => (b.disabled = true));
    complain(null, error);
    try {
      await call<Reply>("POST", `/requests/${reply.id}/feedback`, { helpful });
      if (!helpful) return await look(true);
      reply.helpful = true;
      draw();
      byId("thanks").focus();
    } catch (e) {
      buttons.forEach((b) => (b.disabled = false));
      complain(e, error);
    }
  };
  for (const helpful of [true, false]) {
    const b = el("button", { type: "button", id: helpful ? "helped" : "not_helped",
                             class: helpful ? "thumb" : "thumb down second" },
                 t(helpful ? "helped" : "not_helped"));
    b.addEventListener("click", () => void say(helpful));
    box.append(b);
  }
  return el("div", {}, box, error);
}

function answerCard(reply: Reply, a: Answer): HTMLElement {
  return el("div", { class: "card answer", id: "answer" },
    el("div", { class: "text" }, markdown(a.text)),
    el("p", { class: "source" }, t("answer_source", { title: a.title }), " · ",
       t("answer_sure", { percent: Math.round(a.confidence * 100) })),
    thumbs(reply));
}

function over(ticket: TicketBrief): boolean {
  return ["solved", "closed"].includes(ticket.state);
}

function pair(list: HTMLElement, name: string, value: string): void {
  list.append(el("dt", {}, name), el("dd", {}, value));
}

function ticketCard(ticket: TicketBrief): HTMLElement {
  const list = el("dl");
  const where = ticket.assignee ? ticket.assignee.name
    : ticket.team ? t("in_queue", { team: ticket.team.name }) : t("in_queue_any");
  const state = ticket.state === "pending" ? "state_yours" : "state_" + ticket.state;
  pair(list, t("ticket_where"), where);
  pair(list, t("state"), t(state as Word));
  if (ticket.topic) pair(list, t("ticket_topic"), ticket.topic.name);
  if (ticket.priority) pair(list, t("ticket_priority"), ticket.priority.name);
  if (ticket.first_due) pair(list, t("ticket_due"), when(ticket.first_due));
  if (ticket.reason) pair(list, t("ticket_reason"), ticket.reason);
  return el("div", { class: "card", id: "ticket" },
    el("p", { class: "number" }, t("ticket_number", { number: ticket.number })),
    list, el("p", { class: "hint" }, t("talk_keep")), again());
}

// What was said since, and a place to say more. It is made once for a request,
// so that what arrives leaves alone what the person writes.
class Talk {
  readonly card: HTMLElement;
  private readonly messages = el("div", { role: "log", "aria-label": t("talk_title") });
  private readonly files = el("ul", { class: "file-list", "aria-label": t("files") });
  private readonly rate = el("div");
  private readonly error = errorLine();
  private readonly text = el("textarea", { rows: "3", id: "more_text",
    "aria-label": t("talk_write"), placeholder: t("talk_write") });
  private readonly attach = el("button", { type: "button", class: "second" }, t("attach"));
  private readonly send = el("button", { type: "submit" }, t("talk_send"));
  private readonly file = el("input", { type: "file", multiple: "", hidden: "" });
  private readonly path: string;
  private readonly once = new Once();
  readonly voice = new Voice((file) => this.speak(file), (words) => complain(words, this.error));

  constructor(readonly id: string, written: string) {
    this.path = "/requests/" + id;
    this.text.value = written;
    const more = el("form", { id: "talk_form" }, this.text, this.error,
      el("div", { class: "buttons" }, this.send, this.attach, this.file,
         canRecord() && this.voice.box));
    more.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.say();
    });
    sendByKeys(this.text, this.send);
    this.attach.addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => void this.give());
    this.card = el("div", { class: "card", id: "talk" },
      el("h2", {}, t("talk_title")), this.messages, this.files, this.rate, more);
  }

  update(reply: Reply): void {
    refill(this.messages, ...(reply.messages ?? []).map((m) => messageCard(m)));
    refill(this.files, ...fileLines(reply.attachments ?? [],
                                    (a) => `/api/v1${this.path}/attachments/${a.id}`));
    if (!over(reply.ticket!)) this.rate.replaceChildren();
    else if (!this.rate.firstChild) this.rate.append(rating(this.path));
  }

  get written(): string {
    return this.text.value;
  }

  // Whether it was done.
  private async act(button: HTMLButtonElement, work: () => Promise<unknown>): Promise<boolean> {
    const name = button.textContent;
    complain(null, this.error);
    this.send.disabled = this.attach.disabled = true;
    button.textContent = t("sending");
    try {
      await work();
      await look(false).catch(() => undefined); // it is looked for again soon
      return true;
    } catch (e) {
      complain(e, this.error);
      return false;
    } finally {
      this.send.disabled = this.attach.disabled = false;
      button.textContent = name;
    }
  }

  private async say(): Promise<void> {
    const body = this.text.value;
    if (!body.trim()) return;
    if (tooLong(body)) return complain(t("text_long"), this.error);
    await this.act(this.send, async () => {
      await call("POST", this.path + "/messages", { body }, this.once.of(body));
      this.once.done();
      if (this.text.value === body) this.text.value = "";
    });
    this.text.focus();
  }

  private async speak(file: File): Promise<boolean> {
    return this.act(this.attach, async () => {
      await upload(this.path + "/attachments", file, this.once.of(file.name));
      this.once.done();
    });
  }

  private async give(): Promise<void> {
    const chosen = [...(this.file.files ?? [])];
    await this.act(this.attach, async () => {
      for (const f of chosen) await upload(this.path + "/attachments", f);
    });
    this.file.value = "";
  }
}

function rating(path: string): HTMLElement {
  const box = el("div", { class: "thumbs", id: "rating" }, el("strong", {}, t("rate")));
  const error = errorLine();
  const stars = el("div", { class: "stars", role: "group", "aria-label": t("rate") });
  for (let score = 1; score <= 5; score++) {
    const b = el("button", { type: "button", class: "second",
                             "aria-label": t("rate_score", { score }) }, String(score));
    b.addEventListener("click", async () => {
      try {
        await call("POST", path + "/feedback", { score });
        box.replaceChildren(el("strong", { role: "status" }, t("rated")));
      } catch (e) {
        complain(e, error);
      }
    });
    stars.append(b);
  }
  box.append(stars, el("span", { class: "hint" }, t("rate_scale")), error);
  return box;
}

// The request once more, as it stands now.
async function look(turn: boolean): Promise<void> {
  const id = named();
  if (!id) return;
  const reply = await call<Reply>("GET", "/requests/" + id);
  if (id !== named()) return; // the person went elsewhere meanwhile
  shown = reply;
  complain(null, lost);
  draw();
  if (turn) title.focus();
}

// Come to the address: by opening it, by the buttons back and forward.
function arrive(): void {
  const id = named();
  if (id && id === shown?.id) return;
  leave();
  look(true).catch((e: unknown) => {
    const gone = e instanceof Problem && e.status === 404;
    if (gone) history.replaceState(null, "", location.pathname);
    draw();
    complain(gone ? t("not_found") : e, lost);
  });
}

// Replies arrive while the page is open; a desk that was away comes back.
const LOOK_MS = 10000;
setInterval(() => {
  const lives = !shown || shown.ticket || shown.outcome === "received";
  if (lives && !document.hidden) void look(false).catch(() => undefined);
}, LOOK_MS);

function heading(): string {
  if (!shown) return t("ask_title");
  if (shown.ticket) return t(over(shown.ticket) ? "solved_title" : "ticket_title");
  if (shown.answer) return t("answer_title");
  return t(shown.outcome === "received" ? "received_title" : "ignored_title");
}

// On a page that was opened again the desk tells what was asked.
function asked(): HTMLElement | false {
  const text = shown?.text ?? question.value.trim();
  return text !== "" && el("div", { class: "message asked" },
    el("div", { class: "meta" }, t("asked")), el("div", { class: "body" }, text));
}

// `anew`: the words are of another language now.
function draw(anew = false): void {
  const away = shown === null && named() !== ""; // known by address only
  byId("lead").hidden = form.hidden = shown !== null || away;
  title.textContent = heading();
  document.title = shown?.ticket
    ? `${t("ticket_number", { number: shown.ticket.number })} · ${t("ask_page")}` : t("ask_page");
  if (!shown) {
    result.replaceChildren();
  } else if (shown.ticket) {
    if ((anew && !talk?.voice.active) || talk?.id !== shown.id) {
      talk?.voice.drop(); // a microphone that is still being asked for
      talk = new Talk(shown.id, talk?.id === shown.id ? talk.written : "");
    }
    talk.update(shown);
    refill(result, ticketCard(shown.ticket), talk.card);
  } else if (shown.answer) {
    refill(result, asked(), answerCard(shown, shown.answer));
  } else {
    refill(result, el("div", { class: "card", id: "ignored" },
      el("p", {}, t(shown.outcome === "received" ? "received_text" : "ignored_text")), again()));
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const text = String(data.get("text"));
  complain(!text.trim() ? t("text_empty") : tooLong(text) ? t("text_long") : null);
  if (!text.trim() || tooLong(text)) return question.focus();
  const person: Record<string, string> = {};
  for (const name of ["name", "email"])
    if (data.get(name)) person[name] = String(data.get(name));
  const request = { text, person };
  send.disabled = true;
  send.textContent = t("sending");
  try {
    shown = await call<Reply>("POST", "/requests", request, once.of(JSON.stringify(request)));
    once.done();
    location.hash = shown.id;
    draw();
    title.focus();
    if (shown.ticket) await look(false);
  } catch (e) {
    complain(e);
  } finally {
    send.disabled = false;
    send.textContent = t("ask_send");
  }
});

sendByKeys(question, send);
window.addEventListener("hashchange", arrive);
translate();
onLanguage(() => {
  draw(true);
  look(false).catch((e: unknown) => complain(e, lost));
});
arrive();
