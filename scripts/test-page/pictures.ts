/** Pictures of runs that are over, for the documentation. */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SeriesView } from "../../src/observe/view-api.ts";
import { type Page, type PageTester, scenarioText } from "./page-tester.ts";

/** Largest picture, bytes. */
const PICTURE_BYTES = 250_000;

/** Has the page show about this instant, ps, with what is around it. */
async function goTo(page: Page, atPs: number): Promise<void> {
  const series = (await page.evaluate(async () =>
    (await fetch("/api/series")).json(),
  )) as SeriesView;
  const endPs = (series.atPs.at(-1) ?? 0) + series.everyPs;
  await page.locator("#time").fill(String(Math.round((1000 * atPs) / endPs)));
  await page.waitForTimeout(1500);
}

/** Pictures of runs that are over, at an instant when there is traffic. */
export async function takePictures(tester: PageTester, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  for (const [nodes, layers] of [
    [4, "3-22"],
    [256, "3-5"],
  ] as const) {
    const [one, other, atUs, leaf] = nodes === 4 ? [2, 1, 900, 0] : [37, 90, 300, 1];
    const more = `faults:
  - {name: cut, kind: nic-down, target: node${one}.nic3, at: ${atUs} us}
  - {name: slow, kind: slow-gpu, target: "node${other}.gpu*", at: ${atUs - 100} us}
  - {name: cable, kind: slow-link, target: node${one + 1}.nic6--plane6.leaf${leaf}, at: ${atUs - 200} us}
`;
    const path = tester.write(`${nodes}.yaml`, `${scenarioText(nodes, layers, 1)}${more}`);
    const out = tester.at(`picture-${nodes}`);
    await tester.start("run", path, "--placement", "single", "-q", "--out", out).ended;
    const { run: server, link: once } = await tester.serve("view", out);
    const link = once.replace(/#.*/, "");
    for (const scheme of ["light", "dark"] as const) {
      const page = await tester.open(link, { scheme, viewport: { width: 1240, height: 840 } });
      await page.waitForSelector(".verdict");
      await page.waitForTimeout(1500);
      await goTo(page, (atUs + 20) * 1e6);
      await page.locator("#lines [role=option]").last().click();
      await page.mouse.move(5, 5);
      await page.waitForTimeout(1000);
      const file = join(target, `page-${nodes}-${scheme}.png`);
      await page.screenshot({ path: file });
      const { size } = statSync(file);
      tester.check(`picture ${file}`, size < PICTURE_BYTES, `${size} bytes`);
      await page.context().close();
    }
    server.kill();
    await server.ended;
  }
}
