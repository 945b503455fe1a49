// Moving and zooming the drawing; no data, no colours.

const LEAST = 0.2;
const MOST = 3;
const MARGIN = 14;
const TOP_BAR = 52;
const BOTTOM_BAR = 50;

export class View {
  /**
   * @param {SVGSVGElement} svg
   * @param {() => void} onBackground called when the empty ground was clicked
   * @param {(group: SVGElement, left: number, right: number) => void} onFit told the frame's borders in drawing units
   */
  constructor(svg, onBackground, onFit) {
    this.svg = svg;
    this.onFit = onFit;
    this.place = { scale: 1, x: 0, y: 0 };
    this.armed = false; // the wheel zooms only after a click on the map, so that the page never gets stuck
    this.start = null;
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => {
      this.start = { x: event.clientX, y: event.clientY, from: { ...this.place }, moved: false };
      this.armed = true;
    });
    svg.addEventListener("pointermove", (event) => this.drag(event));
    svg.addEventListener("pointerup", (event) => {
      if (this.start && !this.start.moved && !event.target.closest(".node, .edge")) onBackground();
      this.start = null;
      svg.classList.remove("dragging");
    });
    svg.addEventListener("pointerleave", () => (this.armed = false));
  }

  show(group, size) {
    this.group = group;
    this.size = size;
  }

  /** The whole map where it stays readable; else its width, beginning at the top. */
  fit() {
    const frame = this.svg.getBoundingClientRect();
    if (!this.group || frame.width === 0) return;
    const { width, height } = this.size;
    const whole = Math.min((frame.width - 2 * MARGIN) / width, (frame.height - TOP_BAR - BOTTOM_BAR) / height);
    const scale = Math.min(1.2, Math.max(whole, 0.45));
    const spare = frame.height - TOP_BAR - BOTTOM_BAR - height * scale;
    this.place = { scale, x: (frame.width - width * scale) / 2, y: TOP_BAR + Math.max(0, spare / 2) };
    const edge = 2;
    this.onFit(this.group, (edge - this.place.x) / scale, (frame.width - edge - this.place.x) / scale);
    this.apply();
  }

  zoom(factor, x, y) {
    const frame = this.svg.getBoundingClientRect();
    const at = { x: x ?? frame.width / 2, y: y ?? frame.height / 2 };
    const scale = Math.min(MOST, Math.max(LEAST, this.place.scale * factor));
    const change = scale / this.place.scale;
    this.place = { scale, x: at.x - (at.x - this.place.x) * change, y: at.y - (at.y - this.place.y) * change };
    this.apply();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey && !this.armed) return;
    event.preventDefault();
    const frame = this.svg.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * 0.0016), event.clientX - frame.left, event.clientY - frame.top);
  }

  drag(event) {
    if (!this.start) return;
    const [dx, dy] = [event.clientX - this.start.x, event.clientY - this.start.y];
    if (!this.start.moved && Math.hypot(dx, dy) > 4) {
      this.start.moved = true;
      this.svg.setPointerCapture(event.pointerId);
      this.svg.classList.add("dragging");
    }
    if (this.start.moved) {
      this.place = { ...this.place, x: this.start.from.x + dx, y: this.start.from.y + dy };
      this.apply();
    }
  }

  apply() {
    this.group?.setAttribute("transform", `translate(${this.place.x},${this.place.y}) scale(${this.place.scale})`);
  }
}
