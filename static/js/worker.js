// Lets the page of a task be loaded again without a connection. The server's script in front of this one
// (annotation/views/offline.py) says in `shell` what belongs to this release of Concord.
//
// Kept are the files that the page of a task loads, and of each project two pages: of the task in hand, and of the one
// held ahead. The server is asked first, always. A page is kept where its answer names the account and the assignment
// that it is for, all of them for one account: what another had goes before anything of the new one is kept, and with every
// form that leads to another page, such as the one to log out. Nothing else is kept or answered here, and no form.

const { root, login, offline, static: files, files: shellFiles } = self.shell;
const OURS = `concord ${root} `;
// Static addresses change with what stands there.
const SHELL = `${OURS}${files}`;
const OF = " pages of ";
const PAGES = `${SHELL}${OF}`;
const TASK = new RegExp(`^${root}projects/[^/]+/rank/(ahead/)?$`);
const AHEAD = "ahead/";
const HEADER = "X-Kept-For";

// Changes to what is kept, one after the other, in the order in which they were asked for.
let changes = Promise.resolve();
// Goes up when everything was dropped: an answer to what was asked before that is not kept.
let dropped = 0;

self.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([keepShell(), self.skipWaiting()]));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([remove((name) => name !== SHELL && !name.startsWith(PAGES)), self.clients.claim()]));
});

self.addEventListener("message", (event) => {
  event.waitUntil(inHand(event.data));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (origin !== location.origin) return;
  if (endsWhatIsKept(request, pathname)) event.waitUntil(drop());
  if (request.method !== "GET" || search) return;
  const task = TASK.exec(pathname);
  // The task in hand is a page of its own; the one held ahead is fetched by that page.
  if (task && (request.mode === "navigate") === !task[1]) event.respondWith(page(request, pathname));
  else if (shellFiles.includes(pathname)) event.respondWith(file(request));
});

// Logging in and out, invitations, links for a new password: a form may change the account, or hand the task back.
function endsWhatIsKept({ mode, method }, pathname) {
  return mode === "navigate" && (method !== "GET" || pathname === login);
}

async function keepShell() {
  const cache = await caches.open(SHELL);
  // Nobody's page: without the cookie it shows no account.
  await cache.addAll([...shellFiles, new Request(offline, { credentials: "omit" })]);
}

async function file(request) {
  return (await caches.match(request.url, { cacheName: SHELL })) ?? fetch(request);
}

async function page(request, pathname) {
  try {
    const { answer, known } = await ask(request);
    // Not before it is kept: the connection may be lost the moment it is shown.
    await known;
    return answer;
  } catch {
    await changes;
    const kept = await find(pathname);
    if (kept) return kept;
    if (request.mode === "navigate") return caches.match(offline, { cacheName: SHELL });
    return Response.error();
  }
}

// The server's answer, and a promise that ends when it is known here what it says.
async function ask(request) {
  const before = dropped;
  const answer = await fetch(request);
  const { pathname } = new URL(request.url, location.origin);
  // A server that has broken down says nothing of the task.
  if (answer.status >= 500) return { answer, known: null };
  const copy = answer.clone();
  return { answer, known: change(() => (before === dropped ? keep(pathname, copy) : null)) };
}

async function keep(pathname, answer) {
  const [account, assignment] = (answer.headers.get(HEADER) ?? "").split(" ");
  // Where there is no task in hand, there is none ahead; what is ahead is another.
  if (!answer.ok || answer.redirected || !assignment) return forget(pathname, pathname + AHEAD);
  if (pathname.endsWith(AHEAD) && (await shows(pathname.slice(0, -AHEAD.length), assignment))) return forget(pathname);
  // The worker of another release has taken over while this was on its way.
  if (self.serviceWorker?.state === "redundant") return undefined;
  const name = `${PAGES}${account}`;
  await remove((other) => other.includes(OF) && other !== name);
  // So that the page knows that it may be out of date.
  const text = (await answer.text()).replace("<html ", "<html data-kept ");
  return (await caches.open(name)).put(pathname, new Response(text, { headers: answer.headers }));
}

// What a page says: `assignment` is what is to be shown at `page` from now on, "" where that is unknown. Where the server
// knows it too, `ahead` is the address of the next one.
async function inHand({ page: address, assignment, ahead }) {
  await change(() => take(address, assignment));
  if (!ahead) return;
  try {
    if (!(await find(address))) await (await ask(new Request(address))).known;
    if (!(await find(ahead))) await (await ask(new Request(ahead))).known;
  } catch {
    // No connection: the page says it again.
  }
}

// What was held ahead takes the place of what was in hand, if it is the one that is shown now.
async function take(address, assignment) {
  const next = address + AHEAD;
  if (assignment && (await shows(address, assignment))) return;
  const found = assignment && (await shows(next, assignment)) ? await find(next) : null;
  await forget(address);
  if (!found) return;
  const [account] = found.headers.get(HEADER).split(" ");
  await (await caches.open(`${PAGES}${account}`)).put(address, found);
  await forget(next);
}

async function shows(pathname, assignment) {
  return (await find(pathname))?.headers.get(HEADER).endsWith(` ${assignment}`);
}

async function find(pathname) {
  const name = (await caches.keys()).find((one) => one.startsWith(PAGES));
  return name && caches.match(pathname, { cacheName: name });
}

async function forget(...pathnames) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(PAGES)) continue;
    const cache = await caches.open(name);
    for (const pathname of pathnames) await cache.delete(pathname);
  }
}

function drop() {
  dropped += 1;
  // Of any release: the worker of one before may have kept a page late.
  return change(() => remove((name) => name.includes(OF)));
}

async function remove(which) {
  const names = (await caches.keys()).filter((name) => name.startsWith(OURS) && which(name));
  await Promise.all(names.map((name) => caches.delete(name)));
}

function change(made) {
  changes = changes.then(made, made);
  return changes;
}
