/**
 * What the page looks like to those who see less: contrasts of text and marks in both themes, and
 * marks that differ without colour. And what a strict policy forbids: nothing stands inline.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { paletteOf, stepOf, type Theme } from "../../scripts/page/colours.ts";

const STYLE = "scripts/page/style";
const styles = readdirSync(STYLE).map((name) => readFileSync(`${STYLE}/${name}`, "utf8"));
const css = styles.join("\n");
const THEMES: readonly Theme[] = ["light", "dark"];

/** Values of the custom properties of a theme. */
function propertiesOf(theme: Theme): ReadonlyMap<string, string> {
  const selector = theme === "light" ? ":root {" : ':root[data-theme="dark"] {';
  const from = css.indexOf(selector);
  const block = css.slice(from, css.indexOf("}", from));
  return new Map(
    [...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  );
}

function luminance(colour: string): number {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    : [...colour.matchAll(/\d+/g)].map(([part]) => Number(part));
  const [red, green, blue] = parts.map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((left, right) => left - right);
  return (high + 0.05) / (low + 0.05);
}

describe.each(THEMES)("the %s page", (theme) => {
  const properties = propertiesOf(theme);
  const palette = paletteOf(theme);

  it("has text of at least 4.5 : 1 on every ground (WCAG AA)", () => {
    const poor: string[] = [];
    for (const text of ["text", "quiet", "accent", "good", "alert", "danger"]) {
      for (const ground of ["panel", "raised"]) {
        const found = contrast(properties.get(text) ?? "", properties.get(ground) ?? "");
        if (!(found >= 4.5)) poor.push(`${text} on ${ground}: ${found.toFixed(2)}`);
      }
    }
    const [onAccent, accent] = [properties.get("on-accent") ?? "", properties.get("accent") ?? ""];
    expect(contrast(onAccent, accent)).toBeGreaterThanOrEqual(4.5);
    expect(poor).toEqual([]);
  });

  it("has text on any use that can be read", () => {
    const poor = palette.scale.flatMap((colour, step) => {
      const found = contrast(
        step >= palette.strongFrom ? palette.onStrong : palette.onWeak,
        colour,
      );
      return found >= 4.5 ? [] : [`step ${step}: ${found.toFixed(2)}`];
    });
    expect(poor).toEqual([]);
  });

  it("has lines in charts of at least 3 : 1, and signs on marks", () => {
    for (const line of palette.lines)
      expect(contrast(line, palette.panel)).toBeGreaterThanOrEqual(3);
    expect(contrast(palette.onMark, palette.marks.dead)).toBeGreaterThanOrEqual(3);
    for (const mark of ["dead", "out", "masked"] as const) {
      expect(contrast(palette.marks[mark], palette.panel)).toBeGreaterThanOrEqual(3);
    }
  });

  it("has the canvases' colours where the style sheet has them", () => {
    for (const name of ["panel", "text", "quiet", "accent"] as const) {
      expect(palette[name]).toBe(properties.get(name));
    }
  });

  it("shows more use as more, step by step", () => {
    const lights = palette.scale.map(luminance);
    const isDark = theme === "dark";
    const falls = lights
      .slice(1)
      .every((light, at) => (isDark ? light >= lights[at] - 0.002 : light <= lights[at]));
    expect(falls).toBe(true);
    const steps = [0, 1, 10, 50, 100, 250, 500, 1000].map(stepOf);
    expect(steps).toEqual([...new Set(steps)].sort((left, right) => left - right));
    expect(steps.at(-1)).toBe(palette.scale.length - 1);
  });
});

describe("the files of the page", () => {
  it("have nothing inline, and fetch nothing from elsewhere", () => {
    const html = readFileSync("scripts/page/index.html", "utf8");
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=/);
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path)).toEqual([
      ...["data:,", "/page.css", "/page.js"],
    ]);
    expect(css).not.toMatch(/url\(|@import/);
  });

  it("are built with every part of the style", () => {
    const built = readFileSync("dist/page/page.css", "utf8");
    expect(styles.length).toBeGreaterThan(0);
    for (const style of styles) expect(built).toContain(style);
  });
});
