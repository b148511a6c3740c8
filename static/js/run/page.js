// A run's curves: fetched while it is active, in groups, one plot a figure; other runs' laid over on request, which the
// address holds (?over=12&over=9, in the order of their colours).

import { Plot, sample } from "./plot.js";

const REFRESH_MS = 3000;
const LARGE = new Set(["What decides"]);
const FOLDED = new Set(["How it learns", "How fast it is"]);

const box = document.getElementById("curves");
const chooser = document.getElementById("over");
const key = document.getElementById("key");
const view = { smooth: 0, logarithmic: false };
const groups = new Map();
const plots = new Map();
// What was fetched of each run, by its number.
const fetched = new Map();
let timer = null;

function groupOf(name) {
  if (groups.has(name)) return groups.get(name);
  const folded = FOLDED.has(name);
  const part = document.createElement(folded ? "details" : "section");
  part.className = "curves-group";
  const title = document.createElement(folded ? "summary" : "h3");
  title.textContent = name;
  const cells = document.createElement("div");
  cells.className = LARGE.has(name) ? "curves curves--large" : "curves";
  part.append(title, cells);
  box.append(part);
  // Plots made while it was folded had no width.
  part.addEventListener("toggle", resize);
  groups.set(name, cells);
  return cells;
}

// This run, then the others in the order in which they were chosen.
function runs() {
  const own = { number: box.dataset.run, address: box.dataset.metrics, words: box.dataset.words };
  const others = new URLSearchParams(location.search)
    .getAll("over")
    .map((number) => chooser?.querySelector(`[value="${CSS.escape(number)}"]:checked`))
    .filter(Boolean)
    .map((input) => ({
      number: input.value,
      address: input.dataset.metrics,
      words: input.nextElementSibling.textContent.replace(/^run \d+: /, ""),
    }));
  return [own, ...others];
}

function draw() {
  const drawn = runs();
  const own = fetched.get(box.dataset.run);
  if (!own?.curves.length) return;
  box.querySelector(".empty")?.remove();
  for (const group of own.groups) {
    for (const curve of own.curves.filter((one) => one.group === group)) {
      if (!plots.has(curve.name)) plots.set(curve.name, new Plot(groupOf(group), curve, view));
      plots.get(curve.name).show(
        drawn.map(({ number, words }) => {
          const metrics = fetched.get(number);
          const values = metrics?.curves.find((one) => one.name === curve.name)?.values;
          return { name: `run ${number}`, words, steps: values ? metrics.steps : [], values: values ?? [] };
        }),
      );
    }
  }
  tell(drawn);
}

function tell(drawn) {
  key.hidden = drawn.length === 1;
  key.replaceChildren(
    ...drawn.map(({ number, words }, place) => {
      const row = document.createElement("li");
      const link = document.createElement(place ? "a" : "span");
      if (place) link.href = `../${number}/`;
      link.textContent = `run ${number}: ${words}`;
      row.append(sample(place), link);
      return row;
    }),
  );
}

async function metricsAt(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`metrics: ${answer.status}`);
  return answer.json();
}

// Asks for what is missing and for what still grows, and again until nothing does.
async function refresh() {
  clearTimeout(timer);
  const wanted = runs().filter(({ number }) => fetched.get(number)?.active ?? true);
  const answers = await Promise.allSettled(
    wanted.map(async ({ number, address }) => fetched.set(number, await metricsAt(address))),
  );
  draw();
  // Where the server is away for a moment the next refresh asks again.
  const away = answers.some(({ status }) => status === "rejected");
  clearTimeout(timer);
  if (away || runs().some(({ number }) => fetched.get(number)?.active)) timer = setTimeout(refresh, REFRESH_MS);
}

function choose({ target }) {
  const address = new URL(location.href);
  const chosen = address.searchParams.getAll("over").filter((number) => number !== target.value);
  if (target.checked) chosen.push(target.value);
  address.searchParams.delete("over");
  for (const number of chosen) address.searchParams.append("over", number);
  history.replaceState(history.state, "", address);
  limit();
  refresh();
}

// No more than there are colours; and the table holds what is drawn.
function limit() {
  const chosen = runs().slice(1);
  const full = chosen.length >= Number(chooser.dataset.most);
  for (const input of chooser.querySelectorAll("input")) input.disabled = full && !input.checked;
  const table = document.getElementById("table");
  const address = new URL(table.href);
  address.searchParams.delete("over");
  for (const { number } of chosen) address.searchParams.append("over", number);
  table.href = address;
}

function again() {
  for (const plot of plots.values()) plot.redraw();
}

function resize() {
  for (const plot of plots.values()) plot.resize();
}

if (box) {
  document.getElementById("smooth").addEventListener("input", (event) => {
    view.smooth = Number(event.target.value);
    again();
  });
  document.getElementById("logarithmic").addEventListener("change", (event) => {
    view.logarithmic = event.target.checked;
    again();
  });
  chooser?.addEventListener("change", choose);
  if (chooser) limit();
  new ResizeObserver(resize).observe(box);
  // Other colours, by the account menu or by the device.
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  refresh();
}
