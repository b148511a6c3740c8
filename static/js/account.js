// The account menu: the choice of colours, and closing it by Escape or a press elsewhere.

const choice = document.querySelector("[data-theme-choice]");
const menu = document.querySelector(".menu");

if (choice) {
  choice.value = document.documentElement.dataset.theme;
  choice.addEventListener("change", () => {
    document.documentElement.dataset.theme = choice.value;
    try {
      localStorage.setItem("theme", choice.value);
    } catch {
      // Storage is off: the choice holds for this page.
    }
  });
}

if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
