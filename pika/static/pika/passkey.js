/* Passkeys: a form with data-passkey (login, use, add) asks the browser, and sends what it answers. */
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (it) => it.charCodeAt(0));
const words = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const known = (list) => (list ?? []).map((it) => ({ ...it, id: bytes(it.id) }));

async function add({ publicKey: asked }) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    },
  });
  return said(made, {
    attestationObject: words(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

async function use({ publicKey: asked }) {
  const shown = await navigator.credentials.get({
    publicKey: { ...asked, challenge: bytes(asked.challenge), allowCredentials: known(asked.allowCredentials) },
  });
  return said(shown, {
    authenticatorData: words(shown.response.authenticatorData),
    signature: words(shown.response.signature),
    userHandle: shown.response.userHandle ? words(shown.response.userHandle) : undefined,
  });
}

const said = (credential, response) => ({
  id: credential.id,
  rawId: words(credential.rawId),
  type: credential.type,
  clientExtensionResults: credential.getClientExtensionResults(),
  response: { clientDataJSON: words(credential.response.clientDataJSON), ...response },
});

const options = () => JSON.parse(document.getElementById("passkey").textContent);
const ways = {
  add: () => add(options().creation_options),
  use: () => use(options().request_options),
  async login(form) {
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.statusText);
    return use((await answer.json()).request_options);
  },
};

/* A passkey is for a name: browsers make none for http://192.168.1.5. */
const isPossible = window.PublicKeyCredential && !/^[\d.]+$|:/.test(location.hostname);

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button");
  const trouble = form.querySelector("[role=alert][hidden]");
  if (!isPossible) {
    button.disabled = true;
    document.getElementById("no_passkeys")?.removeAttribute("hidden");
    continue;
  }
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = trouble.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await ways[form.dataset.passkey](form));
      form.submit();
    } catch {
      trouble.textContent = form.dataset.stopped;
      trouble.hidden = button.disabled = false;
    }
  });
}
