// The booth's page: its elements, its words, and trouble told by the field it is about.
import { tr } from "pika/words.js";

export const $ = (id) => document.getElementById(id);
const [TOAST_FOR, UNDO_FOR] = [5000, 15_000];

export const nameOf = ({ artist, title }) => (artist ? `${artist} – ${title}` : title);
export const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
export const isolate = (words) => `\u2068${words}\u2069`; // a right-to-left name must not turn the sentence round it

export function make(tag, className = "", words = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = words;
  return element;
}

export function name(tag, className, words) {
  const element = make(tag, className, words);
  element.dir = "auto";
  return element;
}

export function button(words, className, act) {
  const element = make("button", `btn ${className}`.trim(), words);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

export function setText(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words; // unchanged words must not be read aloud again
}

// --- Trouble, by the field it is about -----------------------------------------------------------------
const PATHS = { "track.title": "t-title", "track.artist": "t-artist", djName: "djname", stageId: "code", delaySeconds: "delay", note: "note" };

export function complain(field, words) {
  if ($(`${field}_said`)) setText(`${field}_said`, words);
  if (words) $(field)?.setAttribute("aria-invalid", "true");
  else $(field)?.removeAttribute("aria-invalid");
}

// The server says “track.title: Ensure this field …”; the field is ours to find.
export function complainOf(error, fallback) {
  const [, path, words] = /^([\w.]+): (.*)$/s.exec(error.message) ?? [];
  const field = PATHS[path] ?? (/^stage_/.test(error.code) ? "code" : fallback);
  let said = sentence(words ?? error.message);
  if (error.code === "stage_not_found") said = tr("There is no stage with this code where you may play. Look at the poster, or ask the organizer.");
  if (error.code === "lost") said = tr("No connection: this was not saved. Try again when it is back.");
  complain(field, said);
  $(field)?.closest("details")?.setAttribute("open", "");
  $(field)?.focus();
}

// --- Toasts ------------------------------------------------------------------------------------------------
let toastTimer, undo;

export function toast(words, act = null) {
  clearTimeout(toastTimer);
  undo = act;
  $("toast-undo").hidden = !act;
  $("toast").hidden = false;
  setText("toast-words", words);
  const leave = () => (undo && $("toast").matches(":focus-within") ? (toastTimer = setTimeout(leave, 2000)) : closeToast());
  toastTimer = setTimeout(leave, act ? UNDO_FOR : TOAST_FOR);
}

function closeToast() {
  clearTimeout(toastTimer);
  if ($("toast").contains(document.activeElement)) $("t-artist").focus({ preventScroll: true });
  $("toast").hidden = true;
  undo = null;
}

$("toast-undo").addEventListener("click", () => (undo?.(), closeToast()));
$("toast-close").addEventListener("click", closeToast);
$("toast").addEventListener("keydown", (event) => event.key === "Escape" && closeToast());

// --- Views -------------------------------------------------------------------------------------------------
export function show(view) {
  for (const id of ["choose", "resuming", "start", "live", "over"]) $(id).hidden = id !== view;
  $(view).querySelector("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}
