/**
 * The real faults of one run on their way: each is written to the journal before it is carried out,
 * and what became of it is kept for the report. Who carries it out is host-faults.ts.
 */
import {
  type HostFault,
  type HostFaultRun,
  hostFaultText,
  hostTargetLabels,
} from "../src/model/host-fault.ts";
import type { Loss } from "./crew-options.ts";
import type { RealFaultsOptions } from "./prepared-run.ts";

export interface HostFaultLedgerOptions extends RealFaultsOptions {
  /** Writes down what is about to be done. */
  note(atPs: number, detail: string): void;
  /** Resolves with an empty text when it is done, otherwise with why it is not. */
  perform(fault: HostFault): Promise<string>;
}

/** A run of a fault that may still change. */
type Entry = { -readonly [Key in keyof HostFaultRun]: HostFaultRun[Key] };

/** Real faults, in the order in which a run came to them. */
export class HostFaultLedger {
  readonly #options: HostFaultLedgerOptions;
  readonly #entries: Entry[] = [];

  constructor(options: HostFaultLedgerOptions) {
    this.#options = options;
  }

  /** What became of each. */
  get runs(): readonly HostFaultRun[] {
    return this.#entries;
  }

  /** Carries faults out, all at once; resolves when each is done or is known not to be. */
  async disturb(faults: readonly HostFault[], atPs: number, wallSeconds: number): Promise<void> {
    await Promise.all(faults.map((fault) => this.#perform(fault, atPs, wallSeconds)));
  }

  /** Processes are gone; `fault`: what that is to the fleet, if anything. */
  lost(loss: Loss, fault: string | undefined): void {
    const labels = [...loss.workers.map(({ label }) => label), loss.host];
    for (const entry of this.#entries) {
      const isHit = hostTargetLabels(entry.fault.target).some((label) => labels.includes(label));
      if (!isHit || entry.fault.func === "slow_worker") continue;
      entry.detail = loss.detail;
      if (fault === undefined) entry.detail += "; replaced, the fleet did not notice";
      else entry.followedBy = [...entry.followedBy, fault];
    }
  }

  async #perform(fault: HostFault, atPs: number, wallSeconds: number): Promise<void> {
    const { before, isAllowed, note, perform } = this.#options;
    const place = this.#entries.length;
    const entry: Entry = {
      layer: "host",
      fault,
      atPs,
      wallSeconds,
      done: false,
      detail: "",
      followedBy: [],
    };
    this.#entries.push(entry);
    const known = before[place];
    if (known !== undefined || !isAllowed) {
      entry.done = known?.done === true;
      entry.detail = known?.detail ?? "nobody has agreed to it: --allow-real-faults";
      return;
    }
    note(atPs, `${hostFaultText(fault)}, by action '${fault.action}'`);
    const problem = await perform(fault);
    entry.done = problem === "";
    if (!entry.done) entry.detail = problem;
    else if (entry.detail === "") entry.detail = "carried out";
  }
}
