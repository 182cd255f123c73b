// The song alone, for OBS: there while it plays, gone between songs.
import { Live } from "pika/live.js";
import { after, isRiddle, titleSize } from "pika/stage.js";

const $ = (id) => document.getElementById(id);
let s = JSON.parse($("snapshot").textContent);

function draw() {
  $("third").hidden = s.state !== "live" || !s.play;
  const { title = "", artist = "" } = s.play?.track ?? {};
  $("title").textContent = title;
  $("title").dataset.size = titleSize(title);
  $("artist").textContent = artist;
  $("artist").hidden = !artist;
  $("dj").textContent = s.play?.djName ?? "";
}

const live = new Live({
  hello: () => ({ type: "SUBSCRIBE", stageId: s.stage.stageId, display: true, mine: false }),
  on: {
    "*": (message) => {
      s = after(s, message);
      if (isRiddle(s, message)) live.refresh();
      draw();
    },
  },
});
draw();
