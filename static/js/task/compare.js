// Two completions side by side, with the words that differ marked.

import { differing } from "./words.js";

const SAME = "No word differs.";
// Scripts that write words without spaces between them: there a dictionary says where a word ends.
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const SEGMENTER = new Intl.Segmenter(undefined, { granularity: "word" });

export function listen(task) {
  const dialog = task.main.querySelector("#compare");
  if (!dialog) return;
  const [left, right] = ["a", "b"].map((side) => dialog.querySelector(`[data-side="${side}"]`));
  for (const select of [left, right]) select.append(...[...task.cards.keys()].map((letter) => new Option(letter)));
  const show = () => draw(task, dialog, left.value, right.value);
  dialog.addEventListener("opening", () => {
    written(dialog).checked = task.main.querySelector("[data-as-written]").checked;
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

function written(dialog) {
  return dialog.querySelector("[data-compare-written]");
}

function draw(task, dialog, ...letters) {
  const asWritten = written(dialog).checked;
  const of = (letter, part) => task.cards.get(letter).querySelector(part);
  // What is shown as it was written stands there once.
  const source = (letter) => (of(letter, ".written").textContent ? of(letter, ".written") : of(letter, ".completion__text"));
  const shown = ["a", "b"].map((side, i) => {
    const box = dialog.querySelector(`[data-shown="${side}"]`);
    const text = asWritten ? source(letters[i]) : of(letters[i], ".completion__text");
    box.replaceChildren(...text.cloneNode(true).childNodes);
    box.classList.toggle("is-written", asWritten);
    return box;
  });
  const wanted = dialog.querySelector("[data-marks]").checked;
  let why = wanted && letters[0] !== letters[1] ? mark(...shown) : "";
  const [a, b] = letters.map((letter) => source(letter).textContent);
  if (why === SAME && a !== b) why = asWritten ? "Only spaces differ." : "No word differs as they are shown; as written they differ.";
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
  return differs.some((side) => side.includes(true)) ? "" : SAME;
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
    const node = nodes.currentNode;
    for (const { 0: text, index } of node.data.matchAll(/\S+/g)) {
      const parts = UNSPACED.test(text) ? SEGMENTER.segment(text) : [{ segment: text, index: 0 }];
      for (const part of parts) words.push({ node, start: index + part.index, text: part.segment });
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
