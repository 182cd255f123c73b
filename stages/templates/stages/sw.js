{% load static floor i18n %}// Keeps the pages of the floor for when the hotel's Wi-Fi does not. Never touches POST, admin, accounts, API, socket.
const SHELL = "pika-shell-{% shell_version 'pika/tokens.css' 'pika/page.css' 'pika/live.js' 'pika/stage.js' 'pika/floor.js' 'pika/hearts.js' 'pika/floor_news.js' 'pika/wall.js' 'pika/overlay.js' 'pika/welcome.js' 'pika/timetable.js' %}";
const PAGES = "pika-pages";
const FILES = ["{% static 'pika/tokens.css' %}", "{% static 'pika/page.css' %}", "{% static 'pika/live.js' %}", "{% static 'pika/stage.js' %}", "{% static 'pika/floor.js' %}", "{% static 'pika/hearts.js' %}", "{% static 'pika/floor_news.js' %}", "{% static 'pika/timetable.js' %}", "{% static 'pika/icon.svg' %}"];
const PAGE = /^\/($|[sl]\/[^/]+(\/wall|\/overlay)?$|e\/[^/]+\/timetable$|me\/songs(\/heard)?$)/;
const OWN = /^\/me\//; // readable offline, until somebody goes or comes
const DOOR = /^\/(accounts\/(login|logout)\/|me\/delete)$/;
const PICTURE = /^\/[sl]\/[^/]+\/qr\.(svg|png)$/;
const PATIENCE = 3000;
const MOST_PAGES = 24;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)));
});

self.addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("pika-shell-") && name !== SHELL;
  const tidy = async () => {
    for (const name of await caches.keys()) if (isOld(name)) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method === "POST" && url.pathname === "{% url 'accounts:choose_look' %}") event.waitUntil(caches.delete(PAGES)); // another language
  if (request.method === "POST" && DOOR.test(url.pathname)) event.waitUntil(forgetOwn());
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("{% static 'pika/' %}") || PICTURE.test(url.pathname)) event.respondWith(whileItIsRefreshed(event));
  else if (request.mode === "navigate" && PAGE.test(url.pathname)) event.respondWith(OWN.test(url.pathname) ? ownPage(event, url.pathname, url.search) : networkFirst(event, url.pathname));
});

async function keep(name, key, response) {
  if (!response.ok || response.redirected || response.type !== "basic") return;
  const cache = await caches.open(name);
  await cache.put(key, response.clone());
  if (name === PAGES) for (const old of (await cache.keys()).slice(0, -MOST_PAGES)) await cache.delete(old);
}

async function forgetOwn() {
  const cache = await caches.open(PAGES);
  for (const kept of await cache.keys()) if (OWN.test(new URL(kept.url).pathname)) await cache.delete(kept);
}

async function whileItIsRefreshed(event) {
  const cache = await caches.open(SHELL);
  const kept = await cache.match(event.request);
  const fresh = fetch(event.request).then(async (response) => {
    await keep(SHELL, event.request, response);
    return response;
  });
  if (kept) event.waitUntil(fresh.catch(() => {}));
  return kept ?? fresh;
}

// One's own pages are never shown from before while there is a network: they may have changed on another device.
async function ownPage(event, path, search) {
  try {
    const fresh = await fetch(event.request);
    if (!search) event.waitUntil(keep(PAGES, path, fresh.clone()));
    return fresh;
  } catch {
    const kept = await (await caches.open(PAGES)).match(path);
    return kept ?? new Response(OFFLINE, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
  }
}

async function networkFirst(event, path) {
  const fresh = fetch(event.request).then(async (response) => {
    await keep(PAGES, path, response);
    return response;
  });
  event.waitUntil(fresh.catch(() => {}));
  const kept = await (await caches.open(PAGES)).match(path);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, kept));
  try {
    return (await (kept ? Promise.race([fresh, late]) : fresh));
  } catch {
    return kept ?? new Response(OFFLINE, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
  }
}

const OFFLINE = `{% include "stages/_offline.html" %}`;


// --- Notifications: every push shows one, of the same tag the newest ------------------------------------
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

async function show(data) {
  let its = {};
  try {
    its = data.json();
  } catch {} // something must be shown, or the browser takes the subscription away
  const { title = "Pika!", body = "{% filter escapejs %}{% translate 'There is news for you.' %}{% endfilter %}", url = "/", tag = "pika", at = Date.now() } = its;
  const shown = await self.registration.getNotifications({ tag }).catch(() => []);
  const isAgain = shown.some((old) => old.data?.at === at); // sent twice, after a worker died: no second buzz
  await self.registration.showNotification(title, {
    body,
    tag,
    renotify: !isAgain,
    timestamp: at,
    icon: "{% static 'pika/icon-192.png' %}",
    badge: "{% static 'pika/icon-192.png' %}",
    data: { url, at },
    actions: [{ action: "less", title: "{% filter escapejs %}{% translate 'Mute …' %}{% endfilter %}" }],
  });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const to = new URL(event.notification.data?.url ?? "/", location.origin);
  const ours = to.origin === location.origin ? to : new URL("/", location.origin);
  event.waitUntil(openPage(event.action === "less" ? new URL(`/me/notifications?from=${encodeURIComponent(ours.pathname)}`, location.origin) : ours));
});

async function openPage(to) {
  for (const client of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    const there = new URL(client.url);
    if (there.pathname === to.pathname && there.search === to.search) return client.focus();
  }
  return self.clients.openWindow(to.href);
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

async function renew(event) {
  const { vapidKey } = await (await fetch("/api/v1/push/subscriptions")).json();
  const made = event.newSubscription ?? (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapidKey }));
  const { endpoint, keys } = made.toJSON();
  await fetch("/api/v1/push/subscriptions", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth }, vapidKey }) });
}
