// What the booth's page knows of its set, and the tracks that wait in localStorage until the server has them.
// A track's id makes twice once.
const random = (bytes) => crypto.getRandomValues(new Uint8Array(bytes));
const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
export const newCode = () => Array.from(random(8), (n) => LETTERS[n % LETTERS.length]).join("");

export const booth = {
  session: null, // {sessionId, djName, startedAt, stage, delaySeconds, isPaused, note, url, isLive, handover}
  floor: {}, // what dancers see: {state, play, djName, sessionId, nextSlot, listeners, timeZone}
  plays: new Map(), // playId → {playId, playedAt, track, isHidden, likes, isWaiting, wish, isTakenBack}
  tempo: null,
  lostAt: null, // since when there is no connection, in ms
  isOpen: false, // the connection
};

export function newPlayId() {
  const bytes = random(16);
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// Each track that waits has a key of its own: two windows must not overwrite each other's.
export const prefix = () => `pika.waiting.${booth.session.sessionId}.`;
export const keep = ({ playId, playedAt, track }) => localStorage.setItem(prefix() + playId, JSON.stringify({ playId, playedAt, track }));
export const forget = (playId) => localStorage.removeItem(prefix() + playId);
export const waiting = () =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix()))
    .map((key) => JSON.parse(localStorage.getItem(key)))
    .sort((a, b) => (a.playedAt < b.playedAt ? -1 : 1));

export function recall() {
  for (const play of waiting()) if (!booth.plays.has(play.playId)) booth.plays.set(play.playId, { ...play, likes: 0, isHidden: false, isWaiting: true });
}

export const newestFirst = () => [...booth.plays.values()].sort((a, b) => (a.playedAt < b.playedAt ? 1 : a.playedAt > b.playedAt ? -1 : 0));

export function countThanks(more) {
  const key = `pika.thanks.${booth.session.sessionId}`;
  const thanks = Number(localStorage.getItem(key) ?? 0) + more;
  if (more) localStorage.setItem(key, thanks);
  return thanks;
}
