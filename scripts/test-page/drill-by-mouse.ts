/** A run is watched, broken with the mouse, and looked at when it is over. */
import { gzipSync } from "node:zlib";
import { colourAt, type PageTester, placeOf, scenarioText, words } from "./page-tester.ts";

/** Largest page, packed, bytes; longest wait for its first paint, ms. */
const PAGE_BYTES = 100_000;
const PAINT_MS = 1000;

/** Sum of what moved without the user's doing (Web Vitals: below 0.1 is good), in a page. */
const SHIFT_MAX = 0.05;
const LAYOUT_SHIFT = `new Promise((done) => {
  let sum = 0;
  const seen = new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => { sum += value; }));
  seen.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 500);
})`;

/** A run is watched, broken with the mouse and ended. */
export async function drillByMouse(tester: PageTester): Promise<void> {
  const title = "4 nodes <img src=x onerror=alert(1)>";
  const text = scenarioText(4, "3-12", 8).replace("title: 4 nodes", `title: "${title}"`);
  const path = tester.write("four.yaml", text);
  const out = ["--out", tester.at("four")];
  const { run, link } = await tester.serve("run", path, "--ui", "--speed", "0.001", "-q", ...out);
  const bytes = await sizes(link);
  tester.check("the page is under 100 kB packed", bytes < PAGE_BYTES, `${bytes} bytes`);
  const page = await tester.open(link);
  const paint = Number(
    await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime"),
  );
  tester.check("first paint within a second", paint < PAINT_MS, `${Math.round(paint)} ms`);
  const shift = Number(await page.evaluate(LAYOUT_SHIFT));
  tester.check("nothing jumps while it comes", shift < SHIFT_MAX, shift.toFixed(4));
  tester.check("the code is gone from the address", !page.url().includes("code"), page.url());

  const heading = words(await page.textContent("#header h1"));
  tester.check("a name is text, whatever is in it", heading === title, heading);

  await page.fill("#filter", "kind=fault");
  await page.press("#filter", "Enter");
  const leaf = await placeOf(page, "plane3.leaf0");
  const before = await colourAt(page, leaf);
  const nic = await placeOf(page, "node1.nic3");
  await page.click("#fleet", { position: nic });
  await page.locator("#chosen h2", { hasText: "node1.nic3" }).waitFor();
  tester.check("a click chooses a NIC", true, "node1.nic3");
  await page.fill("#target", "plane3");
  await page.selectOption("select[name=kind]", "plane-down");
  await page.fill("input[name=lease]", "60 s");
  await page.click("#act button[type=submit]");
  await page.waitForSelector(".faults li");
  const told = words(await page.textContent(".faults li"));
  tester.check("the fault is in force", /plane-down.*plane3/.test(told), told);
  await page.waitForTimeout(400);
  const after = await colourAt(page, leaf);
  tester.check(
    "the plane changes its look",
    `${before}` !== `${after}`,
    `rgb ${before} to ${after}`,
  );
  await page.locator("#lines > div time").first().waitFor();
  const lines = await page.locator("#lines > div").allTextContents();
  const isFiltered = lines.every((line) => /fault plane-down/.test(line));
  tester.check("the filtered log shows faults only", isFiltered, `${lines.length} lines`);
  await page.fill("#filter", "plain=3");
  await page.press("#filter", "Enter");
  await page.waitForSelector(".problem");
  const problem = await page.textContent(".problem");
  tester.check("a wrong filter is explained", /plain/.test(problem ?? ""), words(problem));
  await page.fill("#filter", "");
  await page.press("#filter", "Enter");

  await page.click(".faults button[aria-label^=heal]");
  await page.locator(".faults li").waitFor({ state: "detached" });
  tester.check("a click heals it", true);
  await page.selectOption("#header select", "max");
  await page.waitForSelector(".verdict", { timeout: 120_000 });
  const verdict = await page.textContent(".verdict");
  tester.check("the verdict appears", /PASS|FAIL/.test(verdict ?? ""), words(verdict));
  const [report] = await Promise.all([
    page.context().waitForEvent("page"),
    page.click(".verdict a"),
  ]);
  await report.waitForLoadState();
  const contents = (await report.textContent("body")) ?? "";
  tester.check("its report opens", /assignments/i.test(contents), `${contents.length} characters`);

  await page.evaluate("document.getElementById('time').focus()");
  for (let press = 0; press < 500; press += 100) await page.keyboard.press("PageDown");
  await page.locator("#log-bar .past").waitFor();
  const past = words(await page.textContent("#log-bar .past"));
  tester.check("the slider goes back in virtual time", true, past);
  await page.context().close();
  const { code } = await run.ended;
  tester.check(
    "the run has ended with its last viewer",
    code === 0 || code === 1,
    `exit code ${code}`,
  );
}

async function sizes(link: string): Promise<number> {
  const base = link.replace(/#.*/, "");
  let bytes = 0;
  for (const path of ["", "page.js", "page.css"]) {
    bytes += gzipSync(await (await fetch(base + path)).text()).length;
  }
  return bytes;
}
