/** Commands that a report ends in, whole and ready to be copied. */
import { shellWord } from "./next-steps.ts";

/** For the run in `runDir`; `isCut`: it came to no end. */
export function pageCommands(runDir: string, isCut = false): string[] {
  const folder = shellWord(runDir);
  return [
    ...(isCut ? [`faultplane resume ${folder}   # take it up where it was cut off`] : []),
    `faultplane replay ${folder}   # run it again from its folder, and compare every event`,
    `faultplane trace ${folder}    # a trace for https://ui.perfetto.dev`,
    `faultplane report ${folder}   # this report, made again`,
  ];
}
