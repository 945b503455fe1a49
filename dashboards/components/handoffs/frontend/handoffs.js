// Handoff table: every row is a button that drives the map; the sum row and "other" come from Python.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".handoffs");
  root.style.maxHeight = `${data.height}px`;
  const signature = JSON.stringify([data.rows, data.total, data.columns]);
  if (root.dataset.signature !== signature) {
    root.dataset.signature = signature;
    root.replaceChildren(table(data, (id) => setTriggerValue("picked", { type: "edge", id })));
  }
  for (const row of root.querySelectorAll("tr[data-id]")) {
    row.setAttribute("aria-pressed", String(row.dataset.id === data.selected));
  }
}

function table(data, pick) {
  const made = make("table");
  const head = make("tr", "", make("thead", "", made));
  for (const column of data.columns) {
    const cell = make("th", column.kind, head, column.label);
    cell.title = column.help;
  }
  const body = make("tbody", "", made);
  data.rows.forEach((row) => body.append(line(row, data, pick)));
  make("tfoot", "", made).append(line(data.total, data, pick));
  return made;
}

function line(row, data, pick) {
  const made = make("tr", row.kind);
  const name = make("td", "name", made);
  make("b", "", name, row.name);
  make("small", "", name, row.teams);
  for (const key of ["median", "p90", "cases"]) make("td", "number", made, row[key]);
  const money = make("td", "parts", made);
  const bar = make("span", "bar", money);
  for (const part of row.parts) {
    const piece = make("i", part.kind, bar);
    piece.style.width = `${100 * part.share}%`;
  }
  money.title = row.parts_tip;
  for (const key of ["ours", "terms", "customer", "cost"]) make("td", `number ${key}`, made, row[key]);
  if (row.id) {
    made.dataset.id = row.id;
    made.tabIndex = 0;
    made.setAttribute("role", "button");
    made.addEventListener("click", () => pick(row.id));
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pick(row.id);
    });
  }
  return made;
}

function make(tag, kind = "", parent = null, text = null) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}
