/** Dark or light: as the user chose on this page, else as the system has it. */
import type { Theme } from "./colours.ts";

const KEY = "faultplane-theme";

/** The theme to begin with. */
export function themeNow(): Theme {
  const kept = localStorage.getItem(KEY);
  if (kept === "dark" || kept === "light") return kept;
  return systemTheme().matches ? "dark" : "light";
}

/** Keeps what the user chose; what the system has needs no keeping. */
export function keepTheme(theme: Theme): void {
  if ((theme === "dark") === systemTheme().matches) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
}

/** Calls back when the system changes its mind, as long as the user has not chosen. */
export function followSystem(change: (theme: Theme) => void): void {
  systemTheme().addEventListener("change", () => {
    if (localStorage.getItem(KEY) === null) change(themeNow());
  });
}

function systemTheme(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}
