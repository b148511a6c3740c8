// A link to a form that is folded opens it, and chooses it where it is one of several.

function open() {
  const target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  for (let part = target; part; part = part.parentElement) {
    if (part instanceof HTMLDetailsElement) part.open = true;
    const choice = document.getElementById(part.id.replace(/^action-/, "choose-"));
    if (choice !== part && choice instanceof HTMLInputElement) choice.checked = true;
  }
  target?.scrollIntoView();
}

window.addEventListener("hashchange", open);
open();
