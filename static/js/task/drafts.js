// The judgement is kept as it goes: in this browser at once, on the server a moment later, and there it also
// renews the lease. A copy in the browser means that the server does not have it yet.

import { dismiss, notice } from "./notices.js";
import { waits } from "./outbox.js";
import { keysFrom, read, remove, write } from "./storage.js";

const WAIT_MS = 700;
const KEPT_DAYS = 7;
const PREFIX = "draft:";

export class Drafts {
  #timer = 0;
  #over = false;
  #leaving = false;

  constructor(task, clock, signal) {
    this.task = task;
    this.key = keyOf(task.assignment);
    // A judgement that is being changed has no draft: it stands until the change is submitted.
    this.#over = !task.main.dataset.draft;
    if (this.#over) return;
    this.#restore();
    forgetOld();
    task.addEventListener("change", () => this.#later(), { signal });
    const renewing = setInterval(() => clock.isIdle || this.save(), Number(task.main.dataset.leaseSeconds) * 250);
    const look = () => (document.hidden ? this.#flush() : this.save());
    document.addEventListener("visibilitychange", look, { signal });
    addEventListener("online", () => this.save(), { signal });
    addEventListener("beforeunload", () => { this.#leaving = true; }, { signal });
    signal.addEventListener("abort", () => {
      clearInterval(renewing);
      clearTimeout(this.#timer);
    });
  }

  // Once the judgement is stored, nothing is to be kept.
  forget() {
    this.#over = true;
    clearTimeout(this.#timer);
    remove(this.key);
  }

  async save() {
    clearTimeout(this.#timer);
    // What was submitted is on its way itself.
    if (this.#over || waits(this.task.assignment)) return;
    try {
      this.#answered(await this.#send());
    } catch {
      this.#say("Offline: kept in this browser.");
    }
  }

  #later() {
    this.#say("");
    this.#leaving = false;
    write(this.key, { at: Date.now(), fields: fieldsOf(this.task.form) });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), WAIT_MS);
  }

  // The page may be gone before an answer comes; the copy in the browser stays until one did.
  #flush() {
    if (!this.#over && !waits(this.task.assignment) && read(this.key)) this.#send().then((answer) => this.#answered(answer), () => {});
  }

  #send() {
    const { draft } = this.task.main.dataset;
    const headers = { "X-Requested-With": "fetch" };
    return fetch(draft, { method: "POST", body: new FormData(this.task.form), headers, keepalive: true });
  }

  async #answered(answer) {
    // A draft that was on its way when the judgement was sent finds the task closed, rightly.
    if (this.#over) return;
    if (answer.ok && !answer.redirected) {
      // The page that comes now may have been asked for before the draft arrived.
      if (!this.#leaving) remove(this.key);
      this.#say("Draft saved.");
    } else if (answer.status === 409) {
      this.#lost((await answer.json()).error);
    } else {
      this.#say("Not saved: kept in this browser.");
    }
  }

  #lost(why) {
    this.#over = true;
    this.#say("");
    notice("lease", "caution", `${why} What you entered stays here until you leave.`, [
      { label: "Next task", href: this.task.main.dataset.page },
    ]);
  }

  // What this browser kept and the server does not have, unless the server has something later from elsewhere.
  #restore() {
    const kept = read(this.key);
    if (!kept) return;
    if (this.#isOlder(kept)) this.#offer(kept);
    else this.#take(kept);
  }

  #take(kept) {
    this.task.takeFields(kept.fields);
    this.#later();
  }

  // By the server's clock: this machine's may be wrong.
  #isOlder(kept) {
    const { draftedAt, now } = this.task.main.dataset;
    return Boolean(draftedAt) && kept.at - (Date.now() - Date.parse(now)) < Date.parse(draftedAt);
  }

  #offer(kept) {
    remove(this.key);
    notice("older", "caution", "You went on with this task on another device: that is shown here. This browser kept something older.", [
      { label: "Take the older one", press: () => { dismiss("older"); this.#take(kept); } },
      { label: "Discard it", press: () => dismiss("older") },
    ]);
  }

  #say(words) {
    this.task.main.querySelector("[data-saved]").textContent = words;
  }
}

export function fieldsOf(form) {
  const fields = Object.fromEntries(new FormData(form));
  delete fields.csrfmiddlewaretoken;
  return fields;
}

// The judgement of an assignment is stored: its draft is of no use any more.
export function forgetDraft(assignment) {
  remove(keyOf(assignment));
}

function keyOf(assignment) {
  return `${PREFIX}${document.getElementById("main").dataset.user}:${assignment}`;
}

function forgetOld() {
  const since = Date.now() - KEPT_DAYS * 86_400_000;
  for (const key of keysFrom(PREFIX)) {
    if (!(read(key)?.at > since)) remove(key);
  }
}
