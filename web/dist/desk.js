import { call, idempotencyKey, Problem, setCsrf, upload } from "./api.js";
import { byId, el } from "./dom.js";
import { drawTicket } from "./ticket.js";
import { language, onLanguage, t, translate, when } from "./words.js";
const views = {
    open: { word: "view_open", query: "state=new,open,pending,hold" },
    mine: { word: "view_mine", query: "state=new,open,pending,hold&assignee=me" },
    queue: { word: "view_queue", query: "state=new,open,pending,hold&assignee=none" },
    late: { word: "view_late", query: "late=true" },
    all: { word: "view_all", query: "" },
};
let me = null;
let tickets = [];
let next = null;
let open = null;
let saved = [];
let choices = { staff: [], topics: [], priorities: [] };
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
function typed() {
    const filters = ["state", "assignee", "topic", "priority", "team", "tag", "person"];
    const found = {};
    const words = query.value.replace(/(\w+):(\S+)/g, (whole, name, value) => {
        if (!filters.includes(name))
            return whole;
        found[name] = value;
        return "";
    }).trim();
    if (words)
        found.q = words;
    return found;
}
function listQuery() {
    const own = saved.find((v) => "saved:" + v.id === view.value);
    const parts = new URLSearchParams(own ? { view: own.id } : views[view.value].query);
    for (const [name, value] of Object.entries(typed()))
        parts.set(name, value);
    return parts;
}
async function load(after) {
    const parts = listQuery();
    parts.set("limit", "50");
    if (after)
        parts.set("after", after);
    const error = byId("list_error");
    try {
        const page = await call("GET", "/tickets?" + parts.toString());
        const known = new Set(after ? tickets.map((x) => x.id) : []);
        const more = page.items.filter((x) => !known.has(x.id));
        tickets = after ? tickets.concat(more) : more;
        next = page.has_more ? page.next : null;
        error.hidden = true;
    }
    catch (e) {
        error.hidden = false;
        error.textContent = e instanceof Problem ? e.detail : t("offline");
    }
    drawList();
}
async function saveView() {
    const name = prompt(t("view_name"))?.trim();
    if (!name)
        return;
    const filter = Object.fromEntries(listQuery().entries());
    const base = saved.find((v) => v.id === filter.view);
    delete filter.view;
    const made = await call("POST", "/views", { name, filter: { ...(base?.filter ?? {}), ...filter } }, { "Idempotency-Key": idempotencyKey() });
    saved.push(made);
    query.value = "";
    drawViews();
    view.value = "saved:" + made.id;
    await load(null);
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
    const act = async (work) => {
        try {
            await work;
        }
        catch (e) {
            alert(e instanceof Problem ? t("error", { detail: e.detail }) : t("offline"));
        }
        await show(id);
    };
    drawTicket(place, open, choices, {
        change: (fields) => act(call("PATCH", "/tickets/" + id, fields, { "If-Match": `"${open.version}"` })),
        write: (kind, body) => act(call("POST", `/tickets/${id}/messages`, { kind, body }, { "Idempotency-Key": idempotencyKey() })),
        attach: (file) => act(upload(`/tickets/${id}/attachments`, file)),
        merge: (into) => act(call("POST", `/tickets/${id}/merge`, { into })),
        canned: async () => (await call("GET", `/canned?ticket=${id}&in=${open.language === "en" ? "en" : "ru"}`)).items,
        open: show,
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
    const [staff, topics, priorities, views_] = await Promise.all([
        call("GET", "/staff"), call("GET", "/topics?language=" + language),
        call("GET", "/priorities?language=" + language),
        call("GET", "/views")
    ]);
    choices = { staff: staff.items, topics: topics.items, priorities: priorities.items };
    saved = views_.items;
    drawViews();
    await load(null);
    follow();
}
function drawViews() {
    const chosen = view.value || "open";
    view.replaceChildren(...Object.entries(views).map(([key, v]) => el("option", { value: key }, t(v.word))));
    if (saved.length)
        view.append(el("optgroup", { label: t("my_views") }, ...saved.map((v) => el("option", { value: "saved:" + v.id }, v.name))));
    view.value = chosen;
    byId("save_view").title = t("save_view");
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
byId("save_view").addEventListener("click", () => void saveView());
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
