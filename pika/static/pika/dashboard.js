// The dashboard: every stage of the event as it changes. What only the server can tell (warnings, slots,
// announcements: all that has `data-fresh`) is fetched again when something happened, and now and then.
import { Live } from "pika/live.js";
import { after, fill, isRiddle, shown, stateWords, words } from "pika/stage.js";

const PER_SOCKET = 11; // a socket may listen to 12 topics: these, and their event
const FRESH_EVERY = 30_000;
const floors = new Map();
for (const element of document.querySelectorAll("[data-stage]"))
  floors.set(`stage.${element.dataset.stage}`, { element, s: JSON.parse(element.querySelector("script").textContent) });

function draw({ element, s }) {
  const put = (where, text) => {
    const its = element.querySelector(`[data-at=${where}]`);
    its.hidden = !text;
    if (text && its.textContent !== text) its.textContent = text;
  };
  const play = shown(s);
  element.dataset.state = s.state;
  put("here", s.state !== "closed" && fill(words.listeners, { count: s.listeners }));
  put("state", stateWords(s));
  put("title", play?.track.title);
  put("artist", play?.track.artist);
  put("dj", play && fill(words.by, { name: play.djName }));
}

function hear(live, message) {
  const floor = floors.get(message.topic ?? `stage.${message.stageId}`);
  if (!floor) return freshen(1000); // the event speaks: an announcement, another timetable
  const { listeners, ...rest } = message; // a snapshot counts this server's phones alone
  floor.s = after(floor.s, rest);
  if (isRiddle(floor.s, message)) live.refresh();
  if (message.type === "STAGE_STATE") freshen(1000);
  draw(floor);
}

let soon, every;
function freshen(wait) {
  clearTimeout(soon);
  soon = setTimeout(async () => {
    clearTimeout(every);
    every = setTimeout(() => freshen(0), FRESH_EVERY);
    if (document.hidden) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-fresh]")) {
      const its = page.getElementById(old.id);
      if (its && its.outerHTML !== old.outerHTML) old.replaceWith(its);
    }
  }, wait);
}

let netTimer;
function tellNet() {
  clearTimeout(netTimer);
  const isOpen = lives.every((live) => live.state === "open");
  netTimer = setTimeout(() => (document.getElementById("net").textContent = isOpen ? "" : words.offline), isOpen ? 0 : 5000);
}

const lives = [];
const topics = document.getElementById("floors").hasAttribute("data-live") ? [...floors.keys()] : [];
for (let n = 0; n < topics.length; n += PER_SOCKET) {
  // Each is asked for anew: `since` of one topic means nothing to the others.
  const mine = topics.slice(n, n + PER_SOCKET).map((topic) => topic.slice("stage.".length));
  const live = new Live({
    hello: () => mine.map((stageId) => ({ type: "SUBSCRIBE", stageId, display: true, mine: false, since: undefined })),
    on: { "*": (message) => hear(live, message) },
    onState: () => tellNet(),
  });
  lives.push(live);
}
document.addEventListener("visibilitychange", () => document.hidden || freshen(0));
freshen(FRESH_EVERY);
