import { el } from "./dom.js";
import { t, when } from "./words.js";
function choice(name, label, options, value, then) {
    const select = el("select", { id: name }, ...options.map(([v, text]) => el("option", { value: v }, text)));
    select.value = value;
    select.addEventListener("change", () => then(select.value));
    return el("div", {}, el("label", { for: name }, label), select);
}
function prediction(p, name) {
    const box = el("div", { class: "reason" }, el("strong", {}, t("why_topic", { label: name })), " — ", t("confidence", { percent: Math.round(p.confidence * 100), mode: t(("mode_" + p.mode)) }));
    if (p.words.length) {
        const line = el("div", {}, t("words_weighed") + ": ");
        for (const w of p.words.slice(0, 6))
            line.append(el("mark", {}, w.text), " ");
        box.append(line);
    }
    if (p.nearest.length) {
        box.append(el("div", {}, t("nearest") + ":"), el("ul", {}, ...p.nearest.slice(0, 3).map((n) => el("li", {}, n.text))));
    }
    return box;
}
function message(m) {
    const author = m.author ? m.author.name : t("otklik");
    return el("article", { class: "message " + m.kind }, el("div", { class: "meta" }, `${author} · ${when(m.created_at)}`, m.kind === "note" && ` · ${t("note")}`), el("div", { class: "body" }, m.body));
}
function replyForm(ticket, actions) {
    const text = el("textarea", { rows: "4", maxlength: "60000", "aria-label": t("write"),
        placeholder: t("write"), id: "reply_text" });
    const form = el("form", { class: "card reply-form" });
    for (const s of ticket.suggestions.slice(0, 1)) {
        const insert = el("button", { type: "button", class: "quiet" }, t("insert"));
        insert.addEventListener("click", () => { text.value += s.text; });
        form.append(el("p", {}, `${t("suggested_answer")}: ${s.title} `, insert));
    }
    form.append(text);
    for (const kind of ["reply", "note"]) {
        const b = el("button", { type: "button", id: "write_" + kind,
            class: kind === "note" ? "second" : "" }, t(kind));
        b.addEventListener("click", () => {
            if (text.value.trim())
                void actions.write(kind, text.value);
        });
        form.append(b);
    }
    return form;
}
export function drawTicket(place, x, staff, actions) {
    const facts = el("p", { class: "under" });
    if (x.priority)
        facts.append(el("span", { class: "badge priority-" + x.priority.key }, x.priority.name), " ");
    if (x.topic)
        facts.append(el("span", { class: "badge" }, x.topic.name), " ");
    facts.append(`${x.person ? x.person.name : ""} · ${when(x.created_at)}`);
    const dues = el("dl");
    for (const [word, value] of [["due_first", x.first_due], ["due_next", x.next_due],
        ["due_solution", x.solution_due]])
        if (value)
            dues.append(el("dt", {}, t(word)), el("dd", {}, when(value)));
    const people = [["", t("nobody")],
        ...staff.map((p) => [p.id, p.name])];
    const names = { topic: x.topic?.name ?? "—", priority: x.priority?.name ?? "—" };
    place.replaceChildren(el("h1", {}, `${x.number} · ${x.subject}`), facts, el("p", { class: "reason", id: "why" }, x.reason), dues, el("div", { class: "actions" }, choice("set_state", t("state"), x.states.map((s) => [s, t(("state_" + s))]), x.state, (state) => void actions.change({ state })), choice("set_assignee", t("assignee"), people, x.assignee?.id ?? "", (id) => void actions.change({ assignee: id || null }))), ...x.messages.map(message), replyForm(x, actions), ...x.predictions.filter((p) => p.task in names).map((p) => prediction(p, p.name || names[p.task])));
}
