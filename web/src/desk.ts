// The page of staff: the list, one ticket, and what arrives meanwhile.
import { call, idempotencyKey, Named, Problem, Person, setCsrf, TicketBrief,
         upload } from "./api.js";
import { byId, el } from "./dom.js";
import { Canned, Choices, drawTicket, Ticket } from "./ticket.js";
import { language, onLanguage, t, translate, when, Word } from "./words.js";

interface Me { person: Person; role: string; csrf: string }
interface Saved { id: string; name: string; filter: Record<string, string> }
interface Page<T> { items: T[]; next: string | null; has_more: boolean }

const views: Record<string, { word: Word; query: string }> = {
  open: { word: "view_open", query: "state=new,open,pending,hold" },
  mine: { word: "view_mine", query: "state=new,open,pending,hold&assignee=me" },
  queue: { word: "view_queue", query: "state=new,open,pending,hold&assignee=none" },
  late: { word: "view_late", query: "late=true" },
  all: { word: "view_all", query: "" },
};

let me: Me | null = null;
let tickets: TicketBrief[] = [];
let next: string | null = null;
let open: Ticket | null = null;
let wanted = ""; // the ticket chosen last: answers about another come too late
let saved: Saved[] = [];
let choices: Choices = { staff: [], topics: [], priorities: [] };
const fresh = new Set<string>();

const list = byId<HTMLUListElement>("tickets");
const view = byId<HTMLSelectElement>("view");
const query = byId<HTMLInputElement>("query");

function row(x: TicketBrief): HTMLElement {
  const button = el("button", { type: "button", "data-id": x.id,
                                "aria-current": String(open?.id === x.id),
                                class: fresh.has(x.id) ? "fresh" : "" },
    el("span", { class: "subject" }, `${x.number} · ${x.subject}`),
    el("span", { class: "under" },
      x.priority && el("span", { class: `priority-${x.priority.key}` }, x.priority.name),
      x.topic && el("span", {}, x.topic.name),
      el("span", {}, t(("state_" + x.state) as Word)),
      el("span", {}, x.assignee ? x.assignee.name : t("nobody")),
      el("span", {}, when(x.created_at))));
  button.addEventListener("click", () => void show(x.id));
  return el("li", {}, button);
}

function drawList(): void {
  list.replaceChildren(...tickets.map(row));
  if (tickets.length === 0) list.append(el("li", { class: "hint" }, t("nothing")));
  byId("more").hidden = next === null;
}

// What is typed: words, and filters such as state:open or tag:vpn.
function typed(): Record<string, string> {
  const filters = ["state", "assignee", "topic", "priority", "team", "tag", "person"];
  const found: Record<string, string> = {};
  const words = query.value.replace(/(\w+):(\S+)/g, (whole, name: string, value: string) => {
    if (!filters.includes(name)) return whole;
    found[name] = value;
    return "";
  }).trim();
  if (words) found.q = words;
  return found;
}

function listQuery(): URLSearchParams {
  const own = saved.find((v) => "saved:" + v.id === view.value);
  const parts = new URLSearchParams(own ? { view: own.id } : views[view.value].query);
  for (const [name, value] of Object.entries(typed())) parts.set(name, value);
  return parts;
}

async function load(after: string | null): Promise<void> {
  const parts = listQuery();
  parts.set("limit", "50");
  if (after) parts.set("after", after);
  const error = byId("list_error");
  try {
    const page = await call<Page<TicketBrief>>("GET", "/tickets?" + parts.toString());
    const known = new Set(after ? tickets.map((x) => x.id) : []);
    const more = page.items.filter((x) => !known.has(x.id));
    tickets = after ? tickets.concat(more) : more;
    next = page.has_more ? page.next : null;
    error.hidden = true;
  } catch (e) {
    error.hidden = false;
    error.textContent = e instanceof Problem ? e.detail : t("offline");
  }
  drawList();
}

async function saveView(): Promise<void> {
  const name = prompt(t("view_name"))?.trim();
  if (!name) return;
  const filter = Object.fromEntries(listQuery().entries());
  const base = saved.find((v) => v.id === filter.view);
  delete filter.view;
  const made = await call<Saved>("POST", "/views",
    { name, filter: { ...(base?.filter ?? {}), ...filter } },
    { "Idempotency-Key": idempotencyKey() });
  saved.push(made);
  query.value = "";
  drawViews();
  view.value = "saved:" + made.id;
  await load(null);
}

async function show(id: string): Promise<void> {
  wanted = id;
  await refresh();
}

async function refresh(): Promise<void> {
  const id = wanted;
  const ticket = await call<Ticket>("GET", "/tickets/" + id);
  if (id !== wanted) return;
  if (open?.id === id && open.version > ticket.version) return; // overtaken on the way
  open = ticket;
  fresh.delete(id);
  drawOpen();
  drawList();
}

function drawOpen(): void {
  const place = byId<HTMLElement>("ticket");
  if (!open) {
    place.replaceChildren(el("p", { class: "hint" }, t("choose")));
    return;
  }
  const id = open.id;
  const act = async (work: Promise<unknown>): Promise<boolean> => {
    const done = await work.then(() => true, (e: unknown) => {
      alert(e instanceof Problem ? t("error", { detail: e.detail }) : t("offline"));
      return false;
    });
    if (wanted === id) await refresh();
    return done;
  };
  drawTicket(place, open, choices, {
    change: (fields) => act(call("PATCH", "/tickets/" + id, fields,
                                 { "If-Match": `"${open!.version}"` })),
    write: (kind, body) => act(call("POST", `/tickets/${id}/messages`, { kind, body },
                                    { "Idempotency-Key": idempotencyKey() })),
    attach: (file) => act(upload(`/tickets/${id}/attachments`, file)),
    merge: (into) => act(call("POST", `/tickets/${id}/merge`, { into })),
    canned: async () => (await call<Page<Canned>>("GET",
      `/canned?ticket=${id}&in=${open!.language === "en" ? "en" : "ru"}`)).items,
    open: show,
  });
}

// Follow what happens. The browser reconnects by itself and says where it
// stopped (Last-Event-ID), so nothing is missed.
function follow(): void {
  const source = new EventSource("/api/v1/events");
  const live = byId("live");
  live.hidden = false;
  source.onopen = () => live.classList.add("on");
  source.onerror = () => live.classList.remove("on");
  let timer = 0;
  const soon = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void load(null), 100);
  };
  source.addEventListener("reset", soon); // away for too long
  for (const kind of ["ticket.created", "ticket.updated", "message.created"]) {
    source.addEventListener(kind, (event) => {
      const id = String(JSON.parse((event as MessageEvent<string>).data).ticket);
      if (kind === "ticket.created") fresh.add(id);
      if (wanted === id) void refresh();
      soon();
    });
  }
}

async function enter(): Promise<void> {
  byId("door").hidden = true;
  byId("room").hidden = false;
  byId("leave").hidden = false;
  byId("who").textContent = me!.person.name;
  const [staff, topics, priorities, views_] = await Promise.all([
    call<Page<Person>>("GET", "/staff"), call<Page<Named>>("GET", "/topics?language=" + language),
    call<Page<Named>>("GET", "/priorities?language=" + language),
    call<Page<Saved>>("GET", "/views")]);
  choices = { staff: staff.items, topics: topics.items, priorities: priorities.items };
  saved = views_.items;
  drawViews();
  await load(null);
  follow();
}

function drawViews(): void {
  const chosen = view.value || "open";
  view.replaceChildren(...Object.entries(views).map(([key, v]) =>
    el("option", { value: key }, t(v.word))));
  if (saved.length)
    view.append(el("optgroup", { label: t("my_views") }, ...saved.map((v) =>
      el("option", { value: "saved:" + v.id }, v.name))));
  view.value = chosen;
  byId("save_view").title = t("save_view");
  query.placeholder = t("search");
}

byId<HTMLFormElement>("sign_in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = byId("sign_in_error");
  error.hidden = true;
  try {
    me = await call<Me>("POST", "/session", {
      login: byId<HTMLInputElement>("login").value,
      password: byId<HTMLInputElement>("password").value,
    });
    setCsrf(me.csrf);
    await enter();
  } catch (e) {
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
  me = await call<Me>("GET", "/session");
  setCsrf(me.csrf);
  await enter();
} catch {
  byId("door").hidden = false;
}
export {};
