// One figure over the steps of a run, and perhaps of others: points where they are few, the values at the pointer or
// where the arrow keys stand, whole steps, an axis that fits what is drawn. uPlot sets styles through the CSSOM, which
// the Content-Security-Policy allows.

const HEIGHT = 200;
const FEW = 40;
// Steps are whole: no mark between two of them.
const WHOLE = [1, 2, 5].flatMap((part) => [0, 1, 2, 3, 4, 5, 6].map((power) => part * 10 ** power)).sort((a, b) => a - b);

// Of this run, and of each laid over it: never by colour alone.
const STYLES = [
  { role: "--accent", dash: [] },
  { role: "--run-1", dash: [8, 4] },
  { role: "--run-2", dash: [2, 3] },
  { role: "--run-3", dash: [14, 4] },
  { role: "--run-4", dash: [8, 3, 2, 3] },
  { role: "--run-5", dash: [8, 3, 2, 3, 2, 3] },
  { role: "--run-6", dash: [4, 8] },
];
const SVG = "http://www.w3.org/2000/svg";

function colour(role) {
  return getComputedStyle(document.documentElement).getPropertyValue(role).trim() || "#555";
}

// A piece of the line that draws the run at ``place``.
export function sample(place) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "sample");
  picture.setAttribute("viewBox", "0 0 32 8");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", "M0 4H32");
  line.setAttribute("stroke-dasharray", STYLES[place].dash.join(" ") || "none");
  line.style.stroke = `var(${STYLES[place].role})`;
  picture.append(line);
  return picture;
}

// Four significant digits, and powers of ten for what would be mostly zeros.
export function short(value) {
  if (value === null || value === undefined) return "–";
  const tiny = value !== 0 && Math.abs(value) < 0.001;
  return tiny ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

// In percent as the pages say it.
function told(value, unit) {
  const percent = unit.startsWith("%") && value !== null && value !== undefined;
  return percent ? `${short(value)}%` : short(value);
}

// An exponential moving average, corrected for its start.
export function smoothed(values, weight) {
  let sum = 0;
  let share = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return sum / share;
  });
}

// All runs on one axis of steps.
export function aligned(runs) {
  const steps = [...new Set(runs.flatMap((run) => run.steps))].sort((a, b) => a - b);
  const lines = runs.map((run) => {
    const values = new Map(run.steps.map((step, place) => [step, run.values[place]]));
    return steps.map((step) => values.get(step) ?? null);
  });
  return { steps, lines };
}

function padded(low, high) {
  if (low !== high) return null;
  const room = Math.abs(low) * 0.1 || 1;
  return [low - room, high + room];
}

export class Plot {
  constructor(place, curve, view) {
    this.curve = curve;
    this.view = view;
    this.runs = [];
    this.cell = document.createElement("figure");
    this.cell.className = "curve";
    const head = document.createElement("figcaption");
    head.className = "curve__head";
    const name = document.createElement("span");
    const strong = document.createElement("strong");
    strong.textContent = curve.label;
    name.append(strong, curve.unit ? ` ${curve.unit}` : "");
    this.value = document.createElement("span");
    this.value.className = "curve__value";
    const save = document.createElement("button");
    save.type = "button";
    save.className = "curve__save";
    save.textContent = "PNG";
    save.setAttribute("aria-label", `${curve.label}: PNG`);
    save.addEventListener("click", () => this.save());
    head.append(name, this.value, save);
    this.others = document.createElement("ul");
    this.others.className = "plain curve__others";
    this.picture = document.createElement("div");
    this.picture.className = "curve__picture";
    this.picture.tabIndex = 0;
    this.picture.setAttribute("role", "slider");
    this.picture.setAttribute("aria-label", `${curve.label}: step`);
    this.picture.addEventListener("keydown", (event) => this.walk(event));
    this.picture.addEventListener("blur", () => this.point(null));
    this.cell.append(head, this.others, this.picture);
    place.append(this.cell);
  }

  // This run first; what a run did not measure is empty.
  show(runs) {
    this.runs = runs;
    this.others.replaceChildren(
      ...runs.slice(1).map((run, place) => {
        const row = document.createElement("li");
        row.title = run.words;
        row.append(sample(place + 1), `${run.name}: `, document.createElement("span"));
        return row;
      }),
    );
    this.redraw();
  }

  redraw() {
    if (!this.runs.length) return;
    const { steps, lines } = aligned(this.runs);
    const weight = this.view.smooth;
    const data = [steps, ...lines.map((line) => (weight ? smoothed(line, weight) : line))];
    if (weight) data.push(lines[0]);
    // What is drawn keeps the colours that there were.
    const shape = `${data.length} ${this.logarithmic(data)} ${Boolean(weight)} ${colour("--accent")}`;
    if (this.plot && this.shape === shape) {
      this.plot.setData(data, !this.zoomed());
    } else {
      this.plot?.destroy();
      this.shape = shape;
      this.plot = new window.uPlot(this.options(data, weight), data, this.picture);
    }
    this.say(this.plot.cursor.idx);
  }

  zoomed() {
    const { min, max } = this.plot.scales.x;
    const steps = this.plot.data[0];
    return min > steps[0] || max < steps.at(-1);
  }

  // What is not above zero has no place on it.
  logarithmic(data) {
    return this.view.logarithmic && data.slice(1).every((line) => line.every((value) => value === null || value > 0));
  }

  options(data, weight) {
    const axis = { stroke: colour("--text-muted"), grid: { stroke: colour("--border") }, ticks: { show: false } };
    // Of one value among many steps, as of what is measured at the end alone, there is no line, and its point is all.
    const points = (values) => ({ show: values.filter((value) => value !== null).length <= FEW, size: 6 });
    const drawn = STYLES.slice(0, this.runs.length).map(({ role, dash }, number) => ({
      width: 2, spanGaps: true, points: points(data[number + 1]), stroke: colour(role), dash,
    }));
    const series = [{}, ...drawn];
    if (weight) series.push({ ...drawn[0], width: 1, alpha: 0.35, points: { show: false } });
    return {
      width: this.width(),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, sync: { key: "run" } },
      scales: {
        x: { time: false, range: (_, low, high) => padded(low, high) ?? [low, high] },
        y: this.logarithmic(data)
          ? { distr: 3 }
          : { range: (_, low, high) => padded(low, high) ?? window.uPlot.rangeNum(low, high, 0.1, true) },
      },
      axes: [
        { ...axis, size: 30, incrs: WHOLE },
        { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : told(tick, this.curve.unit))) },
      ],
      series,
      hooks: { setCursor: [(plot) => this.say(plot.cursor.idx)] },
    };
  }

  // The values at the pointer; the last ones where it is elsewhere.
  say(place) {
    const [steps, own, ...others] = this.plot.data;
    const at = place ?? own.findLastIndex((value) => value !== null);
    this.value.textContent = at < 0 ? "" : `step ${steps[at]}: ${told(own[at], this.curve.unit)}`;
    const rows = [...this.others.children];
    rows.forEach((row, number) => {
      row.lastChild.textContent = told(others[number][at], this.curve.unit);
    });
    const words = [this.value.textContent, ...rows.map((row) => row.textContent)].join(", ");
    this.picture.setAttribute("aria-valuetext", words);
    this.picture.setAttribute("aria-valuenow", steps[at] ?? 0);
    this.picture.setAttribute("aria-valuemin", steps[0] ?? 0);
    this.picture.setAttribute("aria-valuemax", steps.at(-1) ?? 0);
  }

  // From step to step by key, in all plots at once, as the pointer does.
  walk(event) {
    const last = this.plot.data[0].length - 1;
    const at = this.plot.cursor.idx;
    const to = {
      ArrowLeft: at === null ? last : Math.max(at - 1, 0),
      ArrowRight: at === null ? 0 : Math.min((at ?? -1) + 1, last),
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.point(to);
  }

  point(place) {
    if (!this.plot) return;
    const left = place === null ? -10 : this.plot.valToPos(this.plot.data[0][place], "x");
    this.plot.setCursor({ left, top: place === null ? -10 : HEIGHT / 2 }, true, true);
  }

  width() {
    return this.cell.clientWidth || 320;
  }

  resize() {
    if (this.plot && this.cell.clientWidth) this.plot.setSize({ width: this.width(), height: HEIGHT });
  }

  // With what it shows and whose the lines are, since a picture is sent without its page.
  save() {
    const drawn = this.plot.ctx.canvas;
    const scale = drawn.width / this.width();
    const row = 20 * scale;
    const picture = document.createElement("canvas");
    picture.width = drawn.width;
    picture.height = drawn.height + row * (this.runs.length + 1.5);
    const context = picture.getContext("2d");
    context.fillStyle = colour("--surface");
    context.fillRect(0, 0, picture.width, picture.height);
    context.drawImage(drawn, 0, row * 1.25);
    context.font = `${13 * scale}px ${getComputedStyle(this.cell).fontFamily}`;
    context.textBaseline = "middle";
    context.lineWidth = 2 * scale;
    context.fillStyle = colour("--text");
    const room = picture.width - 16 * scale;
    context.fillText(`${this.curve.label} ${this.curve.unit}`, 8 * scale, row * 0.7, room);
    this.runs.forEach((run, place) => {
      const middle = drawn.height + row * (place + 1.75);
      context.strokeStyle = colour(STYLES[place].role);
      context.setLineDash(STYLES[place].dash.map((part) => part * scale));
      context.beginPath();
      context.moveTo(8 * scale, middle);
      context.lineTo(40 * scale, middle);
      context.stroke();
      context.fillText(`${run.name}: ${run.words}`, 48 * scale, middle, room - 40 * scale);
    });
    const link = document.createElement("a");
    link.href = picture.toDataURL("image/png");
    link.download = `${this.runs[0].name.replace(" ", "-")}-${this.curve.name}.png`;
    link.click();
  }
}
