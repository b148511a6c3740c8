// A run's curves: one small uPlot a figure, redrawn while the run is active.
// uPlot sets styles through the CSSOM, which the Content-Security-Policy allows.

const REFRESH_MS = 3000;
const HEIGHT = 180;

const box = document.getElementById("curves");
const plots = new Map();

function colour(role) {
  return getComputedStyle(document.documentElement).getPropertyValue(role).trim() || "#555";
}

// Four significant digits, and powers of ten for what would be mostly zeros.
function short(value) {
  const tiny = value !== 0 && Math.abs(value) < 0.001;
  return tiny ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

function options(name, width) {
  const axis = { stroke: colour("--text-muted"), grid: { stroke: colour("--border") }, ticks: { show: false } };
  return {
    title: name.replaceAll("_", " "),
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 30 },
      { ...axis, size: 64, values: (_, ticks) => ticks.map(short) },
    ],
    series: [{}, { stroke: colour("--accent"), width: 2, spanGaps: true, points: { show: false } }],
  };
}

function figure(name) {
  const cell = document.createElement("figure");
  cell.className = "curve";
  const last = document.createElement("figcaption");
  box.append(cell);
  const plot = new window.uPlot(options(name, cell.clientWidth), [[], []], cell);
  cell.append(last);
  const entry = { cell, plot, last };
  plots.set(name, entry);
  return entry;
}

function draw(metrics) {
  const names = Object.keys(metrics.series);
  if (!names.length) return;
  box.querySelector(".empty")?.remove();
  for (const name of names) {
    const { plot, last } = plots.get(name) ?? figure(name);
    const values = metrics.series[name];
    plot.setData([metrics.steps, values]);
    const shown = values.filter((value) => value !== null).at(-1);
    last.textContent = `now ${short(shown)} at step ${metrics.steps.at(-1)}`;
  }
}

async function refresh() {
  try {
    const answer = await fetch(box.dataset.metrics, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const metrics = await answer.json();
      draw(metrics);
      if (!metrics.active) return;
    }
  } catch {
    // The server is away for a moment; the next refresh asks again.
  }
  setTimeout(refresh, REFRESH_MS);
}

new ResizeObserver(() => {
  for (const { cell, plot } of plots.values()) plot.setSize({ width: cell.clientWidth, height: HEIGHT });
}).observe(box);

refresh();
