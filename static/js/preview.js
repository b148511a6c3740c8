// Beside a text in markdown, what its readers will see. Without this script there is the text alone.

import { fragment, token } from "./task/requests.js";

const LATER_MS = 300;

for (const text of document.querySelectorAll("textarea[data-preview]")) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button button--quiet" });
  const box = Object.assign(document.createElement("section"), { className: "card prose preview", hidden: true, tabIndex: 0 });
  box.id = `${text.id}-preview`;
  box.dir = "auto";
  box.setAttribute("aria-label", "Preview");
  button.setAttribute("aria-controls", box.id);
  let timer = 0;
  let newest = 0;

  const draw = async () => {
    const number = ++newest;
    const body = new URLSearchParams({ text: text.value, csrfmiddlewaretoken: token() });
    try {
      const nodes = await fragment(text.dataset.preview, body, [413]);
      if (number === newest) box.replaceChildren(...nodes);
    } catch {
      if (number === newest) box.textContent = "There is no preview now: the server did not answer.";
    }
  };
  const show = (open) => {
    box.hidden = !open;
    button.textContent = open ? "Hide the preview" : "Preview";
    button.setAttribute("aria-expanded", String(open));
    if (open) draw();
  };

  button.addEventListener("click", () => show(box.hidden));
  text.addEventListener("input", () => {
    clearTimeout(timer);
    if (!box.hidden) timer = setTimeout(draw, LATER_MS);
  });
  text.after(button, box);
  show(false);
}
