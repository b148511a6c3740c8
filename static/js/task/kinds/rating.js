// Ratings: rows of steps, one row marked; a digit answers it and marks the next one without an answer.

import { announce } from "../notices.js";
import { Choices } from "./choices.js";

export class Rating extends Choices {
  constructor(main) {
    super(main);
    this.rows = [...main.querySelectorAll(".scale")];
    this.row = this.unanswered[0] ?? this.rows[0];
    main.addEventListener("focusin", ({ target }) => {
      const row = target.closest(".scale");
      if (row) this.mark(row);
    });
    this.draw();
  }

  get current() {
    return this.row.dataset.letter;
  }

  get unanswered() {
    return this.rows.filter((row) => !chosen(row));
  }

  get missing() {
    const count = this.unanswered.length;
    if (!count) return "";
    return count === 1 ? `${nameOf(this.unanswered[0])} has no score yet.` : `${count} scores are missing.`;
  }

  draw() {
    super.draw();
    this.main.querySelector("[data-unrated]").textContent = this.unanswered.length ? `${this.unanswered.length} left` : "all rated";
    for (const row of this.rows) {
      row.classList.toggle("is-current", row === this.row);
      row.classList.toggle("is-answered", Boolean(chosen(row)));
    }
    for (const card of this.cards.values()) {
      card.classList.toggle("is-current", card.contains(this.row));
    }
  }

  mark(row) {
    if (row === this.row) return;
    this.row = row;
    this.draw();
  }

  goTo(row) {
    this.mark(row);
    (chosen(row) ?? row.querySelector("input")).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  goToMissing() {
    this.goTo(this.unanswered[0]);
  }

  key(event) {
    const { key } = event;
    if (/^[0-9]$/.test(key)) return this.#answer(Number(key), event.repeat);
    const by = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (by) return this.#step(by);
    const card = /^[a-z]$/i.test(key) && this.rows.find((row) => row.dataset.letter === key.toUpperCase());
    if (card) this.goTo(card);
    return Boolean(card) || super.key(event);
  }

  goBack(input) {
    this.goTo(input.closest(".scale"));
  }

  #answer(digit, repeat) {
    const steps = [...this.row.querySelectorAll(".step:not(.step--none) input")];
    const input = digit ? steps[digit - 1] : this.row.querySelector(".step--none input");
    if (!input || repeat) return false;
    input.checked = true;
    const said = `${nameOf(this.row)}: ${digit ? input.value : "cannot say"}.`;
    const next = this.#after(this.row);
    if (next) this.goTo(next);
    else input.focus({ preventScroll: true });
    this.changed();
    announce(next ? `${said} Next: ${nameOf(next)}.` : `${said} Every score is there: Enter submits.`);
    return true;
  }

  // The first one without an answer after `row`, in the circle of all.
  #after(row) {
    const start = this.rows.indexOf(row) + 1;
    return [...this.rows.slice(start), ...this.rows.slice(0, start)].find((other) => !chosen(other));
  }

  #step(by) {
    const row = this.rows[this.rows.indexOf(this.row) + by];
    if (row) this.goTo(row);
    return true;
  }
}

function chosen(row) {
  return row.querySelector("input:checked");
}

function nameOf(row) {
  return `${row.dataset.label} of ${row.dataset.letter}`;
}
