// One figure over the steps of a run, and perhaps of another: points where they are few, the value at the pointer, whole
// steps, an axis that fits what is drawn. uPlot sets styles through the CSSOM, which the Content-Security-Policy allows.

const HEIGHT = 200;
const FEW = 40;
// Steps are whole: no mark between two of them.
const WHOLE = [1, 2, 5].flatMap((part) => [0, 1, 2, 3, 4, 5, 6].map((power) => part * 10 ** power)).sort((a, b) => a - b);

function colour(role) {
  return getComputedStyle(document.documentElement).getPropertyValue(role).trim() || "#555";
}

// Four significant digits, and powers of ten for what would be mostly zeros.
export function short(value) {
  if (value === null || value === undefined) return "–";
  const tiny = value !== 0 && Math.abs(value) < 0.001;
  return tiny ? value.toExponential(1) : String(Number(value.toPrecision(4)));
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

// Both runs on one axis of steps.
export function aligned(one, other) {
  const steps = [...new Set([...one.steps, ...(other?.steps ?? [])])].sort((a, b) => a - b);
  const at = (run) => {
    const values = new Map(run.steps.map((step, place) => [step, run.values[place]]));
    return steps.map((step) => values.get(step) ?? null);
  };
  return { steps, values: at(one), others: other ? at(other) : null };
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
    this.run = null;
    this.other = null;
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
    this.picture = document.createElement("div");
    this.cell.append(head, this.picture);
    place.append(this.cell);
  }

  show(run) {
    this.run = run;
    this.redraw();
  }

  layOver(other) {
    this.other = other;
    this.redraw();
  }

  redraw() {
    if (!this.run) return;
    const { steps, values, others } = aligned(this.run, this.other);
    const weight = this.view.smooth;
    const data = [steps, weight ? smoothed(values, weight) : values];
    if (weight) data.push(values);
    if (others) data.push(weight ? smoothed(others, weight) : others);
    const shape = `${data.length} ${this.logarithmic(data)} ${Boolean(weight)}`;
    if (this.plot && this.shape === shape) {
      this.plot.setData(data, !this.zoomed());
    } else {
      this.plot?.destroy();
      this.shape = shape;
      this.plot = new window.uPlot(this.options(data, weight), data, this.picture);
    }
    this.say(null);
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
    const points = { show: data[0].length <= FEW, size: 6 };
    const line = { stroke: colour("--accent"), width: 2, spanGaps: true, points };
    const series = [{}, line];
    if (weight) series.push({ ...line, width: 1, alpha: 0.35, points: { show: false } });
    if (this.other) series.push({ ...line, stroke: colour("--caution"), dash: [6, 4] });
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
        { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : short(tick))) },
      ],
      series,
      hooks: { setCursor: [(plot) => this.say(plot.cursor.idx)] },
    };
  }

  // The values at the pointer; the last ones where it is elsewhere.
  say(place) {
    const data = this.plot.data;
    const at = place ?? data[1].findLastIndex((value) => value !== null);
    const last = data.length - 1;
    const other = this.other && last > 1 ? `, ${this.other.words} ${short(data[last][at])}` : "";
    this.value.textContent = at < 0 ? "" : `step ${data[0][at]}: ${short(data[1][at])}${other}`;
  }

  width() {
    return this.cell.clientWidth || 320;
  }

  resize() {
    if (this.plot && this.cell.clientWidth) this.plot.setSize({ width: this.width(), height: HEIGHT });
  }

  save() {
    const drawn = this.plot.ctx.canvas;
    const picture = document.createElement("canvas");
    picture.width = drawn.width;
    picture.height = drawn.height;
    const context = picture.getContext("2d");
    context.fillStyle = colour("--surface");
    context.fillRect(0, 0, picture.width, picture.height);
    context.drawImage(drawn, 0, 0);
    const link = document.createElement("a");
    link.href = picture.toDataURL("image/png");
    link.download = `${this.run.words.replace(" ", "-")}-${this.curve.name}.png`;
    link.click();
  }
}
