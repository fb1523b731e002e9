// What both widgets share: elements made without markup, one request at a time, shelves, files.
// Everything that a person or a file names goes into the page as text or as an attribute's value.

const WAIT = 5000; // milliseconds without an answer after which the person is told
const PIECE = 1500000; // bytes of a file in one request
const DRAGGED = "application/x-zcalc";
const OLD = "Disconnected: the kernel was restarted. Run the cell again; this is the last state.";
const SLOW = "No answer from the kernel. If it was restarted, run the cell again; if it is busy, wait.";

function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function button(text, label, onclick, more = {}) {
  return el("button", { type: "button", text, "aria-label": label, title: label, onclick, ...more });
}

function thumbnail(src, name) {
  if (src && src.startsWith("data:image/jpeg;base64,")) {
    return el("img", { src, alt: "", draggable: "false" });
  }
  return el("div", { class: "z-blank", text: name.slice(0, 1) });
}

function replace(parent, children) {
  parent.replaceChildren(...children);
}

// Requests go one at a time; of those that wait, a newer one takes the place of an older one with
// the same `key`, so that a slider never has more than one value under way and one waiting.
class Link {
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.waiting = [];
    this.flying = null;
    this.lost = "";
    this.name = Math.random().toString(36).slice(2);
    this.count = 0;
    this.onanswer = () => this.answered();
    this.onlive = () => this.ask({ do: "ping" }, "ping", 1500, OLD);
    model.on("change:answered", this.onanswer);
    model.on("comm_live_update", this.onlive);
  }

  ask(request, key = null, patience = WAIT, lost = SLOW) {
    const done = new Promise((resolve) => {
      const one = { request, key, patience, lost, resolve };
      const at = key === null ? -1 : this.waiting.findIndex((other) => other.key === key);
      if (at >= 0) {
        this.waiting[at].resolve();
        this.waiting[at] = one;
      } else this.waiting.push(one);
    });
    this.next();
    return done;
  }

  pending(key) {
    return this.flying?.key === key || this.waiting.some((one) => one.key === key);
  }

  next() {
    if (this.flying || !this.waiting.length) return;
    this.flying = this.waiting.shift();
    this.flying.id = `${this.name}:${(this.count += 1)}`;
    this.timer = setTimeout(() => this.give_up(), this.flying.patience);
    this.model.set("request", { ...this.flying.request, id: this.flying.id });
    try {
      this.model.save_changes();
    } catch {
      this.give_up();
    }
  }

  answered() {
    if (!this.flying || this.model.get("answered") !== this.flying.id) return;
    clearTimeout(this.timer);
    const { resolve } = this.flying;
    this.flying = null;
    this.lost = "";
    resolve();
    this.next();
    this.changed();
  }

  give_up() {
    this.lost = this.flying ? this.flying.lost : SLOW;
    clearTimeout(this.timer);
    for (const one of this.waiting) one.resolve();
    this.waiting = [];
    // An answer that comes after all still counts; a new request need not wait for it.
    const late = this.flying;
    this.flying = null;
    if (late) {
      const heard = () => {
        if (this.model.get("answered") !== late.id) return;
        this.model.off("change:answered", heard);
        this.lost = "";
        late.resolve();
        this.changed();
      };
      this.model.on("change:answered", heard);
    }
    this.changed();
  }

  end() {
    clearTimeout(this.timer);
    this.model.off("change:answered", this.onanswer);
    this.model.off("comm_live_update", this.onlive);
  }
}

// What a widget is told: by Python, by the page itself, or that nothing answers any more.
class Notice {
  constructor(model, link) {
    this.model = model;
    this.link = link;
    this.own = "";
    this.element = el("p", { class: "z-notice", role: "status", "aria-live": "polite" });
  }

  say(text) {
    this.own = text;
    this.update();
  }

  update() {
    const { message = "", hint = "", good = false } = this.model.get("notice") ?? {};
    const text = this.link.lost || this.own || [message, hint].filter(Boolean).join(" ");
    if (this.element.textContent !== text) this.element.textContent = text;
    this.element.classList.toggle("z-good", good && !this.link.lost && !this.own);
    this.element.hidden = !text;
  }
}

// Files that are chosen, dropped or pasted are sent in pieces; Python checks what they are.
class Sender {
  constructor(model, link, notice) {
    Object.assign(this, { model, link, notice });
  }

  async send(files) {
    for (const file of files) await this.one(file);
  }

  async one(file) {
    const most = this.model.get("most");
    if (file.size > most) {
      const [size, limit] = [file.size, most].map((n) => Math.round(n / 1e6));
      this.notice.say(`“${file.name}” has ${size} MB; ${limit} MB is the most. Make it smaller first.`);
      return;
    }
    const parts = Math.max(1, Math.ceil(file.size / PIECE));
    for (let part = 0; part < parts; part += 1) {
      this.notice.say(parts > 1 ? `Sending ${file.name}: ${Math.round((100 * part) / parts)} %` : "");
      let data;
      try {
        data = await base64(file.slice(part * PIECE, (part + 1) * PIECE));
      } catch {
        this.notice.say(`“${file.name}” can't be read. A folder has to be opened first.`);
        return;
      }
      await this.link.ask({ do: "upload", name: file.name, part, parts, data }, null, 30000);
      if (this.link.lost || this.model.get("notice")?.message && part + 1 < parts) break;
    }
    this.notice.say("");
  }
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.readAsDataURL(blob);
  });
}

// Makes an element take files by drop and paste.
function takeFiles(root, sender) {
  root.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    sender.send(files);
  });
  root.addEventListener("dragover", (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
  });
  root.addEventListener("drop", (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    sender.send(files);
  });
}

// The gallery, a page of it at a time, and words; what is clicked or dragged becomes a term.
class Shelves {
  constructor(model, link, sender, add) {
    Object.assign(this, { model, link, add });
    this.search = el("input", {
      type: "search", placeholder: "Search the gallery", "aria-label": "Search the gallery",
      oninput: () => this.link.ask({ do: "shelf", search: this.search.value }, "shelf"),
    });
    this.count = el("span", { class: "z-soft" });
    this.grid = el("div", { class: "z-shelf", role: "list", "aria-label": "Pictures of the gallery" });
    this.before = button("‹", "Pictures before these", () => this.turn(-1), { class: "z-turn" });
    this.after = button("›", "More pictures", () => this.turn(1), { class: "z-turn" });
    this.word = el("input", { type: "text", placeholder: "Add a word", "aria-label": "Add a word or a sentence" });
    const file = el("input", {
      type: "file", accept: "image/*", multiple: true, class: "z-hidden", tabindex: "-1", "aria-hidden": "true",
      onchange: () => {
        sender.send([...file.files]).then(() => { file.value = ""; });
      },
    });
    this.suggestions = el("div", { class: "z-suggested" });
    const form = el("form", {
      class: "z-line",
      onsubmit: (event) => {
        event.preventDefault();
        const text = this.word.value.trim();
        if (text) this.add("text", text);
        this.word.value = "";
      },
    }, this.word, el("button", { type: "submit", text: "Add" }));
    this.element = el("div", { class: "z-shelves" },
      el("section", { "aria-label": "Pictures" },
        el("div", { class: "z-line" }, this.search, this.before, this.after, this.count), this.grid),
      el("section", { "aria-label": "Words" }, form, this.suggestions,
        el("div", { class: "z-drop", tabindex: "0", role: "group", "aria-label": "Paste or drop a picture here" },
          el("span", { text: "Paste or drop a picture, or" }),
          button("choose a file", "Choose a picture file", () => file.click(), { class: "z-link" }), file)));
    for (const word of model.get("suggested") ?? []) {
      this.suggestions.append(this.item("text", word, el("span", { text: word }), "z-word-chip"));
    }
  }

  turn(by) {
    const { search = "", start = 0, size = 24 } = this.model.get("shelf") ?? {};
    this.link.ask({ do: "shelf", search, start: Math.max(0, start + by * size) }, "shelf");
  }

  item(kind, name, content, more) {
    return el("button", {
      type: "button", class: more, draggable: "true", title: `Add ${name}`, "aria-label": `Add ${name}`,
      onclick: () => this.add(kind, name),
      ondragstart: (event) => {
        event.dataTransfer.setData(DRAGGED, JSON.stringify({ kind, name }));
        event.dataTransfer.effectAllowed = "copy";
      },
    }, content);
  }

  update() {
    const shelf = this.model.get("shelf") ?? {};
    if (this.shown === shelf) return;
    this.shown = shelf;
    const { pictures = [], total = 0, start = 0, next = null } = shelf;
    replace(this.grid, pictures.map(({ name, src }) =>
      el("div", { role: "listitem" },
        this.item("image", name, el("figure", {}, thumbnail(src, name), el("figcaption", { text: name })), "z-picture"))));
    const range = `${start + 1}–${start + pictures.length} of ${total}`;
    this.count.textContent = total ? range : "no picture of that name";
    this.before.disabled = start === 0;
    this.after.disabled = next === null;
    this.before.hidden = this.after.hidden = start === 0 && next === null;
  }
}

// The expression as text; while it makes no sense the place is shown, and nothing else changes.
class Equation {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.input = el("input", {
      type: "text", class: "z-equation", spellcheck: "false", autocomplete: "off",
      placeholder: 'img(coffee) - "coffee" + "tea"', "aria-label": "The expression",
      oninput: () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.send(), 100);
      },
    });
    this.error = el("pre", { class: "z-error", role: "status", "aria-live": "polite" });
    this.element = el("div", {}, this.input, this.error);
  }

  send() {
    this.timer = null;
    this.link.ask({ do: "type", text: this.input.value }, "type");
  }

  update() {
    const { text = "", error = null } = this.model.get("state") ?? {};
    const typing = this.timer || this.link.pending("type");
    if (!typing && this.input.value !== text) this.input.value = text;
    const shown = error && !typing ? error.shown : typing && error ? this.error.textContent : "";
    if (this.error.textContent !== shown) this.error.textContent = shown;
    this.error.hidden = !shown;
    this.input.setAttribute("aria-invalid", String(Boolean(error)));
  }
}

async function copy(text, pressed, notice) {
  const said = pressed.textContent;
  let copied = false;
  try {
    await navigator.clipboard.writeText(text);
    copied = true;
  } catch {
    const area = el("textarea", { class: "z-hidden", readonly: true });
    area.value = text;
    pressed.after(area);
    area.select();
    copied = document.execCommand("copy");
    area.remove();
  }
  if (!copied) notice.say(`Copy it from here: ${text}`);
  pressed.textContent = copied ? "Copied" : said;
  setTimeout(() => { pressed.textContent = said; }, 1200);
}

// Keys that work anywhere in a widget; the notebook's own shortcuts leave the widget alone.
function takeKeys(root, link) {
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && /^[zy]$/i.test(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      const redo = event.shiftKey || event.key.toLowerCase() === "y";
      link.ask({ do: redo ? "redo" : "undo" });
    }
  });
}

// Calls the updates once for all traits that one message changes; gives what ends it.
function follow(model, traits, update) {
  let waiting = false;
  const heard = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      update();
    });
  };
  for (const trait of traits) model.on(`change:${trait}`, heard);
  return () => traits.forEach((trait) => model.off(`change:${trait}`, heard));
}

function score(value) {
  return value.toFixed(2).replace("-", "−");
}
