/** A blind drill: what the page hides, and who finds the culprit. */
import { type PageTester, placeOf, scenarioText, words } from "./page-tester.ts";

const DRILL = `title: Who is slow
scenario:
${scenarioText(4, "3-12", 8).trimEnd().replace(/^/gm, "  ")}
steady-state-hypothesis:
  title: It goes on
  probes:
    - name: assignments lost
      tolerance: 0
      provider: {type: faultplane, func: assignments_lost}
method:
  - type: action
    name: slow a GPU down
    provider:
      type: faultplane
      func: inject
      arguments: {name: straggler, kind: slow-gpu, target: node1.gpu2, slowdown: 3, healAfter: never}
    pauses: {before: 300 us}
stop: {after: 60 s}
`;

export async function findCulprit(tester: PageTester): Promise<void> {
  const path = tester.write("blind.yaml", DRILL);
  const drill = ["drill", path, "--blind", "--placement", "single", "--speed", "0.0005", "-q"];
  const { run, link } = await tester.serve(...drill, "--ui", "--out", tester.at("blind"));
  const page = await tester.open(link);
  tester.check(
    "a blind drill has no title",
    words(await page.textContent("#header h1")) === "blind drill",
  );
  await page.click("#fleet", { position: await placeOf(page, "node1.gpu2") });
  for (const [kind, count] of [
    ["gpu-dead", 1],
    ["slow-gpu", 2],
  ] as const) {
    await page.selectOption("#act select[name=kind]", kind);
    await page.click("#act button[type=submit]");
    const attempt = page.locator(".attempts li").nth(count - 1);
    await attempt.waitFor();
    tester.check("an attempt is noted", true, words(await attempt.textContent()));
  }
  await page.waitForTimeout(1000);
  const body = words(await page.textContent("body"));
  tester.check("nothing tells the cause", !/straggler|Who is slow/.test(body));
  await page.selectOption("#header select", "max");
  await page.waitForSelector(".verdict", { timeout: 120_000 });
  await page.locator("#lines > div", { hasText: "straggler" }).first().waitFor();
  tester.check("at the end the log tells it", true);
  const [report] = await Promise.all([
    page.context().waitForEvent("page"),
    page.click(".verdict a"),
  ]);
  await report.waitForLoadState();
  const graded = words(await report.textContent("body"));
  tester.check("the report grades both", /target/.test(graded) && /exact/.test(graded));
  await page.context().close();
  await run.ended;
}
