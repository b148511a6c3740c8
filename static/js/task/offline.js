// There is no task to be shown without a connection: when the server answers again, the page is asked for anew.

const AGAIN_MS = 5_000;
const ask = () => fetch(location.href).then(() => location.reload(), () => {});

addEventListener("online", ask);
setInterval(ask, AGAIN_MS);
