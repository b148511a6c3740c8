// The next task, fetched while this one is judged, so that it is there at once when this one is submitted.

import { HEADERS, parsed } from "./requests.js";

export class Ahead {
  #page = null;
  #asked = false;

  constructor(task, signal) {
    this.task = task;
    this.signal = signal;
    this.address = task.main.dataset.ahead;
  }

  // The page, once; null where there is none.
  take() {
    const page = this.#page;
    this.#page = null;
    return page;
  }

  // To be called when the server knows that this task is in hand: before that, it would be the next one.
  async fetch() {
    if (this.#asked || !this.address) return;
    this.#asked = true;
    try {
      const { signal } = this;
      const answer = await fetch(this.address, { headers: HEADERS, signal });
      const page = answer.status === 200 && !answer.redirected ? await parsed(answer) : null;
      const next = page?.querySelector("#judgement [name=assignment]")?.value;
      if (next && next !== this.task.assignment) this.#page = page;
    } catch {
      // Without a connection: asked again at the next change, and when it is back.
      this.#asked = false;
    }
  }
}
