// The wall: shows what plays, through the night, whatever the network does.
import { Live } from "pika/live.js";
import { after, fill, from, isRiddle, nextWords, showing, shown, stateWords, titleSize, words } from "pika/stage.js";

const $ = (id) => document.getElementById(id);
let s = JSON.parse($("snapshot").textContent);

function put(element, text) {
  element.hidden = !text;
  if (text && element.textContent !== text) element.textContent = text;
}

function draw() {
  const play = shown(s);
  document.body.dataset.state = s.state;
  const title = play?.track.title ?? stateWords(s);
  put($("state"), play && stateWords(s));
  put($("title"), title);
  $("title").dataset.size = titleSize(title);
  $("title").classList.toggle("last", s.state !== "live");
  put($("artist"), play?.track.artist);
  put($("dj"), play && fill(words.by, { name: play.djName }));
  drawNews();
  put($("next"), s.state === "changing" ? "" : nextWords(s)); // while changing, the state says it
}

// The two that matter most; an urgent one takes the place of the song.
function drawNews() {
  const [first, ...rest] = showing(s, live.now());
  const lines = !first ? [] : first.priority === "urgent" ? [first] : [first, ...rest.slice(0, 1)];
  document.body.dataset.news = first?.priority ?? "";
  const drawn = JSON.stringify(lines.map(({ announcementId }) => announcementId));
  if ($("news").dataset.drawn === drawn) return;
  $("news").dataset.drawn = drawn;
  $("news").hidden = !first;
  $("news").replaceChildren(
    ...lines.map((told) => {
      const [line, who, said] = ["p", "b", "bdi"].map((tag) => document.createElement(tag));
      line.className = told.priority;
      line.dataset.size = titleSize(told.message);
      who.textContent = from(told);
      said.textContent = told.message;
      line.append(who, said);
      return line;
    }),
  );
}
setInterval(drawNews, 5000); // their time is up

const live = new Live({
  hello: () => ({ type: "SUBSCRIBE", stageId: s.stage.stageId, display: true, mine: false }),
  on: {
    "*": (message) => {
      s = after(s, message);
      if (isRiddle(s, message)) live.refresh();
      draw();
    },
  },
  onState: tellNet,
});

let netTimer;
function tellNet() {
  if (live.state !== "open") netTimer ??= setTimeout(() => ($("net").textContent = words.wallLost), 20_000);
  else {
    clearTimeout(netTimer);
    netTimer = null;
    $("net").textContent = "";
  }
}

// A little to and fro each minute, so that no letter stays on the same pixels.
let minute = 0;
setInterval(() => {
  const [x, y] = [[0, 0], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1]][++minute % 8];
  document.documentElement.style.setProperty("--x", `${x * 1.2}vmin`);
  document.documentElement.style.setProperty("--y", `${y * 1.2}vmin`);
}, 60_000);

const stayAwake = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => {});
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
document.addEventListener("dblclick", () => document.documentElement.requestFullscreen?.());
navigator.serviceWorker?.register("/sw.js").catch(() => {});
draw();
