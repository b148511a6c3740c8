// Two tabs of one person show the same task: they keep the same draft, and learn when it is judged.

import { fieldsOf } from "./drafts.js";
import { notice } from "./notices.js";

export class Tabs {
  #channel = "BroadcastChannel" in window ? new BroadcastChannel("tasks") : null;

  constructor(task, signal) {
    if (!this.#channel) return;
    this.task = task;
    let listening = false;
    this.#channel.addEventListener("message", ({ data }) => {
      if (data.assignment !== task.assignment) return;
      listening = true;
      if (data.fields) task.takeFields(data.fields);
      else closed(task);
      listening = false;
    });
    // What came from another tab does not go back to it.
    task.addEventListener("change", () => listening || this.#say({ fields: fieldsOf(task.form) }), { signal });
    signal.addEventListener("abort", () => this.#channel.close());
  }

  judged() {
    this.#say({});
  }

  #say(message) {
    this.#channel?.postMessage({ assignment: this.task.assignment, ...message });
  }
}

function closed(task) {
  notice("tabs", "caution", "This task was finished in another tab.", [
    { label: "Next task", href: task.main.dataset.page },
  ]);
}
