// The dancers' timetable. The server drew it; this keeps the time on it, the stars, and fetches it anew when it changed.
import { Live } from "pika/live.js";

const $ = (id) => document.getElementById(id);
const words = $("words").dataset;
const { slug } = $("all").dataset;
const KEY = `pika:stars:${slug}`;
const all = (query, of = document) => [...of.querySelectorAll(query)];
const say = (text) => ($("said").textContent = text);

// --- Stars ------------------------------------------------------------------------------------------
// on: what this phone shows; queue: what the server was not told yet {slot: wanted}; at: when it last knew the server's
const stars = { on: [], queue: {}, at: 0 };

function read() {
  try {
    Object.assign(stars, JSON.parse(localStorage.getItem(KEY)));
  } catch {} // forbidden or spoilt: the server's are there
}
function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(stars));
  } catch {}
}

// A page fresher than what this phone knew is right, but for what it was not told yet; an older one came from the store.
function merge() {
  const at = Number($("all").dataset.at);
  const shown = all("li[data-s]").filter((li) => li.lastChild.getAttribute("aria-pressed") === "true").map((li) => li.dataset.s);
  if (at > stars.at) Object.assign(stars, { on: shown, at });
  for (const [slot, wanted] of Object.entries(stars.queue)) set(slot, wanted);
  keep();
}
function set(slot, wanted) {
  stars.on = stars.on.filter((one) => one !== slot);
  if (wanted) stars.on.push(slot);
}

function drawStars() {
  for (const li of all("li[data-s]")) {
    const isOn = stars.on.includes(li.dataset.s);
    li.classList.toggle("starred", isOn);
    li.lastChild.setAttribute("aria-pressed", isOn);
  }
  const isMine = $("all").classList.contains("mine");
  if ($("mine")) {
    $("mine").hidden = !all("li[data-s]").length;
    $("mine").setAttribute("aria-pressed", isMine);
  }
  $("none").hidden = !isMine || !!all(".starred").length;
}

let sending;
async function send() {
  if (sending) return;
  sending = true;
  try {
    for (const [slot, wanted] of Object.entries(stars.queue)) {
      const answer = await fetch(`/api/v1/slots/${slot}/star`, { method: wanted ? "POST" : "DELETE" });
      if (answer.status === 429 || answer.status >= 500) break; // later
      if (stars.queue[slot] === wanted) delete stars.queue[slot];
      if (!answer.ok) set(slot, false); // the slot is gone, and the star with it
      stars.at = Math.max(stars.at, Math.ceil(live.now() / 1000));
      keep();
    }
  } catch {
    // no network: with the next connection
  }
  sending = false;
  drawStars();
  return !Object.keys(stars.queue).length;
}

async function toggle(slot) {
  const wanted = !stars.on.includes(slot);
  set(slot, wanted);
  stars.queue[slot] = wanted;
  keep();
  drawStars();
  const isSent = await send();
  say(isSent ? (wanted ? words.starred : words.unstarred) : words.kept);
  if (wanted && isSent) dispatchEvent(new CustomEvent("pika:starred"));
}

document.addEventListener("click", ({ target }) => {
  const slot = target.closest?.("li[data-s] button")?.parentNode.dataset.s;
  if (slot) toggle(slot);
  else if (target.id === "mine") {
    $("all").classList.toggle("mine");
    drawStars();
  }
});
addEventListener("storage", ({ key }) => {
  if (key !== KEY) return;
  read();
  drawStars();
});

// --- What time it is --------------------------------------------------------------------------------
function tick() {
  const now = live.now() / 1000;
  all(".line").forEach((line) => line.remove());
  for (const list of all("ol[data-stage]")) drawLine(list, now);
  for (const floor of all("#now li")) drawNow(floor, now);
}
const span = (li) => li.dataset.t.split(" ").map(Number);

function drawLine(list, now) {
  const slots = all("li[data-s]", list);
  for (const li of slots) {
    const [from, to] = span(li);
    li.classList.toggle("past", to <= now);
    li.classList.toggle("on", from <= now && now < to);
  }
  const next = slots.find((li) => span(li)[0] > now);
  if (!next || next === slots[0] || slots.some((li) => li.matches(".on"))) return;
  const line = document.createElement("li");
  line.className = "line";
  line.textContent = words.now;
  next.before(line);
}

function drawNow(floor, now) {
  const slots = all(`ol[data-stage="${floor.dataset.floor}"] li[data-s]`);
  const current = slots.find((li) => span(li)[0] <= now && now < span(li)[1]);
  const next = slots.find((li) => span(li)[0] > now);
  for (const [p, li] of [[floor.children[1], current], [floor.children[2], next]]) {
    p.hidden = !li;
    if (!li) continue;
    const time = document.createElement("i");
    time.textContent = li.querySelector("time").textContent;
    p.querySelector("span").replaceChildren(`${li.querySelector("p").textContent} `, time);
  }
}

// --- It changed -------------------------------------------------------------------------------------
async function renew(isTold) {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const copy = answer.clone();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("all");
  if (!fresh) return;
  caches?.open("pika-pages").then((cache) => cache.put(location.pathname, copy)).catch(() => {});
  fresh.classList.toggle("mine", $("all").classList.contains("mine"));
  const isNew = bare(fresh) !== bare($("all"));
  $("all").replaceWith(document.adoptNode(fresh));
  merge();
  drawStars();
  tick();
  if (isTold && isNew) say(words.changed);
}
const bare = (it) => all("li[data-s]", it).map((li) => li.textContent + li.dataset.s).join();

const { stage } = $("all").dataset;
let wasLost = false;
const live = stage
  ? new Live({
      hello: () => ({ type: "SUBSCRIBE", stageId: stage, display: true, mine: false }),
      on: {
        SCHEDULE_CHANGED: () => setTimeout(() => renew(true), Math.random() * 3000), // not all phones at once
        "*"() {},
      },
      onState(state) {
        $("net").textContent = state !== "lost" ? "" : navigator.onLine ? words.lost : words.offline;
        if (state === "lost") wasLost = true;
        if (state !== "open") return;
        send();
        if (wasLost || Date.now() / 1000 - $("all").dataset.at > 60) renew(true);
        wasLost = false;
      },
    })
  : { now: () => Date.now() };
if (!stage) setInterval(() => document.hidden || renew(true), 60_000);

read();
merge();
drawStars();
tick();
send();
setInterval(() => document.hidden || tick(), 20_000);
document.addEventListener("visibilitychange", () => document.hidden || tick());
addEventListener("online", send);
if (!navigator.onLine) $("net").textContent = words.offline;

const worker = navigator.serviceWorker;
worker?.register("/sw.js").catch(() => {});
// The first visit was not seen by the worker: keep the page and its script later.
if (worker && !worker.controller)
  setTimeout(() => caches.open("pika-pages").then((cache) => cache.add(location.pathname)).catch(() => {}), 2000 + Math.random() * 4000);
