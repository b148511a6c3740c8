// An answer in the making: its form, what is missing, and a "change" whenever it is another one. Each kind of task adds
// its own: what its keys do, and what it draws.

export class Answer extends EventTarget {
  constructor(main) {
    super();
    this.main = main;
    this.form = main.querySelector("#judgement");
    this.cards = new Map([...main.querySelectorAll(".completion")].map((card) => [card.dataset.letter, card]));
  }

  get assignment() {
    return this.field("assignment").value;
  }

  // Why it cannot be submitted yet, or "".
  get missing() {
    return "";
  }

  // The completion that is meant where nobody says which.
  get current() {
    return this.cards.keys().next().value;
  }

  field(name) {
    return this.form.elements.namedItem(name);
  }

  value(name) {
    return this.field(name)?.value ?? "";
  }

  // A field of the form was changed by hand.
  input() {
    this.changed();
  }

  // Put a draft's fields into the page.
  takeFields(fields) {
    for (const [name, value] of Object.entries(fields)) {
      const field = this.field(name);
      if (field && !["assignment", "active_seconds", "guidelines"].includes(name)) field.value = value;
    }
    this.changed();
  }

  changed() {
    this.draw();
    this.dispatchEvent(new Event("change"));
  }

  draw() {
    const { missing } = this;
    this.main.querySelector("[data-status]").textContent = missing || "Ready to submit.";
    // Not "disabled": it keeps the focus, and says why when it is pressed.
    this.main.querySelector("[data-submit]").setAttribute("aria-disabled", String(missing !== ""));
  }

  // Where what is missing is.
  goToMissing() {}

  // A key outside of texts; `letters` says whether letters are commands. Returns whether it was for this kind.
  key() {
    return false;
  }

  // Take the last move back; returns whether this kind can.
  undo() {
    return false;
  }

  // Escape in a text: keys are commands again.
  leaveText() {
    this.main.focus({ preventScroll: true });
  }
}
