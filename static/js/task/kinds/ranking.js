// A ranking: the order in the making, and the completion that keys act on.

import { announce, list } from "../notices.js";
import { Answer } from "./answer.js";
import { draw } from "./board.js";
import * as drag from "./drag.js";
import { Order, RANKED } from "./order.js";

export class Ranking extends Answer {
  #current;

  constructor(main) {
    super(main);
    const ranks = [...this.cards.keys()].map((letter) => [letter, Number(this.value(`rank_${letter}`))]);
    this.order = new Order(Object.fromEntries(ranks), this.value("verdict") || RANKED);
    this.places = main.querySelectorAll(".slot").length;
    this.#current = this.order.unplaced[0] ?? this.order.letters[0];
    main.addEventListener("focusin", ({ target }) => {
      const letter = target.closest("[data-letter]")?.dataset.letter;
      if (letter && letter !== this.current) this.mark(letter);
    });
    main.addEventListener("click", ({ target }) => {
      const chip = target.closest("[data-place]");
      if (chip) this.place(chip.closest(".completion").dataset.letter, Number(chip.dataset.place));
      const token = target.closest(".token");
      if (token) this.goTo(token.dataset.letter);
      if (target.closest("[data-undo]")) this.undo();
    });
    drag.listen(this);
    this.draw();
  }

  get current() {
    return this.#current;
  }

  get missing() {
    if (this.order.verdict !== RANKED) {
      return this.value("reason").trim() ? "" : "Say in a few words why none can be ranked.";
    }
    const { unplaced, letters } = this.order;
    if (!unplaced.length) return "";
    if (unplaced.length === letters.length) {
      return "Place all of them, or say why none can be ranked.";
    }
    return `${list(unplaced)} ${unplaced.length === 1 ? "has" : "have"} no place yet.`;
  }

  draw() {
    super.draw();
    draw(this);
  }

  goToMissing() {
    if (this.order.verdict !== RANKED) this.field("reason").focus();
    else this.goTo(this.order.unplaced[0]);
  }

  input(target) {
    if (target.name === "verdict") this.judge(target.value);
    else this.changed();
  }

  // Place a completion; keys then act on the next one without a place.
  place(letter, rank) {
    if (rank > this.places) return;
    const changed = this.order.place(letter, rank);
    this.goTo(rank ? (this.order.nextUnplaced(letter) ?? letter) : letter);
    if (changed) this.#said(this.#saidOf(letter));
  }

  judge(verdict) {
    if (this.order.judge(verdict)) this.changed();
    if (verdict !== RANKED) this.field("reason").focus();
  }

  undo() {
    if (this.order.undo()) {
      this.goTo(this.order.unplaced[0] ?? this.current);
      this.#said("Undone.");
    }
    return true;
  }

  takeFields(fields) {
    for (const name of ["reason", "confidence", "rationale"]) this.field(name).value = fields[name] ?? "";
    const ranks = this.order.letters.map((letter) => [letter, Number(fields[`rank_${letter}`])]);
    if (this.order.takeOver(Object.fromEntries(ranks), fields.verdict)) this.changed();
  }

  // Make a completion the one that keys act on.
  mark(letter) {
    this.#current = letter;
    this.draw();
  }

  // The same, and show it.
  goTo(letter) {
    this.mark(letter);
    const card = this.cards.get(letter);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  leaveText() {
    this.goTo(this.current);
  }

  key(event, letters) {
    return this.#move(event) || (letters && this.#command(event.key));
  }

  #move({ key, repeat, target }) {
    const digit = "0123456789".indexOf(key);
    if (key.length === 1 && digit >= 0 && digit <= this.places) {
      if (!repeat) this.place(this.current, digit);
      return true;
    }
    // Arrows belong to a group of radio buttons while one has the focus.
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!by || target.matches("input")) return false;
    this.#shift(by);
    return true;
  }

  #command(key) {
    const name = key.toLowerCase();
    if (name === "z") this.undo();
    else if (name === "x") this.judge("all_bad");
    else if (name === "t") this.judge("cannot_tell");
    else if (this.cards.has(key.toUpperCase())) this.goTo(key.toUpperCase());
    else return false;
    return true;
  }

  // One place better (-1) or worse (+1); a completion without a place leads to its neighbour instead.
  #shift(by) {
    const rank = this.order.ranks[this.current];
    if (!rank) {
      this.#neighbour(by);
    } else if (rank + by >= 1 && rank + by <= this.places) {
      this.order.place(this.current, rank + by);
      this.goTo(this.current);
      this.#said(this.#saidOf(this.current));
    }
  }

  #neighbour(by) {
    const waiting = this.order.unplaced;
    const next = waiting[waiting.indexOf(this.current) + by];
    if (next) this.goTo(next);
  }

  #said(words) {
    this.changed();
    announce(words);
  }

  #saidOf(letter) {
    const rank = this.order.ranks[letter];
    if (!rank) return `${letter} has no place again.`;
    const tied = this.order.tiedWith(letter);
    const where = `${letter} is at place ${rank}${tied.length ? `, tied with ${list(tied)}` : ""}.`;
    return this.order.isComplete ? `${where} Every completion has a place: Enter submits.` : where;
  }
}
