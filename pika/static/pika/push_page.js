// The page of what may wake this phone.
import { start, wire } from "pika/push.js";

const zone = document.getElementById("id_zone");
if (zone && !zone.value && !zone.hasAttribute("aria-invalid")) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
start().catch(() => {});
wire(document.querySelector("[data-push-box]"));
