// The judgement is kept as it goes: in this browser at once, on the server a moment later, and there it also
// renews the lease. The copy in the browser says whether the server has it: where the server is not there, a page that
// was kept shows what it was (copies.js).
//
// Where two browsers show one task, the draft that was changed last is the one that counts. The server tells (by the
// browser's name and the age of what it sends), so no clock but the server's has to be right.

import { isKept } from "./copies.js";
import { dismiss, notice } from "./notices.js";
import { waits } from "./outbox.js";
import { keysFrom, read, remove, write } from "./storage.js";

const WAIT_MS = 700;
const KEPT_DAYS = 7;
const PREFIX = "draft:";
const BROWSER = browser();

export class Drafts {
  #timer = 0;
  #over = false;
  #leaving = false;
  // When the judgement was last changed here; where it was not, when it was loaded.
  #at = Date.now();
  #changed = false;

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
    const sentAt = this.#at;
    try {
      await this.#answered(await this.#send(), sentAt);
    } catch {
      this.#say("Offline: kept in this browser.");
    }
  }

  #later(at = Date.now()) {
    this.#say("");
    this.#leaving = false;
    this.#at = at;
    this.#changed = true;
    write(this.key, { at, fields: fieldsOf(this.task.form) });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), WAIT_MS);
  }

  // The page may be gone before an answer comes; the copy in the browser stays until one did.
  #flush() {
    if (this.#over || waits(this.task.assignment) || (read(this.key)?.saved ?? true)) return;
    const sentAt = this.#at;
    this.#send().then((answer) => this.#answered(answer, sentAt)).catch(() => {});
  }

  #send() {
    const { draft, draftedAt } = this.task.main.dataset;
    const headers = { "X-Requested-With": "fetch" };
    const body = new FormData(this.task.form);
    body.set("browser", BROWSER);
    body.set("age", Math.max(0, Date.now() - this.#at) / 1000);
    body.set("seen", draftedAt ?? "");
    if (this.#changed) body.set("changed", "on");
    return fetch(draft, { method: "POST", body, headers, keepalive: true });
  }

  async #answered(answer, sentAt) {
    // A draft that was on its way when the judgement was sent finds the task closed, rightly.
    if (this.#over) return;
    if (answer.ok && !answer.redirected) {
      this.#isSaved(await answer.json(), sentAt);
    } else if (answer.status === 409) {
      this.#lost((await answer.json()).error);
    } else {
      this.#say("Not saved: kept in this browser.");
    }
  }

  #isSaved({ kept, replaced }, sentAt) {
    if (!kept) {
      this.#giveWay(sentAt);
      return;
    }
    // The page that comes now may have been asked for before the draft arrived.
    if (!this.#leaving) this.#hasArrived(sentAt);
    this.#say("Draft saved.");
    if (replaced) notice("replaced", "caution", "You had gone on with this task on another device too: what is here was changed last, and counts.");
  }

  #hasArrived(at) {
    const kept = read(this.key);
    // Changed while it was on its way: that has not.
    if (kept?.at === at) write(this.key, { ...kept, saved: true });
  }

  // Another browser has gone on with it since: loaded again, the page shows that, and offers what was changed here.
  #giveWay(sentAt) {
    // Changed while it was on its way: that is the last change now, and goes next.
    if (this.#at !== sentAt || this.#leaving) return;
    this.#over = true;
    location.reload();
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
    if (isKept()) this.#take(kept.fields, kept.at);
    else if (kept.saved) remove(this.key);
    else if (this.#isOlder(kept)) this.#offer(kept);
    else this.#take(kept.fields, kept.at);
  }

  #take(fields, at) {
    this.task.takeFields(fields);
    this.#later(at);
  }

  // By the server's clock: this machine's may be wrong.
  #isOlder(kept) {
    const { draftedAt, draftedBy, now } = this.task.main.dataset;
    if (!draftedAt || draftedBy === BROWSER) return false;
    return kept.at - (Date.now() - Date.parse(now)) < Date.parse(draftedAt);
  }

  #offer(kept) {
    remove(this.key);
    notice("older", "caution", "You went on with this task on another device: that is shown here. This browser kept something older.", [
      { label: "Take the older one", press: () => { dismiss("older"); this.#take(kept.fields); } },
      { label: "Discard it", press: () => dismiss("older") },
    ]);
  }

  #say(words) {
    this.task.main.querySelector("[data-saved]").textContent = words;
  }
}

// The name of this browser, as long as it keeps one. (crypto.randomUUID is there over https alone.)
function browser() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const name = read("browser") ?? Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  write("browser", name);
  return name;
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
