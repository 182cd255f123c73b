/* Recovery codes: copy them, print them. */
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    const isDone = await navigator.clipboard?.writeText(field.value).then(() => true, () => false);
    if (isDone || document.execCommand("copy")) {
      button.textContent = document.getElementById("copied").textContent = button.dataset.copied;
    }
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
