// Before a set: where it plays, under which name, and the way into it.
import { $, complain, complainOf, isolate, setText, show } from "pika/booth_page.js";
import { booth, newCode } from "pika/booth_set.js";
import { tr } from "pika/words.js";

const tabs = [...document.querySelectorAll('[role="tab"]')];
const radios = [...document.querySelectorAll('input[name="stage"]')];
const cleanCode = (typed) => typed.toUpperCase().replace(/[^A-Z0-9]/g, "");

// The code of a stage; empty: a Quick Start; null: nothing is chosen yet.
function choice() {
  if ($("tab-quick").getAttribute("aria-selected") === "true") return "";
  return cleanCode($("code").value) || radios.find((radio) => radio.checked)?.value || null;
}

function sayWhere() {
  const code = choice();
  const listed = radios.find((radio) => radio.value === code);
  setText("djname-now", $("djname").value.trim() || "DJ");
  setText("golive-where", code === "" ? tr("with a QR of your own") : code ? tr("on {stage}", { stage: isolate(listed?.dataset.name ?? code) }) : "");
}

function chooseTab(tab) {
  for (const other of tabs) {
    const isChosen = other === tab;
    other.setAttribute("aria-selected", isChosen);
    other.tabIndex = isChosen ? 0 : -1;
    $(other.getAttribute("aria-controls")).hidden = !isChosen;
  }
  sayWhere();
}

// `live` is the socket, `entered(sessionId)` is called when it has begun, `loggedOut()` when one must log in first.
export class GoLive {
  #live;
  #entered;
  #loggedOut;
  #wanted = null; // {stageId, sessionId}: the same again when an answer was lost
  #isGoing = false; // true, or "waiting" for the connection

  constructor(live, entered, loggedOut) {
    [this.#live, this.#entered, this.#loggedOut] = [live, entered, loggedOut];
    for (const tab of tabs) {
      tab.addEventListener("click", () => chooseTab(tab));
      tab.addEventListener("keydown", ({ key }) => {
        if (!["ArrowLeft", "ArrowRight"].includes(key)) return;
        const other = tabs[1 - tabs.indexOf(tab)];
        chooseTab(other);
        other.focus();
      });
    }
    for (const radio of radios) radio.addEventListener("change", () => (($("code").value = ""), sayWhere()));
    $("go").addEventListener("submit", (event) => this.#start(event));
    $("go").addEventListener("input", () => {
      if (this.#isGoing === "waiting") this.#isGoing = false; // another choice: press again
      sayWhere();
    });
    sayWhere();
  }

  show() {
    show("start");
    sayWhere();
  }

  // The connection is back.
  connected() {
    if (this.#isGoing === "waiting") this.#go();
  }

  // Once more as the set that is over.
  again() {
    const { stage, djName } = booth.session;
    this.#wanted ??= { stageId: stage?.stageId ?? "", sessionId: newCode() };
    $("djname").value = djName ?? $("djname").value;
    show("start");
    if (this.#wanted.stageId) $("code").value = this.#wanted.stageId;
    chooseTab($(this.#wanted.stageId ? "tab-event" : "tab-quick"));
    booth.session = null;
    this.#go();
  }

  #start(event) {
    event.preventDefault();
    if (this.#isGoing) return;
    for (const field of ["code", "djname", "go"]) complain(field, "");
    const stageId = choice();
    if (stageId === null) return complainOf({ message: tr("Choose a stage, or type the code from the poster."), code: "stage_" });
    if (this.#wanted?.stageId !== stageId) this.#wanted = { stageId, sessionId: newCode() };
    this.#go();
  }

  async #go() {
    const { stageId, sessionId } = this.#wanted;
    this.#isGoing = true;
    $("golive").setAttribute("aria-disabled", "true");
    try {
      await this.#live.ask("REGISTER_SESSION", { sessionId, djName: $("djname").value.trim(), ...(stageId && { stageId }) });
      this.#wanted = null;
      this.#isGoing = false;
      this.#entered(sessionId);
    } catch (error) {
      this.#isGoing = error.code === "lost" ? "waiting" : false;
      if (error.code === "lost") return complain("go", tr("No connection yet. You go live as soon as it is there."));
      if (error.code === "unauthenticated") return this.#loggedOut();
      if (["session_not_found", "session_over"].includes(error.code)) this.#wanted = null;
      complainOf(error, "go");
    } finally {
      if (!this.#isGoing) {
        $("golive").removeAttribute("aria-disabled");
        if (booth.session) complain("go", "");
      }
    }
  }
}
