/**
 * The picture of the fleet on the page: a canvas that is painted at most once a frame, what is
 * under the pointer, and a walk from device to device with the arrow keys.
 */
import type { StateView } from "../../../src/observe/view-api.ts";
import { paletteOf, type Theme } from "../colours.ts";
import { html, nothing, plain, show } from "../lit.ts";
import { describe } from "./describe.ts";
import { type FleetElement, isSame } from "./element.ts";
import { boxesOf, elementAt, neighbourOf, type Step } from "./find.ts";
import type { FleetIndex } from "./fleet-index.ts";
import type { Focus } from "./grid.ts";
import { type FleetLayout, layoutFleet, MARGIN } from "./layout.ts";
import type { FleetMarks } from "./marks.ts";
import { paintFleet } from "./paint.ts";
import { type FleetUse, formatRate } from "./use.ts";

export interface FleetMapOptions {
  /** It is as large as the picture may be, and scrolls when that is not enough. */
  readonly box: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly tip: HTMLElement;
  readonly index: FleetIndex;
  readonly use: FleetUse;
  choose(element: FleetElement | undefined): void;
  focus(focus: Focus): void;
}

/** What the picture shows. */
export interface FleetScene {
  readonly state: StateView;
  readonly marks: FleetMarks;
  readonly theme: Theme;
  readonly chosen: FleetElement | undefined;
  readonly focus: Focus;
}

const STEPS: Readonly<Record<string, Step>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const LABEL =
  "picture of the fleet: arrows walk from device to device, Enter shows its node or plane alone";

/** Flows that the tip tells. */
const TIP_FLOWS = 4;

export class FleetMap {
  readonly #options: FleetMapOptions;
  #layout: FleetLayout | undefined;
  #laidOut = "";
  #scene: FleetScene | undefined;
  #hovered: FleetElement | undefined;
  /** Where the tip is, in pixels of the canvas. */
  #at = { x: 0, y: 0 };
  #isDue = false;

  constructor(options: FleetMapOptions) {
    this.#options = options;
    const { box, canvas } = options;
    box.tabIndex = 0;
    box.setAttribute("role", "application");
    box.setAttribute("aria-label", LABEL);
    canvas.addEventListener("pointermove", (event) => this.#hover(event));
    canvas.addEventListener("pointerleave", () => this.#leave());
    canvas.addEventListener("click", (event) => this.#click(event));
    canvas.addEventListener("dblclick", (event) => {
      const element = this.#elementAt(event);
      if (element !== undefined) this.#zoomTo(element);
    });
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("blur", () => this.#leave());
  }

  /** Shows a state, soon. */
  draw(scene: FleetScene): void {
    this.#scene = scene;
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#paint();
    });
  }

  /** The place that there is has changed. */
  fit(): void {
    if (this.#scene !== undefined) this.draw(this.#scene);
  }

  #paint(): void {
    const scene = this.#scene;
    const { canvas, index, use } = this.#options;
    const context = canvas.getContext("2d");
    if (scene === undefined || context === null) return;
    const layout = this.#layOut(scene.focus);
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(layout.width * ratio), Math.round(layout.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      canvas.style.width = `${layout.width}px`;
      canvas.style.height = `${layout.height}px`;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, layout.width, layout.height);
    context.translate(MARGIN, MARGIN);
    use.take(scene.state.use);
    const { marks, chosen } = scene;
    const palette = paletteOf(scene.theme);
    paintFleet(context, { index, layout, palette, use, marks, chosen, hovered: this.#hovered });
    this.#showTip();
  }

  #layOut(focus: Focus): FleetLayout {
    const { box, index } = this.#options;
    const place = {
      width: Math.max(280, box.clientWidth) - 2 * MARGIN,
      height: Math.max(160, box.clientHeight) - 2 * MARGIN,
    };
    const key = JSON.stringify([place, focus]);
    if (this.#layout === undefined || this.#laidOut !== key) {
      const layout = layoutFleet(index, place, focus);
      const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN];
      this.#layout = { ...layout, width, height };
      this.#laidOut = key;
      this.#hovered = undefined;
    }
    return this.#layout;
  }

  #elementAt({ offsetX, offsetY }: MouseEvent): FleetElement | undefined {
    if (this.#layout === undefined) return undefined;
    return elementAt(this.#layout, offsetX - MARGIN, offsetY - MARGIN);
  }

  #hover(event: PointerEvent): void {
    const element = this.#elementAt(event);
    this.#at = { x: event.offsetX, y: event.offsetY };
    this.#options.canvas.classList.toggle("on-element", element !== undefined);
    if (isSame(element, this.#hovered)) this.#placeTip();
    else {
      this.#hovered = element;
      this.fit();
    }
  }

  #leave(): void {
    if (this.#hovered === undefined) return;
    this.#hovered = undefined;
    this.fit();
  }

  /** What is large is chosen; a small cell, a label or a ground leads nearer. */
  #click(event: MouseEvent): void {
    const element = this.#elementAt(event);
    this.#options.choose(element);
    if (element === undefined || this.#scene === undefined) return;
    const isWhole = element.type === "node" || element.type === "plane";
    const isSmall = this.#layout?.size === "compact" && element.type === "actor";
    const { node, plane } = this.#scene.focus;
    const isZoomed = node !== undefined || plane !== undefined;
    if ((isWhole && !isZoomed) || (isSmall && !isZoomed)) this.#zoomTo(element);
  }

  #zoomTo(element: FleetElement): void {
    const { actors } = this.#options.index.run;
    if (element.type === "node") this.#options.focus({ node: element.node });
    else if (element.type === "plane") this.#options.focus({ plane: element.plane });
    else if (element.type === "actor") {
      const [node, plane] = [actors.node[element.actor], actors.plane[element.actor]];
      if (node >= 0) this.#options.focus({ node });
      else if (plane >= 0) this.#options.focus({ plane });
    }
  }

  #key(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const { chosen } = this.#scene ?? {};
    if (this.#layout === undefined) return;
    if (step !== undefined) {
      const element = neighbourOf(this.#layout, chosen, step);
      this.#hovered = element;
      this.#options.choose(element);
      const [box] = element === undefined ? [] : boxesOf(this.#layout, element);
      if (box !== undefined) {
        this.#at = { x: box.x + box.width + MARGIN, y: box.y + box.height + MARGIN };
        this.#scrollTo(box.y + MARGIN, box.height);
      }
    } else if (event.key === "Enter" && chosen !== undefined) this.#zoomTo(chosen);
    else return;
    event.preventDefault();
  }

  /** What is reached by keys is seen, also in a picture that is higher than its place. */
  #scrollTo(y: number, height: number): void {
    const { box } = this.#options;
    if (y < box.scrollTop) box.scrollTop = y - MARGIN;
    const bottom = y + height + MARGIN - box.clientHeight;
    if (bottom > box.scrollTop) box.scrollTop = bottom;
  }

  #showTip(): void {
    const { tip, index, use } = this.#options;
    const [element, scene] = [this.#hovered, this.#scene];
    if (element === undefined || scene === undefined) {
      tip.hidden = true;
      show(nothing, tip);
      return;
    }
    const { name, about, troubles, flows } = describe(element, { index, state: scene.state, use });
    const isDone = scene.focus.node !== undefined || scene.focus.plane !== undefined;
    const hint = isDone || element.type === "links" ? "" : TIP_HINTS[element.type];
    show(
      html`<strong>${name}</strong> <small>${about}</small>
        ${troubles.slice(0, 4).map(({ text }) => html`<p class="bad">${plain(text)}</p>`)}
        ${flows
          .slice(0, TIP_FLOWS)
          .map(
            ({ label, rate }) =>
              html`<p>${label}: ${formatRate(rate.bitsPerSecond)}, ${(rate.permille / 10).toFixed(1)} %</p>`,
          )}
        ${hint === "" ? nothing : html`<small>${hint}</small>`}`,
      tip,
    );
    tip.hidden = false;
    this.#placeTip();
  }

  /** Beside the pointer, and inside the box. */
  #placeTip(): void {
    const { tip, box } = this.#options;
    if (tip.hidden) return;
    const [width, height] = [tip.offsetWidth, tip.offsetHeight];
    const x = this.#at.x - box.scrollLeft;
    const y = this.#at.y - box.scrollTop;
    const left = x + 14 + width > box.clientWidth ? x - width - 10 : x + 14;
    const top = y + 14 + height > box.clientHeight ? y - height - 10 : y + 14;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, top)}px`;
  }
}

const TIP_HINTS = {
  actor: "double click: its node or plane",
  node: "click: this node alone",
  plane: "click: this plane alone",
} as const;
