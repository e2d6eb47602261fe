/**
 * The page of a run that this process coordinates: there from before its first window until its
 * report is written, and then as long as somebody looks at it.
 */
import type { ControlAnswer, ControlRequest } from "../../cluster/control-messages.ts";
import {
  openViewServer,
  type ViewServer,
  type ViewServerOptions,
} from "../../cluster/view-server.ts";
import { aboutRun, type PagedRun, pageFiles } from "./page-about.ts";

/** Wall ms between two looks whether somebody watches; after so many without, all have left. */
const LOOK_EVERY_MS = 500;
const EMPTY_LOOKS = 6;

/** Asks the run. */
export type AskRun = (request: ControlRequest) => Promise<ControlAnswer>;

export class LivePage {
  #server: ViewServer | undefined;
  #begin: () => void = () => undefined;
  readonly #begun = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });
  #ask: AskRun | undefined;

  /** Opens it for the run in `folder`. Rejects with OperatingError E043, E062 or E001. */
  static async open(
    port: number,
    folder: string,
    run: PagedRun & Pick<ViewServerOptions, "metrics">,
  ): Promise<LivePage> {
    const page = new LivePage();
    page.#server = await openViewServer({
      ...{ port, folder, scenario: run.scenario, topology: run.topology },
      about: aboutRun(run),
      pageFiles: pageFiles(),
      metrics: run.metrics,
      ask: async (request) => {
        await page.#begun;
        return await page.#ask?.(request);
      },
    });
    return page;
  }

  /** Where it is, with a code that lets one viewer act. */
  get link(): string {
    return this.#server?.link() ?? "";
  }

  /** The run has begun, or is over. */
  set ask(ask: AskRun | undefined) {
    this.#ask = ask;
    this.#begin();
  }

  /** Does anybody look at it? */
  get isWatched(): boolean {
    return (this.#server?.viewers ?? 0) > 0;
  }

  /** Resolves when nobody looks at it any more, or `stop` is aborted; then it is closed. */
  async leave(stop: AbortSignal): Promise<void> {
    let empty = this.isWatched ? 0 : EMPTY_LOOKS;
    while (empty < EMPTY_LOOKS && !stop.aborted) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      empty = this.isWatched ? 0 : empty + 1;
    }
    this.close();
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }
}
