// Sends a form and gives back the page that answers it; what goes wrong is said, and nothing entered is lost.

import { dismiss, notice } from "./notices.js";

const HEADERS = { "X-Requested-With": "fetch" };

// Returns the answering page as a document, or null where there is none.
export async function send(form, again) {
  dismiss("sending");
  try {
    let answer = await post(form);
    // 403: the token is that of a session before.
    if (answer.status === 403 && (await renewToken(form))) answer = await post(form);
    return await pageOf(answer, form, again);
  } catch {
    addEventListener("online", again, { once: true });
    fail("You are offline. Your judgement is kept, and is sent when the connection is back.", again);
    return null;
  }
}

function post(form) {
  return fetch(form.action, { method: "POST", body: new FormData(form), headers: HEADERS });
}

async function pageOf(answer, form, again) {
  if (answer.redirected && new URL(answer.url).pathname !== new URL(form.action).pathname) {
    const words = "You are logged out. Log in in another tab, then send it again: what you entered stays here.";
    fail(words, again, [{ label: "Log in", href: "/login/", apart: true }]);
    return null;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if ((answer.ok || [409, 422].includes(answer.status)) && page.getElementById("tools")) return page;
  fail(`The server could not store it (${answer.status}). What you entered stays here: try again.`, again);
  return null;
}

// Logging in changes the token against forged requests: take the new one from the page of the task.
async function renewToken(form) {
  const { page } = document.getElementById("main").dataset;
  const answer = await fetch(page, { headers: HEADERS });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = fresh.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token || answer.redirected) return false;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  return form.isConnected;
}

function fail(text, again, more = []) {
  notice("sending", "bad", text, [...more, { label: "Send it again", press: again }]);
}
