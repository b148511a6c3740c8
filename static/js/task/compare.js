// Two completions side by side, with the words that differ marked.

import { differing } from "./words.js";

export function listen(task) {
  const dialog = task.main.querySelector("#compare");
  if (!dialog) return;
  const [left, right] = ["a", "b"].map((side) => dialog.querySelector(`[data-side="${side}"]`));
  for (const select of [left, right]) select.append(...[...task.cards.keys()].map((letter) => new Option(letter)));
  const show = () => draw(task, dialog, left.value, right.value);
  dialog.addEventListener("opening", () => {
    if (left.value === right.value) choose(task, left, right, task.current);
    show();
  });
  dialog.addEventListener("change", show);
}

// The chosen text on the left; on the right the one that keys act on, or its neighbour.
function choose(task, left, right, letter) {
  const others = [...task.cards.keys()].filter((other) => other !== letter);
  left.value = letter;
  right.value = others.includes(task.current) ? task.current : others[0];
}

function draw(task, dialog, ...letters) {
  const shown = ["a", "b"].map((side, i) => {
    const box = dialog.querySelector(`[data-shown="${side}"]`);
    box.replaceChildren(...task.cards.get(letters[i]).querySelector(".completion__text").cloneNode(true).childNodes);
    return box;
  });
  const wanted = dialog.querySelector("[data-marks]").checked;
  const why = wanted && letters[0] !== letters[1] ? mark(...shown) : "";
  const unmarked = dialog.querySelector("[data-unmarked]");
  unmarked.textContent = why;
  unmarked.hidden = !why;
}

// Returns why nothing is marked, or "".
function mark(a, b) {
  const parts = [wordsOf(a), wordsOf(b)];
  const differs = differing(...parts.map((words) => words.map((word) => word.text)));
  if (!differs) return "These two are too long to mark their differences.";
  parts.forEach((words, side) => {
    // From the end, so that wrapping words leaves the offsets of those before them true.
    for (const run of runs(words, differs[side]).reverse()) wrap(run);
  });
  return differs.some((side) => side.includes(true)) ? "" : "No word differs.";
}

// Neighbouring words of one text node that differ, as one stretch each.
function runs(words, differs) {
  const found = [];
  words.forEach(({ node, start, text }, i) => {
    if (!differs[i]) return;
    const last = found.at(-1);
    const goesOn = i > 0 && differs[i - 1] && last.node === node;
    if (goesOn) last.end = start + text.length;
    else found.push({ node, start, end: start + text.length });
  });
  return found;
}

function wordsOf(box) {
  const nodes = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const words = [];
  while (nodes.nextNode()) {
    for (const match of nodes.currentNode.data.matchAll(/\S+/g)) {
      words.push({ node: nodes.currentNode, start: match.index, text: match[0] });
    }
  }
  return words;
}

function wrap({ node, start, end }) {
  const range = document.createRange();
  range.setStart(node, start);
  range.setEnd(node, end);
  range.surroundContents(document.createElement("mark"));
}
