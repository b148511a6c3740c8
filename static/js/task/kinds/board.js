// Draws a task's state: cards into the tray or their slots, what is pressed, what is missing.

export function draw(task) {
  const focused = document.activeElement;
  const boxes = new Map([...task.main.querySelectorAll(".cards")].map((box) => [Number(box.dataset.rank), box]));
  for (const [letter, card] of task.cards) {
    const rank = task.order.ranks[letter];
    task.field(`rank_${letter}`).value = rank || "";
    put(card, boxes.get(rank));
    card.classList.toggle("is-current", letter === task.current);
    press(card, rank);
  }
  drawTask(task);
  drawBar(task);
  // A card that moves in the document loses the focus.
  if (focused !== document.activeElement && task.main.contains(focused)) focused.focus({ preventScroll: true });
}

// Letters stay in their order wherever they are, so that an eye finds them again.
function put(card, box) {
  const after = [...box.children].find((other) => other !== card && other.dataset.letter > card.dataset.letter);
  const inPlace = card.parentElement === box && (card.nextElementSibling ?? undefined) === after;
  if (!inPlace) box.insertBefore(card, after ?? null);
}

function press(card, rank) {
  for (const chip of card.querySelectorAll(".chip")) {
    const place = Number(chip.dataset.place);
    if (place) chip.setAttribute("aria-pressed", String(place === rank));
    else chip.hidden = !rank;
  }
}

function drawTask({ main, order }) {
  main.querySelector("[data-unplaced]").textContent = order.unplaced.length;
  main.classList.toggle("is-complete", order.isComplete);
  main.classList.toggle("is-unranked", order.verdict !== "ranked");
}

function drawBar(task) {
  for (const radio of task.field("verdict")) radio.checked = radio.value === task.order.verdict;
  task.main.querySelector("[data-undo]").disabled = !task.order.canUndo;
}
