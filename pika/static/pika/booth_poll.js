// The booth asks the floor: a question, two to four answers, bars that move.
import { many, tr } from "pika/words.js";

const $ = (id) => document.getElementById(id);
const votes = (n) => many(n, "{n} vote", "{n} votes");

function say(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words;
}

// `live` is the socket, `sessionId()` the set that is live, `say(words)` tells the DJ.
export class AskTheFloor {
  #live;
  #sessionId;
  #toast;
  #poll = null; // {pollId, question, options, votes, total, winner, isOver}
  #isAsking = false;

  constructor(live, sessionId, toast) {
    [this.#live, this.#sessionId, this.#toast] = [live, sessionId, toast];
    $("poll-ask").addEventListener("submit", (event) => this.#ask(event));
    $("poll-end").addEventListener("click", () => this.#stop("END_POLL"));
    $("poll-cancel").addEventListener("click", () => this.#stop("CANCEL_POLL"));
    $("poll-new").addEventListener("click", () => {
      this.#show(null);
      $("poll-question").focus();
    });
  }

  // What the SNAPSHOT knows; a result stays until the DJ asks again.
  snapshot(poll) {
    if (poll?.sessionId === this.#sessionId()) this.#show(poll);
    else if (!this.#poll?.isOver || this.#poll.sessionId !== this.#sessionId()) this.#show(null);
  }

  hear(message) {
    const { type, pollId, sessionId, options, cancelled, winner } = message;
    if (type === "POLL_STARTED") {
      if (sessionId === this.#sessionId() && pollId !== this.#poll?.pollId)
        this.#show({ ...message, votes: options.map(() => 0), total: 0 });
    } else if (pollId === this.#poll?.pollId && !this.#poll.isOver)
      this.#show(cancelled ? null : { ...this.#poll, votes: message.votes, total: message.total, winner, isOver: type === "POLL_ENDED" });
  }

  async #ask(event) {
    event.preventDefault();
    const question = $("poll-question").value.trim();
    const options = [...$("poll-ask").querySelectorAll("[name=option]")].map((field) => field.value.trim()).filter(Boolean);
    const trouble = !question ? tr("Type a question.") : options.length < 2 ? tr("Type at least two answers.") : "";
    say("poll-said", trouble);
    if (trouble) return (question ? [...$("poll-ask").querySelectorAll("[name=option]")].find((field) => !field.value.trim()) : $("poll-question")).focus();
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      await this.#live.ask("START_POLL", { sessionId: this.#sessionId(), question, options });
      $("poll-ask").reset();
      $("poll-q").focus({ preventScroll: true });
    } catch (error) {
      say("poll-said", error.code === "lost" ? tr("No connection: ask again when it is back.") : error.message.replace(/^[\w.]+: /, ""));
    } finally {
      this.#isAsking = false;
    }
  }

  async #stop(type) {
    try {
      await this.#live.ask(type, { pollId: this.#poll.pollId });
    } catch (error) {
      this.#toast(error.code === "lost" ? tr("No connection: the poll ends by itself.") : error.message);
    }
  }

  #show(poll) {
    const hadFocus = $("poll-now").contains(document.activeElement);
    this.#poll = poll;
    $("poll-ask").hidden = !!poll;
    $("poll-now").hidden = !poll;
    if (!poll) return hadFocus && $("poll-question").focus({ preventScroll: true });
    $("poll-end").hidden = $("poll-cancel").hidden = !!poll.isOver;
    $("poll-new").hidden = !poll.isOver;
    if (hadFocus && document.activeElement?.hidden) $("poll-new").focus({ preventScroll: true });
    say("poll-q", poll.question);
    if ($("poll-bars").dataset.poll !== poll.pollId) {
      $("poll-bars").dataset.poll = poll.pollId;
      $("poll-bars").replaceChildren(...poll.options.map(bar));
    }
    for (const [i, row] of [...$("poll-bars").children].entries()) {
      row.querySelector("b").textContent = poll.votes[i];
      row.querySelector("i").style.width = `${poll.total ? (100 * poll.votes[i]) / poll.total : 0}%`;
      row.classList.toggle("won", poll.isOver && poll.winner === i);
    }
    say("poll-words", poll.isOver ? result(poll) : tr("The floor votes: {votes}", { votes: votes(poll.total) }));
  }
}

function result({ total, winner, options }) {
  if (!total) return tr("Nobody voted.");
  return `${winner === undefined ? tr("It is a tie") : tr("The floor says: {option}", { option: `\u2068${options[winner]}\u2069` })}, ${votes(total)}.`;
}

function bar(words) {
  const [row, text, count, fill] = ["li", "span", "b", "i"].map((tag) => document.createElement(tag));
  text.dir = "auto";
  text.textContent = words;
  count.className = "num";
  row.append(fill, text, count);
  return row;
}
