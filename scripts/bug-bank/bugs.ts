/** The bank: every bug, in the order in which they are tried. */
import type { Bug } from "./bug.ts";
import { CONTROLLER_BUGS } from "./controller-bugs.ts";
import { DEVICE_BUGS } from "./device-bugs.ts";
import { ENGINE_BUGS } from "./engine-bugs.ts";
import { LOSS_BUGS } from "./loss-bugs.ts";
import { OUTER_BUGS } from "./outer-bugs.ts";

export const BUGS: readonly Bug[] = [
  ...ENGINE_BUGS,
  ...LOSS_BUGS,
  ...DEVICE_BUGS,
  ...CONTROLLER_BUGS,
  ...OUTER_BUGS,
];
