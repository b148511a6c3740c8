// The next task, fetched while this one is judged, so that it is there at once when this one is submitted.

import { HEADERS, parsed } from "./requests.js";

export class Ahead {
  #page = null;
  #asked = false;

  // Asked for when the judging has begun: who only looks holds one task, not two.
  constructor(task, signal) {
    const { ahead } = task.main.dataset;
    if (ahead) task.addEventListener("change", () => this.#fetch(ahead, signal), { signal });
  }

  // The page, once; null where there is none.
  take() {
    const page = this.#page;
    this.#page = null;
    return page;
  }

  async #fetch(address, signal) {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const answer = await fetch(address, { headers: HEADERS, signal });
      const page = answer.status === 200 && !answer.redirected ? await parsed(answer) : null;
      if (page?.querySelector("#judgement")) this.#page = page;
    } catch {
      // Without a connection: the next change asks again.
      this.#asked = false;
    }
  }
}
