// Notifications on this device: asked for after a tap only, said anew on every start, off with one tap.
const API = "/api/v1/push/subscriptions";
const ASKED = "pika.push"; // "on", or "no": what this person wants, whatever the browser forgets
const SAID = "pika.push.said";
const isApple = /iP(hone|ad|od)/.test(navigator.userAgent) || (/^Mac/.test(navigator.platform) && navigator.maxTouchPoints > 1);
const isPossible = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const read = (store, name) => {
  try {
    return store.getItem(name);
  } catch {
    return null; // no storage, no memory
  }
};
const keep = (store, name, value) => {
  try {
    store.setItem(name, value);
  } catch {}
};
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function ask(method, body) {
  const response = await fetch(API, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  if (response.ok) return response.status === 204 ? null : response.json();
  const { error } = await response.json().catch(() => ({}));
  throw Object.assign(new Error(error?.message ?? response.statusText), { code: error?.code ?? "failed" });
}

async function post(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const { p256dh, auth } = keys;
  await ask("POST", { endpoint, keys: { p256dh, auth }, vapidKey: text(subscription.options.applicationServerKey) });
  keep(sessionStorage, SAID, "1");
}

async function manager() {
  await navigator.serviceWorker.register("/sw.js");
  return (await navigator.serviceWorker.ready).pushManager;
}

async function subscribe(key) {
  const its = await manager();
  const old = await its.getSubscription();
  if (old && text(old.options.applicationServerKey) !== key) await old.unsubscribe();
  const made = await its.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await post(made);
  keep(localStorage, ASKED, "on");
}

// On every start: the server hears that this device still holds; a lost one or one for an old key is made anew.
export async function start() {
  if (!isPossible() || Notification.permission !== "granted" || read(sessionStorage, SAID)) return;
  const subscription = await (await manager()).getSubscription();
  if (!subscription && read(localStorage, ASKED) !== "on") return;
  try {
    if (subscription) return await post(subscription);
  } catch (error) {
    if (error.code !== "old_key") throw error;
  }
  const { vapidKey } = await ask("GET");
  if (vapidKey) await subscribe(vapidKey);
}

export async function turnOff() {
  const subscription = await (await manager()).getSubscription();
  keep(localStorage, ASKED, "no");
  if (!subscription) return;
  await ask("DELETE", { endpoint: subscription.endpoint });
  await subscription.unsubscribe();
}

async function state(key) {
  if (isApple && !navigator.standalone && !isPossible()) return "ios";
  if (!isPossible()) return "none";
  if (!key) return "closed";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && (await (await manager()).getSubscription()) ? "on" : "ask";
}

// Make the buttons of a box work: `data-push` on, off, no; what it shows is `data-when`.
export async function wire(box) {
  const { key } = box.dataset;
  const said = box.querySelector("[data-said]");
  const words = box.querySelector("[data-words]").dataset;
  const show = async () => {
    const now = await state(key);
    for (const part of box.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== now;
    box.dataset.state = now;
  };
  const tell = (error) => {
    said.textContent = error ? (navigator.onLine ? (error.code && typeof error.code === "string" ? error.message : words.failed) : words.offline) : "";
    said.hidden = !error;
  };
  const does = {
    on: async () => {
      if ((await Notification.requestPermission()) === "granted") await subscribe(key);
    },
    off: turnOff,
    no: () => {
      keep(localStorage, ASKED, read(localStorage, ASKED) ?? "no");
      box.remove();
    },
  };
  for (const button of box.querySelectorAll("[data-push]"))
    button.onclick = async () => {
      button.disabled = true;
      tell(null);
      try {
        await does[button.dataset.push]();
      } catch (error) {
        tell(error);
      }
      button.disabled = false;
      await show();
    };
  await show();
}

// Ask, once, after a reason: "star", "like", "follow". Somebody who said no or has them is not asked.
let offered = false;
export async function offer(reason) {
  if (offered || read(localStorage, ASKED) || (!isPossible() && !isApple)) return;
  offered = true;
  if (isPossible() && Notification.permission === "denied") return;
  const response = await fetch(`/me/notifications/offer?reason=${reason}`).catch(() => null);
  if (!response?.ok) return;
  const holder = document.createElement("div");
  holder.innerHTML = await response.text();
  const box = holder.firstElementChild;
  if (!box.dataset.key) return;
  document.body.append(box);
  await wire(box);
  if (box.dataset.state === "on") box.remove();
}
