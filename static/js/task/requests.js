// Requests to the server, and its pages as documents.

export const HEADERS = { "X-Requested-With": "fetch" };

export async function parsed(answer) {
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// What the server makes of `body`, to be put into a page. Throws where it answers otherwise, but for what is `told` so.
export async function fragment(address, body, told = []) {
  const answer = await fetch(address, { method: "POST", body, headers: HEADERS });
  if (answer.redirected || !(answer.ok || told.includes(answer.status))) throw new TypeError("no fragment");
  return (await parsed(answer)).body.childNodes;
}

export function token() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

// Logging in changes the token against forged requests: take the new one from a page. Returns whether there is one.
export async function renewToken() {
  const answer = await fetch(document.getElementById("main").dataset.page, { headers: HEADERS });
  const fresh = (await parsed(answer)).querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!fresh || answer.redirected) return false;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = fresh;
  return true;
}
