// Dialogs: guidelines, skip, keys, and two texts side by side.

import { read, write } from "./storage.js";

const KEYS = { guidelines: "g", keys: "?", compare: "v" };
// Wide enough for the prompt, the cards and the guidelines beside each other.
const BESIDE = matchMedia("(min-width: 80rem)");
const STAYS = "guidelines-beside";

export function listen(main, signal) {
  const press = (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener && openDialog(opener.dataset.open)) event.preventDefault();
    event.target.closest("[data-close]")?.closest("dialog").close();
  };
  document.addEventListener("click", press, { signal });
  for (const dialog of main.querySelectorAll("dialog")) {
    // A press on the backdrop is a press on the dialog itself, outside its box.
    dialog.addEventListener("click", (event) => event.target === dialog && isOutside(dialog, event) && dialog.close());
  }
  for (const dialog of main.querySelectorAll("dialog[data-opened]")) openDialog(dialog.id);
  besideTheWork(main, signal);
}

// Guidelines that were opened beside the work stay there, from task to task, until somebody closes them.
function besideTheWork(main, signal) {
  const panel = main.querySelector("#guidelines");
  if (!panel) return;
  panel.addEventListener("close", () => BESIDE.matches && write(STAYS, false));
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.matches(":modal")) panel.close();
  });
  BESIDE.addEventListener("change", () => BESIDE.matches || panel.matches(":modal") || panel.close(), { signal });
  // Not show(): that takes the focus, and nobody asked for the guidelines just now.
  panel.open = BESIDE.matches && read(STAYS) === true;
}

// Returns whether the page has that dialog.
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog?.showModal) return false;
  dialog.dispatchEvent(new Event("opening"));
  if (id === "guidelines" && BESIDE.matches) beside(dialog);
  else dialog.showModal();
  return true;
}

// A second time closes it.
function beside(panel) {
  if (panel.open) return panel.close();
  panel.show();
  write(STAYS, true);
}

export function closeOpen() {
  document.querySelector("dialog:modal")?.close();
  return true;
}

// The key that closes the open dialog as it opened it.
export function toggleKeyOf() {
  return KEYS[document.querySelector("dialog:modal")?.id];
}

function isOutside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
