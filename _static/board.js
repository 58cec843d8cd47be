/* The scoreboard's table: sorted by its heads, narrowed by verdict, by whose and by what claims are,
   and by words. What is chosen stands in the address, so that it can be kept and passed on. Without
   this script the table is there, whole. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  // Paper shows what is folded, too.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("table.board details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });

  const FEW = 12; // shorter tables, as in chapters, need no tools
  const GROUPS = ["verdict", "whose", "about"];
  const natural = new Intl.Collator("en", { numeric: true });
  const tables = [...document.querySelectorAll("table.board")].filter(
    (table) => table.tHead && table.tBodies[0].rows.length > FEW,
  );
  if (!tables.length) return;

  const named = (row) =>
    Object.fromEntries(
      [...row.closest("table").tHead.rows[0].cells].map((head, k) => [head.dataset.name, row.cells[k]]),
    );
  const order = (cell) => cell.querySelector("[data-order]")?.dataset.order ?? words(cell);
  // The word without its sign, and the claim without its details.
  const words = (cell) => (cell.querySelector(".verdict, p") ?? cell).textContent.replace(/^\W+/, "").trim();
  const make = (tag, properties, ...inside) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...inside);
    return made;
  };

  for (const table of tables)
    for (const head of table.tHead.rows[0].cells) {
      head.dataset.name = head.textContent.trim();
      const button = make("button", { type: "button", className: "board-sort" }, ...head.childNodes);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        state.sort = (up ? "" : "-") + head.dataset.name;
        keep();
      });
      head.append(button);
    }
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
  const facts = new Map(
    rows.map((row, k) => {
      const cells = named(row);
      const values = Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, words(cell)]));
      const orders = Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, order(cell)]));
      return [row, { k, values, orders, text: row.textContent.toLowerCase() }];
    }),
  );
  const ids = new Set([...facts.values()].map((fact) => fact.values.id.toLowerCase()));

  // ------------------------------------------------------------------------------- what is chosen

  const state = { chosen: {}, find: "", sort: "" };
  const read = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    for (const name of GROUPS) {
      const known = new Set(buttons.filter((b) => b.dataset.group === name).map((b) => b.value));
      state.chosen[name] = new Set(said.getAll(name).filter((v) => known.has(v)));
    }
    state.find = said.get("find") ?? "";
    state.sort = said.get("sort") ?? "";
  };
  const keep = () => {
    const say = new URLSearchParams();
    for (const name of GROUPS) for (const value of state.chosen[name]) say.append(name, value);
    if (state.find.trim()) say.set("find", state.find.trim());
    if (state.sort) say.set("sort", state.sort);
    const hash = String(say);
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    show();
  };

  // ------------------------------------------------------------------------------------- the tools

  const bar = make("div", { className: "board-bar" });
  bar.setAttribute("role", "search");
  const buttons = [];
  for (const name of GROUPS) {
    const found = new Map();
    for (const { values, orders } of facts.values())
      if (name in values) found.set(values[name], { order: orders[name], n: (found.get(values[name])?.n ?? 0) + 1 });
    const group = make("div", { className: "board-group" });
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", name);
    for (const [value, { n }] of [...found].sort((a, b) => natural.compare(a[1].order, b[1].order))) {
      const mark = [...facts].find(([, fact]) => fact.values[name] === value)[0].querySelector(".verdict");
      const button = make("button", { type: "button", value });
      button.dataset.group = name;
      if (name === "verdict") button.className = mark.className;
      const said = name === "verdict" ? mark.textContent : value;
      button.append(`${said} `, make("span", { className: "board-count" }, String(n)));
      button.addEventListener("click", () => {
        const set = state.chosen[name];
        if (!set.delete(value)) set.add(value);
        keep();
      });
      buttons.push(button);
      group.append(button);
    }
    bar.append(group);
  }
  const find = make("input", { type: "search", placeholder: "a word, or an id" });
  find.setAttribute("aria-label", "Words in a claim, its rule or its numbers, or an id");
  find.addEventListener("input", () => {
    state.find = find.value;
    keep();
  });
  const count = make("output", {});
  const all = make("button", { type: "button", className: "board-all" }, "show all");
  all.addEventListener("click", () => {
    for (const name of GROUPS) state.chosen[name].clear();
    state.find = find.value = "";
    keep();
    find.focus();
  });
  bar.append(make("div", { className: "board-group" }, find, count, all));
  (tables[0].closest(".cell_output") ?? tables[0]).before(bar);

  // ----------------------------------------------------------------------------------- what is seen

  const show = () => {
    const asked = state.find.toLowerCase().split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const [row, { values, text }] of facts) {
      const is = (name) => !state.chosen[name].size || state.chosen[name].has(values[name]);
      const has = (word) => (ids.has(word) ? values.id.toLowerCase() === word : text.includes(word));
      row.hidden = !(GROUPS.every(is) && asked.every(has));
      seen += !row.hidden;
    }
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(state.chosen[button.dataset.group].has(button.value)));
    if (find.value.trim() !== state.find.trim()) find.value = state.find;
    count.textContent = `${seen} of ${rows.length} claims`;
    all.hidden = seen === rows.length;
    const down = state.sort.startsWith("-");
    const column = state.sort.replace(/^-/, "");
    for (const table of tables) {
      const body = table.tBodies[0];
      for (const head of table.tHead.rows[0].cells)
        if (head.dataset.name === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      const place = (row) => facts.get(row);
      const compared = (a, b) =>
        column in place(a).orders
          ? (down ? -1 : 1) * natural.compare(place(a).orders[column], place(b).orders[column])
          : 0;
      body.append(...[...body.rows].sort((a, b) => compared(a, b) || place(a).k - place(b).k));
      table.hidden = [...body.rows].every((row) => row.hidden);
    }
  };
  read();
  show();
  if (location.hash.includes("=")) bar.scrollIntoView();
  addEventListener("hashchange", () => {
    read();
    show();
    if (location.hash.includes("=")) bar.scrollIntoView();
  });
});
