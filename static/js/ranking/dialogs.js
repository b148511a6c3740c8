// Dialogs: guidelines, skip, keys, and two texts side by side.

const KEYS = { guidelines: "g", keys: "?", compare: "v" };

export function listen(main, signal) {
  const press = (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener && openDialog(opener.dataset.open)) event.preventDefault();
    if (event.target.closest("[data-close]")) closeOpen();
  };
  document.addEventListener("click", press, { signal });
  for (const dialog of main.querySelectorAll("dialog")) {
    // A press on the backdrop is a press on the dialog itself, outside its box.
    dialog.addEventListener("click", (event) => event.target === dialog && isOutside(dialog, event) && dialog.close());
  }
  for (const dialog of main.querySelectorAll("dialog[data-opened]")) openDialog(dialog.id);
}

// Returns whether the page has that dialog.
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog?.showModal) return false;
  dialog.dispatchEvent(new Event("opening"));
  dialog.showModal();
  return true;
}

export function closeOpen() {
  document.querySelector("dialog[open]")?.close();
  return true;
}

// The key that closes the open dialog as it opened it.
export function toggleKeyOf() {
  return KEYS[document.querySelector("dialog[open]")?.id];
}

function isOutside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
