// The page of a task, whatever its kind: puts the parts together, and swaps the next task in when one is sent.

import { Ahead } from "./ahead.js";
import { Clock } from "./clock.js";
import * as compare from "./compare.js";
import * as copies from "./copies.js";
import * as dialogs from "./dialogs.js";
import { Drafts, forgetDraft } from "./drafts.js";
import * as keys from "./keys.js";
import { Demonstration } from "./kinds/demonstration.js";
import { Pair } from "./kinds/pair.js";
import { Ranking } from "./kinds/ranking.js";
import { Rating } from "./kinds/rating.js";
import { announce, dismiss, notice } from "./notices.js";
import * as outbox from "./outbox.js";
import * as prompt from "./prompt.js";
import { HEADERS, parsed } from "./requests.js";
import { Sending } from "./sending.js";
import * as stuck from "./stuck.js";
import { Tabs } from "./tabs.js";

const KINDS = { ranking: Ranking, pair: Pair, rating: Rating, demonstration: Demonstration };
let ended = new AbortController();
// What the task on the screen has to do when its judgement is stored.
let closeTask = () => {};
let fetchAhead = () => {};
const sending = new Sending({ shown, stored, refused, settled });

function start() {
  ended.abort();
  ended = new AbortController();
  closeTask = () => {};
  fetchAhead = () => {};
  const { signal } = ended;
  const main = document.getElementById("main");
  dialogs.listen(main, signal);
  const form = main.querySelector("#judgement");
  if (!form) return;
  const task = new KINDS[form.dataset.kind](main);
  const clock = new Clock(task.field("active_seconds"), signal);
  const drafts = new Drafts(task, clock, signal);
  const tabs = new Tabs(task, signal);
  const ahead = new Ahead(task, signal);
  fetchAhead = () => ahead.fetch();
  closeTask = () => {
    drafts.forget();
    tabs.judged();
  };
  const finish = (done) => leave(done, ahead);
  const submit = () => (task.missing ? refuse(task) : finish(task.form));
  compare.listen(task);
  keys.listen(task, submit, signal);
  listen(task, submit, finish, drafts);
  stuck.measure(signal);
  prompt.listen(main, signal);
  // What is changed while it waits is not what was submitted.
  task.addEventListener("change", () => withdraw(task.assignment), { signal });
  task.addEventListener("change", () => outbox.waiting().length || ahead.fetch(), { signal });
}

function listen(task, submit, finish, drafts) {
  const { main, form } = task;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("input", ({ target }) => target.name && task.input(target));
  main.querySelector("#skip form")?.addEventListener("submit", (event) => {
    // Handing back leads to another page, as without a script.
    if (event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    finish(event.target);
  });
  main.querySelector("#flag form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    flag(event.target, drafts);
  });
  const single = main.querySelector("[data-single-keys]");
  single.checked = keys.singleKeys();
  single.addEventListener("change", () => keys.setSingleKeys(single.checked));
}

function refuse(task) {
  announce(task.missing);
  task.goToMissing();
}

// Keep what the form says, show the next task if it is here already, and send.
function leave(form, ahead) {
  outbox.keep(form);
  const next = ahead.take();
  if (next) {
    closeTask();
    swap(next, ["main"]);
  }
  tellCopies(next ? shown() : "");
  sending.send();
}

// A flag is not kept for later: its dialog stays open until the server has it. Unless it passes the task on, the same
// task comes back with what was placed, so the server has to have that first.
async function flag(form, drafts) {
  await drafts.save();
  try {
    const page = await parsed(await fetch(form.action, { method: "POST", body: new FormData(form), headers: HEADERS }));
    if (!page.getElementById("main")) throw new TypeError("no page of a task");
    const same = page.querySelector("#judgement [name=assignment]")?.value === shown();
    if (!same) closeTask();
    // The same task again, and nothing wrong with it: the message says what happened.
    swap(page, undefined, same ? page.getElementById("messages").textContent : undefined);
    sending.send();
  } catch {
    notice("flag", "caution", "The flag was not sent. Try again when the connection is back.");
  }
}

function withdraw(assignment) {
  if (!outbox.waits(assignment)) return;
  outbox.forget(assignment);
  dismiss("sending");
}

function shown() {
  return document.querySelector("#judgement [name=assignment]")?.value ?? "";
}

function stored(entry, page) {
  forgetDraft(entry.assignment);
  const next = page.querySelector("#judgement [name=assignment]")?.value;
  if (entry.assignment === shown()) {
    if (next !== entry.assignment) closeTask();
    swap(page);
  } else if (!page.getElementById("main") || next === shown() || stays()) {
    replace(page, ["tools", "messages"]);
  } else {
    // Somebody who had nothing left was given it before its judging had begun.
    swap(page);
    notice("taken", "caution", "The task that stood here went to somebody else. This is the next one.");
  }
  sayStored(new URL(entry.action).pathname.endsWith("/skip/") ? "Skipped" : "Stored");
}

// A quiet word beside the counts; the next answer of the server takes its place. It is read out with the next task.
function sayStored(word) {
  const counts = document.querySelector(".tools__counts");
  if (!counts) return;
  const sign = Object.assign(document.createElement("p"), { className: "tools__stored small", textContent: `✓ ${word}` });
  sign.setAttribute("aria-hidden", "true");
  counts.after(sign);
}

// Whether the screen shows what no other task may take the place of: what waits too, came back, or is changed.
function stays() {
  return outbox.waits(shown()) || document.querySelector("#judgement[data-unkept], .ranking__errors") !== null;
}

function refused(page) {
  swap(page);
}

// The server has everything that was submitted, and knows which task is in hand.
function settled() {
  fetchAhead();
  tellCopies(shown(), document.getElementById("main").dataset.ahead);
}

// What is changed afterwards has a page of its own, and so has somebody who is paused.
function tellCopies(assignment, ahead) {
  const { page } = document.getElementById("main").dataset;
  if (page && !document.querySelector("#judgement[data-unkept]")) copies.tell({ page, assignment, ahead });
}

function swap(page, parts = ["tools", "messages", "main"], said = `${page.getElementById("messages").textContent} The next task.`.trim()) {
  replace(page, parts);
  // Each kind of task has a look of its own.
  document.body.className = page.body.className;
  for (const name of ["lease", "tabs", "taken", "flag", "older"]) dismiss(name);
  if (page.title) document.title = page.title;
  // Whoever loads it again after a change gets this task, not the change.
  const { page: address } = document.getElementById("main").dataset;
  if (address && !document.querySelector("#judgement[data-unkept]")) history.replaceState(null, "", address);
  scrollTo(0, 0);
  start();
  const wrong = document.querySelector(".ranking__errors");
  (document.getElementById("prompt-title") ?? document.getElementById("main")).focus({ preventScroll: true });
  // The same task again, and nothing wrong with it: the message says what happened.
  announce(wrong ? wrong.textContent : said);
}

function replace(page, ids) {
  for (const id of ids) document.getElementById(id).replaceWith(page.getElementById(id));
}

copies.register();
start();
sending.send();
sending.sayRefused();
copies.awaitServer(() => sending.send());
document.documentElement.dataset.ready = "task";
