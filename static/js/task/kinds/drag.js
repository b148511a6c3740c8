// Dragging a card by its head, with a mouse or a finger, between the tray and the slots.

import Sortable from "../../../sortablejs/sortable.core.esm.js";

export function listen(task) {
  for (const box of task.main.querySelectorAll(".cards")) {
    Sortable.create(box, {
      group: "cards",
      sort: false,
      draggable: ".completion",
      handle: ".completion__head",
      filter: "button, select",
      preventOnFilter: false,
      // The browser's own dragging knows no fingers, and draws a picture that cannot be styled.
      forceFallback: true,
      fallbackOnBody: true,
      fallbackTolerance: 4,
      fallbackClass: "is-in-hand",
      ghostClass: "is-dragged",
      delay: 150,
      delayOnTouchOnly: true,
      emptyInsertThreshold: 16,
      onStart: () => task.main.classList.add("is-dragging"),
      onEnd: ({ item, to, originalEvent }) => {
        task.main.classList.remove("is-dragging");
        const box = boxUnder(originalEvent) ?? to;
        task.place(item.dataset.letter, Number(box.dataset.rank));
      },
    });
  }
}

// Where the hand let go. Sortable itself sees no box between two cards of it.
function boxUnder(event) {
  const { clientX, clientY } = event.changedTouches?.[0] ?? event;
  return document.elementsFromPoint(clientX, clientY).map((one) => one.closest(".cards")).find(Boolean);
}
