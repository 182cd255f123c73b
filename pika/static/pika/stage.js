// What a stage (or a session by itself) looks like after a message. Pure: the same state and message, the same answer.
const RECENT = 20;
const newestFirst = (a, b) => (a.playedAt < b.playedAt ? 1 : -1);

export function after(s, m) {
  const isCurrent = m.sessionId && m.sessionId === s.session?.sessionId;
  switch (m.type) {
    case "SNAPSHOT":
      return { ...s, likes: undefined, ...m, poll: m.poll ?? (s.poll?.isOver ? s.poll : null) };
    case "NOW_PLAYING": {
      const { sessionId, djName, playId, playedAt, track } = m;
      const play = { sessionId, djName, playId, playedAt, track };
      const recent = [play, ...s.recent.filter((p) => p.playId !== playId)].sort(newestFirst).slice(0, RECENT);
      // Two threads of the server may say two tracks in the wrong order: the older one is history.
      const isOlder = s.play && s.play.sessionId === sessionId && s.play.playId !== playId && playedAt < s.play.playedAt;
      return isOlder ? { ...s, recent } : { ...s, state: "live", session: { sessionId, djName }, play, recent };
    }
    case "METADATA_UPDATED": {
      const better = (p) => (p && p.playId === m.playId ? { ...p, track: m.track } : p);
      return { ...s, play: better(s.play), recent: s.recent.map(better) };
    }
    case "TRACK_HIDDEN": {
      if (!m.hidden) return s;
      const recent = s.recent.filter((p) => p.playId !== m.playId);
      if (s.play?.playId !== m.playId) return { ...s, recent };
      return { ...s, recent, play: recent.find((p) => p.sessionId === m.sessionId) ?? null, state: "between_songs" };
    }
    case "TRACK_STOPPED":
      return isCurrent ? { ...s, state: "between_songs" } : s;
    case "DJ_LIVE":
      return s.session ? s : { ...s, session: m, state: "between_songs" };
    case "SESSION_ENDED":
      return isCurrent ? { ...s, session: s.stage ? null : s.session, state: s.stage ? "waiting" : "closed" } : s;
    case "STAGE_STATE": {
      const session = !m.djName ? null : s.session?.djName === m.djName ? s.session : { djName: m.djName };
      // With nobody live the newest song of the stage stays on screen, as a snapshot would say.
      return { ...s, state: m.state, nextSlot: m.nextSlot, session, play: session ? s.play : null };
    }
    case "POLL_STARTED": {
      const { pollId, sessionId, question, options, endsAt, durationSeconds } = m;
      if (s.poll?.pollId === pollId) return s;
      return { ...s, poll: { pollId, sessionId, question, options, endsAt, durationSeconds, votes: options.map(() => 0), total: 0 } };
    }
    case "POLL_UPDATE":
    case "POLL_ENDED": {
      if (s.poll?.pollId !== m.pollId || s.poll.isOver) return s;
      const { votes, total, winner } = m;
      return { ...s, poll: m.cancelled ? null : { ...s.poll, votes, total, winner, isOver: m.type === "POLL_ENDED" } };
    }
    case "ANNOUNCEMENT_RECEIVED":
    case "ANNOUNCEMENT_CANCELLED": {
      const others = (s.announcements ?? []).filter(({ announcementId }) => announcementId !== m.announcementId);
      return { ...s, announcements: m.type === "ANNOUNCEMENT_RECEIVED" ? [m, ...others] : others };
    }
    case "LISTENER_COUNT":
      return { ...s, listeners: m.count };
    default:
      return s;
  }
}

// A message that leaves a question only the server can answer: which session, which song came back.
export const isRiddle = (s, m) =>
  (m.type === "TRACK_HIDDEN" && !m.hidden) || (m.type === "STAGE_STATE" && !!s.session && !s.session.sessionId);

// What the screen shows ---------------------------------------------------------------------------
export const words = JSON.parse(document.getElementById("words").textContent);
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

const clocks = {}; // a formatter costs a slow phone a millisecond

export function clock(iso, timeZone, now = Date.now()) {
  const at = new Date(iso);
  const say = (what) => (clocks[[timeZone, Object.keys(what)]] ??= new Intl.DateTimeFormat(document.documentElement.lang, { ...what, timeZone })).format(at);
  const time = say({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return Math.abs(at - now) < 16 * 3600e3 ? time : `${say({ weekday: "long" })} ${time}`; // as the server says it
}

export const shown = (s) => s.play ?? (s.state === "closed" ? null : s.recent[0]) ?? null;

export function nextWords(s) {
  if (!s.nextSlot) return "";
  const time = clock(s.nextSlot.startsAt, s.stage?.timeZone);
  return fill(time.includes(" ") ? words.nextDay : words.next, { name: s.nextSlot.djName, time });
}

export function stateWords(s) {
  const name = s.session?.djName;
  if (s.state === "closed") return s.stage ? words.closed : words.over;
  if (s.state === "changing") return nextWords(s);
  if (name && s.state === "between_songs" && s.play?.sessionId !== s.session.sessionId) return fill(words.ready, { name });
  return fill(words[s.state] ?? words.waiting, { name });
}

// How long one may still vote, or how it ended, in words.
export function pollWords({ isOver, total, winner, options, endsAt }, now) {
  if (isOver) return !total ? words.pollNobody : winner == null ? words.pollTie : fill(words.pollWon, { option: options[winner] });
  const seconds = (Date.parse(endsAt) - now) / 1000;
  const step = [60, 30, 10, 0].findIndex((least) => seconds > least);
  return [words.pollLong, words.pollMinute, words.pollHalf, words.pollSoon][step] ?? words.pollCounting;
}

// What is told right now: the most urgent first, then the newest.
const PRIORITIES = ["urgent", "important", "info"];
export function showing({ announcements = [] }, now) {
  const rank = ({ priority }) => PRIORITIES.indexOf(priority);
  const order = (a, b) => rank(a) - rank(b) || Date.parse(b.timestamp) - Date.parse(a.timestamp);
  return announcements.filter(({ endsAt }) => Date.parse(endsAt) > now).sort(order);
}
export const from = ({ djName, event }) => djName ?? event?.name ?? "";

export const percent = (n, total) => `${total ? Math.round((100 * n) / total) : 0} %`;

export function titleSize(title) {
  const longest = Math.max(0, ...title.split(/\s+/).map((word) => word.length));
  const steps = [[12, 8], [24, 9], [40, 11], [75, 14], [140, 20]];
  return 1 + (steps.findIndex(([all, one]) => title.length <= all && longest <= one) + 6) % 6;
}
