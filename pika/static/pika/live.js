// The one socket. Connects to /ws, says hello() on every (re)connect, hands each message to on[TYPE] in order and
// once, asks again for what was missed, and never lets a dead line look alive.
//
//   const live = new Live({
//     hello: () => ({type: "SUBSCRIBE", stageId}),      // or a list; a SUBSCRIBE gets `since` by itself
//     on: {NOW_PLAYING: (message) => …, ACK: …},        // "*" hears everything that has no handler of its own
//     onState: (state) => …,                            // "connecting", "open" (hello was answered), "lost"
//   });
//   await live.ask("SEND_LIKE", {playId});              // → the ACK; throws Error(words) with .code, .retryAfter
const PING_EVERY = 25_000;
const PATIENCE = 10_000; // for any answer; a line that is silent for longer is dead
const id = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
const failure = (words, code, retryAfter) => Object.assign(new Error(words), { code, retryAfter });

export class Live {
  state = "connecting";
  #options;
  #socket;
  #asked = new Map(); // messageId → {resolve, reject, timer}
  #seen = new Map(); // topic → {epoch, seq, early}
  #main = ""; // the topic of the snapshot
  #greeting = false;
  #tries = 0;
  #openedAt = Infinity;
  #retry;
  #alive; // the next PING, or the deadline for an answer to it
  #skew = 0;

  constructor(options) {
    this.#options = { on: {}, onState() {}, url: location.origin.replace(/^http/, "ws") + "/ws", ...options };
    addEventListener("online", () => this.#now());
    addEventListener("offline", () => this.#drop());
    document.addEventListener("visibilitychange", () => document.hidden || this.#now());
    this.#connect();
  }

  // The server's clock, in ms: phones are often wrong.
  now() {
    return Date.now() + this.#skew;
  }

  // Send and wait for the answer. Code "lost": nobody knows whether it arrived; the same messageId may be asked again.
  ask(type, fields = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(failure("No connection", "lost"));
      const message = { type, messageId: id(), ...fields };
      const timer = setTimeout(() => this.#answer(message.messageId, failure("No answer", "lost")), PATIENCE);
      this.#asked.set(message.messageId, { resolve, reject, timer });
      this.#socket.send(JSON.stringify(message));
    });
  }

  // Ask for everything anew (without `since`).
  refresh() {
    this.#hello(true);
  }

  close() {
    this.#options.onState = () => {};
    this.#drop();
    clearTimeout(this.#retry);
    this.#connect = () => {};
  }

  #connect = () => {
    clearTimeout(this.#retry);
    this.#turn("connecting");
    const socket = (this.#socket = new WebSocket(this.#options.url));
    this.#watch(PATIENCE);
    socket.onopen = () => {
      this.#openedAt = performance.now();
      this.#hello();
    };
    socket.onmessage = (event) => socket === this.#socket && this.#hear(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#lost(event.code);
  };

  async #hello(anew) {
    if (this.#greeting || this.#socket?.readyState !== WebSocket.OPEN) return;
    const { epoch, seq } = (!anew && this.#seen.get(this.#main)) || {};
    const since = epoch ? { since: `${epoch}:${seq}` } : {};
    this.#greeting = true;
    this.#watch(PATIENCE);
    try {
      for (const { type, ...fields } of [await this.#options.hello()].flat())
        if (type) await this.ask(type, type === "SUBSCRIBE" ? { ...since, ...fields } : fields);
    } catch (error) {
      if (error.code === "lost") return this.#drop();
      this.#options.on.NACK?.({ type: "NACK", error: error.message, code: error.code, retryAfter: error.retryAfter });
      if (error.retryAfter) setTimeout(() => this.refresh(), error.retryAfter * 1000);
    } finally {
      this.#greeting = false;
    }
    this.#turn("open");
    if (this.#seen.get(this.#main)?.early.size) setTimeout(() => this.refresh(), 2000); // still a hole
  }

  #hear(message) {
    this.#watch();
    if (/^(ACK|NACK|PONG)$/.test(message.type)) {
      this.#skew = Date.parse(message.timestamp) - Date.now() || 0;
      const { error, code, retryAfter } = message;
      if (this.#answer(message.messageId, error ? failure(error, code, retryAfter) : message)) return;
    }
    if (message.type === "SNAPSHOT") this.#snapshot(message);
    else if (message.seq && message.topic === this.#main) this.#inOrder(message);
    else if (!message.seq || this.#isNew(message)) this.#tell(message);
  }

  #tell(message) {
    (this.#options.on[message.type] ?? this.#options.on["*"])?.(message);
  }

  #snapshot(message) {
    const { topic, epoch, seq } = message;
    const before = this.#seen.get(topic);
    this.#main = topic;
    this.#seen.set(topic, { epoch, seq, early: before?.early ?? new Map() });
    this.#tell(message);
    this.#drain();
    if (before?.epoch === epoch && before.seq > seq) setTimeout(() => this.#hello()); // older than what we knew
  }

  #isNew({ topic, epoch, seq }) {
    const known = this.#seen.get(topic);
    if (known?.epoch === epoch && seq <= known.seq) return false;
    this.#seen.set(topic, { epoch, seq });
    return true;
  }

  #inOrder(message) {
    const { epoch, seq, early } = this.#seen.get(this.#main);
    if (message.epoch === epoch && message.seq <= seq) return;
    early.set(message.seq, message);
    if (message.epoch !== epoch) return this.refresh();
    this.#drain();
    if (early.size) this.#hello(); // a gap: what did we miss?
  }

  #drain() {
    const known = this.#seen.get(this.#main);
    for (const [seq, { epoch }] of known.early) if (seq <= known.seq || epoch !== known.epoch) known.early.delete(seq);
    for (let message; (message = known.early.get(known.seq + 1)); ) {
      known.early.delete(++known.seq);
      this.#tell(message);
    }
  }

  #answer(messageId, answer) {
    const asked = this.#asked.get(messageId);
    if (!asked) return false;
    clearTimeout(asked.timer);
    this.#asked.delete(messageId);
    asked[answer instanceof Error ? "reject" : "resolve"](answer);
    return true;
  }

  // Without a sign of life for `patience` the line is dead; after one, a PING follows in time.
  #watch(patience) {
    clearTimeout(this.#alive);
    this.#alive = patience ? setTimeout(() => this.#drop(), patience) : setTimeout(() => this.#ping(), PING_EVERY);
  }

  #ping(patience = PATIENCE) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#watch(patience);
    this.#socket.send('{"type":"PING"}');
  }

  // The network is back, or somebody looks at the page again: do not wait.
  #now() {
    if (this.state === "lost") this.#connect();
    else if (this.state === "open") this.#ping(5000);
  }

  #drop() {
    const socket = this.#socket;
    if (!socket || this.state === "lost") return;
    this.#lost();
    socket.close();
  }

  #lost(code) {
    this.#socket = null;
    clearTimeout(this.#alive);
    for (const messageId of [...this.#asked.keys()]) this.#answer(messageId, failure("Connection lost", "lost"));
    if (performance.now() - this.#openedAt > PING_EVERY) this.#tries = 0; // it held for a while
    this.#openedAt = Infinity;
    const most = code === 1012 ? 10_000 : Math.min(30_000, 2000 * 2 ** this.#tries++);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(this.#connect, 1000 + Math.random() * (most - 1000));
    this.#turn("lost");
  }

  #turn(state) {
    if (this.state === state) return;
    this.state = state;
    this.#options.onState(state);
  }
}
