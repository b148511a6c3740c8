// The review page: its prompt folds on a narrow screen, what sticks is measured, and a few keys stand for its buttons.
// Everything else is a form.

import { asWritten, meant, singleKeys } from "./keys.js";
import * as prompt from "./prompt.js";
import * as stuck from "./stuck.js";

const { signal } = new AbortController();
const main = document.getElementById("main");
stuck.measure(signal);
prompt.listen(main, signal);

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !press(event)) return;
  event.preventDefault();
});

// Returns whether the key was for us. Enter belongs to what has the focus: a decision is never taken by the way.
function press(event) {
  const { target } = event;
  const key = meant(event).toLowerCase();
  if (target.matches("textarea")) return key === "escape" && leave(target);
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !singleKeys()) return false;
  const button = main.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (button) button.click();
  return Boolean(button) || edit(key) || asWritten(main, key);
}

function leave(text) {
  text.blur();
  return true;
}

function edit(key) {
  if (key !== "e" && key !== "c") return false;
  const text = main.querySelector(key === "e" ? "[name=text]" : "[name=comment]");
  text.closest("details")?.setAttribute("open", "");
  text.focus();
  return true;
}
