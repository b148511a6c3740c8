// The page of the task in hand and of the next one are kept by a worker (static/js/worker.js), so that they can be loaded
// without a connection. Where a browser has no workers (over http, from another machine), nothing is kept so.

import { notice } from "./notices.js";
import { renewToken } from "./requests.js";

const AGAIN_MS = 5_000;
const workers = navigator.serviceWorker;
let said = null;

// Whether this page comes from the worker: the server was not there.
export function isKept() {
  return "kept" in document.documentElement.dataset;
}

export function register() {
  workers?.register(document.documentElement.dataset.worker, { updateViaCache: "none" }).catch(() => {});
  // A new release begins with nothing.
  if (workers?.controller) workers.addEventListener("controllerchange", () => said && tell(said));
}

// `message` is {page, assignment, ahead} (worker.js: inHand).
export async function tell(message) {
  said = message;
  const registration = await workers?.ready;
  registration?.active.postMessage(message);
}

// Says that this page is kept, and asks for it anew when the server answers again; `send` sends first what waits.
export function awaitServer(send) {
  if (!isKept()) return;
  notice("kept", "caution", "You are offline. This is the task as it was kept in this browser; go on, what you do is kept too.");
  const ask = async () => {
    await send();
    if (await renewToken().catch(() => false)) location.reload();
  };
  addEventListener("online", ask);
  setInterval(ask, AGAIN_MS);
}
