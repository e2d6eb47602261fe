/** What the user can do, as the parts of the page call it. Types only. */
import type { TimeWindow } from "./charts/time-window.ts";
import type { FleetElement } from "./fleet/element.ts";
import type { Focus } from "./fleet/grid.ts";

/** An operator's request, as the server takes it. */
export type OperatorRequest = Readonly<Record<string, unknown>> & { readonly command: string };

export interface Actions {
  /** Shows an instant, ps; undefined: now. */
  look(atPs: number | undefined): void;
  show(window: TimeWindow): void;
  choose(element: FleetElement | undefined): void;
  focus(focus: Focus): void;
  filter(text: string): void;
  /** A line for each fact, or the same from many in one. */
  tellEach(isEach: boolean): void;
  follow(isFollowing: boolean): void;
  /** Changes what stands in the form that breaks something. */
  aim(form: {
    readonly kind?: string;
    readonly target?: string;
    readonly orderLease?: string;
  }): void;
  act(request: OperatorRequest): void;
  askToStop(): void;
  toggleTheme(): void;
  openKeys(): void;
  dismiss(): void;
}
