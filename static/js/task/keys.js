// The keyboard: what is common to all tasks; each kind takes its own keys first. Single keys work wherever the focus is,
// unless they were turned off (WCAG 2.1.4): then they work inside the answer alone, and no letter opens anything.

import { closeOpen, openDialog, toggleKeyOf } from "./dialogs.js";
import { announce } from "./notices.js";

const STORED = "single-keys";
const DIALOGS = { g: "guidelines", s: "skip", f: "flag", v: "compare", "?": "keys" };

const OTHERS = { m: moreConfident, r: sayWhy, u: changeLast };

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

export function listen(answer, submit, signal) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const { repeat, target, ctrlKey, metaKey, altKey } = event;
    const press = { key: meant(event), repeat, target, ctrlKey, metaKey, altKey };
    if (handle(answer, submit, press)) event.preventDefault();
  }, { signal });
}

// The digit or Latin letter that is meant. Where a layout has none there (digits of AZERTY want Shift, Cyrillic has no
// Latin letters), it is the one that stands at this place of a keyboard elsewhere.
export function meant({ key, code, shiftKey }) {
  if (key.length > 1 || /[0-9a-z?]/i.test(key)) return key;
  const [, letter, digit] = /^(?:Key([A-Z])|(?:Digit|Numpad)([0-9]))$/.exec(code) ?? [];
  return letter?.toLowerCase() ?? (shiftKey ? key : (digit ?? key));
}

// Returns whether the key was for us.
function handle(answer, submit, event) {
  const { key, target } = event;
  if (document.querySelector("dialog:modal")) return inDialog(event);
  if (event.ctrlKey || event.metaKey) return withControl(answer, submit, event);
  if (isTyping(target)) return key === "Escape" && leaveText(answer);
  const letters = singleKeys();
  if (event.altKey || (!letters && !target.closest(".completion, .scale, .preference"))) return false;
  if (key === "Enter") return enter(submit, event);
  return answer.key(event, letters) || (letters && (asWritten(answer.main, key) || command(answer, key)));
}

function inDialog(event) {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
  return plain && event.key.toLowerCase() === toggleKeyOf() && closeOpen();
}

function withControl(answer, submit, { key, target }) {
  if (key.toLowerCase() === "z") return !isTyping(target) && answer.undo();
  if (key !== "Enter") return false;
  submit();
  return true;
}

// Enter presses a button or a link that has the focus; everywhere else it submits.
function enter(submit, { target, repeat }) {
  if (target.closest("button, a, summary")) return false;
  if (!repeat) submit();
  return true;
}

// Show all texts as they were written, or as they are read.
export function asWritten(main, key) {
  const box = key.toLowerCase() === "w" && main.querySelector("[data-as-written]");
  if (!box) return false;
  box.checked = !box.checked;
  announce(box.checked ? "The texts as they were written." : "The texts as they are read.");
  return true;
}

function command(answer, key) {
  const letter = key.toLowerCase();
  const dialog = DIALOGS[letter];
  if (dialog) return openDialog(dialog);
  return Boolean(OTHERS[letter]?.(answer));
}

// The next of low, middle and high; after high, low again.
function moreConfident(answer) {
  const levels = [...answer.form.querySelectorAll("[name=confidence]")];
  const next = levels[(levels.findIndex(({ checked }) => checked) + 1) % levels.length];
  if (!next) return false;
  next.checked = true;
  answer.input(next);
  announce(`Confidence: ${next.closest("label").textContent.trim()}.`);
  return true;
}

function sayWhy(answer) {
  const why = answer.field("rationale");
  why?.focus();
  return why;
}

function changeLast() {
  const last = document.querySelector("[data-last]");
  last?.click();
  return last;
}

function leaveText(answer) {
  answer.leaveText();
  return true;
}

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
}
