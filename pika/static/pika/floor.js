// The dancer's page. The server drew it; this keeps it right, and keeps the hearts.
import { News } from "pika/floor_news.js";
import { sendHearts } from "pika/hearts.js";
import { Live } from "pika/live.js";
import { after, clock, fill, isRiddle, nextWords, percent, pollWords, shown, stateWords, titleSize, words } from "pika/stage.js";

const $ = (id) => document.getElementById(id);
const page = JSON.parse($("snapshot").textContent);
const address = page.stage ? { stageId: page.stage.stageId } : { sessionId: page.session.sessionId };
const zone = page.stage?.timeZone;
const key = (what) => `pika:${what}:${Object.values(address)[0]}`;

function read(what) {
  try {
    return JSON.parse(localStorage.getItem(key(what)));
  } catch {
    return null;
  }
}
function keep(what, value) {
  try {
    localStorage.setItem(key(what), JSON.stringify(value));
  } catch {} // a full or forbidden store must not stop the music
}

// A page that came out of the phone's own store may be older than what this phone heard since: the number of the last
// word on its topic tells, and a clock only where the numbers began anew. The result of a poll is on no page: whoever
// loads the page anew keeps it for the rest of its half minute.
const saved = read("floor");
const isOlder = saved?.s.epoch === page.epoch ? saved?.s.seq > page.seq : saved?.at > $("at").content * 1000;
let s = isOlder ? saved.s : { ...page, poll: page.poll ?? (saved?.s.poll?.isOver ? saved.s.poll : null) };
// liked: what this phone shows; queue: what the server was not told yet; tempo, vote: its wish for one play, in one poll
const hearts = { liked: {}, queue: {}, tempo: {}, vote: {}, ...read("hearts") };

// --- What is said ---------------------------------------------------------------------------------
let toastTimer;
function toast(text) {
  $("toast").textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => ($("toast").textContent = ""), 4000 + text.length * 40);
}
const announce = (text) => ($("said").textContent = text);

// --- What is shown --------------------------------------------------------------------------------
function put(element, text) {
  element.hidden = !text;
  if (text && element.textContent !== text) element.textContent = text;
}
const press = (button, isOn) => button.setAttribute("aria-pressed", !!isOn);

function drawSong(play) {
  const { title = stateWords(s), artist = "", bpm } = play?.track ?? {};
  $("tag").hidden = !play;
  put($("state"), s.state === "live" && document.body.matches(".stale") ? words.stale : stateWords(s));
  put($("label"), play && s.state !== "live" && fill(words.last, { time: clock(play.playedAt, zone, live.now()) }));
  put($("title"), title);
  $("title").dataset.size = titleSize(title);
  put($("artist"), artist);
  put($("dj"), play && fill(words.by, { name: play.djName }));
  $("hint").hidden = !!play || s.state === "closed";
  document.querySelector(".beat").style.setProperty("--tempo", `${60 / (bpm || 100)}s`);
  document.title = [s.state === "live" && title, s.stage?.name ?? s.session?.djName, "Pika!"].filter(Boolean).join(" · ");
}

function drawButtons(play) {
  const isLiked = play && hearts.liked[play.playId];
  $("heart").hidden = !play;
  press($("heart"), isLiked);
  $("heart").lastChild.textContent = isLiked ? words.loved : words.love;
  $("wish").hidden = !s.session || s.state === "closed";
  $("tempo-label").hidden = $("tempo").hidden = !s.play || s.play.sessionId !== s.session?.sessionId;
  for (const button of $("tempo").children) press(button, play && hearts.tempo[play.playId] === button.value);
  put($("thank"), s.session && fill(words.thank, { name: s.session.djName }));
}

function drawRows(now) {
  const rows = new Map([...$("recent").children].map((row) => [row.dataset.play, row]));
  const before = s.recent.filter((play) => play.playId !== now?.playId);
  $("before").hidden = !before.length;
  const wanted = before.map((play) => {
    const row = rows.get(play.playId) ?? $("row").content.firstElementChild.cloneNode(true);
    const [title, artist, time, button] = ["of span", "by span", "by time", "act"].map((name) => row.querySelector("." + name));
    Object.assign(row.dataset, { play: play.playId, session: play.sessionId });
    title.textContent = play.track.title;
    artist.textContent = play.track.artist;
    time.textContent = clock(play.playedAt, zone, live.now());
    button.setAttribute("aria-label", fill(words.loveOne, { title: play.track.title }));
    press(button, hearts.liked[play.playId]);
    return row;
  });
  wanted.forEach((row, i) => $("recent").children[i] === row || $("recent").insertBefore(row, $("recent").children[i]));
  while ($("recent").children.length > wanted.length) $("recent").lastChild.remove();
}

function draw() {
  const play = shown(s);
  document.body.dataset.state = s.state;
  drawSong(play);
  drawButtons(play);
  drawRows(play);
  $("next").hidden = !s.nextSlot;
  $("next").lastChild.textContent = nextWords(s);
  drawCrowd();
  drawPoll();
  tick();
}

function drawPoll() {
  const { poll } = s;
  $("poll").hidden = !poll;
  if (!poll) return;
  put($("question"), poll.question);
  if ($("options").dataset.poll !== poll.pollId) {
    $("options").dataset.poll = poll.pollId;
    $("options").replaceChildren(...poll.options.map(newOption));
  }
  const mine = hearts.vote[poll.pollId];
  const isShown = mine !== undefined || poll.isOver; // who has not voted yet should not follow the others
  for (const [i, button] of [...$("options").children].entries()) {
    press(button, mine === i);
    if (isShown) button.setAttribute("aria-disabled", true);
    else button.removeAttribute("aria-disabled");
    button.firstChild.style.width = isShown ? percent(poll.votes[i], poll.total).replace(" ", "") : 0;
    button.lastChild.textContent = isShown ? `${mine === i ? "✓ " : ""}${percent(poll.votes[i], poll.total)}` : "";
  }
  drawLeft();
}

function newOption(words, i) {
  const button = document.createElement("button");
  const [bar, text, share] = ["i", "span", "b"].map((tag) => document.createElement(tag));
  Object.assign(button, { type: "button", value: i });
  text.dir = "auto";
  text.textContent = words;
  share.className = "num";
  button.append(bar, text, share);
  return button;
}

// The result stays for half a minute. Of a poll whose end was not heard nobody needs to know for long.
function drawLeft() {
  if (!s.poll) return;
  const isGone = live.now() > (s.poll.overAt ?? Date.parse(s.poll.endsAt) + 30_000) + 30_000;
  if (isGone) s.poll = null;
  if (isGone) $("poll").hidden = true;
  else put($("left"), pollWords(s.poll, live.now()));
}

const drawCrowd = () => put($("here"), s.listeners && fill(words.listeners, { count: s.listeners }));

function tick() {
  const seconds = Math.floor((live.now() - Date.parse(s.play?.playedAt)) / 1000);
  const isOn = s.state === "live" && live.state === "open" && seconds >= 0 && seconds < 1200;
  drawLeft();
  news.draw(s);
  put($("since"), isOn && `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
}
setInterval(() => document.hidden || tick(), 1000);

// --- What comes in --------------------------------------------------------------------------------
function hear(message) {
  if (message.type === "LISTENER_COUNT") {
    s.listeners = message.count;
    return drawCrowd();
  }
  if (message.type.startsWith("VOTE_")) return counted(message);
  const [song, state, poll] = [s.play?.playId, stateWords(s), s.poll];
  s = after(s, message);
  if (message.topic === s.topic) s = { ...s, epoch: message.epoch, seq: message.seq };
  if (message.type === "SNAPSHOT") mergeLikes(message);
  if (isRiddle(s, message)) setTimeout(() => live.refresh(), Math.random() * 3000);
  if (s.play && s.play.playId !== song && s.state === "live")
    announce(fill(s.play.track.artist ? words.now : words.nowAlone, s.play.track));
  else if (stateWords(s) !== state) announce(stateWords(s));
  if (s.poll?.isOver && !s.poll.overAt) s.poll.overAt = live.now();
  if (s.poll?.isOver && !poll?.isOver) announce(pollWords(s.poll));
  else if (s.poll && s.poll.pollId !== poll?.pollId) announce(fill(words.pollAsked, s.poll));
  keep("floor", { at: Math.max(live.now(), $("at").content * 1000 + 1), s }); // newer than this page, whatever our clock says
  draw();
}

// Which vote of this phone counts: also one that it forgot.
function counted({ pollId, optionIndex }) {
  if (optionIndex === undefined) return;
  hearts.vote = { [pollId]: optionIndex };
  keep("hearts", hearts);
  draw();
}

// A phone that is new here has no likes; afterwards this page knows better than the server what was pressed on it.
let areLikesKnown = "new" in document.body.dataset;
function mergeLikes({ likes, recent }) {
  areLikesKnown ||= !!likes;
  if (likes) for (const { playId } of recent) if (!hearts.queue[playId]) setLiked(playId, likes.includes(playId));
}

const live = new Live({
  hello: () => ({ type: "SUBSCRIBE", ...address, mine: !areLikesKnown }),
  on: { "*": hear, ACK() {}, NACK() {}, PONG() {}, SESSIONS_LIST() {} },
  onState(state) {
    tellNet();
    tick();
    if (state === "open") sendQueue();
  },
});

const news = new News(live, announce);

let netTimer;
function tellNet() {
  const say = (text) => {
    clearTimeout(netTimer);
    netTimer = null;
    if ($("net").textContent && !text) announce(words.back);
    $("net").textContent = text;
    document.body.classList.toggle("stale", !!text);
    draw();
  };
  if (live.state === "open") say("");
  else if (!navigator.onLine) say(words.offline);
  else netTimer ??= setTimeout(say, $("net").textContent ? 0 : 4000, words.lost); // a short gap is nobody's business
}

// --- Hearts ---------------------------------------------------------------------------------------
function setLiked(playId, isLiked) {
  if (isLiked) hearts.liked[playId] = true;
  else delete hearts.liked[playId];
}
function settle(playId, wish) {
  if (hearts.queue[playId] === wish) delete hearts.queue[playId];
  keep("hearts", hearts);
}

async function toggle(playId, sessionId) {
  const wish = { sessionId, on: !hearts.liked[playId] };
  setLiked(playId, wish.on);
  hearts.queue[playId] = wish;
  keep("hearts", hearts);
  draw();
  try {
    await live.ask(wish.on ? "SEND_LIKE" : "REMOVE_LIKE", { playId, sessionId });
    if (wish.on) dispatchEvent(new CustomEvent("pika:loved"));
  } catch (error) {
    if (error.code === "lost") return wish.on && toast(words.kept);
    // Its secret is another since a login or logout in another tab, or none: a page that asks puts that right.
    if (error.code === "bad_guest") return fetch("/me/songs").then(() => location.reload(), () => {});
    if (hearts.queue[playId] === wish) setLiked(playId, !wish.on);
    toast(error.message);
  }
  settle(playId, wish);
  draw();
}

async function sendQueue() {
  try {
    await sendHearts(live, Object.entries(hearts.queue), settle);
    if (Object.keys(hearts.queue).length) sendQueue(); // given meanwhile
  } catch (error) {
    if (error.retryAfter) setTimeout(sendQueue, error.retryAfter * 1000);
  }
}

$("heart").onclick = () => {
  const { playId, sessionId } = shown(s);
  toggle(playId, sessionId);
};
$("recent").onclick = ({ target }) => {
  const row = target.closest("button")?.closest("li");
  if (row) toggle(row.dataset.play, row.dataset.session);
};

// --- Wishes ---------------------------------------------------------------------------------------
const sorry = (error) => toast(error.code === "lost" ? words.needNet : error.message);

$("tempo").onclick = async ({ target }) => {
  if (!target.value) return;
  const { playId, sessionId } = s.play;
  const before = hearts.tempo[playId];
  const wish = before === target.value ? "clear" : target.value;
  hearts.tempo = { [playId]: wish };
  draw();
  try {
    await live.ask("SEND_TEMPO_REQUEST", { sessionId, preference: wish });
  } catch (error) {
    hearts.tempo = { [playId]: before };
    sorry(error);
    draw();
  }
  keep("hearts", hearts);
};

$("options").onclick = async ({ target }) => {
  const button = target.closest("button");
  if (!button || button.getAttribute("aria-disabled")) return;
  const { pollId } = s.poll;
  const optionIndex = Number(button.value);
  counted({ pollId, optionIndex });
  try {
    await live.ask("VOTE_ON_POLL", { pollId, optionIndex });
  } catch (error) {
    if (hearts.vote[pollId] === optionIndex) hearts.vote = {};
    keep("hearts", hearts);
    sorry(error);
    draw();
  }
};

$("thank").onclick = async () => {
  const button = $("thank");
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", true);
  try {
    await live.ask("SEND_REACTION", { sessionId: s.session.sessionId, reaction: "thank_you" });
    toast(fill(words.thanked, { name: s.session.djName }));
    setTimeout(() => button.removeAttribute("aria-disabled"), 20_000);
  } catch (error) {
    button.removeAttribute("aria-disabled");
    sorry(error);
  }
};

// --- The phone ------------------------------------------------------------------------------------
let lock;
async function stayAwake() {
  try {
    lock = await navigator.wakeLock.request("screen");
  } catch {
    lock = null;
    toast(words.awakeNo);
  }
  press($("awake"), lock);
  $("awake").textContent = lock ? words.awakeOn : words.awake;
}
$("awake").hidden = !navigator.wakeLock;
$("awake").onclick = async () => {
  if (!lock) return stayAwake();
  await lock.release();
  lock = null;
  press($("awake"), false);
  $("awake").textContent = words.awake;
};
document.addEventListener("visibilitychange", () => lock && !document.hidden && stayAwake());
addEventListener("storage", (event) => {
  if (event.key !== key("hearts")) return;
  Object.assign(hearts, read("hearts")); // another tab of this stage
  draw();
});

if (!navigator.onLine) tellNet();
draw();

const worker = navigator.serviceWorker;
worker?.register("/sw.js").catch(() => {});
// The first visit was not seen by the worker: keep the page later, when the rush at the door is over.
if (worker && !worker.controller)
  setTimeout(() => caches.open("pika-pages").then((cache) => cache.add(location.pathname)).catch(() => {}), 3000 + Math.random() * 9000);
