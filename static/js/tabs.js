// On a narrow screen the room that one is in may lie beyond the edge of the tabs: bring it to their middle.

const tabs = document.querySelector(".tabs");
const here = tabs?.querySelector("[aria-current]");
if (here) tabs.scrollLeft = here.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;
