// Buttons that copy the text of a field. Without this script they are hidden, and the field can be selected.

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      // No permission, or no secure context: what is selected can be copied by hand.
      field.select();
      button.textContent = "Selected: press Ctrl+C";
    }
  });
}
