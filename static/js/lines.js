// In a list of rows the arrows go from one to the next; Enter opens it, as it does any link.

const links = [...document.querySelectorAll(".lines__text a")];

for (const [place, link] of links.entries()) {
  link.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && links[place + step];
    if (!next || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    next.focus();
  });
}
