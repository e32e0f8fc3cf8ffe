import { call, idempotencyKey, Problem, setCsrf } from "./api.js";
import { byId, el } from "./dom.js";
import { drawTicket } from "./ticket.js";
import { onLanguage, t, translate, when } from "./words.js";
const views = {
    open: { word: "view_open", query: "state=new,open,pending,hold" },
    mine: { word: "view_mine", query: "state=new,open,pending,hold&assignee=me" },
    queue: { word: "view_queue", query: "state=new,open,pending,hold&assignee=none" },
    all: { word: "view_all", query: "" },
};
let me = null;
let tickets = [];
let next = null;
let open = null;
let staff = [];
const fresh = new Set();
const list = byId("tickets");
const view = byId("view");
const query = byId("query");
function row(x) {
    const button = el("button", { type: "button", "data-id": x.id,
        "aria-current": String(open?.id === x.id),
        class: fresh.has(x.id) ? "fresh" : "" }, el("span", { class: "subject" }, `${x.number} · ${x.subject}`), el("span", { class: "under" }, x.priority && el("span", { class: `priority-${x.priority.key}` }, x.priority.name), x.topic && el("span", {}, x.topic.name), el("span", {}, t(("state_" + x.state))), el("span", {}, x.assignee ? x.assignee.name : t("nobody")), el("span", {}, when(x.created_at))));
    button.addEventListener("click", () => void show(x.id));
    return el("li", {}, button);
}
function drawList() {
    list.replaceChildren(...tickets.map(row));
    if (tickets.length === 0)
        list.append(el("li", { class: "hint" }, t("nothing")));
    byId("more").hidden = next === null;
}
async function load(after) {
    const parts = [views[view.value].query, "limit=50"];
    if (query.value.trim())
        parts.push("q=" + encodeURIComponent(query.value.trim()));
    if (after)
        parts.push("after=" + encodeURIComponent(after));
    const page = await call("GET", "/tickets?" + parts.filter(Boolean).join("&"));
    tickets = after ? tickets.concat(page.items) : page.items;
    next = page.has_more ? page.next : null;
    drawList();
}
async function show(id) {
    open = await call("GET", "/tickets/" + id);
    fresh.delete(id);
    drawOpen();
    drawList();
}
function drawOpen() {
    const place = byId("ticket");
    if (!open) {
        place.replaceChildren(el("p", { class: "hint" }, t("choose")));
        return;
    }
    const id = open.id;
    drawTicket(place, open, staff, {
        async change(fields) {
            await call("PATCH", "/tickets/" + id, fields, { "If-Match": `"${open.version}"` });
            await show(id);
        },
        async write(kind, body) {
            await call("POST", `/tickets/${id}/messages`, { kind, body }, { "Idempotency-Key": idempotencyKey() });
            await show(id);
        },
    });
}
function follow() {
    const source = new EventSource("/api/v1/events");
    const live = byId("live");
    live.hidden = false;
    source.onopen = () => live.classList.add("on");
    source.onerror = () => live.classList.remove("on");
    let timer = 0;
    const soon = () => {
        clearTimeout(timer);
        timer = window.setTimeout(() => void load(null), 100);
    };
    for (const kind of ["ticket.created", "ticket.updated", "message.created"]) {
        source.addEventListener(kind, (event) => {
            const id = String(JSON.parse(event.data).ticket);
            if (kind === "ticket.created")
                fresh.add(id);
            if (open?.id === id && !document.activeElement?.closest(".reply-form"))
                void show(id);
            soon();
        });
    }
}
async function enter() {
    byId("door").hidden = true;
    byId("room").hidden = false;
    byId("leave").hidden = false;
    byId("who").textContent = me.person.name;
    staff = (await call("GET", "/staff?limit=200")).items;
    await load(null);
    follow();
}
function drawViews() {
    const chosen = view.value || "open";
    view.replaceChildren(...Object.entries(views).map(([key, v]) => el("option", { value: key }, t(v.word))));
    view.value = chosen;
    query.placeholder = t("search");
}
byId("sign_in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const error = byId("sign_in_error");
    error.hidden = true;
    try {
        me = await call("POST", "/session", {
            login: byId("login").value,
            password: byId("password").value,
        });
        setCsrf(me.csrf);
        await enter();
    }
    catch (e) {
        error.hidden = false;
        error.textContent = e instanceof Problem ? e.detail : t("offline");
    }
});
byId("leave").addEventListener("click", async () => {
    await call("DELETE", "/session");
    location.reload();
});
byId("more").addEventListener("click", () => void load(next));
byId("find").addEventListener("submit", (event) => {
    event.preventDefault();
    void load(null);
});
view.addEventListener("change", () => void load(null));
translate();
drawViews();
onLanguage(() => {
    drawViews();
    drawList();
    drawOpen();
});
try {
    me = await call("GET", "/session");
    setCsrf(me.csrf);
    await enter();
}
catch {
    byId("door").hidden = false;
}
