// A run's curves: fetched while the run is active, in groups, one plot a figure; another run's laid over on request.

import { Plot } from "./plot.js";

const REFRESH_MS = 3000;
const LARGE = new Set(["What decides"]);
const FOLDED = new Set(["How it learns", "How fast it is"]);

const box = document.getElementById("curves");
const view = { smooth: 0, logarithmic: false };
const groups = new Map();
const plots = new Map();
let over = null;

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

function draw(metrics) {
  if (!metrics.curves.length) return;
  box.querySelector(".empty")?.remove();
  for (const group of metrics.groups) {
    for (const curve of metrics.curves.filter((one) => one.group === group)) {
      if (!plots.has(curve.name)) plots.set(curve.name, new Plot(groupOf(group), curve, view));
      plots.get(curve.name).show({ words: box.dataset.words, steps: metrics.steps, values: curve.values });
    }
  }
}

function drawOver(metrics, words) {
  for (const [name, plot] of plots) {
    const curve = metrics?.curves.find((one) => one.name === name);
    plot.layOver(curve ? { words, steps: metrics.steps, values: curve.values } : null);
  }
}

async function metricsAt(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`metrics: ${answer.status}`);
  return answer.json();
}

async function refresh() {
  try {
    const metrics = await metricsAt(box.dataset.metrics);
    draw(metrics);
    if (over) drawOver(over.metrics, over.words);
    if (!metrics.active) return;
  } catch {
    // The server is away for a moment; the next refresh asks again.
  }
  setTimeout(refresh, REFRESH_MS);
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
  document.getElementById("over")?.addEventListener("change", async (event) => {
    const chosen = event.target.selectedOptions[0];
    try {
      over = chosen.value ? { metrics: await metricsAt(chosen.value), words: chosen.dataset.words } : null;
    } catch {
      over = null;
      event.target.value = "";
    }
    drawOver(over?.metrics, over?.words);
  });
  new ResizeObserver(resize).observe(box);
  refresh();
}
