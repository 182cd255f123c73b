// What a DJ sets while the set runs: pause, delay, a note for the next DJ, and a screen that stays awake.
import { $, complain, complainOf, sentence, setText, toast } from "pika/booth_page.js";
import { render } from "pika/booth_draw.js";
import { booth } from "pika/booth_set.js";
import { tr } from "pika/words.js";

// `live` is the socket. `edits` counts what was changed here and is known to the server.
export class Settings {
  edits = 0;
  #live;
  #lock;

  constructor(live) {
    this.#live = live;
    $("pause").addEventListener("click", () => this.#change({ isPaused: !booth.session.isPaused }, "pause"));
    $("delay-form").addEventListener("submit", (event) => this.#delay(event));
    $("delay").addEventListener("input", () => setText("delay-done", ""));
    $("note-form").addEventListener("submit", (event) => this.#note(event));
    $("note").addEventListener("input", () => (($("note").dataset.touched = "yes"), setText("note-done", "")));
    $("awake").addEventListener("change", () => this.keepAwake());
  }

  // As the server knows them, but not over what is being typed.
  fillIn() {
    if (document.activeElement !== $("note") && !$("note").dataset.touched) $("note").value = booth.session.note ?? "";
    if (document.activeElement !== $("delay")) $("delay").value = booth.session.delaySeconds ?? 0;
  }

  async keepAwake() {
    this.#lock?.release().catch(() => {});
    this.#lock = null;
    if (!booth.session?.isLive || !$("awake").checked || document.hidden) return;
    this.#lock = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  #delay(event) {
    event.preventDefault();
    const seconds = $("delay").valueAsNumber;
    if (!(Number.isInteger(seconds) && seconds >= 0 && seconds <= 600)) return complainOf({ message: `delaySeconds: ${tr("A whole number from 0 to 600.")}` });
    this.#change({ delaySeconds: seconds }, "delay", "delay-done", seconds ? tr("The floor hears {seconds} s later.", { seconds }) : tr("The floor hears at once."));
  }

  #note(event) {
    event.preventDefault();
    const note = $("note").value.trim();
    this.#change({ note }, "note", "note-done", note ? tr("It waits for the next DJ.") : tr("No note."));
  }

  async #change(changes, field, done, words) {
    complain(field, "");
    try {
      await this.#live.ask("UPDATE_SESSION", { sessionId: booth.session.sessionId, ...changes });
      Object.assign(booth.session, changes);
      this.edits++;
      if (done) setText(done, words);
    } catch (error) {
      if (field === "pause") toast(error.code === "lost" ? tr("No connection: try again when it is back.") : sentence(error.message));
      else complainOf(error, field);
    }
    render();
  }
}
