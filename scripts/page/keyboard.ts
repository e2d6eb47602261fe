/** Keys that work everywhere; those of the slider, the picture and the log are theirs. */
import type { Actions } from "./actions.ts";
import { WHOLE_RUN, zoomed } from "./charts/time-window.ts";
import type { PageState } from "./page-state.ts";
import { part } from "./parts.ts";

/** Where a key is text, or does something by itself. */
const TYPING = "input:not([type=range]), select, textarea, [contenteditable]";

export function listenToKeys(state: PageState, actions: Actions): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as Element;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.key === "Escape") {
      if (target.matches(TYPING)) (target as HTMLElement).blur();
      else if (state.focus.node !== undefined || state.focus.plane !== undefined) actions.focus({});
      else actions.choose(undefined);
      return;
    }
    if (target.matches(TYPING)) return;
    if (press(event.key, target, state, actions)) event.preventDefault();
  });
}

/** Does what a key stands for; says whether it stands for anything. */
function press(key: string, target: Element, state: PageState, actions: Actions): boolean {
  const { cursorPs, endPs, window } = state;
  const zoom = (factor: number): void =>
    actions.show(zoomed(window, { factor, aroundPs: cursorPs ?? endPs, endPs }));
  switch (key) {
    case "/":
      part("filter").focus();
      return true;
    case " ":
      // A button has the space for itself.
      if (!state.mayAct || target.matches("button, a, [role=option]")) return false;
      actions.act({ command: state.status?.isPaused === true ? "resume" : "pause" });
      return true;
    case "n":
      actions.look(undefined);
      return true;
    case "t":
      actions.toggleTheme();
      return true;
    case "?":
      actions.openKeys();
      return true;
    case "+":
    case "=":
      zoom(0.5);
      return true;
    case "-":
      zoom(2);
      return true;
    case "0":
      actions.show(WHOLE_RUN);
      return true;
    default:
      return false;
  }
}
