// Runs before the first paint: says that scripts work, and puts on the colours that were chosen.
// The admin keeps its choice under the same name ("auto", "light" or "dark").
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    root.dataset.theme = localStorage.getItem("theme") || "auto";
  } catch {
    root.dataset.theme = "auto";
  }
  // Where the page's own script does not arrive, the form without it comes back.
  addEventListener("load", () => {
    if (root.dataset.needs && root.dataset.ready !== root.dataset.needs) root.classList.remove("js");
  });
})();
