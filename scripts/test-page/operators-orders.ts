/** Every order that the page has a button for, given with the mouse and the keyboard. */
import { type Page, type PageTester, placeOf, scenarioText, words } from "./page-tester.ts";

export async function giveOrders(tester: PageTester): Promise<void> {
  const path = tester.write("orders.yaml", scenarioText(8, "3-12", 20, 4));
  const run = ["run", path, "--placement", "single", "--speed", "0.0005", "-q"];
  const { run: ran, link } = await tester.serve(...run, "--ui", "--out", tester.at("orders"));
  const page = await tester.open(link);
  for (const [id, order, undo, inForce] of [
    ["node1.gpu2", "mask", "unmask", /masked.*node1\.gpu2/],
    ["node2.gpu5", "drain", "undrain", /drained.*node2\.gpu5/],
    ["plane3.spine0", "reroute", "heal", /rerouted.*plane3\.spine0/],
  ] as const) {
    await page.click("#fleet", { position: await placeOf(page, id) });
    await page.locator("#chosen h2", { hasText: id }).waitFor();
    await page.locator("#chosen button", { hasText: order }).click();
    const item = page.locator(".faults li", { hasText: id });
    await item.waitFor();
    const text = words(await item.textContent());
    tester.check(`${order} is in force`, inForce.test(text), text);
    const heal = item.locator("button[aria-label^=heal]");
    await (undo === "heal" ? heal : page.locator("#chosen button", { hasText: undo })).click();
    await item.waitFor({ state: "detached" });
    tester.check(`${undo} undoes it`, true);
  }
  await useKeyboard(tester, page);
  await readLog(tester, page);
  const again = await page.context().newPage();
  await again.goto(link);
  await again.locator("#notice", { hasText: "this link was used" }).waitFor();
  tester.check("a link that was used says so", true, words(await again.textContent("#notice")));
  await again.close();
  await page.locator("#header button", { hasText: "stop" }).click();
  await page.locator("#stop button", { hasText: "stop" }).last().click();
  await page.waitForSelector(".verdict", { timeout: 60_000 });
  const verdict = words(await page.textContent(".verdict"));
  tester.check("a stopped run is INVALID", /INVALID/.test(verdict), verdict);
  await page.context().close();
  await ran.ended;
}

/** Pause, and on; a fault chosen and given without the mouse. */
async function useKeyboard(tester: PageTester, page: Page): Promise<void> {
  await page.locator("#header button", { hasText: "pause" }).click();
  await page.locator("#header button", { hasText: "go on" }).waitFor();
  tester.check("the run stands still", true);
  await page.locator("#header button", { hasText: "go on" }).click();
  await page.locator("#header button", { hasText: "pause" }).waitFor();
  await page.click("#fleet", { position: await placeOf(page, "node1.gpu2") });
  await page.locator("#chosen h2", { hasText: "node1.gpu2" }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator("#chosen h2", { hasText: "node1.nic2" }).waitFor();
  tester.check("an arrow chooses what is beside", true, "node1.nic2");
  await page.focus("#target");
  await page.fill("#target", "node4.gpu1");
  await page.locator("#act optgroup[label='for node4.gpu1']").waitFor({ state: "attached" });
  await page.keyboard.press("Enter");
  for (let press = 0; press < 10; press += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate("document.activeElement?.type === 'submit'")) break;
  }
  await page.keyboard.press("Enter");
  const item = page.locator(".faults li", { hasText: "node4.gpu1" });
  await item.waitFor();
  tester.check("the keyboard breaks it", true, words(await item.textContent()));
}

/** Grouped as in the terminal, and each fact by itself. */
async function readLog(tester: PageTester, page: Page): Promise<void> {
  const rows = page.locator("#lines > div");
  await rows.filter({ hasText: "fleet" }).first().waitFor();
  const grouped = words(await rows.filter({ hasText: "fleet" }).first().textContent());
  tester.check("the log groups", /layer/.test(grouped), grouped);
  await page.locator("#log-bar button", { hasText: "each" }).click();
  await rows.filter({ hasText: "fleet" }).first().waitFor({ state: "detached" });
  tester.check("and has each fact by itself", (await rows.count()) > 0, `${await rows.count()}`);
}
