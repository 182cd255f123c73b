// The front door works without this; it only keeps the page for when there is no network.
navigator.serviceWorker?.register("/sw.js").catch(() => {});
