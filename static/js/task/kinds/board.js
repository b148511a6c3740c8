// Draws a task's state: completions stay where they are read, and beside them a token of each stands in its slot.

export function draw(task) {
  const [tray, ...slots] = task.main.querySelectorAll(".cards");
  for (const [letter, card] of task.cards) {
    const rank = task.order.ranks[letter];
    task.field(`rank_${letter}`).value = rank || "";
    stay(card, tray);
    card.classList.toggle("is-current", letter === task.current);
    card.classList.toggle("is-placed", Boolean(rank));
    press(card, rank);
  }
  for (const slot of slots) fill(slot, task);
  drawTask(task);
  drawBar(task);
}

// A hand that drags a card takes it out of the tray: it comes back between its neighbours.
function stay(card, tray) {
  if (card.parentElement === tray) return;
  const after = [...tray.children].find((other) => other.dataset.letter > card.dataset.letter);
  tray.insertBefore(card, after ?? null);
}

function press(card, rank) {
  for (const chip of card.querySelectorAll(".chip")) {
    const place = Number(chip.dataset.place);
    if (place) chip.setAttribute("aria-pressed", String(place === rank));
    else chip.disabled = !rank;
  }
}

// Letters stay in their order, so that an eye finds them again. Tokens that are right already stay as they are.
function fill(slot, { order, cards, current }) {
  const rank = Number(slot.dataset.rank);
  const letters = order.letters.filter((letter) => order.ranks[letter] === rank);
  const shown = [...slot.children].map(({ dataset }) => dataset.letter);
  if (letters.join() !== shown.join()) slot.replaceChildren(...letters.map((letter) => token(letter, cards.get(letter))));
  for (const one of slot.children) one.classList.toggle("is-current", one.dataset.letter === current);
}

// What one can see of a completion in its slot; its place is changed there, or where it is read.
function token(letter, card) {
  const [box, name, words] = ["token", "letter", "token__words"].map((className) =>
    Object.assign(document.createElement("span"), { className }),
  );
  box.dataset.letter = letter;
  name.textContent = letter;
  words.dir = "auto";
  words.textContent = card.querySelector(".completion__text").textContent.trim().slice(0, 80);
  box.append(name, " ", words);
  return box;
}

function drawTask({ main, order }) {
  main.querySelector("[data-unplaced]").textContent = order.unplaced.length;
  main.classList.toggle("is-unranked", order.verdict !== "ranked");
}

function drawBar(task) {
  for (const radio of task.field("verdict")) radio.checked = radio.value === task.order.verdict;
  task.main.querySelector("[data-undo]").disabled = !task.order.canUndo;
}
