// Saying what was played without waiting for pages: a press is sent, and its answer is the next question.
const ask = document.getElementById("ask");
const lost = document.getElementById("lost");
const said = document.getElementById("said");
const asFetch = { "X-Requested-With": "fetch" };
let isBusy = false;
let foundAt = -Infinity; // when offers came that pushed the buttons down

const show = (html) => {
  const box = document.createElement("template");
  box.innerHTML = html;
  ask.replaceChildren(box.content);
  const error = ask.querySelector("#link-error");
  const next = error ? ask.querySelector("#link") : ask.querySelector("h1");
  next?.focus({ preventScroll: !error });
  if (error) next.select();
  else scrollTo(0, 0);
  said.textContent = ask.querySelector("#done").textContent;
  searchMore();
};

const send = async (form, button) => {
  if (isBusy) return;
  isBusy = true;
  ask.setAttribute("aria-busy", "true");
  const body = new URLSearchParams(new FormData(form));
  if (button) body.set("choice", button.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: asFetch, redirect: "error" });
    if (!answer.headers.get("Content-Type")?.startsWith("text/html")) throw new Error("not ours");
    const html = await answer.text();
    if (!html.includes("how-far")) throw new Error("not ours");
    show(html);
    lost.hidden = true;
  } catch {
    lost.hidden = false; // the question stays: pressing again says the same again
  }
  isBusy = false;
  ask.removeAttribute("aria-busy");
};

// What a linked catalogue finds comes when it comes, unless the DJ has gone on meanwhile.
const searchMore = async () => {
  const where = ask.querySelector(".question")?.dataset.more;
  if (!where) return;
  const answer = await fetch(where, { headers: asFetch, redirect: "error" }).catch(() => null);
  if (!answer?.ok || isBusy || ask.querySelector(".question")?.dataset.more !== where) return;
  const box = document.createElement("template");
  box.innerHTML = await answer.text();
  const offers = box.content.querySelector(".offers");
  if (!offers || isBusy || ask.querySelector(".question")?.dataset.more !== where) return;
  const shown = ask.querySelectorAll(".offers > li").length;
  const found = [...offers.children].slice(shown);
  ask.querySelector(".offers").append(...found);
  if (found.length) foundAt = performance.now();
  if (ask.querySelector(".offers > li")) ask.querySelector(".nothing")?.remove();
  const unasked = box.content.querySelector("#unasked");
  if (unasked) ask.querySelector("#more")?.after(unasked);
  ask.querySelector("#more")?.remove();
};

ask.addEventListener("submit", (event) => {
  event.preventDefault();
  // Whoever aimed at “Next” does not mean the offer that has just slid under the finger.
  if (event.submitter?.closest(".offers") && performance.now() - foundAt < 500) return;
  send(event.target, event.submitter);
});

const press = (selector) => {
  const button = ask.querySelector(selector);
  if (button && !isBusy) send(button.form, button);
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at.matches("input, textarea, select")) {
    if (event.key === "Escape") ask.querySelector("h1")?.focus();
    return;
  }
  const key = event.key.toLowerCase();
  if (key === "enter" && at.closest("a, button, summary")) return;
  if (event.repeat) return;
  const does = {
    enter: () => press(".offer"),
    y: () => press(".offer"),
    n: () => press("[value='later']"),
    s: () => press("[value='skip']"),
    r: () => press(".refuse"),
    u: () => press("[value='undo']"),
    v: () => ask.querySelector("#link")?.focus(),
    "?": () => {
      const keys = document.getElementById("keys");
      keys.open = !keys.open;
      if (keys.open) keys.scrollIntoView({ block: "nearest" });
    },
  }[key];
  if (/^[1-9]$/.test(key)) press(`.offers > li:nth-child(${key}) .offer`);
  else if (does) does();
  else return;
  event.preventDefault();
});

ask.querySelector("h1")?.focus({ preventScroll: true });
searchMore();
