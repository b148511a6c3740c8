// Buttons that copy the text of an element. Without this script they are hidden, and the text can be selected.

for (const button of document.querySelectorAll("[data-copy]")) {
  const shown = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(shown.value ?? shown.textContent);
      button.textContent = "Copied";
    } catch {
      // No permission, or no secure context: what is selected can be copied by hand.
      select(shown);
      button.textContent = "Selected: press Ctrl+C or ⌘C";
    }
  });
}

function select(shown) {
  if (shown.select) shown.select();
  else getSelection().selectAllChildren(shown);
}
