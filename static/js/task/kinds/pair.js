// Two completions: one choice of seven, or a verdict without one and its reason.

import { announce } from "../notices.js";
import { Choices } from "./choices.js";

const RANKED = "ranked";

export class Pair extends Choices {
  constructor(main) {
    super(main);
    this.form.addEventListener("input", ({ target }) => {
      // Whoever chooses compares, whatever verdict was there before.
      if (target.name === "preference") this.field("verdict").value = RANKED;
    });
    this.draw();
  }

  get missing() {
    if (this.value("verdict") !== RANKED) {
      return this.value("reason").trim() ? "" : "Say in a few words why neither can be chosen.";
    }
    return this.value("preference") ? "" : "Say which is better, and how much.";
  }

  draw() {
    super.draw();
    const chosen = this.value("verdict") === RANKED ? Number(this.value("preference")) : 0;
    for (const [letter, card] of this.cards) {
      const better = letter === "A" ? chosen && chosen < 4 : chosen > 4;
      card.classList.toggle("is-current", Boolean(better));
    }
  }

  goToMissing() {
    if (this.value("verdict") !== RANKED) this.field("reason").focus();
    else this.form.querySelector("[name=preference]").focus();
  }

  key(event) {
    const { key, repeat } = event;
    const input = /^[1-7]$/.test(key) && this.form.querySelector(`[name=preference][value="${key}"]`);
    const verdict = { x: "all_bad", t: "cannot_tell" }[key.toLowerCase()];
    if (input && !repeat) this.#choose(input);
    else if (verdict) this.#judge(verdict);
    return Boolean(input || verdict) || super.key(event);
  }

  #choose(input) {
    input.checked = true;
    this.field("verdict").value = RANKED;
    this.changed();
    announce(`${input.closest("label").lastElementChild.lastChild.textContent.trim()}. Enter submits.`);
  }

  #judge(verdict) {
    this.field("verdict").value = verdict;
    this.changed();
    this.field("reason").focus();
  }
}
