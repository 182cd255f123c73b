// The wall: shows what plays, through the night, whatever the network does.
import { Live } from "pika/live.js";
import { after, fill, isRiddle, nextWords, shown, stateWords, titleSize, words } from "pika/stage.js";

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
  put($("next"), s.state === "changing" ? "" : nextWords(s)); // while changing, the state says it
}

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
