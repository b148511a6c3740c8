// On a narrow screen the prompt folds to two lines; a press shows all of it.

const NARROW = matchMedia("(max-width: 63.99rem)");

export function listen(main, signal) {
  const prompt = main.querySelector(".prompt");
  const button = prompt.querySelector("[data-fold]");
  const fold = (folded) => {
    prompt.classList.toggle("is-folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = folded ? "Show all" : "Fold";
  };
  // A prompt that is short anyway does not fold.
  const fit = () => {
    fold(false);
    button.hidden = true;
    const whole = prompt.offsetHeight;
    fold(NARROW.matches);
    button.hidden = !NARROW.matches || prompt.offsetHeight >= whole;
    if (button.hidden) fold(false);
  };
  button.addEventListener("click", () => fold(!prompt.classList.contains("is-folded")));
  NARROW.addEventListener("change", fit, { signal });
  fit();
}
