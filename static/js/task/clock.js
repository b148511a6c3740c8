// Active seconds: the page is visible, and somebody did something within the last minute.

const IDLE_MS = 60_000;
const TICK_MS = 1_000;
const SIGNS = ["pointermove", "pointerdown", "keydown", "scroll", "wheel", "touchstart"];

export class Clock {
  #last = performance.now();
  #ticked = performance.now();

  constructor(field, signal) {
    this.seconds = Number(field.value) || 0;
    const act = () => {
      this.#last = performance.now();
    };
    for (const sign of SIGNS) addEventListener(sign, act, { signal, passive: true, capture: true });
    const timer = setInterval(() => {
      this.#tick();
      field.value = this.seconds.toFixed(1);
    }, TICK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  get isIdle() {
    return document.hidden || performance.now() - this.#last > IDLE_MS;
  }

  #tick() {
    const now = performance.now();
    // A machine that slept ticks once for all of its sleep.
    if (!this.isIdle) this.seconds += Math.min(now - this.#ticked, 2 * TICK_MS) / 1000;
    this.#ticked = now;
  }
}
