// On a narrow screen the prompt folds to two lines; a press shows all of it.

const NARROW = matchMedia("(max-width: 63.99rem)");

export function listen(main) {
  const prompt = main.querySelector(".prompt");
  const button = prompt.querySelector("[data-fold]");
  const fold = (folded) => {
    prompt.classList.toggle("is-folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = folded ? "Show all" : "Fold";
  };
  button.addEventListener("click", () => fold(!prompt.classList.contains("is-folded")));
  if (!NARROW.matches) return;
  const whole = prompt.offsetHeight;
  button.hidden = false;
  fold(true);
  // A prompt that is short anyway does not fold.
  if (prompt.offsetHeight < whole) return;
  fold(false);
  button.hidden = true;
}
