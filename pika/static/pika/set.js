// The page of a set: share it the way the phone does, else copy its link.
const button = document.getElementById("share");
if (button) {
  const { title, address, copied, uncopied } = button.dataset;
  const say = (words) => (document.getElementById("shared").textContent = words);
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (navigator.share) {
      try {
        return await navigator.share({ title, url: address });
      } catch (error) {
        if (error.name === "AbortError") return; // the person changed their mind
      }
    }
    const done = await navigator.clipboard?.writeText(address).then(() => true, () => false);
    say(done ? copied : uncopied);
  });
}
