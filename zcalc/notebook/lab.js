// The image-algebra widget.

class Results {
  constructor(model, add) {
    Object.assign(this, { model, add });
    this.words = el("ol", { class: "z-words", "aria-label": "Nearest words" });
    this.pictures = el("div", { class: "z-near", role: "list", "aria-label": "Nearest pictures" });
    this.number = el("p", { class: "z-number" });
    this.norm = el("span", { class: "z-soft" });
    this.spoken = el("p", { class: "z-hidden", role: "status", "aria-live": "polite" });
    this.columns = el("div", { class: "z-columns" },
      el("section", {}, el("h4", { text: "Nearest words" }), this.words),
      el("section", {}, el("h4", { text: "Nearest pictures" }), this.pictures));
    this.element = el("div", { class: "z-results" }, this.number, this.columns, this.spoken);
  }

  update(stale) {
    this.element.classList.toggle("z-stale", stale);
    const results = this.model.get("results") ?? {};
    if (this.shown === results) return;
    this.shown = results;
    const { words = [], pictures = [], number = null, norm = null, expr = "" } = results;
    this.element.dataset.expr = expr;
    this.number.textContent = number === null ? "" : String(Number(number.toPrecision(4)));
    this.number.hidden = number === null;
    this.columns.hidden = !words.length && !pictures.length;
    this.norm.textContent = norm === null ? "" : `norm ${norm.toFixed(2)}`;
    const most = Math.max(...words.map((word) => word.score), 1e-9);
    replace(this.words, words.map((word) => this.word(word, most)));
    replace(this.pictures, pictures.map((picture) => this.picture(picture)));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const said = words.slice(0, 5).map((word) => word.text).join(", ");
      this.spoken.textContent = said ? `Nearest words: ${said}` : this.number.textContent;
    }, 700);
  }

  word({ text, score: value }, most) {
    const bar = el("span", { class: "z-bar" });
    bar.style.width = `${Math.max(0, (100 * value) / most).toFixed(1)}%`;
    return el("li", {},
      button(text, `Add ${text}`, () => this.add("text", text), { class: "z-link z-word" }),
      el("span", { class: "z-track" }, bar), el("span", { class: "z-score", text: score(value) }));
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
    this.about = el("p", { class: "z-soft" });
    this.element = el("div", { class: "z-caption" },
      el("div", {}, this.start, this.stop), el("div", {}, this.text, this.about));
  }

  update(expr) {
    const { text = "", about = "", running = false, wrong = "", stopped = false, expr: of = "" } = this.model.get("caption") ?? {};
    const other = of && of !== expr && !running;
    this.text.textContent = text || (running ? "…" : "");
    this.text.classList.toggle("z-running", running);
    this.about.textContent = [wrong, about, stopped ? "stopped" : "", other && !wrong ? `of ${of}` : ""].filter(Boolean).join(" · ");
    this.element.classList.toggle("z-stale", Boolean(other));
    this.start.disabled = running || !expr;
    this.stop.hidden = !running;
  }
}

function render({ model, el: outside }) {
  const root = el("div", { class: "zcalc-widget zcalc-lab", role: "region", "aria-label": "Arithmetic on pictures and words" });
  let blocks;
  const link = new Link(model, () => update());
  const notice = new Notice(model, link);
  const sender = new Sender(model, link, notice);
  const add = (kind, name) => link.ask({ do: "add", kind, name });
  const equation = new Equation(model, link);
  const shelves = new Shelves(model, link, sender, add);
  const results = new Results(model, add);
  const caption = new Caption(model, link);
  blocks = new Blocks(model, link);
  const undo = button("↶", "Undo", () => link.ask({ do: "undo" }));
  const redo = button("↷", "Redo", () => link.ask({ do: "redo" }));
  const clear = button("Clear", "Take all terms away", () => link.ask({ do: "type", text: "" }));
  const state = () => model.get("state") ?? {};
  const dsl = button("Copy", "Copy the expression", () => copy(state().good, dsl, notice));
  const python = button("Copy as Python", "Copy the expression as Python", () => copy(state().python, python, notice));
  root.append(
    equation.element,
    el("div", { class: "z-bar-tools", role: "toolbar", "aria-label": "Expression" },
      undo, redo, blocks.group, clear, el("span", { class: "z-gap" }), results.norm, dsl, python),
    blocks.element, notice.element, results.element, caption.element, shelves.element);

  function update() {
    const { error = null, undo: back = false, redo: on = false, good = "", text = "" } = state();
    equation.update();
    blocks.update();
    results.update(Boolean(error));
    caption.update(good);
    shelves.update();
    notice.update();
    undo.disabled = !back;
    redo.disabled = !on;
    clear.disabled = !text;
    dsl.disabled = python.disabled = !good;
    root.classList.toggle("z-lost", Boolean(link.lost));
  }

  takeFiles(root, sender);
  takeKeys(root, link);
  const end = follow(model, ["state", "results", "thumbnails", "shelf", "caption", "notice"], update);
  update();
  outside.append(root);
  return () => {
    end();
    link.end();
  };
}

export default { render };
