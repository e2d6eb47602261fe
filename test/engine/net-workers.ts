/**
 * Several kernels that share a hand-made network: windows of the smallest latency, packets from one
 * to another in real data frames. The least that a run of several processes is.
 */
import type { Kernel } from "../../src/engine/kernel.ts";
import type { RemoteSink } from "../../src/engine/kernel-options.ts";
import { Outbox, openFrame, unpackFrame } from "../../src/engine/packet-frame.ts";
import { timePlace } from "../../src/model/packet.ts";
import type { Topology } from "../../src/model/topology.ts";

export class NetWorkers {
  readonly kernels: readonly Kernel[];
  readonly #outboxes: readonly (readonly Outbox[])[];
  readonly #lookaheadPs: number;
  #frames = 0;

  constructor(
    count: number,
    { lanes }: Topology,
    make: (worker: number, remote: RemoteSink) => Kernel,
  ) {
    const workers = Array.from({ length: count }, (_, worker) => worker);
    this.#outboxes = workers.map(() => workers.map(() => new Outbox()));
    this.#lookaheadPs = Math.min(...lanes.map(({ lane }) => lane.latencyPs));
    this.kernels = workers.map((worker) =>
      make(worker, {
        send: (peer, lane, packet) => {
          const atPs = this.kernels[worker].packets.times[timePlace(packet)];
          this.#outboxes[worker][peer].add(lane, packet, atPs);
        },
      }),
    );
  }

  /** Runs windows until nothing is left before an instant. */
  run(untilPs: number): void {
    for (;;) {
      const events = this.kernels.map((kernel) => kernel.nextEventPs);
      const faults = this.kernels.map(({ faultState }) => faultState.nextPs);
      const startPs = Math.min(...events, ...faults);
      if (startPs >= untilPs) return;
      const faultPs = Math.min(...faults);
      const endPs =
        faultPs <= startPs ? startPs + 1 : Math.min(startPs + this.#lookaheadPs, faultPs);
      for (const kernel of this.kernels) kernel.run(endPs);
      this.#exchange(endPs);
    }
  }

  #exchange(floorPs: number): void {
    this.#outboxes.forEach((row, sender) => {
      row.forEach((outbox, receiver) => {
        if (outbox.count === 0) return;
        this.#frames += 1;
        const bytes = outbox.drain(this.kernels[sender].packets, sender, receiver, this.#frames);
        const kernel = this.kernels[receiver];
        unpackFrame(openFrame(bytes, receiver), kernel.packets, (lane, packet) => {
          kernel.admit(lane, packet, floorPs);
        });
      });
    });
  }
}
