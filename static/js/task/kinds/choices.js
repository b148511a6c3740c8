// An answer of choices, each one of a few: what was chosen last can be taken back.

import { announce } from "../notices.js";
import { Answer } from "./answer.js";

export class Choices extends Answer {
  #past = [];
  #now;

  constructor(main) {
    super(main);
    this.inputs = [...this.form.querySelectorAll(".step input, .verdict input")];
    this.#now = this.#chosen();
    main.querySelector("[data-undo]").addEventListener("click", () => this.undo());
  }

  changed() {
    const chosen = this.#chosen();
    if (!same(chosen, this.#now)) {
      this.#past.push(this.#now);
      this.#now = chosen;
    }
    super.changed();
  }

  draw() {
    super.draw();
    this.main.querySelector("[data-undo]").disabled = this.#past.length === 0;
  }

  undo() {
    const before = this.#past.pop();
    if (!before) return true;
    const other = this.inputs.filter((input) => input.checked !== before.has(input));
    for (const input of this.inputs) input.checked = before.has(input);
    this.#now = before;
    this.goBack(other[0]);
    super.changed();
    announce("Undone.");
    return true;
  }

  // The choice that was taken back is one of those that `input` belongs to.
  goBack() {}

  // Keys that all of them have.
  key({ key }) {
    return key.toLowerCase() === "z" && this.undo();
  }

  #chosen() {
    return new Set(this.inputs.filter((input) => input.checked));
  }
}

function same(one, other) {
  return one.size === other.size && [...one].every((input) => other.has(input));
}
