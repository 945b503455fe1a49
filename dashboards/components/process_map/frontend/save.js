// The map as an SVG file that looks the same outside this page: computed styles are written into every element.

const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "paint-order", "stroke-linejoin", "text-anchor"];

export function saveSvg(svg, root) {
  const drawing = svg.querySelector(".all");
  const copy = svg.cloneNode(true);
  const bounds = drawing.getBBox();
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, index) => {
    const computed = getComputedStyle(originals[index]);
    element.setAttribute("style", STYLES.map((name) => `${name}:${computed.getPropertyValue(name)}`).join(";"));
  });
  copy.querySelectorAll(".hit, .halo, .crowded").forEach((element) => element.remove());
  copy.querySelector(".all").removeAttribute("transform");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `${bounds.x - 12} ${bounds.y - 12} ${bounds.width + 24} ${bounds.height + 24}`);
  copy.setAttribute("width", bounds.width + 24);
  copy.setAttribute("height", bounds.height + 24);
  copy.style.background = getComputedStyle(root).backgroundColor;
  const address = URL.createObjectURL(new Blob([copy.outerHTML], { type: "image/svg+xml" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: "process-map.svg" });
  link.click();
  URL.revokeObjectURL(address);
}
