// Elements are built without markup: names and texts enter the page only as text nodes or
// attribute values.

function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function button(text, label, onclick, properties = {}) {
  return el("button", { type: "button", text, "aria-label": label, title: label, onclick, ...properties });
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

function score(value) {
  return value.toFixed(2).replace("-", "−");
}
