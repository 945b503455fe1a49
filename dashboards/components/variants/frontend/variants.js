// Variants as chevrons: one row per way through the process. Words and shares come from Python.

const DENSE_FROM = 14; // longer ways get narrower chevrons
const FOLD_FROM = 4; // this many usual steps in a row, shared with the most frequent way, are folded into one

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".variants");
  const signature = JSON.stringify(data);
  if (root.dataset.signature === signature) return;
  root.dataset.signature = signature;
  root.replaceChildren(header(data), ...data.rows.map((row) => line(row, data, setTriggerValue)));
}

function header(data) {
  const row = make("div", "row head");
  for (const [kind, text] of [["", ""], ["", "Share"], ["", "Cumulative"], ["number", data.noun], ["number", "Median"], ["", data.caption]]) make("span", kind, row, text);
  return row;
}

function line(row, data, setTriggerValue) {
  const button = make("button", "row");
  button.setAttribute("aria-pressed", String(data.selected === row.rank));
  button.setAttribute("aria-label", row.tip);
  button.title = row.tip;
  make("span", "rank", button, `#${row.rank}`);
  const share = make("span", "share", button);
  make("i", "", share).style.width = `${(100 * row.share) / data.widest}%`;
  make("b", "", share, row.share_label);
  const cover = make("span", "share cover", button);
  make("i", "", cover).style.width = `${100 * row.cumulative}%`;
  make("b", "", cover, row.cumulative_label);
  make("span", "number", button, row.cases_label);
  make("span", "number", button, row.median_label);
  const chain = make("span", "chain", button);
  if (row.steps.length > DENSE_FROM) chain.classList.add("dense");
  const differs = row.steps.some((step) => step.kind !== "usual");
  for (const step of folded(row.steps, data.fold && differs)) chain.append(chevron(step));
  const fade = () => chain.classList.toggle("longer", chain.scrollWidth > chain.clientWidth + chain.scrollLeft + 4);
  chain.addEventListener("scroll", fade);
  new ResizeObserver(fade).observe(chain);
  button.addEventListener("click", () => setTriggerValue("picked", { rank: data.selected === row.rank ? 0 : row.rank }));
  return button;
}

function chevron(step) {
  const kind = ["step", step.kind].join(" ");
  const item = make("span", kind, null, step.text);
  item.style.setProperty("--team", step.colour);
  item.title = step.title;
  return item;
}

// Usual steps in a row become one chevron "5 usual steps"; first and last of the row stay, so the frame is readable.
function folded(steps, fold) {
  if (!fold) return steps;
  const result = [];
  let run = [];
  const flush = () => {
    if (run.length >= FOLD_FROM) {
      const inner = run.slice(1, -1);
      const title = inner.map((step) => step.text).join(" → ");
      result.push(run[0], { kind: "fold", text: `${inner.length} usual steps`, colour: "#64748b", title }, run.at(-1));
    } else result.push(...run);
    run = [];
  };
  for (const step of steps) {
    if (step.kind === "usual") run.push(step);
    else {
      flush();
      result.push(step);
    }
  }
  flush();
  return result;
}

function make(tag, kind, parent = null, text = null) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}
