// What was submitted and is not known to be stored: a judgement is kept before it is sent, in this browser, by person,
// project and assignment, and forgotten when the server has it. So neither a lost connection nor a closed tab loses it.

import { keysFrom, read, remove, write } from "./storage.js";

const PREFIX = "outbox:";
// What this browser does not store: it waits in the open page alone.
const unstored = new Map();

// An entry is {assignment, action, fields, at, refused}: fields as pairs, without the token against forged requests;
// refused says why the server did not take it.
export function keep(form) {
  const fields = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  const assignment = form.elements.namedItem("assignment").value;
  // Pressed again while it waits: it stays one.
  if (waiting().some((entry) => entry.assignment === assignment && entry.action === form.action)) return;
  const entry = { assignment, action: form.action, fields, at: Date.now(), refused: "" };
  // A change of a stored ranking is sent from its page alone: sent twice, it would be two changes.
  if ("unkept" in form.dataset || !write(keyOf(assignment), entry)) unstored.set(keyOf(assignment), entry);
}

// In the order in which they were submitted.
export function entries() {
  const stored = keysFrom(keyOf("")).map((key) => read(key));
  return [...stored, ...unstored.values()].filter((entry) => entry?.action).sort((a, b) => a.at - b.at);
}

export function waiting() {
  return entries().filter((entry) => !entry.refused);
}

export function waits(assignment) {
  return waiting().some((entry) => entry.assignment === assignment);
}

export function refuse(entry, why) {
  const refused = { ...entry, refused: why };
  if (unstored.has(keyOf(entry.assignment)) || !write(keyOf(entry.assignment), refused)) {
    unstored.set(keyOf(entry.assignment), refused);
  }
}

export function forget(assignment) {
  remove(keyOf(assignment));
  unstored.delete(keyOf(assignment));
}

function keyOf(assignment) {
  const { user, project } = document.getElementById("main").dataset;
  return `${PREFIX}${user}:${project}:${assignment}`;
}
