/** A busy run, watched for long. */
import { type PageTester, scenarioText } from "./page-tester.ts";

/** Bytes of heap that a page may grow by while it watches. */
const GROWTH_BYTES = 8_000_000;

/** A busy run, watched for long: the page's heap after collections. */
export async function watchFor(tester: PageTester, minutes: number): Promise<void> {
  const path = tester.write("busy.yaml", scenarioText(8, "3-40", 10_000));
  const out = ["--out", tester.at("busy")];
  const { run, link } = await tester.serve(
    ...["run", path, "--placement", "single", "--ui", "--speed", "0.01", "-q", ...out],
  );
  const page = await tester.open(link, { scheme: "dark" });
  const session = await page.context().newCDPSession(page);
  const heap = async (): Promise<number> => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    return usedSize;
  };
  await page.waitForTimeout(60_000);
  const first = await heap();
  let last = first;
  for (let minute = 1; minute < minutes; minute += 1) {
    await page.waitForTimeout(60_000);
    last = await heap();
    process.stdout.write(
      `        after ${minute + 1} min: ${(last / 1e6).toFixed(1)} MB of heap\n`,
    );
  }
  const grown = last - first;
  tester.check(
    `${minutes} minutes without growth`,
    grown < GROWTH_BYTES,
    `${(grown / 1e6).toFixed(1)} MB`,
  );
  await page.context().close();
  run.kill();
  await run.ended;
}
