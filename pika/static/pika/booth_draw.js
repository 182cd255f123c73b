// The booth drawn: everything on the page that follows from the set as it is known.
import { $, isolate, make, name, nameOf, setText } from "pika/booth_page.js";
import { booth, countThanks, newestFirst, waiting } from "pika/booth_set.js";
import { many, tr } from "pika/words.js";

const SHOWN = 30; // plays on the page until one asks for all
let isShowingAll = false;

export function showAll() {
  isShowingAll = true;
  render();
}

function clock(time) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: booth.floor.timeZone };
  return new Intl.DateTimeFormat(document.documentElement.lang, options).format(new Date(time));
}

export function render() {
  renderNet();
  if (!booth.session) return;
  if (!booth.session.isLive) return setText("over-floor", overWords());
  const list = newestFirst();
  const current = list.find((play) => !play.isHidden && !play.isWaiting);
  setText("where", booth.session.stage?.name ?? tr("Quick Start"));
  setText("as", [booth.session.stage?.eventName, booth.session.djName && tr("as {name}", { name: isolate(booth.session.djName) })].filter(Boolean).join(" · "));
  setText("since", booth.session.startedAt ? tr("since {time}", { time: clock(booth.session.startedAt) }) : "");
  $("note-form").hidden = !booth.session.stage; // after a Quick Start comes nobody
  renderQr();
  renderHandover();
  renderFloor(current);
  setText("likes", String(current?.likes ?? 0));
  setText("thanks", String(countThanks(0)));
  setText("listeners", String(booth.floor.listeners ?? "–"));
  renderTempo(current);
  $("pause").setAttribute("aria-pressed", String(Boolean(booth.session.isPaused)));
  setText("pause", booth.session.isPaused ? tr("Paused. Go on") : tr("Pause publishing"));
  renderPlays(list);
}

function renderNet() {
  if (!booth.lostAt) return;
  const count = booth.session ? waiting().length : 0;
  const wait = count
    ? many(count, "{n} track waits here and goes out when it is back.", "{n} tracks wait here and go out when it is back.")
    : tr("Type on: your tracks wait here and go out when it is back.");
  const said = [tr("No connection since {time}.", { time: clock(booth.lostAt) })];
  if (booth.session?.isLive) said.push(tr("The floor keeps your last song."), wait);
  setText("net", said.join(" "));
  $("net").hidden = false;
}

function renderFloor(current) {
  const { play, state } = booth.floor;
  setText("song", play?.track.title ?? tr("Nothing yet"));
  setText("artist", play?.track.artist ?? "");
  $("song").classList.toggle("none", !play);
  let words = "";
  if (booth.session.isPaused) words = tr("Publishing is paused: the floor sees nothing new until you go on.");
  else if (play && play.sessionId !== booth.session.sessionId && booth.floor.sessionId && booth.floor.sessionId !== booth.session.sessionId)
    words = tr("{name} is on the screens. The newest song wins: tell the floor yours.", { name: isolate(play.djName) });
  else if (play && play.sessionId !== booth.session.sessionId) words = tr("That was {name}. Your first song comes next.", { name: isolate(play.djName) });
  else if (booth.session.delaySeconds && current && (!play || current.playedAt > play.playedAt)) words = tr("{song} comes after your delay of {seconds} s.", { song: isolate(current.track.title), seconds: booth.session.delaySeconds });
  else if (play && state === "between_songs") words = tr("Between songs: the screens keep the last one.");
  else if (!play) words = tr("Type your first song below, or let the program on your laptop tell it.");
  setText("floor-words", words);
}

function renderTempo(current) {
  const { slower = 0, perfect = 0, faster = 0, total = 0 } = booth.tempo && (!booth.tempo.playId || booth.tempo.playId === current?.playId) ? booth.tempo : {};
  for (const [key, n] of Object.entries({ slower, perfect, faster })) $(`bar-${key}`).style.flexGrow = n;
  $("tempo").classList.toggle("none", !total);
  setText("tempo-words", total ? tr("{slower} slower · {perfect} perfect · {faster} faster", { slower, perfect, faster }) : tr("No word about the tempo yet"));
}

function renderQr() {
  const path = booth.session.stage ? `/s/${booth.session.stage.stageId}` : `/l/${booth.session.sessionId}`;
  const address = $("booth").dataset.address.replace(/\/$/, "") + path;
  const source = `${path}/qr.svg`;
  if ($("qr").getAttribute("src") === source) return;
  for (const id of ["qr", "qr-img"]) $(id).src = source;
  $("qr-img").alt = tr("QR code of {address}", { address });
  setText("qr-name", booth.session.stage?.name ?? booth.session.djName ?? "");
  setText("qr-code", booth.session.stage?.stageId ?? booth.session.sessionId);
  setText("qr-url", address.replace(/^https?:\/\//, ""));
}

const rows = new Map(); // playId → its <li>, kept, so that a press on a button is never lost

function renderPlays(list) {
  const shown = isShowingAll ? list : list.slice(0, SHOWN);
  $("none").hidden = list.length > 0;
  $("older").hidden = shown.length === list.length;
  const playedCount = list.filter((play) => !play.isTakenBack).length;
  setText("count", playedCount ? String(playedCount) : "");
  const keptIds = new Set(shown.map((play) => play.playId));
  for (const [playId, row] of rows) if (!keptIds.has(playId)) row.remove(), rows.delete(playId);
  let before = null;
  for (const play of shown) {
    const row = rows.get(play.playId) ?? newRow(play.playId);
    renderRow(row, play);
    const place = before ? before.nextSibling : $("plays").firstChild;
    if (place !== row) $("plays").insertBefore(row, place);
    before = row;
  }
}

function newRow(playId) {
  const row = make("li");
  const words = make("div", "what");
  words.append(name("b", "", ""), name("span", "", ""), make("small"));
  const press = make("button", "btn");
  Object.assign(press, { type: "button", value: playId });
  row.append(make("time"), words, make("span", "hearts num"), press);
  rows.set(playId, row);
  return row;
}

function renderRow(row, play) {
  const [time, words, hearts, press] = row.children;
  const isHidden = play.wish ?? play.isHidden;
  let state = "";
  if (play.isTakenBack) state = tr("taken back before the floor heard it");
  else if (play.isWaiting) state = booth.isOpen ? tr("on its way") : tr("waits for the connection");
  else if (play.wish !== undefined) state = booth.isOpen ? "" : play.wish ? tr("hidden as soon as the connection is back") : tr("shown as soon as the connection is back");
  else if (play.isHidden) state = tr("hidden from the floor");
  const texts = [
    [time, clock(play.playedAt)],
    [words.children[0], play.track.title],
    [words.children[1], play.track.artist ?? ""],
    [words.children[2], state],
    [hearts, play.likes ? `♥ ${play.likes}` : ""],
    [press, isHidden ? tr("Show again") : tr("Hide")],
  ];
  for (const [element, text] of texts) if (element.textContent !== text) element.textContent = text;
  row.className = isHidden ? "is-hidden" : play.isWaiting ? "is-waiting" : "";
  press.setAttribute("aria-label", `${isHidden ? tr("Show again") : tr("Hide")}: ${nameOf(play.track)}`);
  hearts.setAttribute("aria-label", play.likes ? many(play.likes, "{n} like", "{n} likes") : "");
}

// What the DJ before left: on top until the first song of this set, then out of the way.
function renderHandover() {
  const { djName, note, plays: all = [] } = booth.session.handover ?? {};
  const last = all.filter((play) => play.sessionId !== booth.session.sessionId);
  $("handover").hidden = !djName && !last.length;
  const isBegun = booth.plays.size > 0;
  const isBelow = Boolean($("first").compareDocumentPosition($("handover")) & Node.DOCUMENT_POSITION_FOLLOWING);
  if (isBegun !== isBelow) {
    $("first")[isBegun ? "after" : "before"]($("handover"));
    if (isBegun) $("handover-last").open = false;
  }
  setText("handover-h", djName === booth.session.djName ? tr("Your last set here") : tr("Before you: {name}", { name: isolate(djName ?? last[0]?.djName ?? "") }));
  setText("handover-note", note ?? "");
  $("handover-note").hidden = !note;
  $("handover-last").hidden = !last.length;
  const key = last.map((play) => play.playId).join() + booth.floor.timeZone;
  if ($("handover-plays").dataset.key === key) return;
  $("handover-plays").dataset.key = key;
  $("handover-last").open = !isBegun && matchMedia("(min-width: 60rem)").matches;
  $("handover-plays").replaceChildren(...last.map((play) => {
    const row = make("li");
    const words = make("div", "what");
    words.append(name("b", "", play.track.title), name("span", "", play.track.artist ?? ""), make("small", "", tempoWords(play.tempo)));
    row.append(make("time", "", clock(play.playedAt)), words);
    return row;
  }));
}

const TEMPO = { slower: "{n} slower", perfect: "{n} perfect", faster: "{n} faster" };
const tempoWords = (marks = {}) =>
  Object.keys(TEMPO).filter((key) => marks[key]).map((key) => tr(TEMPO[key], { n: marks[key] })).join(" · "); // tr("{n} slower") tr("{n} perfect") tr("{n} faster")

function overWords() {
  if (!booth.session.stage) return tr("The page of your set keeps its songs.");
  const stage = isolate(booth.session.stage.name);
  if (["live", "between_songs", "reconnecting", "away"].includes(booth.floor.state) && booth.floor.djName) return tr("{name} plays on at {stage}.", { name: isolate(booth.floor.djName), stage });
  const slot = booth.floor.nextSlot;
  const times = slot && `${clock(slot.startsAt)}–${clock(slot.endsAt)}`;
  if (slot) return tr("On the timetable of {stage}: {name}, {times}.", { stage, name: isolate(slot.djName), times });
  return tr("{stage} waits for the next DJ. Its QR stays the same.", { stage });
}
