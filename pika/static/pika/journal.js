// The journal without waiting for pages: notes save themselves, a song leaves and comes back in its place.
const $ = (id) => document.getElementById(id);
const words = $("words")?.dataset ?? {};
const say = (text) => {
  if ($("said")) $("said").textContent = text ?? "";
};

const send = (form, redirect = "error") => fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Requested-With": "fetch" }, redirect });

// --- Notes: saved when the field is left, or a moment after the last letter -------------------------------
// Why a note is not saved though its words are still here; empty: they are saved, or the server says why not.
function whyNot(answer) {
  if (!answer) return words.unsaved;
  const isOld = answer.type === "opaqueredirect" || answer.status === 403 || answer.status === 404;
  return isOld ? words.stale : "";
}

for (const form of document.querySelectorAll(".note-form")) {
  const field = form.elements.note;
  const line = Object.assign(document.createElement("p"), { className: "error", hidden: true });
  field.after(line);
  let kept = field.value, later;
  const save = async () => {
    clearTimeout(later);
    const text = field.value;
    if (text === kept) return true;
    const answer = await send(form, "manual").catch(() => null);
    const isSaved = answer?.status === 204;
    if (isSaved) kept = text;
    line.textContent = whyNot(answer);
    line.hidden = !line.textContent;
    say(isSaved ? words.saved : line.textContent);
    return isSaved;
  };
  field.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(save, 1200);
  });
  field.addEventListener("blur", save);
  addEventListener("pagehide", () => {
    if (field.value !== kept) fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Requested-With": "fetch" }, keepalive: true });
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await save()) say(words.saved);
    else if (line.hidden) form.submit(); // the page that answers says what is wrong
  });
}

// --- Take a song out, and put it back ------------------------------------------------------------------------
for (const item of document.querySelectorAll(".songs > li")) {
  const out = item.querySelector("form[action$='/remove']:not(.love)");
  out?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await send(out).catch(() => null);
    if (!answer?.ok) return say(words.failed);
    const shown = [...item.children];
    const box = document.createElement("template");
    box.innerHTML = answer.status === 204 ? "" : await answer.text();
    const undo = box.content.querySelector("form");
    if (!undo) return item.remove();
    item.replaceChildren(undo);
    say(undo.querySelector("p").textContent);
    undo.querySelector("button").focus();
    undo.addEventListener("submit", async (again) => {
      again.preventDefault();
      const back = await send(undo).catch(() => null);
      if (!back?.ok) return say(words.failed);
      item.replaceChildren(...shown);
      say(words.back);
      item.querySelector(".heart").focus();
    });
  });
}

// --- Hearts of what was heard --------------------------------------------------------------------------------
for (const form of document.querySelectorAll(".love")) {
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const isLoved = button.getAttribute("aria-pressed") === "true";
    const answer = await send(form).catch(() => null);
    if (!answer?.ok) return form.submit();
    button.setAttribute("aria-pressed", String(!isLoved));
    form.action = form.action.replace(/\w+$/, isLoved ? "add" : "remove");
  });
}

// --- Copy -------------------------------------------------------------------------------------------------
const copy = $("copy");
if (copy) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    $("lines").select();
    const done = (await navigator.clipboard?.writeText($("lines").value).then(() => true, () => false)) || document.execCommand("copy");
    $("copied").textContent = done ? words.copied : words.uncopied;
  });
}
$("meant")?.closest("li").scrollIntoView({ block: "center" });

// --- Hearts of a floor's page that was closed before it could send them: in the cellar, with the phone in a pocket ----
const QUEUE = "pika:hearts:"; // as floor.js keeps them: {queue: {playId: {sessionId, on}}}
const kept = (key) => JSON.parse(localStorage.getItem(key)) ?? {};

function unsent() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(QUEUE));
    return keys.flatMap((key) => Object.entries(kept(key).queue ?? {}).map(([playId, wish]) => [playId, { key, ...wish }]));
  } catch {
    return []; // a forbidden store
  }
}

function settle(playId, { key, on }) {
  const its = kept(key);
  if (its.queue?.[playId]?.on === on) delete its.queue[playId];
  localStorage.setItem(key, JSON.stringify(its));
}

const waiting = unsent();
if (waiting.length) {
  const [{ Live }, { sendHearts }] = await Promise.all([import("pika/live.js"), import("pika/hearts.js")]);
  const live = new Live({
    hello: () => [],
    async onState(state) {
      if (state !== "open") return;
      const isChanged = await sendHearts(live, waiting, settle).catch(() => false); // what is left is tried with the next page
      live.close();
      if (isChanged) location.reload();
    },
  });
}
