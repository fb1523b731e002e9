// The reverse-search widget.

// The terms of the query, each with its weight, to be taken away or have its sign changed.
class Chips {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.element = el("div", { class: "z-chips", role: "list", "aria-label": "Terms of the query" });
  }

  update() {
    const { blocks = [] } = this.model.get("state") ?? {};
    const thumbnails = this.model.get("thumbnails") ?? {};
    replace(this.element, blocks.map((block, i) => this.chip(block, i, thumbnails)));
    this.element.hidden = !blocks.length;
  }

  chip(block, i, thumbnails) {
    const name = block.kind === "group" ? "( … )" : block.kind === "text" ? `“${block.name}”` : block.name;
    const size = Math.abs(block.weight);
    const sign = block.weight < 0 ? "−" : "+";
    return el("div", { class: "z-chip", role: "listitem" },
      button(sign, `${sign === "+" ? "Plus" : "Minus"}: change the sign of ${name}`,
        () => this.link.ask({ do: "weigh", path: [i], weight: -block.weight }), { class: "z-sign" }),
      size === 1 ? null : el("span", { class: "z-soft", text: `${Number(size.toFixed(2))} ×` }),
      block.kind === "image" ? thumbnail(thumbnails[block.name], block.name) : null,
      el("span", { class: "z-chip-name", title: name, text: name }),
      button("×", `Remove ${name}`, () => this.link.ask({ do: "remove", path: [i] }), { class: "z-sign" }));
  }
}

class Filters {
  constructor(model, link) {
    Object.assign(this, { model, link });
    const send = () => this.send();
    this.k = el("input", { type: "number", min: "1", max: "200", step: "1", oninput: send });
    this.where = el("input", { type: "text", placeholder: "year > 2010", spellcheck: "false", oninput: send });
    this.on = el("input", { type: "checkbox", onchange: send, "aria-label": "Only pictures of at least this cosine" });
    this.threshold = el("input", { type: "range", min: "-1", max: "1", step: "0.01", oninput: () => { this.on.checked = true; send(); }, "aria-label": "Least cosine" });
    this.cosine = el("span", { class: "z-soft z-value" });
    this.fold = el("input", { type: "checkbox", onchange: send });
    this.diversity = el("input", { type: "range", min: "0", max: "1", step: "0.05", oninput: send });
    this.variety = el("span", { class: "z-soft z-value" });
    const field = (text, ...inside) => el("label", { class: "z-field" }, el("span", { text }), ...inside);
    this.element = el("div", { class: "z-filters", role: "group", "aria-label": "Filters" },
      field("Pictures", this.k), field("Where", this.where),
      el("div", { class: "z-field" }, el("label", {}, this.on, el("span", { text: " Least cosine" })), this.threshold, this.cosine),
      field("Variety", this.diversity, this.variety),
      el("label", { class: "z-field" }, this.fold, el("span", { text: "Fold duplicates" })));
  }

  send() {
    this.label();
    const filters = {
      k: Number(this.k.value) || 12, where: this.where.value, fold: this.fold.checked,
      threshold: this.on.checked ? Number(this.threshold.value) : null, diversity: Number(this.diversity.value),
    };
    this.link.ask({ do: "filter", filters }, "filter");
  }

  label() {
    this.cosine.textContent = this.on.checked ? score(Number(this.threshold.value)) : "any";
    this.variety.textContent = score(Number(this.diversity.value));
  }

  update() {
    const filters = this.model.get("filters") ?? {};
    if (this.shown === filters || this.link.pending("filter")) return;
    this.shown = filters;
    const active = this.element.getRootNode().activeElement;
    if (active !== this.k) this.k.value = filters.k;
    if (active !== this.where) this.where.value = filters.where;
    this.on.checked = filters.threshold !== null;
    if (active !== this.threshold) this.threshold.value = filters.threshold ?? 0.2;
    this.fold.checked = filters.fold;
    if (active !== this.diversity) this.diversity.value = filters.diversity;
    this.label();
  }
}

class Found {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.grid = el("div", { class: "z-found", role: "list", "aria-label": "Pictures found" });
    this.none = el("p", { class: "z-soft z-empty" });
    this.spoken = el("p", { class: "z-hidden", role: "status", "aria-live": "polite" });
    this.side = el("aside", { class: "z-side", role: "dialog", "aria-label": "Picture", tabindex: "-1" });
    this.element = el("div", { class: "z-results z-split" }, el("div", {}, this.grid, this.none, this.spoken), this.side);
  }

  update(stale) {
    this.grid.classList.toggle("z-stale", stale);
    const results = this.model.get("results") ?? {};
    if (this.shown !== results) {
      this.shown = results;
      const { pictures = [], expr = "" } = results;
      this.element.dataset.expr = expr;
      replace(this.grid, pictures.map((picture) => this.picture(picture)));
      this.none.textContent = expr ? "No picture answers this." : "Click a picture, or write what you are looking for.";
      this.none.hidden = pictures.length > 0;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.spoken.textContent = expr ? `${pictures.length} pictures found` : ""; }, 700);
    }
    this.look();
  }

  picture({ name, src, score: value, alike = [] }) {
    const more = alike.length ? ` +${alike.length}` : "";
    return el("div", { role: "listitem", class: "z-hit" },
      el("button", {
        type: "button", class: "z-picture", title: name, "aria-label": `Look at ${name}, ${score(value)}`,
        onclick: (event) => {
          this.from = event.currentTarget;
          this.link.ask({ do: "look", name });
        },
      }, el("figure", {}, thumbnail(src, name), el("figcaption", { text: name }))),
      el("div", { class: "z-told" }, el("span", { class: "z-score", text: score(value) + more }),
        button("+", `More like ${name}`, () => this.link.ask({ do: "more", name })),
        button("−", `Less like ${name}`, () => this.link.ask({ do: "less", name }))));
  }

  look() {
    const looked = this.model.get("looked_at") ?? {};
    if (this.seen === looked) return;
    this.seen = looked;
    const { name = "", src = "", about = [] } = looked;
    this.side.hidden = !name;
    if (!name) {
      replace(this.side, []);
      return;
    }
    const rows = about.flatMap(([key, value]) => [el("dt", { text: key }), el("dd", { text: value })]);
    const shut = button("×", "Close", () => this.close(), { class: "z-sign" });
    replace(this.side, [el("div", { class: "z-side-head" }, el("h4", { text: name }), shut), thumbnail(src, name), el("dl", {}, ...rows)]);
    shut.focus({ preventScroll: true });
  }

  close() {
    this.link.ask({ do: "close" });
    this.from?.focus();
  }
}

function render({ model, el: outside }) {
  const root = el("div", { class: "zcalc-widget zcalc-search", role: "region", "aria-label": "Search the gallery by pictures and words" });
  const link = new Link(model, () => update());
  const notice = new Notice(model, link);
  const sender = new Sender(model, link, notice);
  const equation = new Equation(model, link);
  const chips = new Chips(model, link);
  const filters = new Filters(model, link);
  const found = new Found(model, link);
  const shelves = new Shelves(model, link, sender, (kind, name) => link.ask({ do: "add", kind, name }));
  const state = () => model.get("state") ?? {};
  const undo = button("↶", "Undo", () => link.ask({ do: "undo" }));
  const redo = button("↷", "Redo", () => link.ask({ do: "redo" }));
  const clear = button("Clear", "Begin again", () => link.ask({ do: "type", text: "" }));
  const dsl = button("Copy", "Copy the expression", () => copy(state().good, dsl, notice));
  root.append(
    equation.element,
    el("div", { class: "z-bar-tools", role: "toolbar", "aria-label": "Query" }, undo, redo, clear, el("span", { class: "z-gap" }), dsl),
    chips.element, filters.element, notice.element, found.element, shelves.element);

  function update() {
    const { error = null, undo: back = false, redo: on = false, good = "", text = "" } = state();
    equation.update();
    chips.update();
    filters.update();
    found.update(Boolean(error));
    shelves.update();
    notice.update();
    undo.disabled = !back;
    redo.disabled = !on;
    clear.disabled = !text;
    dsl.disabled = !good;
    root.classList.toggle("z-lost", Boolean(link.lost));
  }

  takeFiles(root, sender);
  takeKeys(root, link);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || found.side.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    found.close();
  });
  const end = follow(model, ["state", "results", "thumbnails", "shelf", "filters", "looked_at", "notice"], update);
  update();
  outside.append(root);
  return () => {
    end();
    link.end();
  };
}

export default { render };
