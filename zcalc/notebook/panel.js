// The parts that both widgets share: notices, uploads, the palette, the expression as text.

const PART_SIZE = 1500000; // bytes of a file in one request
const DRAGGED = "application/x-zcalc";

// One line of feedback: a connection problem, else the page's own message, else Python's notice.
class Notice {
  constructor(model, link) {
    this.model = model;
    this.link = link;
    this.local = "";
    this.element = el("p", { class: "z-notice", role: "status", "aria-live": "polite" });
  }

  show(text) {
    this.local = text;
    this.update();
  }

  update() {
    const { message = "", hint = "", ok = false } = this.model.get("notice") ?? {};
    const text = this.link.problem || this.local || [message, hint].filter(Boolean).join(" ");
    if (this.element.textContent !== text) this.element.textContent = text;
    this.element.classList.toggle("z-ok", ok && !this.link.problem && !this.local);
    this.element.hidden = !text;
  }
}

// Uploads chosen, dropped or pasted files in parts; Python checks that they are pictures.
class Uploader {
  constructor(model, link, notice) {
    Object.assign(this, { model, link, notice });
  }

  async uploadAll(files) {
    for (const file of files) await this.upload(file);
  }

  async upload(file) {
    const max = this.model.get("max_upload");
    if (file.size > max) {
      const [size, limit] = [file.size, max].map((bytes) => Math.round(bytes / 1e6));
      this.notice.show(`Can't upload “${file.name}”: it has ${size} MB, the limit is ${limit} MB. Save a smaller copy.`);
      return;
    }
    const parts = Math.max(1, Math.ceil(file.size / PART_SIZE));
    for (let part = 0; part < parts; part += 1) {
      this.notice.show(parts > 1 ? `Uploading ${file.name}: ${Math.round((100 * part) / parts)}%` : "");
      let data;
      try {
        data = await base64(file.slice(part * PART_SIZE, (part + 1) * PART_SIZE));
      } catch {
        this.notice.show(`Can't read “${file.name}”. If it is a folder, open it and choose the pictures inside.`);
        return;
      }
      await this.link.ask({ do: "upload", name: file.name, part, parts, data }, null, 30000);
      if (this.link.problem || this.model.get("notice")?.message && part + 1 < parts) break;
    }
    this.notice.show("");
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

// Accepts files dropped or pasted on an element.
function acceptFiles(root, uploader) {
  root.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    uploader.uploadAll(files);
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
    uploader.uploadAll(files);
  });
}

// The gallery, one page at a time, and words; clicking or dragging one adds it as a term.
class Palette {
  constructor(model, link, uploader, add) {
    Object.assign(this, { model, link, add });
    this.search = el("input", {
      type: "search", placeholder: "Search the gallery", "aria-label": "Search the gallery",
      oninput: () => this.link.ask({ do: "browse", search: this.search.value }, "browse"),
    });
    this.count = el("span", { class: "z-soft" });
    this.grid = el("div", { class: "z-gallery", role: "list", "aria-label": "Gallery" });
    this.previous = button("‹", "Previous pictures", () => this.turn(-1), { class: "z-turn" });
    this.next = button("›", "Next pictures", () => this.turn(1), { class: "z-turn" });
    this.word = el("input", { type: "text", placeholder: "Add a word", "aria-label": "Add a word or sentence" });
    const file = el("input", {
      type: "file", accept: "image/*", multiple: true, class: "z-hidden", tabindex: "-1", "aria-hidden": "true",
      onchange: () => {
        uploader.uploadAll([...file.files]).then(() => { file.value = ""; });
      },
    });
    this.suggestions = el("div", { class: "z-suggestions" });
    const form = el("form", {
      class: "z-line",
      onsubmit: (event) => {
        event.preventDefault();
        const text = this.word.value.trim();
        if (text) this.add("text", text);
        this.word.value = "";
      },
    }, this.word, el("button", { type: "submit", text: "Add" }));
    this.element = el("div", { class: "z-palette" },
      el("section", { "aria-label": "Pictures" },
        el("div", { class: "z-line" }, this.search, this.previous, this.next, this.count), this.grid),
      el("section", { "aria-label": "Words" }, form, this.suggestions,
        el("div", { class: "z-drop", tabindex: "0", role: "group", "aria-label": "Paste or drop a picture here" },
          el("span", { text: "Paste or drop a picture, or" }),
          button("choose a file", "Choose a picture file", () => file.click(), { class: "z-link" }), file)));
    for (const word of model.get("suggestions") ?? []) {
      this.suggestions.append(this.item("text", word, el("span", { text: word }), "z-word-chip"));
    }
  }

  turn(by) {
    const { search = "", start = 0, size = 24 } = this.model.get("gallery") ?? {};
    this.link.ask({ do: "browse", search, start: Math.max(0, start + by * size) }, "browse");
  }

  item(kind, name, content, className) {
    return el("button", {
      type: "button", class: className, draggable: "true", title: `Add ${name}`, "aria-label": `Add ${name}`,
      onclick: () => this.add(kind, name),
      ondragstart: (event) => {
        event.dataTransfer.setData(DRAGGED, JSON.stringify({ kind, name }));
        event.dataTransfer.effectAllowed = "copy";
      },
    }, content);
  }

  update() {
    const gallery = this.model.get("gallery") ?? {};
    if (this.rendered === gallery) return;
    this.rendered = gallery;
    const { pictures = [], total = 0, start = 0, next = null } = gallery;
    replace(this.grid, pictures.map(({ name, src }) =>
      el("div", { role: "listitem" },
        this.item("image", name, el("figure", {}, thumbnail(src, name), el("figcaption", { text: name })), "z-picture"))));
    const range = `${start + 1}–${start + pictures.length} of ${total}`;
    this.count.textContent = total ? range : "no matches";
    this.previous.disabled = start === 0;
    this.next.disabled = next === null;
    this.previous.hidden = this.next.hidden = start === 0 && next === null;
  }
}

// The expression as text, with the error and its position while it is invalid.
class Equation {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.input = el("input", {
      type: "text", class: "z-equation", spellcheck: "false", autocomplete: "off",
      placeholder: 'img(coffee) - "coffee" + "tea"', "aria-label": "Expression",
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
    const message = error && !typing ? error.text : typing && error ? this.error.textContent : "";
    if (this.error.textContent !== message) this.error.textContent = message;
    this.error.hidden = !message;
    this.input.setAttribute("aria-invalid", String(Boolean(error)));
  }
}

async function copy(text, trigger, notice) {
  const label = trigger.textContent;
  let copied = false;
  try {
    await navigator.clipboard.writeText(text);
    copied = true;
  } catch {
    const area = el("textarea", { class: "z-hidden", readonly: true });
    area.value = text;
    trigger.after(area);
    area.select();
    copied = document.execCommand("copy");
    area.remove();
  }
  if (!copied) notice.show(`The browser doesn't allow copying. Copy it from here: ${text}`);
  trigger.textContent = copied ? "Copied" : label;
  setTimeout(() => { trigger.textContent = label; }, 1200);
}

// Undo and redo keys anywhere in a widget; the notebook's own shortcuts are off inside it.
function handleKeys(root, link) {
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
