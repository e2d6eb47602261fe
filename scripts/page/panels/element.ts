/** What is chosen of the fleet: its state, what it carries, and what can be done to it. */
import type { Actions } from "../actions.ts";
import { describe, type Flow, kindsFor } from "../fleet/describe.ts";
import { type FleetElement, nameOf } from "../fleet/element.ts";
import { formatRate } from "../fleet/use.ts";
import { html, live, nothing, type Part, plain, when } from "../lit.ts";
import type { PageState } from "../page-state.ts";
import { part } from "../parts.ts";

export function elementView(state: PageState, actions: Actions): Part {
  const { chosen, shown, index, use } = state;
  if (chosen === undefined || shown === undefined) {
    return html`<h2>Chosen</h2>
      <p class="quiet">Nothing yet. Point at a device or a link, or walk there with the arrow keys.</p>`;
  }
  const { name, about, troubles, flows } = describe(chosen, { index, state: shown, use });
  return html`
    <h2>
      <span class="name">${name}</span>
      <button class="plain" aria-label="choose nothing" @click=${() => actions.choose(undefined)}>
        ×
      </button>
    </h2>
    <p class="quiet">${about}</p>
    <ul class="troubles">
      ${
        troubles.length === 0
          ? html`<li class="quiet">nothing is wrong with it</li>`
          : troubles
              .slice(0, 8)
              .map(
                ({ mark, text }) =>
                  html`<li><canvas class="sign" data-mark=${mark} aria-hidden="true"></canvas>${plain(text)}</li>`,
              )
      }
      ${when(troubles.length > 8, () => html`<li class="quiet">and ${troubles.length - 8} more</li>`)}
    </ul>
    <table class="flows">
      <tbody>${flows.map(flowView)}</tbody>
    </table>
    <div class="buttons">${buttonsOf(chosen, state, actions)}</div>
  `;
}

function flowView({ label, rate }: Flow): Part {
  const { permille, bitsPerSecond } = rate;
  return html`<tr>
    <th>${label}</th>
    <td>${formatRate(bitsPerSecond)}</td>
    <td>${(permille / 10).toFixed(1)} %</td>
  </tr>`;
}

function buttonsOf(element: FleetElement, state: PageState, actions: Actions): Part {
  const { index, shown, run } = state;
  const name = nameOf(element, index);
  const kind = element.type === "actor" ? run.actors.kind[element.actor] : element.type;
  const node = element.type === "actor" ? run.actors.node[element.actor] : -1;
  const plane = element.type === "actor" ? run.actors.plane[element.actor] : -1;
  return html`
    ${when(node >= 0 && state.focus.node !== node, () => zoomButton(`node ${node}`, { node }))}
    ${when(plane >= 0 && state.focus.plane !== plane, () =>
      zoomButton(`${index.planeWord} ${plane}`, { plane }),
    )}
    <button class="plain" @click=${() => actions.filter(filterOf(element, name))}>its log</button>
    ${state.mayAct ? ordersOf() : nothing}
  `;

  function zoomButton(label: string, focus: PageState["focus"]): Part {
    return html`<button class="plain" @click=${() => actions.focus(focus)}>show ${label}</button>`;
  }

  function ordersOf(): Part {
    const isMasked = isInForce("masked");
    const isDrained = isInForce("drained");
    const canBreak = !run.isBlind && kindsFor(element, index).length > 0;
    return html`
      ${when(kind === "gpu", () => order(isMasked ? "unmask" : "mask"))}
      ${when(kind === "gpu" || kind === "node", () => order(isDrained ? "undrain" : "drain"))}
      ${when((kind === "links" && isOfNetwork()) || kind === "spine", () => order("reroute"))}
      ${when(
        kind === "gpu" || kind === "node",
        () => html`<label class="for"
          >for
          <input
            size="6"
            maxlength="40"
            title="lease of a mask or drain, virtual time"
            .value=${live(state.orderLease)}
            @change=${(event: Event) =>
              actions.aim({ orderLease: (event.target as HTMLInputElement).value })}
        /></label>`,
      )}
      ${when(canBreak, () => html`<button @click=${() => breakIt()}>break it…</button>`)}
    `;
  }

  /** The name is in the form already: it was chosen. */
  function breakIt(): void {
    actions.aim({ target: name });
    part("act").querySelector("select")?.focus();
  }

  function order(command: string): Part {
    const lease = state.orderLease.trim();
    const keeps = ["mask", "drain", "reroute"].includes(command) && lease !== "" ? { lease } : {};
    const request = { command, target: name, ...keeps };
    return html`<button @click=${() => actions.act(request)}>${command}</button>`;
  }

  function isInForce(what: string): boolean {
    const { faults = [] } = shown ?? {};
    return faults.some((fault) => fault.kind === what && fault.targets.includes(name));
  }

  function isOfNetwork(): boolean {
    return (
      element.type === "links" && run.actors.kind[index.bundles[element.bundle].lower] === "leaf"
    );
  }
}

/** The filter that shows what the log says of an element. */
function filterOf(element: FleetElement, name: string): string {
  switch (element.type) {
    case "node":
      return `node=${element.node}`;
    case "plane":
      return `plane=${element.plane}`;
    default:
      return `text=${name}`;
  }
}
