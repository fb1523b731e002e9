// The image-algebra widget.

class Results {
  constructor(model, add) {
    Object.assign(this, { model, add });
    this.words = el("ol", { class: "z-words", "aria-label": "Nearest words" });
    this.headings = el("div", { class: "z-headings" },
      el("span", { class: "z-score", text: "cosine" }), el("span", { class: "z-score", text: "rank" }));
    this.pictures = el("div", { class: "z-nearest", role: "list", "aria-label": "Nearest pictures" });
    this.number = el("p", { class: "z-number" });
    this.norm = el("span", { class: "z-soft" });
    this.announcement = el("p", { class: "z-hidden", role: "status", "aria-live": "polite" });
    this.columns = el("div", { class: "z-columns" },
      el("section", {}, el("h4", { text: "Nearest words" }), this.headings, this.words),
      el("section", {}, el("h4", { text: "Nearest pictures" }), this.pictures));
    this.remarks = el("div", { class: "z-remarks", role: "status" });
    this.element = el("div", { class: "z-results" }, this.number, this.remarks, this.columns, this.announcement);
  }

  update(stale) {
    this.element.classList.toggle("z-stale", stale);
    const results = this.model.get("results") ?? {};
    if (this.rendered === results) return;
    this.rendered = results;
    const { words = [], pictures = [], number = null, norm = null, expr = "", remarks = [] } = results;
    this.element.dataset.expr = expr;
    this.number.textContent = number === null ? "" : String(Number(number.toPrecision(4)));
    this.number.hidden = number === null;
    this.columns.hidden = !words.length && !pictures.length;
    this.norm.textContent = norm === null ? "" : `norm ${norm.toFixed(2)}`;
    this.headings.hidden = !words.some((word) => "rank" in word);  // ordered by more than cosines
    const highest = Math.max(...words.map(({ score, rank = score }) => rank), 1e-9);
    replace(this.remarks, remarks.map((text) => el("p", { text })));
    replace(this.words, words.map((word) => this.word(word, highest)));
    replace(this.pictures, pictures.map((picture) => this.picture(picture)));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const nearest = words.slice(0, 5).map((word) => word.text).join(", ");
      this.announcement.textContent = nearest ? `Nearest words: ${nearest}` : this.number.textContent;
    }, 700);
  }

  word({ text, score: cosine, rank }, highest) {
    const bar = el("span", { class: "z-bar" });
    bar.style.width = `${Math.max(0, (100 * (rank ?? cosine)) / highest).toFixed(1)}%`;
    const numbers = rank === undefined ? [cosine] : [cosine, rank];
    return el("li", { class: rank === undefined ? null : "z-ranked" },
      button(text, `Add ${text}`, () => this.add("text", text), { class: "z-link z-word" }),
      el("span", { class: "z-track" }, bar),
      ...numbers.map((number) => el("span", { class: "z-score", text: score(number) })));
  }

  picture({ name, src, score: value }) {
    return el("div", { role: "listitem" },
      el("button", { type: "button", class: "z-picture", title: `Add ${name}`, "aria-label": `Add ${name}, ${score(value)}`, onclick: () => this.add("image", name) },
        el("figure", {}, thumbnail(src, name), el("figcaption", { text: name }),
          el("span", { class: "z-score", text: score(value) }))));
  }
}

class Caption {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.start = button("Write a caption", "Write a caption", () => link.ask({ do: "caption" }), { class: "z-main" });
    this.stop = button("Stop", "Stop writing", () => link.ask({ do: "stop" }), { class: "z-stop" });
    this.text = el("p", { class: "z-sentence", "aria-live": "polite" });
    this.scores = el("p", { class: "z-soft" });
    this.element = el("div", { class: "z-caption" },
      el("div", {}, this.start, this.stop), el("div", {}, this.text, this.scores));
  }

  update(expr) {
    const { text = "", scores = "", running = false, error = "", stopped = false, expr: captioned = "" } = this.model.get("caption") ?? {};
    const outdated = captioned && captioned !== expr && !running;
    this.text.textContent = text || (running ? "…" : "");
    this.text.classList.toggle("z-running", running);
    this.scores.textContent = [error, scores, stopped ? "stopped" : "", outdated && !error ? `for ${captioned}` : ""].filter(Boolean).join(" · ");
    this.element.classList.toggle("z-stale", Boolean(outdated));
    this.start.disabled = running || !expr;
    this.stop.hidden = !running;
  }
}

function render({ model, el: container }) {
  const root = el("div", { class: "zcalc-widget zcalc-lab", role: "region", "aria-label": "Arithmetic on pictures and words" });
  let blocks;
  const link = new Link(model, () => update());
  const notice = new Notice(model, link);
  const uploader = new Uploader(model, link, notice);
  const add = (kind, name) => link.ask({ do: "add", kind, name });
  const equation = new Equation(model, link);
  const palette = new Palette(model, link, uploader, add);
  const results = new Results(model, add);
  const caption = new Caption(model, link);
  blocks = new Blocks(model, link);
  const undo = button("↶", "Undo", () => link.ask({ do: "undo" }));
  const redo = button("↷", "Redo", () => link.ask({ do: "redo" }));
  const clear = button("Clear", "Remove all terms", () => link.ask({ do: "type", text: "" }));
  const state = () => model.get("state") ?? {};
  const source = button("Copy", "Copy the expression", () => copy(state().valid, source, notice));
  const python = button("Copy as Python", "Copy the expression as Python", () => copy(state().python, python, notice));
  root.append(
    equation.element,
    el("div", { class: "z-bar-tools", role: "toolbar", "aria-label": "Edit" },
      undo, redo, blocks.group, clear, el("span", { class: "z-gap" }), results.norm, source, python),
    blocks.element, notice.element, results.element, caption.element, palette.element);

  function update() {
    const { error = null, undo: canUndo = false, redo: canRedo = false, valid = "", text = "" } = state();
    equation.update();
    blocks.update();
    results.update(Boolean(error));
    caption.update(valid);
    palette.update();
    notice.update();
    undo.disabled = !canUndo;
    redo.disabled = !canRedo;
    clear.disabled = !text;
    source.disabled = python.disabled = !valid;
    root.classList.toggle("z-disconnected", Boolean(link.problem));
  }

  acceptFiles(root, uploader);
  handleKeys(root, link);
  const unsubscribe = subscribe(model, ["state", "results", "thumbnails", "gallery", "caption", "notice"], update);
  update();
  container.append(root);
  return () => {
    unsubscribe();
    link.close();
  };
}

export default { render };
