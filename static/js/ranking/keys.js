// The keyboard. Single keys work wherever the focus is, unless they were turned off (WCAG 2.1.4): then they
// work on a completion that has the focus alone.

import { closeOpen, openDialog, toggleKeyOf } from "./dialogs.js";

const STORED = "single-keys";
const DIALOGS = { g: "guidelines", s: "skip", f: "flag", v: "compare", "?": "keys" };

export function singleKeys() {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}

export function setSingleKeys(on) {
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // Storage is off: single keys stay on.
  }
}

export function listen(task, submit, signal) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (handle(task, submit, event)) event.preventDefault();
  }, { signal });
}

// Returns whether the key was for us.
function handle(task, submit, event) {
  const { key, target } = event;
  if (document.querySelector("dialog:modal")) return inDialog(event);
  if (event.ctrlKey || event.metaKey) return withControl(task, submit, event);
  if (isTyping(target)) return key === "Escape" && leaveText(task);
  if (event.altKey || (!target.closest(".completion") && !singleKeys())) return false;
  return move(task, event) || (key === "Enter" && enter(submit, event)) || (singleKeys() && command(task, key));
}

function inDialog(event) {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
  return plain && event.key.toLowerCase() === toggleKeyOf() && closeOpen();
}

function withControl(task, submit, { key, target }) {
  if (key === "Enter") submit();
  else if (key.toLowerCase() === "z" && !isTyping(target)) task.undo();
  else return false;
  return true;
}

function move(task, { key, repeat, target }) {
  const digit = "0123456789".indexOf(key);
  if (key.length === 1 && digit >= 0 && digit <= task.places) {
    if (!repeat) task.place(task.current, digit);
    return true;
  }
  // Arrows belong to a group of radio buttons while one has the focus.
  const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (!by || target.matches("input")) return false;
  task.shift(by);
  return true;
}

// Enter presses a button or a link that has the focus; everywhere else it submits.
function enter(submit, { target, repeat }) {
  if (target.closest("button, a, summary")) return false;
  if (!repeat) submit();
  return true;
}

function command(task, key) {
  const name = key.toLowerCase();
  if (DIALOGS[name]) return openDialog(DIALOGS[name]);
  if (name === "z") task.undo();
  else if (name === "x") task.judge("all_bad");
  else if (name === "t") task.judge("cannot_tell");
  else if (task.cards.has(key.toUpperCase())) task.goTo(key.toUpperCase());
  else return false;
  return true;
}

function leaveText(task) {
  task.goTo(task.current);
  return true;
}

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
}
