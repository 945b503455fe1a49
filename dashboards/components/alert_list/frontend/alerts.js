// Alerts of one rule: what waits, since when, how much money, which documents, what was done.

const COLUMNS = ["Overdue", "Money", "What waits", "Since", "Was due", "Its documents", "State", "What was done", ""];

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".alerts");
  const signature = JSON.stringify(data.rows);
  if (root.dataset.signature === signature) return;
  root.dataset.signature = signature;
  const table = make("table");
  const head = make("tr", "", make("thead", "", table));
  for (const column of COLUMNS) make("th", "", head, column);
  const body = make("tbody", "", table);
  data.rows.forEach((row) => body.append(line(row, (decision) => setTriggerValue("decided", { decision, id: row.id }))));
  root.replaceChildren(table);
}

function line(row, decide) {
  const made = make("tr", row.severity);
  made.dataset.id = row.id;
  make("td", "overdue", made, row.overdue);
  make("td", "number", made, row.money);
  const link = make("a", "", make("td", "", made), row.object);
  link.href = row.link;
  link.title = "Show its story in the cockpit";
  make("td", "when", made, row.since);
  make("td", "when", made, row.due);
  make("td", "documents", made, row.documents);
  marks(make("td", "", made), row.marks);
  marks(make("td", "done", made), row.actions.length ? row.actions : [{ kind: "quiet", text: "nothing yet" }]);
  const buttons = make("td", "buttons", made);
  if (row.can_decide) {
    if (!row.acknowledged) button(buttons, "Take over", "Acknowledge: I take care of it", () => decide("acknowledge"));
    button(buttons, "Silence", "Let its messages wait", () => decide("silence"));
  }
  return made;
}

function marks(cell, list) {
  for (const mark of list) make("span", `mark ${mark.kind}`, cell, mark.text).title = mark.title ?? "";
}

function button(parent, text, title, act) {
  const made = make("button", "", parent, text);
  made.type = "button";
  made.title = title;
  made.addEventListener("click", act);
}

function make(tag, kind = "", parent = null, text = null) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}
