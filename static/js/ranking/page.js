// The ranking page: puts the parts together for one task, and swaps the next task in when one is sent.

import { Ahead } from "./ahead.js";
import { Clock } from "./clock.js";
import * as compare from "./compare.js";
import * as dialogs from "./dialogs.js";
import * as drag from "./drag.js";
import { Drafts, forgetDraft } from "./drafts.js";
import * as keys from "./keys.js";
import { announce, dismiss, notice } from "./notices.js";
import * as outbox from "./outbox.js";
import * as prompt from "./prompt.js";
import { HEADERS, parsed } from "./requests.js";
import { Sending } from "./sending.js";
import * as stuck from "./stuck.js";
import { Tabs } from "./tabs.js";
import { Task } from "./task.js";

let ended = new AbortController();
// What the task on the screen has to do when its judgement is stored.
let closeTask = () => {};
const sending = new Sending({ shown, stored, refused });

function start() {
  ended.abort();
  ended = new AbortController();
  closeTask = () => {};
  const { signal } = ended;
  const main = document.getElementById("main");
  dialogs.listen(main, signal);
  if (!main.querySelector("#ranking")) return;
  const task = new Task(main);
  const clock = new Clock(task.field("active_seconds"), signal);
  const drafts = new Drafts(task, clock, signal);
  const tabs = new Tabs(task, signal);
  const ahead = new Ahead(task, signal);
  closeTask = () => {
    drafts.forget();
    tabs.judged();
  };
  const finish = (form) => leave(form, ahead);
  const submit = () => (task.missing ? refuse(task) : finish(task.form));
  drag.listen(task);
  compare.listen(task, signal);
  prompt.listen(main, signal);
  keys.listen(task, submit, signal);
  listen(task, submit, finish, drafts);
  stuck.measure(main, signal);
  // What is changed while it waits is not what was submitted.
  task.addEventListener("change", () => withdraw(task.assignment), { signal });
}

function listen(task, submit, finish, drafts) {
  const { main, form } = task;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("input", ({ target }) => (target.name === "verdict" ? task.judge(target.value) : task.textChanged()));
  main.addEventListener("focusin", ({ target }) => {
    const letter = target.closest(".completion")?.dataset.letter;
    if (letter && letter !== task.current) task.mark(letter);
  });
  main.addEventListener("click", ({ target }) => {
    const chip = target.closest("[data-place]");
    if (chip) task.place(chip.closest(".completion").dataset.letter, Number(chip.dataset.place));
    if (target.closest("[data-undo]")) task.undo();
  });
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
  if (task.order.verdict !== "ranked") task.field("reason").focus();
  else task.goTo(task.order.unplaced[0]);
}

// Keep what the form says, show the next task if it is here already, and send.
function leave(form, ahead) {
  outbox.keep(form);
  const next = ahead.take();
  if (next) {
    closeTask();
    swap(next, ["main"]);
  }
  sending.send();
}

// A flag is not kept for later: its dialog stays open until the server has it. Unless it passes the task on, the same
// task comes back with what was placed, so the server has to have that first.
async function flag(form, drafts) {
  await drafts.save();
  try {
    const page = await parsed(await fetch(form.action, { method: "POST", body: new FormData(form), headers: HEADERS }));
    if (!page.getElementById("main")) throw new TypeError("no page of a task");
    const same = page.querySelector("#ranking [name=assignment]")?.value === shown();
    if (!same) closeTask();
    // The same task again, and nothing wrong with it: the message says what happened.
    swap(page, undefined, same ? page.getElementById("messages").textContent : undefined);
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
  return document.querySelector("#ranking [name=assignment]")?.value ?? "";
}

function stored(entry, page) {
  forgetDraft(entry.assignment);
  const next = page.querySelector("#ranking [name=assignment]")?.value;
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
}

// Whether the screen shows what no other task may take the place of: what waits too, came back, or is changed.
function stays() {
  return outbox.waits(shown()) || document.querySelector("#ranking[data-unkept], .ranking__errors") !== null;
}

function refused(page) {
  swap(page);
}

function swap(page, parts = ["tools", "messages", "main"], said = "The next task.") {
  replace(page, parts);
  for (const name of ["lease", "tabs", "taken", "flag"]) dismiss(name);
  if (page.title) document.title = page.title;
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

start();
sending.send();
sending.sayRefused();
document.documentElement.dataset.ready = "ranking";
