// What sticks to the top and the bottom of the page, measured for the style sheet: its height changes with the
// width of the page and with the text in it, and whatever is scrolled to must not end up under it.

export function measure(signal) {
  const [head, prompt, board, bar, end] = [".site", ".prompt", ".board", ".bar", ".bar__end"].map((part) => document.querySelector(part));
  const narrow = matchMedia("(max-width: 63.99rem)");
  const set = (name, height) => document.documentElement.style.setProperty(name, `${height}px`);
  const update = () => {
    set("--bar-height", bar.offsetHeight);
    set("--stuck-head", head.offsetHeight);
    set("--stuck-top", narrow.matches ? prompt.offsetHeight : head.offsetHeight);
    set("--stuck-bottom", narrow.matches ? end.offsetHeight : bar.offsetHeight + (board ? board.offsetHeight : 0));
  };
  update();
  const observer = new ResizeObserver(update);
  for (const part of [head, prompt, board, bar, end]) if (part) observer.observe(part);
  signal.addEventListener("abort", () => observer.disconnect());
}
