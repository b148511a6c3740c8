// What the page says by itself: announcements to screen readers, and notices above the task.

export function announce(text) {
  const box = document.getElementById("announcer");
  // The same words twice are announced twice only if the text changes between.
  box.textContent = "";
  requestAnimationFrame(() => {
    box.textContent = text;
  });
}

// `actions` are {label, press}, or {label, href}, in a tab apart if they say so; a notice with the same name takes the place of the one before.
export function notice(name, kind, text, actions = []) {
  const before = document.querySelector(`#notices [data-name="${name}"]`);
  // Said already: a second time it would interrupt a screen reader, and take the focus off its buttons.
  if (before?.firstChild.textContent === text) return before;
  before?.remove();
  const box = document.createElement("div");
  box.className = `notice notice--${kind} row row--apart`;
  box.dataset.name = name;
  box.setAttribute("role", kind === "bad" || kind === "caution" ? "alert" : "status");
  const words = document.createElement("p");
  words.textContent = text;
  box.append(words, ...actions.map(control));
  document.getElementById("notices").append(box);
  return box;
}

export function dismiss(name) {
  document.querySelector(`#notices [data-name="${name}"]`)?.remove();
}

function control({ label, href, press, apart }) {
  const made = document.createElement(href ? "a" : "button");
  made.className = "button";
  made.textContent = label;
  if (href) {
    made.href = href;
    if (apart) made.target = "_blank";
  } else {
    made.type = "button";
    made.addEventListener("click", press);
  }
  return made;
}

// "A", "A and B", "A, B and C".
export function list(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
