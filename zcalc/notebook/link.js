// Requests to the kernel, and updates from it.

const TIMEOUT = 5000; // milliseconds without a reply before the user is told
const RESTARTED = "Disconnected: the kernel was restarted. Run the cell again; until then the last state is shown.";
const NO_REPLY = "No reply from the kernel. If it was restarted, run the cell again; if it is busy, wait.";

// Sends one request at a time. A newer request replaces a queued one with the same `key`, so a
// slider has at most one value in flight and one queued. `problem` is set while nothing replies.
class Link {
  constructor(model, onChange) {
    this.model = model;
    this.onChange = onChange;
    this.queue = [];
    this.inFlight = null;
    this.problem = "";
    this.prefix = Math.random().toString(36).slice(2);
    this.count = 0;
    this.onAnswered = () => this.finish();
    this.onLiveUpdate = () => this.ask({ do: "ping" }, "ping", 1500, RESTARTED);
    model.on("change:answered", this.onAnswered);
    model.on("comm_live_update", this.onLiveUpdate);
  }

  // Resolves when the request is answered, replaced or given up.
  ask(request, key = null, timeout = TIMEOUT, problem = NO_REPLY) {
    const done = new Promise((resolve) => {
      const entry = { request, key, timeout, problem, resolve };
      const index = key === null ? -1 : this.queue.findIndex((queued) => queued.key === key);
      if (index >= 0) {
        this.queue[index].resolve();
        this.queue[index] = entry;
      } else this.queue.push(entry);
    });
    this.sendNext();
    return done;
  }

  pending(key) {
    return this.inFlight?.key === key || this.queue.some((entry) => entry.key === key);
  }

  sendNext() {
    if (this.inFlight || !this.queue.length) return;
    this.inFlight = this.queue.shift();
    this.inFlight.id = `${this.prefix}:${(this.count += 1)}`;
    this.timer = setTimeout(() => this.giveUp(), this.inFlight.timeout);
    this.model.set("request", { ...this.inFlight.request, id: this.inFlight.id });
    try {
      this.model.save_changes();
    } catch {
      this.giveUp();
    }
  }

  finish() {
    if (!this.inFlight || this.model.get("answered") !== this.inFlight.id) return;
    clearTimeout(this.timer);
    const { resolve } = this.inFlight;
    this.inFlight = null;
    this.problem = "";
    resolve();
    this.sendNext();
    this.onChange();
  }

  giveUp() {
    this.problem = this.inFlight ? this.inFlight.problem : NO_REPLY;
    clearTimeout(this.timer);
    for (const entry of this.queue) entry.resolve();
    this.queue = [];
    // A late reply still counts, but new requests don't wait for it.
    const late = this.inFlight;
    this.inFlight = null;
    if (late) {
      const onLateAnswer = () => {
        if (this.model.get("answered") !== late.id) return;
        this.model.off("change:answered", onLateAnswer);
        this.problem = "";
        late.resolve();
        this.onChange();
      };
      this.model.on("change:answered", onLateAnswer);
    }
    this.onChange();
  }

  close() {
    clearTimeout(this.timer);
    this.model.off("change:answered", this.onAnswered);
    this.model.off("comm_live_update", this.onLiveUpdate);
  }
}

// Calls `update` once per message, however many traits it changes; returns the unsubscriber.
function subscribe(model, traits, update) {
  let scheduled = false;
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      update();
    });
  };
  for (const trait of traits) model.on(`change:${trait}`, schedule);
  return () => traits.forEach((trait) => model.off(`change:${trait}`, schedule));
}
