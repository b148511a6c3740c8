// Requests to the server, and its pages as documents.

export const HEADERS = { "X-Requested-With": "fetch" };

export async function parsed(answer) {
  return new DOMParser().parseFromString(await answer.text(), "text/html");
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
