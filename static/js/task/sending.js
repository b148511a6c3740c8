// Sends what waits in the outbox, one after the other, and says what becomes of it. What goes wrong is said, and nothing
// entered is lost; the server takes a judgement that comes twice once.

import { announce, dismiss, notice } from "./notices.js";
import * as outbox from "./outbox.js";
import { HEADERS, parsed, renewToken, token } from "./requests.js";

const AGAIN_MS = 15_000;

export class Sending {
  #running = null;
  #timer = 0;

  // `page` is told: stored(entry, answer), refused(answer), and settled() where nothing waits; shown() is the assignment
  // on the screen.
  constructor(page) {
    this.page = page;
    addEventListener("online", () => this.send());
    document.addEventListener("visibilitychange", () => document.hidden || this.send());
  }

  // Resolves when everything that could be sent is sent.
  send() {
    this.#running ??= this.#locked().finally(() => {
      this.#running = null;
      if (!outbox.waiting().length) this.page.settled();
    });
    return this.#running;
  }

  // One tab at a time, where the browser can say so: the other would only hear that it is stored.
  #locked() {
    if (!outbox.waiting().length) return Promise.resolve();
    return navigator.locks ? navigator.locks.request("outbox", () => this.#all()) : this.#all();
  }

  async #all() {
    clearTimeout(this.#timer);
    let [next] = outbox.waiting();
    while (next && (await this.#one(next))) [next] = outbox.waiting();
    if (next) this.#timer = setTimeout(() => this.send(), AGAIN_MS);
    this.sayRefused();
  }

  // Returns whether the next one can be sent.
  async #one(entry) {
    let answer;
    try {
      answer = await this.#post(entry);
      // 403: the token is that of a session before.
      if (answer.status === 403 && (await renewToken())) answer = await this.#post(entry);
    } catch {
      return this.#failed("You are offline.", "sent when the connection is back");
    }
    return this.#answered(entry, answer);
  }

  #post(entry) {
    const body = new URLSearchParams([...entry.fields, ["csrfmiddlewaretoken", token()]]);
    const shown = this.page.shown();
    // A page that shows this very task wants the next one whole.
    const headers = shown && shown !== entry.assignment ? { ...HEADERS, "X-Shown": shown } : HEADERS;
    return fetch(entry.action, { method: "POST", body, headers });
  }

  async #answered(entry, answer) {
    if (answer.redirected && new URL(answer.url).pathname !== new URL(entry.action).pathname) {
      return this.#failed("You are logged out.", "sent when you have logged in again", [
        { label: "Log in", href: new URL(answer.url).pathname, apart: true },
      ]);
    }
    const page = await parsed(answer);
    const known = page.getElementById("tools") !== null;
    if (answer.ok && known) this.#stored(entry, page);
    else if ([404, 409, 422].includes(answer.status)) this.#refused(entry, known ? page : null);
    else return this.#failed(`The server could not store it (${answer.status}).`, "sent again in a while");
    return true;
  }

  #stored(entry, page) {
    dismiss("sending");
    // Changed or submitted again while it was on its way: that goes next.
    const newer = outbox.entries().find((other) => other.assignment === entry.assignment && other.at !== entry.at);
    if (newer) return;
    outbox.forget(entry.assignment);
    this.page.stored(entry, page);
  }

  #refused(entry, page) {
    dismiss("sending");
    const said = page?.querySelector(".ranking__errors p")?.textContent ?? "The task is not open to you any more.";
    if (page && this.page.shown() === entry.assignment) {
      outbox.forget(entry.assignment);
      this.page.refused(page);
    } else {
      outbox.refuse(entry, said);
    }
  }

  #failed(what, when, actions = []) {
    const count = outbox.waiting().length;
    const kept = count === 1 ? "Your judgement is kept here and" : `${count} judgements are kept here and`;
    const again = { label: "Send it again", press: () => this.send() };
    notice("sending", "caution", `${what} ${kept} ${when}.`, [...actions, again]);
    const saved = document.querySelector("[data-saved]");
    if (saved && outbox.waits(this.page.shown())) saved.textContent = "It waits to be sent.";
    return false;
  }

  // A judgement of a task that is not on the screen came back: its page shows what was entered, and why.
  sayRefused() {
    const entry = outbox.entries().find((other) => other.refused);
    if (!entry) return;
    notice("refused", "bad", `A judgement of yours was not stored: ${entry.refused}`, [
      { label: "Show it", press: () => this.#show(entry) },
      { label: "Discard it", press: () => this.#discard(entry) },
    ]);
  }

  #discard(entry) {
    outbox.forget(entry.assignment);
    dismiss("refused");
    this.sayRefused();
  }

  async #show(entry) {
    try {
      const answer = await this.#post(entry);
      const page = await parsed(answer);
      this.#discard(entry);
      if (page.querySelector("#judgement")) this.page.refused(page);
    } catch {
      announce("You are offline: it is kept here.");
    }
  }
}
