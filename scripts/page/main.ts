/** The page begins: it asks what run it is and what its user may do, and follows the run. */
import { Page } from "./page.ts";
import { PageState } from "./page-state.ts";
import { part } from "./parts.ts";
import { getRun, openSession, problemsOf } from "./server-link.ts";
import { themeNow } from "./theme.ts";

async function begin(): Promise<void> {
  const theme = themeNow();
  document.documentElement.dataset.theme = theme;
  // The code is taken out of the address at once, whatever comes of it.
  const session = openSession().then(
    (token) => ({ token, problems: [] }),
    (error: unknown) => ({ token: undefined, problems: problemsOf(error) }),
  );
  const state = new PageState(await getRun());
  const { token, problems } = await session;
  state.token = token;
  if (problems.length > 0) state.notice = { text: "", problems };
  part("header").replaceChildren();
  new Page(state).start(theme);
}

begin().catch((error: unknown) => {
  const [problem] = problemsOf(error);
  part("header").textContent = `The run cannot be shown: ${problem.message}`;
});
