// The server hears that this device still holds; and after a reason (a star, a heart) the page may ask.
const load = () => import("pika/push.js");
const ask = (reason) => load().then((push) => push.offer(reason)).catch(() => {});

addEventListener("pika:starred", () => ask("star"));
addEventListener("pika:loved", () => ask("like"));
if (globalThis.Notification?.permission === "granted") load().then((push) => push.start()).catch(() => {});
