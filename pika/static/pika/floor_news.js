// What the organizer and the DJ tell this floor: lines over the page, the urgent one over everything until it is tapped.
import { from, showing } from "pika/stage.js";

const $ = (id) => document.getElementById(id);
const KEY = "pika:news"; // of this phone, whatever floor it is on: {announcementId: 1 (was seen) or 2 (put away)}
const SURE_AFTER = 700; // ms; a thumb that was on its way to the heart has not read anything

export class News {
  #live;
  #say;
  #s;
  #drawn = "";
  #urgent = null;
  #openedAt;

  // `live` is the socket, `say(words)` tells a screen reader.
  constructor(live, say) {
    [this.#live, this.#say] = [live, say];
    const isSure = () => performance.now() - this.#openedAt > SURE_AFTER;
    $("urgent-ok").onclick = () => isSure() && this.#mark(this.#urgent, 2);
    $("urgent").oncancel = (event) => isSure() || event.preventDefault();
    $("urgent").onclose = () => this.#urgent && !$("urgent").open && this.#mark(this.#urgent, 2);
    $("news").onclick = ({ target }) => target.closest("button") && this.#mark(target.closest("li").dataset.id, 2);
    document.addEventListener("visibilitychange", () => this.#see());
    addEventListener("storage", ({ key }) => key === KEY && this.draw(this.#s)); // another tab
  }

  draw(s) {
    this.#s = s;
    const known = this.#known();
    const news = showing(s, this.#live.now()).filter(({ announcementId }) => known[announcementId] !== 2);
    const ids = news.map(({ announcementId }) => announcementId).join();
    if (ids !== this.#drawn) {
      this.#drawn = ids;
      this.#drawLines(news.filter(({ priority }) => priority !== "urgent"));
      this.#drawUrgent(news.find(({ priority }) => priority === "urgent"));
    }
    this.#see();
  }

  #drawLines(lines) {
    const old = new Map([...$("news").children].map((line) => [line.dataset.id, line]));
    $("news").replaceChildren(...lines.map((told) => old.get(told.announcementId) ?? line(told)));
    $("news").hidden = !lines.length;
    const fresh = lines.filter(({ announcementId }) => !old.has(announcementId));
    if (fresh.length) this.#say(fresh.map((told) => `${from(told)}: ${told.message}`).join(" "));
  }

  #drawUrgent(told) {
    if (told?.announcementId === this.#urgent) return;
    this.#urgent = null; // before it closes: nobody put it away
    $("urgent").close();
    if (!told) return;
    this.#urgent = told.announcementId;
    this.#openedAt = performance.now();
    $("urgent-from").textContent = from(told);
    $("urgent").showModal();
    $("urgent-text").textContent = told.message; // after it opened, so that it is heard
  }

  // Somebody looks at it: said once, and again when nobody knows whether it arrived.
  async #see() {
    if (document.hidden || this.#live.state !== "open") return;
    const known = this.#known();
    const onScreen = this.#urgent ? [this.#urgent] : [...$("news").children].map((line) => line.dataset.id);
    for (const announcementId of onScreen.filter((id) => !known[id])) {
      this.#mark(announcementId, 1);
      this.#live.ask("SEEN_ANNOUNCEMENT", { announcementId }).catch(({ code }) => {
        const now = this.#known();
        if (code === "lost" && now[announcementId] === 1) this.#keep({ ...now, [announcementId]: undefined });
      });
    }
  }

  #mark(id, how) {
    this.#keep({ ...this.#known(), [id]: how });
    if (how === 2) this.draw(this.#s);
  }

  #known() {
    try {
      return JSON.parse(localStorage.getItem(KEY)) ?? this.#memory;
    } catch {
      return this.#memory;
    }
  }

  #memory = {}; // of a phone that keeps nothing
  #keep(known) {
    this.#memory = Object.fromEntries(Object.entries(known).slice(-60));
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#memory));
    } catch {}
  }
}

function line(told) {
  const its = $("line").content.firstElementChild.cloneNode(true);
  its.dataset.id = told.announcementId;
  its.className = told.priority;
  its.querySelector("b").textContent = from(told);
  its.querySelector("span").textContent = told.message;
  return its;
}
