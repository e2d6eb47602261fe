/**
 * `npm run test:page -- [--pictures FOLDER] [--minutes N]`: the page in a real Chromium, as a user
 * has it: during a run it is filtered, breaks something with the mouse, and shows what comes of it.
 * Prints a line for each thing that is looked at; exit code 1 when one does not hold, 0 with "not
 * run" when there is no Chromium. `--pictures` takes pictures for the documentation; `--minutes`
 * watches a busy run for so long and says how its memory grew.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";
import type { RunView, SeriesView } from "../src/observe/view-api.ts";
import { type StartedProgram, startProgram } from "./bench/child-program.ts";
import { packageRoot } from "./commands/package-files.ts";
import { FleetIndex } from "./page/fleet/fleet-index.ts";
import { layoutFleet, MARGIN } from "./page/fleet/layout.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

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

/** Largest picture in the documentation, bytes. */
const PICTURE_BYTES = 200_000;

/** Bytes of heap that a page may grow by while it watches. */
const GROWTH_BYTES = 8_000_000;

const { values } = parseArgs({
  options: { pictures: { type: "string" }, minutes: { type: "string", default: "0" } },
});

/** A fleet that has something to do for a while. */
const scenario = (nodes: number, layers: string, steps: number): string => `title: ${nodes} nodes
model: deepseek-v3.json
hardware: h800-infiniband
cluster: {nodes: ${nodes}, gpusPerNode: 8, planes: 8, switchPorts: 64}
workload: {phase: decode, protocol: low-latency, tokensPerGpu: 8, steps: ${steps}, layers: ${layers}, epSize: ${Math.min(64, 8 * nodes)}}
transport: {ackTimeoutExponent: 8, retryCount: 3, waitTimeout: 20 ms}
run: {seed: 7, lagBudget: 600 s}
`;

const folder = mkdtempSync(join(tmpdir(), "faultplane-page-"));
const command = join(packageRoot(), "dist", "scripts", "faultplane.js");
const started: StartedProgram[] = [];
let failed = 0;

function check(what: string, holds: boolean, more = ""): void {
  if (!holds) failed += 1;
  process.stdout.write(
    `${holds ? "ok    " : "FAILED"}  ${what}${more === "" ? "" : `: ${more}`}\n`,
  );
}

function words(text: string | null): string {
  return (text ?? "").replace(/\s+/g, " ").trim();
}

/** Starts the command; resolves with the page's link. */
async function serve(...words: string[]): Promise<{ run: StartedProgram; link: string }> {
  const run = startProgram(process.execPath, [command, ...words]);
  started.push(run);
  for (;;) {
    const link = /page: (http:\S+)/.exec(run.stderr)?.[1];
    if (link !== undefined) return { run, link };
    if (run.isOver) throw new Error(`no page: ${(await run.ended).stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function written(name: string, nodes: number, layers: string, steps = 1): string {
  const path = join(folder, name);
  writeFileSync(path, scenario(nodes, layers, steps));
  return path;
}

/** A page of its own; what goes wrong in it is a failure. */
async function open(
  browser: Browser,
  link: string,
  scheme: "light" | "dark",
  viewport = { width: 1400, height: 900 },
): Promise<Page> {
  const context = await browser.newContext({
    viewport,
    colorScheme: scheme,
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    // What this script itself does to look at a colour.
    const isOurs = message.text().includes("getImageData");
    if (["error", "warning"].includes(message.type()) && !isOurs) {
      check("the console is silent", false, message.text());
    }
  });
  page.on("pageerror", (error) => check("no script fails", false, error.message));
  await page.goto(link);
  await page.waitForSelector("#header h1");
  return page;
}

/** A place in an actor's cell, CSS pixels of the canvas. */
async function placeOf(page: Page, id: string): Promise<{ x: number; y: number }> {
  const run = (await page.evaluate(async () => (await fetch("/api/run")).json())) as RunView;
  const [width, height] = (await page.evaluate(
    "(({ clientWidth, clientHeight }) => [clientWidth, clientHeight])(document.getElementById('fleet-box'))",
  )) as [number, number];
  const place = { width: width - 2 * MARGIN, height: height - 2 * MARGIN };
  const actor = run.actors.id.indexOf(id);
  const { cells } = layoutFleet(new FleetIndex(run), place);
  const cell = cells.find((one) => one.actor === actor);
  if (cell === undefined) throw new Error(`no cell of ${id}`);
  return { x: MARGIN + cell.x + cell.width - 4, y: MARGIN + cell.y + 3 };
}

/** Colour of the canvas at a place: red, green, blue. */
async function colourAt(page: Page, { x, y }: { x: number; y: number }): Promise<number[]> {
  const colour = await page.evaluate(
    `[...document.getElementById('fleet').getContext('2d').getImageData(${Math.round(x)}, ${Math.round(y)}, 1, 1).data].slice(0, 3)`,
  );
  return colour as number[];
}

async function sizes(link: string): Promise<number> {
  const base = link.replace(/#.*/, "");
  let bytes = 0;
  for (const path of ["", "page.js", "page.css"]) {
    bytes += gzipSync(await (await fetch(base + path)).text()).length;
  }
  return bytes;
}

/** A run is watched, broken with the mouse and ended. */
async function drill(browser: Browser): Promise<void> {
  const path = written("four.yaml", 4, "3-12", 8);
  const title = "4 nodes <img src=x onerror=alert(1)>";
  writeFileSync(path, scenario(4, "3-12", 8).replace("title: 4 nodes", `title: "${title}"`));
  const out = ["--out", join(folder, "four")];
  const { run, link } = await serve("run", path, "--ui", "--speed", "0.001", "-q", ...out);
  const bytes = await sizes(link);
  check("the page is under 100 kB packed", bytes < PAGE_BYTES, `${bytes} bytes`);
  const page = await open(browser, link, "light");
  const paint = Number(
    await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime"),
  );
  check("first paint within a second", paint < PAINT_MS, `${Math.round(paint)} ms`);
  const shift = Number(await page.evaluate(LAYOUT_SHIFT));
  check("nothing jumps while it comes", shift < SHIFT_MAX, shift.toFixed(4));
  check("the code is gone from the address", !page.url().includes("code"), page.url());

  const heading = words(await page.textContent("#header h1"));
  check("a name is text, whatever is in it", heading === title, heading);

  await page.fill("#filter", "kind=fault");
  await page.press("#filter", "Enter");
  const leaf = await placeOf(page, "plane3.leaf0");
  const before = await colourAt(page, leaf);
  const nic = await placeOf(page, "node1.nic3");
  await page.click("#fleet", { position: nic });
  await page.locator("#chosen h2", { hasText: "node1.nic3" }).waitFor();
  check("a click chooses a NIC", true, "node1.nic3");
  await page.fill("#target", "plane3");
  await page.selectOption("select[name=kind]", "plane-down");
  await page.fill("input[name=lease]", "60 s");
  await page.click("#act button[type=submit]");
  await page.waitForSelector(".faults li");
  const told = words(await page.textContent(".faults li"));
  check("the fault is in force", /plane-down.*plane3/.test(told), told);
  await page.waitForTimeout(400);
  const after = await colourAt(page, leaf);
  check("the plane changes its look", `${before}` !== `${after}`, `rgb ${before} to ${after}`);
  await page.locator("#lines > div time").first().waitFor();
  const lines = await page.locator("#lines > div").allTextContents();
  const isFiltered = lines.every((line) => /fault plane-down/.test(line));
  check("the filtered log shows faults only", isFiltered, `${lines.length} lines`);
  await page.fill("#filter", "plain=3");
  await page.press("#filter", "Enter");
  await page.waitForSelector(".problem");
  const problem = await page.textContent(".problem");
  check("a wrong filter is explained", /plain/.test(problem ?? ""), words(problem));
  await page.fill("#filter", "");
  await page.press("#filter", "Enter");

  await page.click(".faults button[aria-label^=heal]");
  await page.locator(".faults li").waitFor({ state: "detached" });
  check("a click heals it", true);
  await page.selectOption("#header select", "max");
  await page.waitForSelector(".verdict", { timeout: 120_000 });
  const verdict = await page.textContent(".verdict");
  check("the verdict appears", /PASS|FAIL/.test(verdict ?? ""), words(verdict));
  const [report] = await Promise.all([
    page.context().waitForEvent("page"),
    page.click(".verdict a"),
  ]);
  await report.waitForLoadState();
  const text = (await report.textContent("body")) ?? "";
  check("its report opens", /assignments/i.test(text), `${text.length} characters`);

  await page.evaluate("document.getElementById('time').focus()");
  for (let press = 0; press < 500; press += 100) await page.keyboard.press("PageDown");
  await page.locator("#log-bar .past").waitFor();
  const past = words(await page.textContent("#log-bar .past"));
  check("the slider goes back in virtual time", true, past);
  await page.context().close();
  const { code } = await run.ended;
  check("the run has ended with its last viewer", code === 0 || code === 1, `exit code ${code}`);
}

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
async function pictures(browser: Browser, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  for (const [nodes, layers] of [
    [4, "3-22"],
    [256, "3-5"],
  ] as const) {
    const path = written(`picture-${nodes}.yaml`, nodes, layers);
    const [one, other, atUs, leaf] = nodes === 4 ? [2, 1, 900, 0] : [37, 90, 300, 1];
    const more = `faults:
  - {name: cut, kind: nic-down, target: node${one}.nic3, at: ${atUs} us}
  - {name: slow, kind: slow-gpu, target: "node${other}.gpu*", at: ${atUs - 100} us}
  - {name: cable, kind: slow-link, target: node${one + 1}.nic6--plane6.leaf${leaf}, at: ${atUs - 200} us}
`;
    writeFileSync(path, `${scenario(nodes, layers, 1)}${more}`);
    const out = join(folder, `picture-${nodes}`);
    const run = startProgram(process.execPath, [
      ...[command, "run", path, "--placement", "single", "-q", "--out", out],
    ]);
    await run.ended;
    const { run: server, link: once } = await serve("view", out);
    const link = once.replace(/#.*/, "");
    for (const scheme of ["light", "dark"] as const) {
      const page = await open(browser, link, scheme, { width: 1240, height: 840 });
      await page.waitForSelector(".verdict");
      await page.waitForTimeout(1500);
      await goTo(page, (atUs + 20) * 1e6);
      await page.locator("#lines [role=option]").last().click();
      await page.mouse.move(5, 5);
      await page.waitForTimeout(1000);
      const file = join(target, `page-${nodes}-${scheme}.png`);
      await page.screenshot({ path: file });
      const { size } = statSync(file);
      check(`picture ${file}`, size < PICTURE_BYTES, `${size} bytes`);
      await page.context().close();
    }
    server.kill();
    await server.ended;
  }
}

/** A busy run, watched for long: the page's heap after collections. */
async function watchFor(browser: Browser, minutes: number): Promise<void> {
  const path = written("busy.yaml", 8, "3-40", 10_000);
  const out = ["--out", join(folder, "busy")];
  const { run, link } = await serve(
    ...["run", path, "--placement", "single", "--ui", "--speed", "0.01", "-q", ...out],
  );
  const page = await open(browser, link, "dark");
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
  check(
    `${minutes} minutes without growth`,
    grown < GROWTH_BYTES,
    `${(grown / 1e6).toFixed(1)} MB`,
  );
  await page.context().close();
  run.kill();
  await run.ended;
}

async function perform(): Promise<void> {
  const executablePath = CHROMIUM.find((path) => existsSync(path));
  if (executablePath === undefined) {
    process.stdout.write("not run: no Chromium here (Debian: apt-get install chromium)\n");
    return;
  }
  copyFileSync(
    join(packageRoot(), "drills/models/deepseek-v3.json"),
    join(folder, "deepseek-v3.json"),
  );
  // Root may not have Chromium's sandbox; the page is our own.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath, args });
  try {
    process.stdout.write(`Chromium ${browser.version()}\n`);
    const minutes = Number(values.minutes);
    if (values.pictures !== undefined) await pictures(browser, values.pictures);
    else if (minutes > 0) await watchFor(browser, minutes);
    else await drill(browser);
  } finally {
    await browser.close();
  }
}

try {
  await perform();
} finally {
  for (const one of started) if (!one.isOver) one.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(failed === 0 ? "all held\n" : `${failed} did not hold\n`);
process.exitCode = failed === 0 ? 0 : 1;
