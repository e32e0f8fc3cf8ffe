// The page of staff: the list, one ticket, and what arrives meanwhile.
import { call, Named, Person, Problem, setCsrf, TicketBrief, told,
         upload } from "./api.js";
import { askLine, byId, el, refill } from "./dom.js";
import { dueMark } from "./due.js";
import { Canned, Choices, drawDues, drawSimilar, drawTicket, dropDrafts, Similar,
         Ticket } from "./ticket.js";
import { onLanguage, t, translate, when, whenShort, Word } from "./words.js";

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
let choices: Choices = { staff: [], topics: [], priorities: [], may: false };
let events: EventSource | null = null;
const fresh = new Set<string>(); // arrived while the page was open, not read yet
const announced = new Set<string>();

const list = byId<HTMLUListElement>("tickets");
const view = byId<HTMLSelectElement>("view");
const query = byId<HTMLInputElement>("query");
const place = byId("ticket");

// What did not work, until it is read or the next thing works.
function notice(e: unknown): void {
  if (e instanceof Problem && e.status === 401) return signedOut(told(e));
  const bar = byId("notice");
  bar.hidden = e === null;
  bar.querySelector("span")!.textContent = e === null ? "" : told(e);
}

// Back to the door; the room behind it stays as it was left.
function signedOut(why: string): void {
  events?.close();
  me = null;
  for (const id of ["room", "leave", "live", "notice"]) byId(id).hidden = true;
  byId("who").textContent = "";
  byId("door").hidden = false;
  byId("sign_in_error").hidden = why === "";
  byId("sign_in_error").textContent = why;
  byId("login").focus();
}

function row(x: TicketBrief): HTMLElement {
  const button = el("button", { type: "button", "data-id": x.id,
                                "aria-current": String(open?.id === x.id),
                                class: fresh.has(x.id) ? "fresh" : "" },
    el("span", { class: "first" },
      el("span", { class: "subject" }, `${x.number} · ${x.subject || t("erased")}`),
      el("time", { datetime: x.created_at, title: when(x.created_at) },
         whenShort(x.created_at))),
    el("span", { class: "under" },
      x.priority && el("span", { class: `priority-${x.priority.key}` }, x.priority.name),
      x.topic && el("span", {}, x.topic.name),
      el("span", {}, t(("state_" + x.state) as Word)),
      el("span", {}, x.assignee ? x.assignee.name : t("nobody")),
      dueMark(x)));
  button.addEventListener("click", () => void show(x.id));
  return el("li", {}, button);
}

function drawList(): void {
  refill(list, ...tickets.map(row),
         tickets.length === 0 && el("li", { class: "hint" }, t("nothing")));
  byId("more").hidden = next === null;
  for (const x of tickets.filter((y) => fresh.has(y.id) && !announced.has(y.id))) {
    announced.add(x.id);
    byId("arrived").textContent = t("arrived", { subject: x.subject });
  }
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

const PAGE = 50;
const PAGE_MAX = 500;
let loading = 0; // the list asked for last: answers to others come too late

// The first page; more after `after`; or all that is shown, as it is now.
async function load(after: string | null, shown = PAGE): Promise<void> {
  const turn = ++loading;
  const parts = listQuery();
  parts.set("limit", String(Math.min(Math.max(shown, PAGE), PAGE_MAX)));
  if (after) parts.set("after", after);
  const error = byId("list_error");
  try {
    const page = await call<Page<TicketBrief>>("GET", "/tickets?" + parts.toString());
    if (turn !== loading) return;
    const known = new Set(after ? tickets.map((x) => x.id) : []);
    const more = page.items.filter((x) => !known.has(x.id));
    tickets = after ? tickets.concat(more) : more;
    next = page.has_more ? page.next : null;
    error.hidden = true;
  } catch (e) {
    if (turn !== loading) return;
    if (e instanceof Problem && e.status === 401) return notice(e);
    error.hidden = false;
    error.textContent = told(e);
  }
  drawList();
}

async function saveView(): Promise<void> {
  const name = await askLine(t("view_name"), t("save"));
  if (!name) return;
  const filter = Object.fromEntries(listQuery().entries());
  const base = saved.find((v) => v.id === filter.view);
  delete filter.view;
  const made = await call<Saved>("POST", "/views",
    { name, filter: { ...(base?.filter ?? {}), ...filter } });
  saved.push(made);
  query.value = "";
  drawViews();
  view.value = "saved:" + made.id;
  await load(null);
}

// The address names the open ticket: it can be sent to a colleague, outlives a
// reload, and the buttons back and forward work.
async function show(id: string): Promise<void> {
  if (id === location.hash.slice(1)) await arrive(true);
  else location.hash = id; // and arrive() follows
}

// `enter`: a person went there, so the focus goes too.
async function arrive(enter: boolean): Promise<void> {
  wanted = location.hash.slice(1);
  byId("room").classList.toggle("reading", wanted !== "");
  if (!wanted) {
    const last = open?.id ?? "";
    open = null;
    drawOpen();
    drawList();
    list.querySelector<HTMLElement>(`[data-id="${last}"]`)?.focus();
    return;
  }
  const other = open?.id !== wanted;
  await refresh();
  if (other) place.parentElement!.scrollTop = 0;
  if (enter) place.querySelector("h1")?.focus({ preventScroll: !other });
}

async function refresh(): Promise<void> {
  const id = wanted;
  try {
    const ticket = await call<Ticket>("GET", "/tickets/" + encodeURIComponent(id));
    if (id !== wanted) return;
    if (open?.id === id && open.version > ticket.version) return; // overtaken on the way
    if (open?.id === id) ticket.similar = open.similar;
    else void seekSimilar(id);
    open = ticket;
    fresh.delete(id);
  } catch (e) {
    if (id !== wanted) return;
    if (open?.id !== id) open = null;
    notice(e);
  }
  drawOpen();
  drawList();
}

// The ticket does not wait for it, and is no worse without.
async function seekSimilar(id: string): Promise<void> {
  const page = await call<Page<Similar>>("GET", `/tickets/${encodeURIComponent(id)}/similar`)
    .catch(() => null);
  if (!page || open?.id !== id) return;
  open.similar = page.items;
  drawSimilar(place, open);
}

function drawOpen(): void {
  document.title = open ? `${open.number} · ${open.subject}` : t("desk_page");
  if (!open) {
    delete place.dataset.ticket;
    place.replaceChildren(el("p", { class: "hint choose" }, t("choose")));
    return;
  }
  const id = open.id;
  const act = async (work: Promise<unknown>): Promise<boolean> => {
    let failed: unknown = null;
    await work.catch((e: unknown) => (failed = e));
    if (wanted === id && !(failed instanceof TypeError)) await refresh();
    if (me) notice(failed);
    return failed === null;
  };
  drawTicket(place, open, choices, {
    change: (fields) => act(call("PATCH", "/tickets/" + id, fields,
                                 { "If-Match": `"${open!.version}"` })),
    write: (kind, body, once) => act(call("POST", `/tickets/${id}/messages`, { kind, body },
                                          once.of(kind + body)).then(() => once.done())),
    attach: (files) => act(give(`/tickets/${id}/attachments`, files)),
    merge: (into) => act(call("POST", `/tickets/${id}/merge`, { into })),
    canned: () => call<Page<Canned>>("GET",
      `/canned?ticket=${id}&in=${open!.language === "en" ? "en" : "ru"}`)
      .then((page) => page.items, (e: unknown) => {
        notice(e);
        return [];
      }),
  });
}

async function give(path: string, files: File[]): Promise<void> {
  for (const file of files) await upload(path, file);
}

function live(on: boolean): void {
  const sign = byId("live");
  sign.hidden = false;
  sign.classList.toggle("on", on);
  sign.title = t(on ? "live" : "not_live");
  sign.setAttribute("aria-label", sign.title);
}

// Follow what happens. The browser reconnects by itself and says where it
// stopped (Last-Event-ID), so nothing is missed.
function follow(): void {
  const source = events = new EventSource("/api/v1/events");
  let timer = 0;
  const soon = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void load(null, tickets.length), 100);
  };
  source.onopen = () => live(true);
  source.onerror = () => {
    live(false);
    if (source.readyState === EventSource.CLOSED && source === events)
      window.setTimeout(() => void again(source), AGAIN_MS);
  };
  source.addEventListener("reset", () => { // away for too long
    if (wanted) void refresh();
    soon();
  });
  for (const kind of ["ticket.created", "ticket.updated", "message.created"]) {
    source.addEventListener(kind, (event) => {
      const id = String(JSON.parse((event as MessageEvent<string>).data).ticket);
      if (kind === "ticket.created") fresh.add(id);
      if (wanted === id) void refresh();
      soon();
    });
  }
}

// The desk refused the stream: the session is over, or it is busy.
const AGAIN_MS = 3000;
async function again(source: EventSource): Promise<void> {
  if (source !== events || !me) return;
  try {
    await call<Me>("GET", "/session");
    await load(null, tickets.length);
    follow();
  } catch (e) {
    if (e instanceof Problem && e.status === 401) notice(e);
    else window.setTimeout(() => void again(source), AGAIN_MS);
  }
}

// What there is to choose from, in the language of the page.
async function learn(): Promise<void> {
  const [staff, topics, priorities] = await Promise.all([
    call<Page<Person>>("GET", "/staff"), call<Page<Named>>("GET", "/topics"),
    call<Page<Named>>("GET", "/priorities")]);
  choices = { staff: staff.items, topics: topics.items, priorities: priorities.items,
              may: me?.role !== "viewer" };
}

async function enter(): Promise<void> {
  byId("door").hidden = true;
  byId("room").hidden = false;
  if (place.dataset.role !== me!.role) delete place.dataset.ticket; // other controls
  place.dataset.role = me!.role;
  byId("leave").hidden = false;
  byId("who").textContent = me!.person.name;
  byId<HTMLInputElement>("password").value = "";
  const [views_] = await Promise.all([call<Page<Saved>>("GET", "/views"), learn()]);
  saved = views_.items;
  drawViews();
  live(false);
  follow();
  await load(null);
  await arrive(false);
}

function drawViews(): void {
  const chosen = view.value || "open";
  view.replaceChildren(...Object.entries(views).map(([key, v]) =>
    el("option", { value: key }, t(v.word))));
  if (saved.length)
    view.append(el("optgroup", { label: t("my_views") }, ...saved.map((v) =>
      el("option", { value: "saved:" + v.id }, v.name))));
  view.value = chosen;
  const star = byId("save_view");
  for (const [e, word] of [[star, "save_view"], [query, "search"], [view, "view"],
                           [list, "tickets"]] as [HTMLElement, Word][])
    e.setAttribute("aria-label", t(word));
  star.title = t("save_view");
  query.placeholder = t("search");
  const dismiss = byId("notice").querySelector("button")!;
  dismiss.setAttribute("aria-label", t("dismiss"));
}

byId<HTMLFormElement>("sign_in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = byId("sign_in_error");
  const password = byId<HTMLInputElement>("password");
  error.hidden = true;
  try {
    me = await call<Me>("POST", "/session",
      { login: byId<HTMLInputElement>("login").value, password: password.value });
    setCsrf(me.csrf);
    await enter();
  } catch (e) {
    error.hidden = false;
    error.textContent = e instanceof Problem && e.status === 401 ? t("wrong_password") : told(e);
    password.select();
  }
});

byId("leave").addEventListener("click", async () => {
  try {
    await call("DELETE", "/session");
  } catch (e) {
    if (!(e instanceof Problem && e.status === 401)) return notice(e);
  }
  dropDrafts();
  location.replace(location.pathname);
});
byId("more").addEventListener("click", () => void load(next));
byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  void load(null);
});
query.addEventListener("input", () => {
  if (!query.value) void load(null); // cleared by its cross
});
byId("save_view").addEventListener("click", () => saveView().catch(notice));
byId("notice").querySelector("button")!.addEventListener("click", () => notice(null));
view.addEventListener("change", () => void load(null));
place.addEventListener("keydown", (event) => {
  const field = (event.target as HTMLElement).closest("input, textarea, select");
  if (event.key === "Escape" && !field) location.hash = "";
});

// Time passes, and with it what was promised. Rows that say the same stay.
const TICK_MS = 30000;
setInterval(() => {
  if (!me || document.hidden) return;
  drawList();
  if (open) drawDues(place, open);
}, TICK_MS);
document.addEventListener("visibilitychange", () => {
  if (me && !document.hidden) drawList();
});
window.addEventListener("hashchange", () => {
  if (me) void arrive(true);
});

translate();
drawViews();
drawOpen();
onLanguage(async () => {
  drawViews();
  delete place.dataset.ticket; // every word of it
  drawOpen();
  drawList();
  if (!me) return;
  live(byId("live").classList.contains("on"));
  await Promise.all([learn().catch(notice), load(null, tickets.length)]);
  if (wanted) await refresh();
});
try {
  me = await call<Me>("GET", "/session");
  setCsrf(me.csrf);
  await enter();
} catch (e) {
  signedOut(e instanceof Problem && e.status === 401 ? "" : told(e));
}
export {};
