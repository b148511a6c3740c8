// An order in the making: the place of each letter (0 is none yet), the verdict, and what came before.
// Nothing here touches the page.

export const RANKED = "ranked";

export class Order {
  #past = [];

  constructor(ranks, verdict = RANKED) {
    this.ranks = { ...ranks };
    this.verdict = verdict;
  }

  get letters() {
    return Object.keys(this.ranks);
  }

  get unplaced() {
    return this.letters.filter((letter) => !this.ranks[letter]);
  }

  get isComplete() {
    return this.unplaced.length === 0;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  // The other letters that share a letter's place.
  tiedWith(letter) {
    const rank = this.ranks[letter];
    return rank ? this.letters.filter((other) => other !== letter && this.ranks[other] === rank) : [];
  }

  // Whoever places a completion is ranking, whatever verdict was chosen before.
  place(letter, rank) {
    return this.#change({ ...this.ranks, [letter]: rank }, RANKED);
  }

  judge(verdict) {
    return this.#change(this.ranks, verdict);
  }

  // Take over a state from elsewhere (a draft, another tab); it can be undone like a move.
  takeOver(ranks, verdict) {
    const known = Object.fromEntries(this.letters.map((letter) => [letter, ranks[letter] || 0]));
    return this.#change(known, verdict);
  }

  undo() {
    const before = this.#past.pop();
    if (!before) return false;
    Object.assign(this, before);
    return true;
  }

  // The first letter without a place after `letter`, in the circle of all letters.
  nextUnplaced(letter) {
    const start = this.letters.indexOf(letter) + 1;
    const circle = [...this.letters.slice(start), ...this.letters.slice(0, start)];
    return circle.find((other) => !this.ranks[other]);
  }

  #change(ranks, verdict) {
    const same = verdict === this.verdict && this.letters.every((letter) => ranks[letter] === this.ranks[letter]);
    if (same) return false;
    this.#past.push({ ranks: this.ranks, verdict: this.verdict });
    this.ranks = ranks;
    this.verdict = verdict;
    return true;
  }
}
