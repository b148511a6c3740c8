// One task on the page: the order in the making, the completion that keys act on, and the form that carries both.
// It says "change" whenever the judgement is another one.

import { draw } from "./board.js";
import { announce, list } from "./notices.js";
import { Order, RANKED } from "./order.js";

export class Task extends EventTarget {
  constructor(main) {
    super();
    this.main = main;
    this.form = main.querySelector("#ranking");
    this.cards = new Map([...main.querySelectorAll(".completion")].map((card) => [card.dataset.letter, card]));
    const ranks = [...this.cards.keys()].map((letter) => [letter, Number(this.field(`rank_${letter}`).value)]);
    this.order = new Order(Object.fromEntries(ranks), this.field("verdict").value || RANKED);
    this.places = main.querySelectorAll(".slot").length;
    this.current = this.order.unplaced[0] ?? this.order.letters[0];
    draw(this);
  }

  get assignment() {
    return this.field("assignment").value;
  }

  field(name) {
    return this.form.elements.namedItem(name);
  }

  // Why the judgement cannot be submitted yet, or "".
  get missing() {
    if (this.order.verdict !== RANKED) {
      return this.field("reason").value.trim() ? "" : "Say in a few words why none can be ranked.";
    }
    const { unplaced, letters } = this.order;
    if (!unplaced.length) return "";
    if (unplaced.length === letters.length) {
      return "Place every completion, or say why none can be ranked.";
    }
    return `${list(unplaced)} ${unplaced.length === 1 ? "has" : "have"} no place yet.`;
  }

  // Place a completion; keys then act on the next one without a place.
  place(letter, rank) {
    if (rank > this.places) return;
    const changed = this.order.place(letter, rank);
    this.goTo(rank ? (this.order.nextUnplaced(letter) ?? letter) : letter);
    if (changed) this.#changed(this.#saidOf(letter));
  }

  // One place better (-1) or worse (+1); a completion without a place leads to its neighbour instead.
  shift(by) {
    const rank = this.order.ranks[this.current];
    if (!rank) {
      this.#neighbour(by);
    } else if (rank + by >= 1 && rank + by <= this.places) {
      this.order.place(this.current, rank + by);
      this.goTo(this.current);
      this.#changed(this.#saidOf(this.current));
    }
  }

  judge(verdict) {
    if (this.order.judge(verdict)) this.#changed("");
    if (verdict !== RANKED) this.field("reason").focus();
  }

  undo() {
    if (!this.order.undo()) return;
    this.goTo(this.order.unplaced[0] ?? this.current);
    this.#changed("Undone.");
  }

  takeOver(ranks, verdict) {
    if (this.order.takeOver(ranks, verdict)) this.#changed("");
  }

  // Make a completion the one that keys act on.
  mark(letter) {
    this.current = letter;
    draw(this);
  }

  // The same, and show it.
  goTo(letter) {
    this.mark(letter);
    const card = this.cards.get(letter);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  // The form's own texts changed: what is missing may be another thing now.
  textChanged() {
    draw(this);
    this.dispatchEvent(new Event("change"));
  }

  #changed(said) {
    draw(this);
    if (said) announce(said);
    this.dispatchEvent(new Event("change"));
  }

  #neighbour(by) {
    const waiting = this.order.unplaced;
    const next = waiting[waiting.indexOf(this.current) + by];
    if (next) this.goTo(next);
  }

  #saidOf(letter) {
    const rank = this.order.ranks[letter];
    if (!rank) return `${letter} has no place again.`;
    const tied = this.order.tiedWith(letter);
    const where = `${letter} is at place ${rank}${tied.length ? `, tied with ${list(tied)}` : ""}.`;
    return this.order.isComplete ? `${where} Every completion has a place: Enter submits.` : where;
  }
}
