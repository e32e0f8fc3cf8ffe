import { call, idempotencyKey, Problem, upload } from "./api.js";
import { byId, el, fileList, markdown, messageCard } from "./dom.js";
import { onLanguage, t, translate, when } from "./words.js";
const form = byId("ask");
const result = byId("result");
const send = byId("send");
let key = idempotencyKey();
let shown = null;
function again() {
    const b = el("button", { type: "button", class: "second" }, t("ask_again"));
    b.addEventListener("click", () => {
        shown = null;
        location.hash = "";
        draw();
        byId("text").value = "";
        byId("text").focus();
    });
    return b;
}
function thumbs(reply) {
    const box = el("div", { class: "thumbs" });
    for (const helpful of [true, false]) {
        const b = el("button", { type: "button", id: helpful ? "helped" : "not_helped",
            class: helpful ? "thumb" : "thumb down second" }, t(helpful ? "helped" : "not_helped"));
        b.addEventListener("click", async () => {
            try {
                const next = await call("POST", `/requests/${reply.id}/feedback`, { helpful });
                if (!helpful) {
                    shown = next;
                    draw();
                    return;
                }
                box.replaceChildren(el("strong", { id: "thanks" }, t("thanks")), again());
            }
            catch (e) {
                fail(e);
            }
        });
        box.append(b);
    }
    return box;
}
function answerCard(reply, a) {
    return el("div", { class: "card answer", id: "answer" }, el("h2", {}, t("answer_title")), markdown(a.text), el("p", { class: "source" }, t("answer_source", { title: a.title }), " · ", t("answer_sure", { percent: Math.round(a.confidence * 100) })), thumbs(reply));
}
function pair(list, name, value) {
    list.append(el("dt", {}, name), el("dd", {}, value));
}
function ticketCard(ticket) {
    const list = el("dl");
    const where = ticket.assignee ? ticket.assignee.name
        : ticket.team ? t("in_queue", { team: ticket.team.name }) : t("in_queue_any");
    pair(list, t("ticket_where"), where);
    pair(list, t("state"), t(("state_" + ticket.state)));
    if (ticket.topic)
        pair(list, t("ticket_topic"), ticket.topic.name);
    if (ticket.priority)
        pair(list, t("ticket_priority"), ticket.priority.name);
    if (ticket.first_due)
        pair(list, t("ticket_due"), when(ticket.first_due));
    if (ticket.reason)
        pair(list, t("ticket_reason"), ticket.reason);
    return el("div", { class: "card", id: "ticket" }, el("h2", {}, t("ticket_title")), el("p", { class: "number" }, t("ticket_number", { number: ticket.number })), list, el("p", { class: "hint" }, t("talk_keep")), again());
}
function talkCard(reply) {
    const text = el("textarea", { rows: "3", maxlength: "20000", id: "more_text",
        "aria-label": t("talk_write"), placeholder: t("talk_write") });
    const file = el("input", { type: "file", hidden: "" });
    const attach = el("button", { type: "button", class: "second" }, t("attach"));
    const sendMore = el("button", { type: "submit" }, t("talk_send"));
    const more = el("form", { id: "talk_form" }, text, el("div", { class: "buttons" }, sendMore, attach, file));
    const path = `/requests/${reply.id}`;
    const act = async (work) => {
        sendMore.disabled = true;
        try {
            await work();
            await look();
        }
        catch (e) {
            fail(e);
        }
        finally {
            sendMore.disabled = false;
        }
    };
    more.addEventListener("submit", (event) => {
        event.preventDefault();
        if (text.value.trim())
            void act(() => call("POST", path + "/messages", { body: text.value }, { "Idempotency-Key": idempotencyKey() }));
    });
    attach.addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
        const chosen = file.files?.[0];
        if (chosen)
            void act(() => upload(path + "/attachments", chosen));
    });
    return el("div", { class: "card", id: "talk" }, el("h2", {}, t("talk_title")), ...(reply.messages ?? []).map((m) => messageCard(m)), fileList(reply.attachments ?? [], (a) => `/api/v1${path}/attachments/${a.id}`), ["solved", "closed"].includes(reply.ticket.state) && rating(path), more);
}
function rating(path) {
    const box = el("div", { class: "thumbs", id: "rating" }, el("strong", {}, t("rate")));
    const stars = el("div", { class: "stars" });
    for (let score = 1; score <= 5; score++) {
        const b = el("button", { type: "button", class: "second" }, String(score));
        b.addEventListener("click", async () => {
            try {
                await call("POST", path + "/feedback", { score });
                box.replaceChildren(el("strong", {}, t("rated")));
            }
            catch (e) {
                fail(e);
            }
        });
        stars.append(b);
    }
    box.append(stars);
    return box;
}
async function look() {
    const id = location.hash.slice(1);
    if (!/^[0-9a-f]{32}$/.test(id))
        return;
    shown = await call("GET", "/requests/" + id);
    draw();
}
const LOOK_MS = 10000;
setInterval(() => {
    const writes = byId("result").querySelector("#more_text");
    const lives = shown && (shown.ticket || shown.outcome === "received");
    if (lives && !document.hidden && !writes?.value)
        void look().catch(() => undefined);
}, LOOK_MS);
function draw() {
    byId("lead").hidden = shown !== null;
    form.hidden = shown !== null;
    result.hidden = shown === null;
    if (!shown)
        return;
    if (shown.ticket)
        result.replaceChildren(ticketCard(shown.ticket), shown.messages ? talkCard(shown) : "");
    else if (shown.answer)
        result.replaceChildren(answerCard(shown, shown.answer));
    else
        result.replaceChildren(el("div", { class: "card", id: "ignored" }, el("h2", {}, t(shown.outcome === "received" ? "received_title" : "ignored_title")), el("p", {}, t("ignored_text")), again()));
}
function fail(e) {
    const p = byId("error");
    p.hidden = false;
    p.textContent = e instanceof Problem ? t("error", { detail: e.detail }) : t("offline");
    form.hidden = false;
}
form.addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("error").hidden = true;
    send.disabled = true;
    send.textContent = t("sending");
    const data = new FormData(form);
    const person = {};
    for (const name of ["name", "email"])
        if (data.get(name))
            person[name] = String(data.get(name));
    try {
        shown = await call("POST", "/requests", { text: String(data.get("text")), person }, { "Idempotency-Key": key });
        key = idempotencyKey();
        location.hash = shown.id;
        draw();
        if (shown.ticket)
            await look();
    }
    catch (e) {
        if (e instanceof Problem && e.status < 500)
            key = idempotencyKey();
        fail(e);
    }
    finally {
        send.disabled = false;
        send.textContent = t("ask_send");
    }
});
translate();
onLanguage(draw);
look().catch(fail);
