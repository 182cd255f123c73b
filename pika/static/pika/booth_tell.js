// The booth tells the floor: a line for some minutes; and shows what the floor is told, also by the organizer.
import { tr } from "pika/words.js";

const $ = (id) => document.getElementById(id);

function say(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words;
}

// `live` is the socket, `sessionId()` the set that is live, `toast(words)` tells the DJ.
export class TellTheFloor {
  #live;
  #sessionId;
  #toast;
  #told = [];
  #isTelling = false;
  #read = new Set(); // urgent ones the DJ tapped away

  constructor(live, sessionId, toast) {
    [this.#live, this.#sessionId, this.#toast] = [live, sessionId, toast];
    $("tell").addEventListener("submit", (event) => this.#tell(event));
    $("tell-now").addEventListener("click", ({ target }) => target.dataset.id && this.#cancel(target.dataset.id));
    setInterval(() => this.#show(), 5000);
  }

  snapshot(announcements, hasStage) {
    $("tell-push-row").hidden = !hasStage; // nobody follows a Quick Start
    this.#told = announcements;
    this.#show();
  }

  hear(message) {
    const others = this.#told.filter(({ announcementId }) => announcementId !== message.announcementId);
    const isNew = message.type === "ANNOUNCEMENT_RECEIVED" && others.length === this.#told.length;
    this.#told = message.type === "ANNOUNCEMENT_RECEIVED" ? [message, ...others] : others;
    this.#show();
    if (isNew && message.priority !== "urgent" && message.sessionId !== this.#sessionId())
      this.#toast(`${whoOf(message)}: ${message.message}`);
  }

  async #tell(event) {
    event.preventDefault();
    const message = $("tell-message").value.trim();
    const trouble = !message ? tr("Type what they should know.") : message.length > 200 ? tr("That is {length} characters, and 200 fit.", { length: message.length }) : "";
    say("tell-said", trouble);
    if (trouble) return $("tell-message").focus();
    if (this.#isTelling) return;
    this.#isTelling = true;
    const durationSeconds = Number($("tell-seconds").value);
    const push = $("tell-push").checked && !$("tell-push-row").hidden;
    try {
      await this.#live.ask("SEND_ANNOUNCEMENT", { sessionId: this.#sessionId(), message, durationSeconds, push });
      $("tell").reset();
    } catch (error) {
      say("tell-said", error.code === "lost" ? tr("No connection: tell them when it is back.") : error.message.replace(/^[\w.]+: /, ""));
    } finally {
      this.#isTelling = false;
    }
  }

  async #cancel(announcementId) {
    try {
      await this.#live.ask("CANCEL_ANNOUNCEMENT", { sessionId: this.#sessionId(), announcementId });
    } catch (error) {
      this.#toast(error.code === "lost" ? tr("No connection: it ends by itself.") : error.message);
    }
  }

  #show() {
    this.#told = this.#told.filter(({ endsAt }) => Date.parse(endsAt) > this.#live.now());
    const rows = new Map([...$("tell-now").children].map((row) => [row.dataset.id, row]));
    const wanted = this.#told.map((told) => rows.get(told.announcementId) ?? row(told, told.sessionId === this.#sessionId()));
    if (wanted.length !== rows.size || wanted.some((it, i) => it !== $("tell-now").children[i])) $("tell-now").replaceChildren(...wanted);
    $("tell-now").hidden = !wanted.length;
    this.#alarm();
  }

  // What is urgent for the floor is urgent for its DJ.
  #alarm() {
    const urgent = this.#told.filter(({ announcementId, priority }) => priority === "urgent" && !this.#read.has(announcementId));
    for (const old of $("alerts").querySelectorAll("[data-urgent]"))
      if (!urgent.some(({ announcementId }) => announcementId === old.dataset.urgent)) old.remove();
    for (const told of urgent) {
      if ($("alerts").querySelector(`[data-urgent="${told.announcementId}"]`)) continue;
      const [box, who, words, button] = ["div", "p", "p", "button"].map((tag) => document.createElement(tag));
      box.className = "repeat urgent";
      box.dataset.urgent = told.announcementId;
      Object.assign(who, { className: "repeat-h", textContent: whoOf(told), dir: "auto" });
      Object.assign(words, { textContent: told.message, dir: "auto" });
      Object.assign(button, { type: "button", className: "btn main", textContent: tr("I have read this") });
      button.onclick = () => {
        this.#read.add(told.announcementId);
        this.#alarm();
        $("t-artist").focus({ preventScroll: true });
      };
      box.append(who, words, button);
      $("alerts").prepend(box);
    }
  }
}

const whoOf = ({ djName, event }) => djName ?? event?.name ?? "";

function row(told, isMine) {
  const { announcementId, message, priority } = told;
  const [its, words, who] = ["li", "p", "b"].map((tag) => document.createElement(tag));
  its.dataset.id = announcementId;
  its.className = priority;
  words.dir = "auto";
  who.textContent = `${isMine ? tr("You") : whoOf(told)}: `;
  words.append(who, message);
  its.append(words);
  if (!isMine) return its;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "btn", textContent: tr("Take it back") });
  button.dataset.id = announcementId;
  its.append(button);
  return its;
}
