// The ranking page: puts the parts together for one task, and swaps the next task in when one is sent.

import { Clock } from "./clock.js";
import * as compare from "./compare.js";
import * as dialogs from "./dialogs.js";
import * as drag from "./drag.js";
import { Drafts } from "./drafts.js";
import * as keys from "./keys.js";
import { announce, dismiss } from "./notices.js";
import * as prompt from "./prompt.js";
import { send } from "./sending.js";
import * as stuck from "./stuck.js";
import { Tabs } from "./tabs.js";
import { Task } from "./task.js";

let ended = new AbortController();

function start() {
  ended.abort();
  ended = new AbortController();
  const { signal } = ended;
  const main = document.getElementById("main");
  dialogs.listen(main, signal);
  if (!main.querySelector("#ranking")) return;
  const task = new Task(main);
  const clock = new Clock(task.field("active_seconds"), signal);
  const drafts = new Drafts(task, clock, signal);
  const tabs = new Tabs(task, signal);
  const finish = (form) => leave(form, () => {
    drafts.forget();
    tabs.judged();
  });
  const submit = () => (task.missing ? refuse(task) : finish(task.form));
  drag.listen(task);
  compare.listen(task, signal);
  prompt.listen(main, signal);
  keys.listen(task, submit, signal);
  listen(task, submit, finish, drafts);
  stuck.measure(main, signal);
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
  for (const other of main.querySelectorAll("#skip form, #flag form")) {
    other.addEventListener("submit", (event) => {
      // Handing back leads to another page, as without a script.
      if (event.submitter?.hasAttribute("formaction")) return;
      event.preventDefault();
      // A flag may be answered by the same task again, with what was placed: the server has to have it first.
      drafts.save().then(() => finish(other));
    });
  }
  const single = main.querySelector("[data-single-keys]");
  single.checked = keys.singleKeys();
  single.addEventListener("change", () => keys.setSingleKeys(single.checked));
}

function refuse(task) {
  announce(task.missing);
  if (task.order.verdict !== "ranked") task.field("reason").focus();
  else task.goTo(task.order.unplaced[0]);
}

async function leave(form, done) {
  // What was to be sent again may have been sent meanwhile, and another task be here.
  if (form.dataset.sending || !form.isConnected) return;
  form.dataset.sending = "true";
  const page = await send(form, () => leave(form, done));
  delete form.dataset.sending;
  if (!page) return;
  const assignment = form.elements.namedItem("assignment").value;
  const another = page.querySelector("#ranking [name=assignment]")?.value !== assignment;
  if (another) done();
  swap(page, another);
}

function swap(page, another) {
  for (const id of ["tools", "messages", "main"]) document.getElementById(id).replaceWith(page.getElementById(id));
  for (const name of ["lease", "tabs"]) dismiss(name);
  document.title = page.title;
  scrollTo(0, 0);
  start();
  const wrong = document.querySelector(".ranking__errors");
  (document.getElementById("prompt-title") ?? document.getElementById("main")).focus({ preventScroll: true });
  // The same task again, and nothing wrong with it: the message says what happened.
  const said = another ? "The next task." : document.getElementById("messages").textContent;
  announce(wrong ? wrong.textContent : said);
}

start();
document.documentElement.dataset.ready = "ranking";
