"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const stage = at("stage"), details = at("details"), search = at("search");
  const states = new Map(data.states.map((state) => [state.key, state]));
  const drawings = new Map([...stage.querySelectorAll(".drawing")].map((each) => [each.dataset.drawing, each]));
  const entries = new Map();
  let drawing = null, chosen = null, scale = 1, left = 0, top = 0;

  const make = (name, text, properties) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    return Object.assign(element, properties || {});
  };
  const draw = (name, attributes, parent) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (parent) parent.append(element);
    return element;
  };
  const elements = (attribute, key) =>
    [...document.querySelectorAll(`[${attribute}]`)].filter((each) => each.getAttribute(attribute) === key);

  // -- zoom

  const place = () => {
    drawing.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    at("zoom").textContent = `${Math.round(scale * 100)}%`;
  };
  const size = () => {
    const svg = drawing.querySelector("svg");
    return [svg.width.baseVal.value, svg.height.baseVal.value];
  };
  const fit = () => {
    const [width, height] = size();
    scale = Math.min(1.25, (stage.clientWidth - 20) / width, (stage.clientHeight - 20) / height);
    left = (stage.clientWidth - width * scale) / 2;
    top = Math.max(10, (stage.clientHeight - height * scale) / 2);
    place();
  };
  const zoom = (factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) => {
    const next = Math.min(6, Math.max(0.02, scale * factor));
    left = x - ((x - left) * next) / scale;
    top = y - ((y - top) * next) / scale;
    scale = next;
    place();
  };
  const centre = (element) => {
    const box = element.getBoundingClientRect(), frame = stage.getBoundingClientRect();
    left += frame.left + frame.width / 2 - box.left - box.width / 2;
    top += frame.top + frame.height / 2 - box.top - Math.min(box.height, frame.height) / 2;
    place();
  };
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const frame = stage.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey || !event.shiftKey) {
      zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - frame.left, event.clientY - frame.top);
    } else {
      left -= event.deltaX || event.deltaY;
      place();
    }
  }, { passive: false });
  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, y: event.clientY, left, top, moved: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const x = event.clientX - drag.x, y = event.clientY - drag.y;
    if (Math.abs(x) + Math.abs(y) > 4) drag.moved = true;
    if (!drag.moved) return;
    stage.classList.add("dragging");
    left = drag.left + x;
    top = drag.top + y;
    place();
  });
  window.addEventListener("pointerup", () => {
    stage.classList.remove("dragging");
    setTimeout(() => { drag = null; });
  });

  // -- a state

  const colour = (asl) => {
    const pre = make("pre"), token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
    let last = 0;
    for (const match of asl.matchAll(token)) {
      pre.append(asl.slice(last, match.index));
      const kind = match[1] ? (match[2] ? "name" : "string") : /[a-z]/.test(match[0][0]) ? "word" : "number";
      pre.append(make("span", match[1] || match[0], { className: kind }), match[2] || "");
      last = match.index + match[0].length;
    }
    pre.append(asl.slice(last));
    return pre;
  };
  const tell = (state) => {
    const parts = [make("h2", state.name), make("p", [state.type || "unknown type", state.summary].filter(Boolean).join(" · "), { className: "kind" })];
    const close = make("button", "×", { className: "close", title: "Close (Esc)", onclick: () => choose(null) });
    const mark = current[state.key];
    if (mark && mark[2]) parts.push(make("h3", "Here"), make("pre", mark[2]));
    for (const [heading, text] of Object.entries(state.details)) parts.push(make("h3", heading), make("pre", text));
    if (state.edges.length) {
      const list = make("ul");
      for (const edge of state.edges) {
        const item = make("li");
        if (edge.to) item.append(make("button", edge.text, { onclick: () => choose(edge.to, true) }));
        else item.textContent = edge.text;
        list.append(item);
      }
      parts.push(make("h3", "Edges"), list);
    }
    parts.push(make("h3", "ASL"), colour(state.asl));
    details.replaceChildren(close, ...parts);
    details.scrollTop = 0;
  };
  const choose = (key, move) => {
    for (const each of document.querySelectorAll(".chosen")) each.classList.remove("chosen");
    if (chosen && entries.has(chosen)) entries.get(chosen).removeAttribute("aria-current");
    chosen = states.has(key) ? key : null;
    details.hidden = chosen === null;
    if (chosen === null) return;
    tell(states.get(chosen));
    for (const each of elements("data-state", chosen)) each.classList.add("chosen");
    entries.get(chosen).setAttribute("aria-current", "true");
    entries.get(chosen).scrollIntoView({ block: "nearest" });
    const element = [...drawing.querySelectorAll(".chosen")].pop();
    if (element && !move) {
      const box = element.getBoundingClientRect(), frame = stage.getBoundingClientRect();
      move = box.left > frame.right - 60 || box.right < frame.left + 60 || box.top > frame.bottom - 20 || box.bottom < frame.top;
    }
    if (move && element) {
      if (scale < 0.5) zoom(0.9 / scale);
      centre(element);
    }
  };
  document.addEventListener("click", (event) => {
    if (drag && drag.moved) return;
    const element = event.target.closest("[data-state]");
    if (element && (stage.contains(element) || at("timeline").contains(element))) {
      choose(element.getAttribute("data-state"), !stage.contains(element));
    } else if (stage.contains(event.target)) choose(null);
  });

  // -- the outline and the search

  for (const state of data.states) {
    const item = make("li"), button = make("button", undefined, { title: state.summary, onclick: () => choose(state.key, true) });
    const svg = draw("svg", { class: "flow", width: 16, height: 16, viewBox: "0 0 26 26", "aria-hidden": "true" });
    const group = draw("g", { class: state.type || "none" }, svg);
    draw("rect", { class: "tile", width: 26, height: 26, rx: 7 }, group);
    draw("path", { class: "glyph", transform: "translate(3 3)", d: data.symbols[state.type] }, group);
    button.append(svg, make("span", state.name));
    button.style.paddingLeft = `${6 + 14 * Math.min(state.depth, 8)}px`;
    item.append(button);
    at("states").append(item);
    entries.set(state.key, button);
  }
  const hits = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return data.states.filter((state) => {
      // The names of inner states are found in the inner states themselves.
      const asl = state.asl.replace(/"States": \[[^\]]*\]/g, "");
      const text = `${state.name}\n${state.type}\n${state.summary}\n${asl}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  };
  const look = () => {
    const matches = new Set(hits().map((state) => state.key)), all = !search.value.trim();
    for (const [key, button] of entries) button.parentElement.hidden = !matches.has(key);
    for (const each of stage.querySelectorAll("[data-state]")) {
      if (each.classList.contains("container")) continue;
      each.classList.toggle("dimmed", !all && !matches.has(each.getAttribute("data-state")));
    }
    at("count").textContent = all ? `${data.states.length} states` : `${matches.size} of ${data.states.length} states`;
  };
  search.addEventListener("input", look);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const found = hits().map((state) => state.key);
      if (found.length) choose(found[(found.indexOf(chosen) + (event.shiftKey ? found.length - 1 : 1)) % found.length], true);
    } else if (event.key === "Escape") {
      search.value = "";
      look();
      search.blur();
    }
  });

  // -- views: other marks

  let current = data.marks;
  const mark = (marks) => {
    current = marks;
    const tones = ["added", "removed", "changed", "reached", "missed", "failed", "waiting", "quiet", "marked", "faint"];
    for (const each of stage.querySelectorAll("[data-state], [data-edge], [data-label]")) {
      const key = each.getAttribute("data-state") || each.getAttribute("data-edge") || each.getAttribute("data-label");
      each.classList.remove(...tones);
      for (const old of each.querySelectorAll(":scope > .mark")) old.remove();
      const [tone, badge] = marks[key] || [];
      if (!tone) continue;
      each.classList.add(tone, tone === "missed" || tone === "quiet" ? "faint" : "marked");
      if (!badge || !each.hasAttribute("data-state")) continue;
      const shape = [...each.querySelectorAll(":scope > .shape")].pop().getBBox(), width = badge.length * 6 + 12;
      const group = draw("g", { class: "mark" }, each), x = shape.x + shape.width - width - 8;
      draw("rect", { x, y: shape.y - 8, width, height: 16, rx: 8 }, group);
      draw("text", { class: "badge", x: x + 6, y: shape.y + 3.5, textLength: width - 12, lengthAdjust: "spacingAndGlyphs" }, group).textContent = badge;
    }
    if (chosen) choose(chosen);
  };
  const views = Object.entries(data.views);
  if (views.length) {
    const select = at("views");
    select.hidden = false;
    for (const [name] of views) select.append(make("option", name, { value: name }));
    select.addEventListener("change", () => mark(data.views[select.value]));
  }

  // -- folding, light and dark, keys

  const show = (name) => {
    for (const [each, element] of drawings) element.hidden = each !== name;
    drawing = drawings.get(name);
    at("fold").setAttribute("aria-pressed", String(name === "folded"));
    fit();
    if (chosen) choose(chosen);
  };
  const fold = () => drawings.has("folded") && show(drawing === drawings.get("folded") ? "whole" : "folded");
  const theme = () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  };
  at("fold").hidden = !drawings.has("folded");
  at("fold").onclick = fold;
  at("theme").onclick = theme;
  at("fit").onclick = fit;
  at("in").onclick = () => zoom(1.25);
  at("out").onclick = () => zoom(0.8);
  at("zoom").onclick = () => zoom(1 / scale);
  at("comment").textContent = data.comment;
  at("comment").title = data.comment;
  at("timeline").hidden = !at("timeline").querySelector("svg");
  const keys = {
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit, 1: () => zoom(1 / scale),
    f: fold, d: theme, "/": () => search.select(), Escape: () => choose(null),
    ArrowLeft: () => { left += 60; place(); }, ArrowRight: () => { left -= 60; place(); },
    ArrowUp: () => { top += 60; place(); }, ArrowDown: () => { top -= 60; place(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in keys) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  window.addEventListener("resize", () => drawing && place());
  if (window.matchMedia("(prefers-color-scheme: dark)").matches) theme();
  show(data.folded ? "folded" : "whole");
  if (views.length) mark(views[0][1]);
  look();
})();
