// A person gets an answer, another becomes a ticket, staff see it arrive
// without reloading. Chromium by playwright-core; a desk of its own on a free
// port; screenshots into build/screenshots.
import { spawn, spawnSync } from "child_process";
import fs from "fs";
import os from "os";
import path from "path";
import { chromium } from "playwright-core";

const root = path.resolve("..");
const otklik = process.env.OTKLIK ?? path.join(root, "build/release/otklik");
const shots = path.join(root, "build/screenshots");
const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "otklik-browser-")), "desk");
const errors = [];

function ok(condition, what) {
  if (!condition) throw new Error("not so: " + what);
  console.log("ok  " + what);
}

function serve() {
  const process_ = spawn(otklik, ["serve", "--desk", folder, "http.port=0",
    "speech.recogniser=memory", "speech.memory_text=Сканер в кабинете триста пять не включается."]);
  return new Promise((resolve, reject) => {
    let out = "";
    process_.stdout.on("data", (d) => {
      out += d;
      const m = /http:\/\/127\.0\.0\.1:\d+/.exec(out);
      if (m) resolve({ process_, url: m[0] });
    });
    process_.stderr.on("data", (d) => (out += d));
    process_.on("exit", (code) => reject(new Error(`serve ended (${code}): ${out}`)));
    setTimeout(() => reject(new Error("serve said nothing: " + out)), 20000).unref();
  });
}

// `expected`: what the browser says of replies that the test asked for.
function watch(page, name, expected = /401|422/) {
  page.on("pageerror", (e) => errors.push(`${name}: ${e.message}`));
  page.on("console", (m) => {
    if (m.type() === "error" && !expected.test(m.text())) errors.push(`${name}: ${m.text()}`);
  });
}

// Every control has a name, every text enough contrast (WCAG 2: 4.5 to 1), and
// nothing is wider than the screen.
async function readable(page, what) {
  const found = await page.evaluate(() => {
    const light = (c) => {
      const [r, g, b] = c.map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92
        : ((v / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const colour = (text) => text.match(/[\d.]+/g).map(Number);
    const behind = (e) => {
      for (let x = e; x; x = x.parentElement) {
        const c = getComputedStyle(x).backgroundColor;
        if (/^rgb\(/.test(c)) return colour(c);
      }
      return colour(getComputedStyle(document.body).backgroundColor);
    };
    const seen = (e) => e.checkVisibility() && !e.closest("noscript, option, mark");
    const faint = [...document.querySelectorAll("body *")].filter((e) => seen(e) &&
      [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())).filter((e) => {
      const [a, b] = [light(colour(getComputedStyle(e).color)), light(behind(e))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    });
    const nameless = [...document.querySelectorAll("a, button, input, select, textarea")]
      .filter((e) => seen(e) && !(e.labels?.length || e.getAttribute("aria-label") ||
                                  (e.tagName !== "SELECT" && e.textContent.trim())));
    const wide = document.documentElement.scrollWidth > innerWidth ? [document.body] : [];
    return [...faint, ...nameless, ...wide].map((e) => e.outerHTML.slice(0, 90));
  });
  ok(found.length === 0, `${what} can be read and has names${found.map((x) => "\n  " + x)}`);
}

async function ask(browser, url, text, language) {
  const page = await browser.newPage({ viewport: { width: 900, height: 900 }, locale: language });
  watch(page, "ask");
  await page.goto(url + "/");
  await page.fill("#text", text);
  await page.fill("#name", language === "ru" ? "Анна" : "Anna");
  await page.click("#send");
  await page.waitForSelector("#answer, #ticket, #ignored");
  return page;
}

async function staff(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale: "ru" });
  watch(page, "desk");
  await page.goto(url + "/desk");
  await page.waitForSelector("#door:not([hidden])");
  await page.fill("#login", "anna");
  await page.fill("#password", "wrong-password");
  await page.click("#sign_in button");
  await page.waitForSelector("#sign_in_error:not([hidden])");
  ok(await page.isVisible("#door"), "a wrong password does not let in");
  await page.fill("#password", "otklik-demo");
  await page.click("#sign_in button");
  await page.waitForSelector("#room:not([hidden])");
  await page.waitForSelector("#live.on");
  ok(true, "staff sign in and follow events");
  return page;
}

// What goes wrong on the way is told in words, and nothing written is lost.
async function trouble(browser, url) {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 }, locale: "ru" });
  const told = (words) => page.waitForFunction((w) =>
    document.querySelector("#error").checkVisibility() &&
    document.querySelector("#error").textContent.includes(w), words);
  watch(page, "trouble", /ERR_FAILED|404|429/);
  await page.goto(url + "/");
  await readable(page, "the page of a person, on a phone,");
  await page.fill("#text", "   ");
  await page.click("#send");
  await told("Напишите");
  await page.fill("#text", "я".repeat(40000));
  await page.click("#send");
  await told("слишком длинный");
  ok((await page.inputValue("#text")).length === 40000, "a text too long is refused, not cut");
  const text = "Сломалось кресло в переговорной, отвалилось колесо";
  await page.fill("#text", text);
  await page.route("**/api/v1/requests", (r) => r.abort());
  await page.click("#send");
  await told("недоступен");
  await page.unroute("**/api/v1/requests");
  await page.route("**/api/v1/requests", (r) => r.fulfill({ status: 429,
    headers: { "Retry-After": "7" }, contentType: "application/problem+json",
    body: '{"status":429,"detail":"in English"}' }));
  await page.click("#send");
  await told("через 7");
  ok((await page.inputValue("#text")) === text, "errors are told in the page's language, the text stays");
  await page.unroute("**/api/v1/requests");
  const sent = [];
  page.on("request", (r) => r.method() === "POST" && sent.push(r.headers()["idempotency-key"]));
  await page.dblclick("#send");
  await page.waitForSelector("#talk .message.request");
  ok(sent.length === 1, "two quick presses send once");
  ok(await page.evaluate(() => document.activeElement.id === "title"), "and the focus goes to what came");
  await readable(page, "a request, on a phone,");
  await page.fill("#more_text", "начатое");
  await page.setInputFiles("#talk_form input[type=file]", ["один.txt", "два.txt"].map((name) =>
    ({ name, mimeType: "text/plain", buffer: Buffer.from(name) })));
  await page.waitForFunction(() => document.querySelectorAll("#talk .file-list a").length === 2);
  ok(/12 байт/.test(await page.textContent("#talk .file-list")), "sizes are in words of the language");
  await page.click("#language");
  await page.waitForFunction(() => document.querySelector("#ticket dl").textContent.includes("Topic"));
  ok((await page.inputValue("#more_text")) === "начатое", "files and another language leave alone what is being written");
  let lost = true; // a reply lost on the way, then the same words again
  await page.route("**/messages", async (r) => {
    if (!lost) return r.continue();
    lost = false;
    await r.fetch();
    await r.abort();
  });
  await page.press("#more_text", "Control+Enter");
  await page.waitForSelector("#talk .error:not([hidden])");
  await page.press("#more_text", "Control+Enter");
  await page.waitForFunction(() => document.querySelector("#more_text").value === "" &&
    document.querySelectorAll("#talk .message").length === 2);
  ok(true, "what is sent again after a lost reply is there once");
  await page.goBack();
  await page.waitForSelector("#ask:not([hidden])");
  ok((await page.inputValue("#text")) === text, "back leads to what was written");
  await page.goForward();
  await page.waitForSelector("#talk .message");
  ok(true, "forward to the request");
  await page.goto("about:blank");
  await page.goto(url + "/#" + "0".repeat(32));
  await page.waitForSelector("#lost:not([hidden])");
  ok(await page.isVisible("#ask"), "an address that leads nowhere is told");
  await page.close();
}

// An answer may say anything: it stays text, and fits the screen.
async function article(browser, url) {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 },
                                       locale: "en", colorScheme: "dark" });
  watch(page, "article");
  const text = ["1. *one* of 2*3*4", "   goes on", "2. see [this](https://example.org/a), " +
    "https://example.org/b. [not](javascript:window.hit=1)", "", "Between", "", "3. three", "",
    "```", "<script>window.hit=1</script> " + "long ".repeat(40), "```", "",
    "<img src=x onerror=window.hit=1>" + "word".repeat(60)].join("\n");
  await page.route("**/api/v1/requests", (r) => r.fulfill({ status: 201,
    contentType: "application/json", body: JSON.stringify({ id: "a".repeat(32),
      outcome: "answered", topic: null, priority: null, ticket: null,
      answer: { article: "1", title: "<b>T</b>", text, passage: "", confidence: 0.9 } }) }));
  await page.goto(url + "/");
  await page.fill("#text", "w".repeat(300));
  await page.click("#send");
  await page.waitForSelector("#answer");
  ok(!(await page.evaluate(() => window.hit)), "HTML in an answer is text");
  ok((await page.$$eval("#answer a", (all) => all.map((a) => a.href).join(" "))) ===
     "https://example.org/a https://example.org/b", "only web addresses become links");
  ok((await page.textContent("#answer li")) === "one of 2*3*4 goes on", "an item goes on in its next line");
  ok((await page.locator("#answer em").count()) === 1, "stars slant words, not sums");
  ok((await page.getAttribute("#answer ol >> nth=1", "start")) === "3", "a list that goes on keeps its count");
  await readable(page, "an answer, dark and on a phone,");
  await page.close();
}

async function chosen(page, id) {
  await page.click(`#tickets [data-id="${id}"]`);
  await page.waitForFunction((x) => document.querySelector("#ticket").dataset.ticket === x, id);
}

// Two members of staff at the same ticket; a session that ends; the keyboard.
async function colleagues(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "ru" });
  const anna = await context.newPage();
  watch(anna, "anna", /401/);
  const zhenya = await browser.newPage({ locale: "en", colorScheme: "dark" });
  watch(zhenya, "zhenya", /401|412|404|ERR_FAILED/);
  for (const [page, login] of [[anna, "anna"], [zhenya, "zhenya"]]) {
    await page.goto(url + "/desk");
    await page.fill("#login", login);
    await page.fill("#password", "otklik-demo");
    await page.press("#password", "Enter");
    await page.waitForSelector("#tickets [data-id]");
  }
  await readable(anna, "the list");
  const [id, other] = await anna.$$eval("#tickets [data-id]", (all) => all.map((e) => e.dataset.id));
  await anna.focus("#save_view");
  await anna.keyboard.press("Tab");
  await anna.keyboard.press("Enter");
  await anna.waitForFunction(() => document.activeElement.tagName === "H1");
  ok(anna.url().endsWith("#" + id), "Enter opens a ticket, and its address names it");
  await readable(anna, "a ticket");
  await anna.keyboard.press("Escape");
  await anna.waitForFunction((x) => document.activeElement.dataset.id === x, id);
  ok(true, "Escape goes back to its place in the list");
  await chosen(anna, id);
  await anna.fill("#reply_text", "Черновик");
  await chosen(anna, other);
  ok((await anna.inputValue("#reply_text")) === "", "a reply begun belongs to its ticket");
  await anna.goBack();
  await anna.waitForFunction((x) => document.querySelector("#ticket").dataset.ticket === x, id);
  await anna.reload();
  await anna.waitForSelector("#reply_text");
  ok((await anna.inputValue("#reply_text")) === "Черновик", "and outlives another ticket and a reload");

  await zhenya.route("**/api/v1/events", (r) => r.abort()); // he hears nothing of her change
  await zhenya.goto(url + "/desk#" + id);
  await zhenya.reload();
  await zhenya.waitForSelector("#set_priority");
  ok(/No connection/.test(await zhenya.getAttribute("#live", "aria-label")), "a lost connection is told");
  await anna.selectOption("#set_priority", "critical");
  await anna.waitForFunction(() => document.activeElement.id === "set_priority" &&
    document.querySelector("#ticket .badge").classList.contains("priority-critical"));
  ok(true, "a choice keeps the focus");
  await zhenya.selectOption("#set_priority", "low");
  await zhenya.waitForSelector("#notice:not([hidden])");
  ok(/colleague was faster/.test(await zhenya.textContent("#notice")), "a conflict is told in words");
  ok((await zhenya.inputValue("#set_priority")) === "critical", "and the ticket shown as it is now");
  await readable(zhenya, "a ticket in the dark");
  const twin = await zhenya.evaluate(async (x) => {
    const { messages } = await (await fetch("/api/v1/tickets/" + x)).json();
    const text = messages.find((m) => m.kind === "request").body + ", again";
    const { csrf } = await (await fetch("/api/v1/session")).json();
    const made = await fetch("/api/v1/tickets", { method: "POST", body: JSON.stringify({ text }),
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf } });
    return (await made.json()).id;
  }, id);
  await zhenya.evaluate((x) => { location.hash = x; }, twin);
  await zhenya.click(`[data-part=similar] a[href="#${id}"]`);
  await zhenya.waitForFunction((x) => document.querySelector("#ticket").dataset.ticket === x, id);
  await zhenya.waitForSelector(`[data-part=similar] a[href="#${twin}"]`);
  ok(true, "what is alike leads from one ticket to the other and back");
  await readable(zhenya, "similar tickets in the dark");
  await zhenya.locator("[data-part=similar]").scrollIntoViewIfNeeded();
  await zhenya.screenshot({ path: path.join(shots, "similar.png") });
  await zhenya.click("#notice button");
  await zhenya.click("#merge");
  await zhenya.fill("#line", "99999");
  await readable(zhenya, "a question in the dark");
  await zhenya.press("#line", "Enter");
  await zhenya.waitForSelector("#notice:not([hidden])");
  ok(await zhenya.isVisible("#reply_text"), "a merge into nowhere is told and changes nothing");
  await zhenya.close();

  await context.clearCookies();
  await anna.click("#write_reply");
  await anna.waitForSelector("#door:not([hidden])");
  ok(/Сеанс закончился/.test(await anna.textContent("#sign_in_error")), "the end of a session is told");
  await anna.fill("#login", "anna");
  await anna.fill("#password", "otklik-demo");
  await anna.press("#password", "Enter");
  await anna.waitForSelector("#live.on");
  await anna.waitForSelector("#reply_text");
  ok((await anna.inputValue("#reply_text")) === "Черновик", "and the reply waits behind the door");
  await anna.click("#write_reply");
  await anna.waitForFunction(() => document.querySelector("#reply_text").value === "" &&
    document.querySelector(".message.reply"));
  await anna.click("#language");
  await anna.waitForFunction(() => document.querySelector("#set_priority").textContent.includes("Critical") &&
    document.querySelector("#tickets").textContent.includes("Critical"));
  ok(true, "the other language changes every word");

  await anna.setViewportSize({ width: 390, height: 844 });
  ok(!(await anna.isVisible("#tickets")), "a phone shows the ticket");
  await readable(anna, "a ticket on a phone");
  await anna.click(".back");
  await anna.waitForSelector("#tickets [data-id]");
  ok(!(await anna.isVisible("#ticket")), "or the list");
  await readable(anna, "the list on a phone");
  await anna.click("#leave");
  await anna.waitForSelector("#door:not([hidden])");
  ok(await anna.evaluate(() => sessionStorage.length === 0), "who leaves leaves nothing in the browser");
  await context.close();
}

async function signIn(page, url, login) {
  await page.goto(url + "/desk");
  await page.fill("#login", login);
  await page.fill("#password", "otklik-demo");
  await page.press("#password", "Enter");
  await page.waitForSelector("#live.on");
}

// Hours pass in the browser; what was promised comes near and is broken.
async function promises(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: "ru" });
  watch(page, "promises");
  await page.clock.install();
  await signIn(page, url, "admin");
  const [id, due] = await page.evaluate(async () => {
    const all = (await (await fetch("/api/v1/tickets?state=new&limit=50")).json()).items;
    const one = all.find((x) => Date.parse(x.first_due) - Date.now() > 2 * 3600e3);
    return [one.id, one.first_due];
  });
  const mark = `#tickets [data-id="${id}"] .due`;
  const left = async () => Date.parse(due) - await page.evaluate(() => Date.now());
  ok((await page.locator(mark).count()) === 0, "a promise that is far off is not on the row");
  await page.click(`#tickets [data-id="${id}"]`);
  await page.waitForFunction((x) => document.querySelector("#ticket").dataset.ticket === x, id);
  await page.clock.fastForward(await left() - 20 * 60e3);
  await page.waitForSelector(mark + ".near");
  ok(/первый ответ: осталось (19|20) мин/.test(await page.textContent(mark)),
     "a promise that is near says so while the page is open: " + await page.textContent(mark));
  await page.clock.fastForward(20 * 60e3 + 3 * 3600e3);
  await page.waitForSelector(mark + ".late");
  ok(/первый ответ просрочен на 3 ч/.test(await page.textContent(mark)),
     "a broken one, too: " + await page.textContent(mark));
  ok(/просрочен/.test(await page.textContent("#ticket [data-part=dues]")), "and the open ticket says it");
  await readable(page, "a list of broken promises");
  await page.screenshot({ path: path.join(shots, "late.png") });
  await page.click("#language");
  await page.waitForFunction((x) => /first answer 3 hr late/.test(document.querySelector(x)?.textContent), mark);
  ok(true, "in the other language as well");
  await page.close();
}

// A viewer sees all and is offered nothing that he may not do.
async function viewer(browser, url) {
  const made = spawnSync(otklik, ["user", "add", "looker", "--role", "viewer", "--desk", folder],
                         { encoding: "utf8", input: "otklik-demo\n" });
  if (made.status !== 0) throw new Error("user add: " + made.stderr);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: "ru" });
  watch(page, "viewer");
  await signIn(page, url, "looker");
  await page.click("#tickets [data-id]");
  await page.waitForSelector("#ticket .message");
  ok((await page.locator("#ticket").locator("textarea, input, select, button").count()) === 0,
     "a viewer is offered nothing to change");
  ok(/Состояние\s*(новое|в работе|решено)/.test(await page.textContent(".side")), "and sees what is so");
  await readable(page, "a ticket of a viewer");
  await page.screenshot({ path: path.join(shots, "viewer.png") });
  await page.close();
}

// What is said into the microphone comes to staff as sound and as words.
async function voice(browser, url) {
  const page = await browser.newPage({ viewport: { width: 900, height: 900 }, locale: "ru" });
  watch(page, "voice", /ERR_FAILED/);
  await page.goto(url + "/");
  await page.fill("#text", "Не работает сканер, расскажу голосом");
  await page.click("#send");
  await page.waitForSelector("#ticket");
  const sounds = () => page.locator("#talk audio").count();
  await page.click("#record");
  await page.waitForSelector("#record_send");
  ok(/Идёт запись/.test(await page.textContent(".recording")), "while it records the page says so");
  await readable(page, "a page that records");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#record");
  ok((await sounds()) === 0, "a recording given up is not sent");
  ok(await page.evaluate(() => document.activeElement.id === "record"), "and the focus is where it was");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#record_send");
  await page.waitForFunction(() => document.querySelector("[role=timer]").textContent === "0:02");
  await page.screenshot({ path: path.join(shots, "recording.png") });
  await page.route("**/attachments?*", (r) => r.abort());
  await page.keyboard.press("Enter");
  await page.waitForSelector("#talk .error:not([hidden])");
  ok(/сохранена/.test(await page.textContent(".recording")), "what could not be sent is kept");
  await page.unroute("**/attachments?*");
  await page.click("#record_send");
  await page.waitForSelector("#talk audio");
  await page.waitForSelector("#record");
  const heard = (p, where) => p.$eval(where, async (a) => {
    await a.play();
    a.pause();
    return a.readyState > 1 && !a.error;
  });
  ok((await sounds()) === 1 && await heard(page, "#talk audio"), "a voice message is sent, and can be heard");
  const number = (await page.textContent(".number")).replace(/\D/g, "");
  const desk = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale: "ru" });
  watch(desk, "heard");
  await signIn(desk, url, "admin");
  await desk.click(`#tickets [data-id="${number}"]`);
  await desk.waitForSelector(".message.note audio");
  ok(/триста пять/.test(await desk.textContent(".message.note:has(audio)")), "staff have the words beside the sound");
  ok(await heard(desk, ".message.note audio") && (await desk.locator("audio").count()) === 1, "and hear it");
  await readable(desk, "a ticket with a voice message");
  await desk.screenshot({ path: path.join(shots, "voice.png") });
  await desk.close();
  await page.evaluate(() => { navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("no", "NotAllowedError"); }; });
  await page.click("#record");
  await page.waitForSelector("#talk .error:not([hidden])");
  ok(/не даёт этой странице микрофон/.test(await page.textContent("#talk .error")), "a refused microphone is told in words");
  await page.close();
}

// A list longer than its first page stays where it is when something arrives.
async function many(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: "ru" });
  watch(page, "many");
  await signIn(page, url, "admin");
  const arrive = (i) => page.evaluate(async (n) => {
    const { csrf } = await (await fetch("/api/v1/session")).json();
    const reply = await fetch("/api/v1/tickets", { method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify({ text: `Не работает телефон ${n}: ` + "оченьдлинно".repeat(12) }) });
    return (await reply.json()).id;
  }, i);
  for (let i = 0; i < 60; i++) await arrive(i);
  await page.reload();
  await page.waitForSelector("#more:not([hidden])");
  await page.click("#more");
  await page.waitForFunction(() => document.querySelectorAll("#tickets [data-id]").length > 60);
  const held = await page.$$eval("#tickets [data-id]", (all) => all[55].dataset.id);
  await page.focus(`#tickets [data-id="${held}"]`);
  const id = await arrive(60);
  await page.waitForSelector(`#tickets [data-id="${id}"].fresh`);
  ok((await page.locator("#tickets [data-id]").count()) > 60, "a long list stays long when a ticket arrives");
  ok(await page.evaluate((x) => document.activeElement.dataset.id === x, held), "and the focus stays in its place");
  ok(/Не работает телефон 60/.test(await page.textContent("#arrived")), "what arrives is read aloud");
  await chosen(page, id);
  await readable(page, "a ticket of long words");
  ok((await page.locator("#tickets .fresh").count()) === 0, "a ticket that was opened is not new");
  await page.fill("#query", "tag:нетакой");
  await page.press("#query", "Enter");
  await page.waitForSelector("#tickets .hint");
  await page.fill("#query", "");
  await page.waitForSelector("#tickets [data-id]");
  ok(true, "an empty list says so; a cleared search shows all again");
  await page.close();
}

async function run(url, browser) {
  const desk = await staff(browser, url);
  await desk.evaluate(() => { window.neverReloaded = true; });

  const answered = await ask(browser, url, "Как поставить автоответ на отпуск в Outlook?", "ru");
  ok(await answered.isVisible("#answer"), "a question is answered from the knowledge base");
  ok((await answered.textContent("#answer .source")).length > 10, "the answer names its source");
  await answered.screenshot({ path: path.join(shots, "answer.png") });
  await answered.click("#helped");
  await answered.waitForSelector("#thanks");
  ok(true, "a thumb up is thanked for");
  await answered.reload();
  await answered.waitForSelector("#thanks");
  ok(/автоответ на отпуск/.test(await answered.textContent(".asked")) &&
     (await answered.locator("#helped").count()) === 0,
     "a page that was opened again knows the question and the thumb");

  const text = "Сгорел блок питания у компьютера в кабинете 305, пахнет палёным";
  const ticket = await ask(browser, url, text, "ru");
  ok(await ticket.isVisible("#ticket"), "another becomes a ticket");
  const number = (await ticket.textContent(".number")).replace(/\D/g, "");
  ok(Number(number) > 0, "with a number: " + number);

  await desk.waitForSelector(`#tickets button[data-id="${number}"]`, { timeout: 5000 });
  ok(await desk.evaluate(() => window.neverReloaded === true), "staff see it arrive without reloading");
  await desk.click(`#tickets button[data-id="${number}"]`);
  await desk.waitForSelector("#why");
  ok((await desk.textContent("#ticket")).includes("палёным"), "the ticket shows what was written");
  ok((await desk.textContent("#why")).length > 10, "and why it went there: " + (await desk.textContent("#why")));
  ok(await desk.isVisible(".reason mark"), "and the words that weighed");
  await desk.fill("#reply_text", "Уже идём, ничего не включайте.");
  await desk.click("#write_reply");
  await desk.waitForSelector(".message.reply");
  ok(true, "a reply is on the timeline");
  for (const other of ["Не приходят письма от поставщика с утра",
                       "No Wi-Fi in the meeting room on floor 3",
                       "1С пишет «Недостаточно прав» при проведении документа",
                       "Нужен доступ к папке отдела продаж для новой сотрудницы"])
    await fetch(url + "/api/v1/requests", { method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: other, ticket: true }) });
  await desk.waitForFunction(() => document.querySelectorAll("#tickets .fresh").length === 4);
  ok(true, "others arrive meanwhile and are marked as new");
  await desk.evaluate(() => document.activeElement.blur());
  await desk.waitForTimeout(2000); // what arrived has faded in
  await desk.screenshot({ path: path.join(shots, "desk.png") });

  await ticket.waitForSelector("#talk .message.reply", { timeout: 20000 });
  ok(true, "the person reads the reply on the page of the request");
  await ticket.fill("#more_text", "Спасибо, ждём у входа.");
  await ticket.click("#talk_form button[type=submit]");
  await ticket.waitForFunction(() => document.querySelectorAll("#talk .message.request").length === 2);
  await desk.waitForFunction(() => document.querySelector("#ticket").textContent.includes("ждём у входа"));
  ok(true, "and writes back, which staff see at once");
  await ticket.setInputFiles("#talk_form input[type=file]",
    { name: "фото.txt", mimeType: "text/plain", buffer: Buffer.from("дым") });
  await ticket.waitForSelector("#talk .file-list a");
  ok(true, "a file goes with it");
  const address = ticket.url();
  await ticket.goto("about:blank");
  await ticket.goto(address);
  await ticket.waitForSelector("#talk .message.reply");
  ok(true, "the address of the page leads back to the conversation");

  await desk.waitForSelector(".side .file-list a");
  ok(true, "staff see the file without choosing the ticket again");
  await desk.fill("#reply_text", "Начатый ответ");
  await ticket.fill("#more_text", "Дым прошёл.");
  await ticket.click("#talk_form button[type=submit]");
  await desk.waitForFunction(() => document.querySelector("#ticket").textContent.includes("Дым прошёл"));
  ok((await desk.inputValue("#reply_text")) === "Начатый ответ", "a reply begun outlives what arrives");
  await desk.fill("#reply_text", "");
  await desk.fill("#tags", "Питание, срочно");
  await desk.press("#tags", "Enter");
  await desk.waitForFunction(() => document.querySelector("#tags")?.value === "питание, срочно");
  ok(true, "tags stay");
  await desk.focus("#canned");
  await desk.waitForFunction(() => document.querySelectorAll("#canned option").length > 5);
  await desk.selectOption("#canned", { index: 1 });
  ok((await desk.inputValue("#reply_text")).length > 20, "a canned reply is filled in");
  ok(!(await desk.inputValue("#reply_text")).includes("{{"), "with what it names");
  await desk.fill("#reply_text", "");
  await desk.fill("#query", "tag:питание");
  await desk.press("#query", "Enter");
  await desk.waitForFunction(() => document.querySelectorAll("#tickets button").length === 1);
  await desk.click("#save_view");
  await desk.fill("dialog #line", "Питание");
  await desk.press("dialog #line", "Enter");
  await desk.waitForFunction(() => document.querySelector("#view").value.startsWith("saved:"));
  ok(true, "a search is saved as a view");
  await desk.waitForFunction(() => document.querySelectorAll("#tickets button").length === 1);
  await desk.fill("#query", "state:nonsense");
  await desk.press("#query", "Enter");
  await desk.waitForSelector("#list_error:not([hidden])");
  ok(true, "a wrong filter is told");
  await desk.fill("#query", "");
  await desk.selectOption("#view", "open");
  await desk.selectOption("#set_state", "solved");
  await desk.waitForFunction(() => document.querySelector("#set_state")?.value === "solved");
  ok(true, "the state changes");
  await ticket.reload();
  await ticket.waitForSelector("#rating");
  ok((await ticket.textContent("#title")) === "Обращение решено", "the person sees that it is solved");
  await ticket.screenshot({ path: path.join(shots, "ticket.png"), fullPage: true });
  await ticket.click("#rating button:last-child");
  ok(true, "the person rates what was done");

  const unhelped = await ask(browser, url, "How do I set up an out of office reply in Outlook?", "en");
  if (await unhelped.isVisible("#answer")) {
    await unhelped.click("#not_helped");
    await unhelped.waitForSelector("#ticket");
    ok(true, "an answer that did not help becomes a ticket");
  }

  const evil = await ask(browser, url, "<img src=x onerror=window.hit=1> принтер <b>горит</b>", "ru");
  ok(!(await evil.evaluate(() => window.hit)), "what people write is never HTML");
  const evilNumber = (await evil.textContent(".number")).replace(/\D/g, "");
  await desk.waitForSelector(`#tickets button[data-id="${evilNumber}"]`, { timeout: 5000 });
  ok(!(await desk.evaluate(() => window.hit)), "nor on the desk");

  await trouble(browser, url);
  await article(browser, url);
  await promises(browser, url);
  await voice(browser, url);
  await viewer(browser, url);
  await colleagues(browser, url);
  await many(browser, url);

  const docs = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  watch(docs, "docs");
  await docs.goto(url + "/docs");
  await docs.waitForSelector(".opblock", { timeout: 15000 });
  ok((await docs.locator(".opblock").count()) > 10, "the API is described at /docs");
  await docs.screenshot({ path: path.join(shots, "docs.png") });

  const phone = await browser.newPage({ viewport: { width: 390, height: 800 }, locale: "en" });
  await phone.goto(url + "/");
  await phone.screenshot({ path: path.join(shots, "phone.png") });
}

fs.mkdirSync(shots, { recursive: true });
const made = spawnSync(otklik, ["init", "--demo", folder], { encoding: "utf8" });
if (made.status !== 0) throw new Error("init: " + made.stderr);
const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});
let failed = null;
try {
  await run(server.url, browser);
  if (errors.length) throw new Error("the pages complain:\n" + errors.join("\n"));
} catch (e) {
  failed = e;
} finally {
  await browser.close();
  server.process_.removeAllListeners("exit");
  server.process_.kill("SIGTERM");
  fs.rmSync(path.dirname(folder), { recursive: true, force: true });
}
if (failed) {
  console.error(failed.message);
  process.exit(1);
}
console.log("the pages work; screenshots are in build/screenshots");
