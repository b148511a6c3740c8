// Dragging a completion by its head, or its token, with a mouse or a finger, into a slot or out of it.

import Sortable from "../../../sortablejs/sortable.core.esm.js";

export function listen(task) {
  for (const box of task.main.querySelectorAll(".cards")) {
    const isTray = box.dataset.rank === "0";
    Sortable.create(box, {
      // What is dragged out of the tray leaves its copy there, so that nothing else moves.
      group: { name: "cards", pull: isTray ? "clone" : true },
      sort: false,
      draggable: isTray ? ".completion" : ".token",
      handle: isTray ? ".completion__head" : ".token",
      filter: isTray ? "button, select" : null,
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
      onEnd: ({ item, clone, to, originalEvent }) => {
        task.main.classList.remove("is-dragging");
        const box = boxUnder(originalEvent) ?? to;
        // The board draws where everything is.
        clone?.remove();
        if (!isTray) item.remove();
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
