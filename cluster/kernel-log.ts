/**
 * Writes kernel lines of the emulated servers to a file, or sends them to a syslog daemon (UDP).
 * Nothing here holds the run up: lines are written behind its back, trouble is told once, and what
 * does not get through is lost. Only ordinary files are written to, so that nothing emulated can
 * come into the log of a real kernel.
 */
import { createSocket, type Socket } from "node:dgram";
import { createWriteStream, statSync, type WriteStream } from "node:fs";
import { isIPv6 } from "node:net";
import type { CommittedWindow } from "../src/engine/window-protocol.ts";
import type { FaultSpec } from "../src/model/fault.ts";
import type { Topology } from "../src/model/topology.ts";
import type { HostAddress } from "./addresses.ts";
import { messageOf, systemCodeOf } from "./errors.ts";
import { HardwareSignals } from "./hardware-signals.ts";
import { faultsOf, type JournalOrder } from "./journal-orders.ts";
import { type KernelLine, kernelLine } from "./kernel-lines.ts";
import type { KernelLogTarget } from "./kernel-log-target.ts";
import type { RunWatcher } from "./run-watcher.ts";

/** Bytes that may wait to be written; more is lost. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** Wall ms that the last lines have to leave when the run is over. */
const LAST_LINES_MS = 1000;

/** Name of the program in the lines. */
const TAG = "faultplane";

/** Where lines leave. */
interface Sink {
  write(line: KernelLine): void;
  close(): Promise<void>;
}

export class KernelLog implements RunWatcher {
  readonly #topology: Topology;
  readonly #hardware: HardwareSignals;
  readonly #sink: Sink;
  readonly #fromPs: number;

  /** `trouble` is told once what is wrong with the target. */
  constructor(options: {
    readonly topology: Topology;
    /** Of the scenario. */
    readonly faults: readonly FaultSpec[];
    readonly target: KernelLogTarget;
    /** What happened before has been logged: a run that is taken up again. Default 0. */
    readonly fromPs?: number | undefined;
    readonly trouble: (text: string) => void;
  }) {
    const { topology, faults, target, fromPs = 0 } = options;
    this.#topology = topology;
    this.#hardware = new HardwareSignals(topology, faults);
    this.#fromPs = fromPs;
    let isTold = false;
    const trouble = (error: unknown): void => {
      if (isTold) return;
      isTold = true;
      const why = systemCodeOf(error) || messageOf(error);
      options.trouble(`kernel lines do not get through (${why}); the run goes on without them`);
    };
    this.#sink =
      target.type === "udp"
        ? new SyslogSink(target.address, trouble)
        : new FileSink(target.path, trouble);
  }

  take({ facts }: CommittedWindow): void {
    for (const record of facts) {
      if (!record.fact.type.startsWith("fault.")) continue;
      for (const signal of this.#hardware.take(record)) {
        if (signal.atPs < this.#fromPs) continue;
        this.#sink.write(kernelLine(signal, this.#topology, this.#hardware.ports));
      }
    }
  }

  ordered(orders: readonly JournalOrder[]): void {
    this.#hardware.know(faultsOf(orders));
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}

/** A file: `2026-11-28T23:49:01.123Z node1 faultplane: [    0.006000] ...`, one line each. */
class FileSink implements Sink {
  readonly #trouble: (error: unknown) => void;
  #stream: WriteStream | undefined;

  constructor(path: string, trouble: (error: unknown) => void) {
    this.#trouble = trouble;
    if (!isOrdinary(path)) {
      trouble(new Error(`${path} is no ordinary file`));
      return;
    }
    this.#stream = createWriteStream(path, { flags: "a", mode: 0o600 });
    this.#stream.on("error", (error) => {
      this.#stream = undefined;
      trouble(error);
    });
  }

  write({ host, text }: KernelLine): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (stream.writableLength > WAITING_BYTES_MAX) {
      this.#trouble(new Error("it takes them too slowly; some are lost"));
      return;
    }
    stream.write(`${new Date().toISOString()} ${host} ${TAG}: ${text}\n`);
  }

  close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return Promise.resolve();
    return inTime((done) => {
      stream.on("error", done);
      stream.end(done);
    });
  }
}

/** Missing is fine, too: it will be made. */
function isOrdinary(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return true;
  }
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/**
 * Datagrams of RFC 3164, facility kern: `<3>Nov 28 23:49:01 node1 faultplane: [    0.006000] ...`.
 * Each is on its own; whether anybody has it, nobody knows.
 */
class SyslogSink implements Sink {
  readonly #address: HostAddress;
  readonly #socket: Socket;
  readonly #trouble: (error: unknown) => void;
  #waiting = 0;

  constructor(address: HostAddress, trouble: (error: unknown) => void) {
    this.#address = address;
    this.#trouble = trouble;
    this.#socket = createSocket(isIPv6(address.host) ? "udp6" : "udp4");
    this.#socket.on("error", trouble);
    this.#socket.unref();
  }

  write({ host, severity, text }: KernelLine): void {
    if (this.#waiting > WAITING_BYTES_MAX) {
      this.#trouble(new Error("it takes them too slowly; some are lost"));
      return;
    }
    const bytes = Buffer.from(`<${severity}>${syslogTime(new Date())} ${host} ${TAG}: ${text}`);
    this.#waiting += bytes.length;
    this.#socket.send(bytes, this.#address.port, this.#address.host, (error) => {
      this.#waiting -= bytes.length;
      if (error !== null) this.#trouble(error);
    });
  }

  async close(): Promise<void> {
    await inTime((done) => this.#drain(done));
    await inTime((done) => this.#socket.close(done));
  }

  #drain(done: () => void): void {
    if (this.#waiting === 0) done();
    else setTimeout(() => this.#drain(done), 10).unref();
  }
}

/** `Nov 28 23:49:01`, local time, as syslog daemons write it. */
function syslogTime(now: Date): string {
  const two = (part: number): string => `${part}`.padStart(2, "0");
  const clock = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":");
  return `${MONTHS[now.getMonth()]} ${`${now.getDate()}`.padStart(2)} ${clock}`;
}

/** Resolves when `work` is done, or its time is up. */
function inTime(work: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LAST_LINES_MS);
    work(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
