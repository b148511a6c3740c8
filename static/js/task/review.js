// The review page: its prompt folds on a narrow screen, and what sticks is measured. Everything else is a form.

import * as prompt from "./prompt.js";
import * as stuck from "./stuck.js";

const { signal } = new AbortController();
const main = document.getElementById("main");
prompt.listen(main, signal);
stuck.measure(signal);
