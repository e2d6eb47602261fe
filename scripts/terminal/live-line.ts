/** A line of the live log in columns. */
import { escapeControls } from "../../src/base/escape.ts";
import { formatTime } from "../../src/model/time.ts";
import type { LiveLine } from "../../src/observe/live-log.ts";

/** Width of the actor's column. */
const ACTOR_WIDTH = 14;

/** `[   6.000 ms]  node2.nic3      fault lost-nic began: ...`, safe for a terminal. */
export function formatLine(line: Pick<LiveLine, "atPs" | "actor" | "text">): string {
  const time = formatTime(line.atPs).padStart(11);
  const actor = escapeControls(line.actor).padEnd(ACTOR_WIDTH);
  return `[${time}]  ${actor} ${escapeControls(line.text)}`;
}
