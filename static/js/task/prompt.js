// On a narrow screen a long prompt folds to two lines of its last turn; a press shows all of it. Where its box is too
// small for a dialogue, the turn that is answered is in sight first.

const NARROW = matchMedia("(max-width: 63.99rem)");
// A prompt that takes less of a narrow screen stays open: there is room for the answers below it.
const FITS = 0.25;

export function listen(main, signal) {
  const prompt = main.querySelector(".prompt");
  const button = prompt.querySelector("[data-fold]");
  const fold = (folded) => {
    prompt.classList.toggle("is-folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = folded ? "Show all" : "Fold";
    showLastTurn(prompt);
  };
  const fit = () => {
    fold(false);
    button.hidden = !NARROW.matches || prompt.offsetHeight <= innerHeight * FITS;
    fold(!button.hidden);
  };
  button.addEventListener("click", () => fold(!prompt.classList.contains("is-folded")));
  NARROW.addEventListener("change", fit, { signal });
  fit();
}

// Its beginning, where all of it is too long too.
function showLastTurn(prompt) {
  const turns = prompt.querySelector(".prompt__turns");
  turns.scrollTop = turns.lastElementChild.offsetTop - turns.offsetTop;
}
