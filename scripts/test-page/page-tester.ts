/**
 * What the tests of the page have in common: commands that serve one, a real Chromium that opens
 * it, and the lines that say what held. Call `close` at the end.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import type { RunView } from "../../src/observe/view-api.ts";
import { type StartedProgram, startProgram } from "../bench/child-program.ts";
import { packageRoot } from "../commands/package-files.ts";
import { FleetIndex } from "../page/fleet/fleet-index.ts";
import { layoutFleet, MARGIN } from "../page/fleet/layout.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export type { Page };

/** A command that serves a page, and the page's link. */
export interface Served {
  readonly run: StartedProgram;
  readonly link: string;
}

export interface OpenOptions {
  readonly scheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
}

export class PageTester {
  readonly #folder = mkdtempSync(join(tmpdir(), "faultplane-page-"));
  readonly #started: StartedProgram[] = [];
  readonly #browser: Browser;
  #failed = 0;

  constructor(browser: Browser) {
    this.#browser = browser;
    const model = join(packageRoot(), "drills/models/deepseek-v3.json");
    copyFileSync(model, this.at("deepseek-v3.json"));
  }

  /** How many things did not hold. */
  get failed(): number {
    return this.#failed;
  }

  /** A path in a folder that is gone at the end. */
  at(name: string): string {
    return join(this.#folder, name);
  }

  /** Writes a file there; returns its path. */
  write(name: string, text: string): string {
    writeFileSync(this.at(name), text);
    return this.at(name);
  }

  /** Says whether something held. */
  check(what: string, holds: boolean, more = ""): void {
    if (!holds) this.#failed += 1;
    const after = more === "" ? "" : `: ${more}`;
    process.stdout.write(`${holds ? "ok    " : "FAILED"}  ${what}${after}\n`);
  }

  /** Starts the command. */
  start(...words: string[]): StartedProgram {
    const command = join(packageRoot(), "dist", "scripts", "faultplane.js");
    const run = startProgram(process.execPath, [command, ...words]);
    this.#started.push(run);
    return run;
  }

  /** Starts the command; resolves when it has said where its page is. */
  async serve(...words: string[]): Promise<Served> {
    const run = this.start(...words);
    for (;;) {
      const link = /page: (http:\S+)/.exec(run.stderr)?.[1];
      if (link !== undefined) return { run, link };
      if (run.isOver) throw new Error(`no page: ${(await run.ended).stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A page in a window of its own; what goes wrong in it did not hold. */
  async open(link: string, { scheme = "light", viewport }: OpenOptions = {}): Promise<Page> {
    const size = viewport ?? { width: 1400, height: 900 };
    const context = await this.#browser.newContext({ viewport: size, colorScheme: scheme });
    const page = await context.newPage();
    page.on("console", (message) => {
      // What this script itself does to look at a colour.
      const isOurs = message.text().includes("getImageData");
      if (["error", "warning"].includes(message.type()) && !isOurs) {
        this.check("the console is silent", false, message.text());
      }
    });
    page.on("pageerror", (error) => this.check("no script fails", false, error.message));
    await page.goto(link);
    await page.waitForSelector("#header h1");
    return page;
  }

  /** Ends what was started, and removes its files. */
  async close(): Promise<void> {
    for (const one of this.#started) if (!one.isOver) one.kill();
    await Promise.all(this.#started.map(({ ended }) => ended));
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Starts Chromium; undefined: there is none here. */
export async function openTester(): Promise<PageTester | undefined> {
  const executablePath = CHROMIUM.find((path) => existsSync(path));
  if (executablePath === undefined) return undefined;
  // Root may not have Chromium's sandbox; the page is our own.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath, args });
  process.stdout.write(`Chromium ${browser.version()}\n`);
  return new PageTester(browser);
}

/** Text without its line breaks. */
export function words(text: string | null): string {
  return (text ?? "").replace(/\s+/g, " ").trim();
}

/** A fleet that has something to do for a while. */
export function scenarioText(nodes: number, layers: string, steps: number, ports = 64): string {
  return `title: ${nodes} nodes
model: deepseek-v3.json
hardware: h800-infiniband
cluster: {nodes: ${nodes}, gpusPerNode: 8, planes: 8, switchPorts: ${ports}}
workload: {phase: decode, protocol: low-latency, tokensPerGpu: 8, steps: ${steps}, layers: ${layers}, epSize: ${Math.min(64, 8 * nodes)}}
transport: {ackTimeoutExponent: 8, retryCount: 3, waitTimeout: 20 ms}
run: {seed: 7, lagBudget: 600 s}
`;
}

/** A place in an actor's cell, CSS pixels of the canvas. */
export async function placeOf(page: Page, id: string): Promise<{ x: number; y: number }> {
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
export async function colourAt(page: Page, { x, y }: { x: number; y: number }): Promise<number[]> {
  const colour = await page.evaluate(
    `[...document.getElementById('fleet').getContext('2d').getImageData(${Math.round(x)}, ${Math.round(y)}, 1, 1).data].slice(0, 3)`,
  );
  return colour as number[];
}
