/**
 * `npm run test:page -- [--pictures FOLDER] [--minutes N]`: the page in a real Chromium, as a user
 * has it: during a run it is filtered, breaks something with the mouse, and shows what comes of it.
 * Prints a line for each thing that is looked at; exit code 1 when one does not hold, 0 with "not
 * run" when there is no Chromium. `--pictures` takes pictures for the documentation; `--minutes`
 * watches a busy run for so long and says how its memory grew.
 */
import { parseArgs } from "node:util";
import { findCulprit } from "./test-page/blind-drill.ts";
import { watchFor } from "./test-page/busy-run.ts";
import { drillByMouse } from "./test-page/drill-by-mouse.ts";
import { giveOrders } from "./test-page/operators-orders.ts";
import { openTester } from "./test-page/page-tester.ts";
import { takePictures } from "./test-page/pictures.ts";

const { values } = parseArgs({
  options: { pictures: { type: "string" }, minutes: { type: "string", default: "0" } },
});

const tester = await openTester();
if (tester === undefined) {
  process.stdout.write("not run: no Chromium here (Debian: apt-get install chromium)\n");
} else {
  const minutes = Number(values.minutes);
  try {
    if (values.pictures !== undefined) await takePictures(tester, values.pictures);
    else if (minutes > 0) await watchFor(tester, minutes);
    else {
      await drillByMouse(tester);
      await giveOrders(tester);
      await findCulprit(tester);
    }
  } finally {
    await tester.close();
  }
  process.stdout.write(tester.failed === 0 ? "all held\n" : `${tester.failed} did not hold\n`);
  process.exitCode = tester.failed === 0 ? 0 : 1;
}
