// The reverse-search widget.

// The terms of the query with their weights; each can be removed or have its sign changed.
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
    this.on = el("input", { type: "checkbox", onchange: send, "aria-label": "Require a minimum cosine" });
    this.threshold = el("input", { type: "range", min: "-1", max: "1", step: "0.01", oninput: () => { this.on.checked = true; send(); }, "aria-label": "Minimum cosine" });
    this.cosine = el("span", { class: "z-soft z-value" });
    this.fold = el("input", { type: "checkbox", onchange: send });
    this.diversity = el("input", { type: "range", min: "0", max: "1", step: "0.05", oninput: send });
    this.diversityValue = el("span", { class: "z-soft z-value" });
    const field = (text, ...inside) => el("label", { class: "z-field" }, el("span", { text }), ...inside);
    this.element = el("div", { class: "z-filters", role: "group", "aria-label": "Filters" },
      field("Pictures", this.k), field("Where", this.where),
      el("div", { class: "z-field" }, el("label", {}, this.on, el("span", { text: " Minimum cosine" })), this.threshold, this.cosine),
      field("Diversity", this.diversity, this.diversityValue),
      el("label", { class: "z-field" }, this.fold, el("span", { text: "Fold near-duplicates" })));
  }

  send() {
    this.showValues();
    const filters = {
      k: Number(this.k.value) || 12, where: this.where.value, fold: this.fold.checked,
      threshold: this.on.checked ? Number(this.threshold.value) : null, diversity: Number(this.diversity.value),
    };
    this.link.ask({ do: "filter", filters }, "filter");
  }

  showValues() {
    this.cosine.textContent = this.on.checked ? score(Number(this.threshold.value)) : "any";
    this.diversityValue.textContent = score(Number(this.diversity.value));
  }

  update() {
    const filters = this.model.get("filters") ?? {};
    if (this.rendered === filters || this.link.pending("filter")) return;
    this.rendered = filters;
    const active = this.element.getRootNode().activeElement;
    if (active !== this.k) this.k.value = filters.k;
    if (active !== this.where) this.where.value = filters.where;
    this.on.checked = filters.threshold !== null;
    if (active !== this.threshold) this.threshold.value = filters.threshold ?? 0.2;
    this.fold.checked = filters.fold;
    if (active !== this.diversity) this.diversity.value = filters.diversity;
    this.showValues();
  }
}

class Hits {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.grid = el("div", { class: "z-hits", role: "list", "aria-label": "Search results" });
    this.empty = el("p", { class: "z-soft z-empty" });
    this.remarks = el("div", { class: "z-remarks", role: "status" });
    this.announcement = el("p", { class: "z-hidden", role: "status", "aria-live": "polite" });
    this.preview = el("aside", { class: "z-preview", role: "dialog", "aria-label": "Picture details", tabindex: "-1" });
    this.element = el("div", { class: "z-results z-split" }, el("div", {}, this.remarks, this.grid, this.empty, this.announcement), this.preview);
  }

  update(stale) {
    this.grid.classList.toggle("z-stale", stale);
    const results = this.model.get("results") ?? {};
    if (this.rendered !== results) {
      this.rendered = results;
      const { pictures = [], expr = "", remarks = [] } = results;
      this.element.dataset.expr = expr;
      replace(this.remarks, remarks.map((text) => el("p", { text })));
      replace(this.grid, pictures.map((picture) => this.picture(picture)));
      this.empty.textContent = expr ? "No matching pictures." : "Click a picture, or type an expression to search for.";
      this.empty.hidden = pictures.length > 0;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.announcement.textContent = expr ? `${pictures.length} pictures found` : ""; }, 700);
    }
    this.updatePreview();
  }

  picture({ name, src, score: value, alike = [] }) {
    const duplicates = alike.length ? ` +${alike.length}` : "";
    return el("div", { role: "listitem", class: "z-hit" },
      el("button", {
        type: "button", class: "z-picture", title: name, "aria-label": `Show details of ${name}, ${score(value)}`,
        onclick: (event) => {
          this.opener = event.currentTarget;
          this.link.ask({ do: "preview", name });
        },
      }, el("figure", {}, thumbnail(src, name), el("figcaption", { text: name }))),
      el("div", { class: "z-hit-tools" }, el("span", { class: "z-score", text: score(value) + duplicates }),
        button("+", `More like ${name}`, () => this.link.ask({ do: "more", name })),
        button("−", `Less like ${name}`, () => this.link.ask({ do: "less", name }))));
  }

  updatePreview() {
    const preview = this.model.get("preview") ?? {};
    if (this.previewed === preview) return;
    this.previewed = preview;
    const { name = "", src = "", details = [] } = preview;
    this.preview.hidden = !name;
    if (!name) {
      replace(this.preview, []);
      return;
    }
    const rows = details.flatMap(([key, value]) => [el("dt", { text: key }), el("dd", { text: value })]);
    const close = button("×", "Close", () => this.close(), { class: "z-sign" });
    replace(this.preview, [el("div", { class: "z-preview-head" }, el("h4", { text: name }), close), thumbnail(src, name), el("dl", {}, ...rows)]);
    close.focus({ preventScroll: true });
  }

  close() {
    this.link.ask({ do: "close" });
    this.opener?.focus();
  }
}

function render({ model, el: container }) {
  const root = el("div", { class: "zcalc-widget zcalc-search", role: "region", "aria-label": "Search the gallery by pictures and words" });
  const link = new Link(model, () => update());
  const notice = new Notice(model, link);
  const uploader = new Uploader(model, link, notice);
  const equation = new Equation(model, link);
  const chips = new Chips(model, link);
  const filters = new Filters(model, link);
  const hits = new Hits(model, link);
  const palette = new Palette(model, link, uploader, (kind, name) => link.ask({ do: "add", kind, name }));
  const state = () => model.get("state") ?? {};
  const undo = button("↶", "Undo", () => link.ask({ do: "undo" }));
  const redo = button("↷", "Redo", () => link.ask({ do: "redo" }));
  const clear = button("Clear", "Clear the query", () => link.ask({ do: "type", text: "" }));
  const source = button("Copy", "Copy the expression", () => copy(state().valid, source, notice));
  root.append(
    equation.element,
    el("div", { class: "z-bar-tools", role: "toolbar", "aria-label": "Edit" }, undo, redo, clear, el("span", { class: "z-gap" }), source),
    chips.element, filters.element, notice.element, hits.element, palette.element);

  function update() {
    const { error = null, undo: canUndo = false, redo: canRedo = false, valid = "", text = "" } = state();
    equation.update();
    chips.update();
    filters.update();
    hits.update(Boolean(error));
    palette.update();
    notice.update();
    undo.disabled = !canUndo;
    redo.disabled = !canRedo;
    clear.disabled = !text;
    source.disabled = !valid;
    root.classList.toggle("z-disconnected", Boolean(link.problem));
  }

  acceptFiles(root, uploader);
  handleKeys(root, link);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || hits.preview.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    hits.close();
  });
  const unsubscribe = subscribe(model, ["state", "results", "thumbnails", "gallery", "filters", "preview", "notice"], update);
  update();
  container.append(root);
  return () => {
    unsubscribe();
    link.close();
  };
}

export default { render };
