// Writing: how long it is, and how it will be read.

import { announce } from "../notices.js";
import { fragment } from "../requests.js";
import { Answer } from "./answer.js";

export class Demonstration extends Answer {
  #shown = 0;

  constructor(main) {
    super(main);
    this.text = this.field("text");
    this.preview = main.querySelector("#preview");
    this.button = main.querySelector("[data-show-preview]");
    this.button.addEventListener("click", () => this.#toggle());
    this.addEventListener("change", () => this.preview.hidden || this.#later());
    this.draw();
  }

  get missing() {
    const length = [...this.text.value.trim()].length;
    const least = Number(this.form.dataset.least);
    if (!length) return least > 1 ? `Write an answer of at least ${least.toLocaleString("en")} characters.` : "Write an answer.";
    const short = least - length;
    return short > 0 ? `${short} more ${short === 1 ? "character" : "characters"} are needed.` : "";
  }

  draw() {
    super.draw();
    const length = [...this.text.value.trim()].length;
    this.main.querySelector("[data-count]").textContent = `${length.toLocaleString("en")} ${length === 1 ? "character" : "characters"}`;
  }

  goToMissing() {
    this.text.focus();
  }

  key({ key }) {
    if (key.toLowerCase() === "p") this.#toggle();
    else if (key.toLowerCase() === "e") this.text.focus();
    else return false;
    return true;
  }

  #toggle() {
    const open = this.preview.hidden;
    this.preview.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.#draw();
  }

  #later() {
    clearTimeout(this.#shown);
    this.#shown = setTimeout(() => this.#draw(), 400);
  }

  // The server renders it, as it renders every text that annotators see.
  async #draw() {
    const box = this.preview.querySelector("[data-preview-text]");
    try {
      box.replaceChildren(...(await fragment(this.form.dataset.preview, new FormData(this.form))));
    } catch {
      box.textContent = "There is no preview without a connection.";
      announce(box.textContent);
    }
  }
}
