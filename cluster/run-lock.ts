/**
 * Who writes a run folder: one process, as long as it lives. Each has a file of its own in the
 * folder, so that nobody ever takes over a file of somebody else; whoever has written its own and
 * then sees another one alive gives way. So two can refuse each other, but never both go on. A
 * process is told from a later one with its id by when it began.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeProblem } from "./append-file.ts";
import { isAlive } from "./control-file.ts";
import { ExitCode, OperatingError } from "./errors.ts";
import { readRunFile } from "./read-file.ts";
import { writeRunFile } from "./write-file.ts";

const FORMAT = "faultplane-lock";
const NAME = /^lock-\d+-[0-9a-f]{8}\.json$/;
/** Larger files are not ours. */
const BYTES_MAX = 4096;

/** A process that writes, or wrote, a run folder. */
export interface LockHolder {
  readonly pid: number;
  /** Name of its host. */
  readonly host: string;
  /** When it began, as its host counts; empty when the host does not say. */
  readonly began: string;
}

/** A folder that this process writes. */
export class RunLock {
  readonly #path: string;

  /** Takes `folder`. Throws OperatingError E033 while another process has it, or E060. */
  constructor(folder: string) {
    const own: LockHolder = { pid: process.pid, host: hostname(), began: beganAt(process.pid) };
    this.#path = join(folder, nameOf(own));
    if (readHolder(this.#path) !== undefined) throw stillUp(folder, own);
    writeLock(this.#path, own);
    for (const path of locksIn(folder)) {
      if (path === this.#path) continue;
      const other = readHolder(path);
      if (other !== undefined && isHolding(other)) {
        this.release();
        throw stillUp(folder, other);
      }
      rmSync(path, { force: true });
    }
  }

  /** Leaves the folder to others; never throws. A second call does nothing. */
  release(): void {
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // The folder is read-only by now: the lock is nobody's when this process has ended.
    }
  }
}

/** The process that writes `folder`; undefined when none does. */
export function holderOf(folder: string): LockHolder | undefined {
  return locksIn(folder)
    .map(readHolder)
    .find((holder) => holder !== undefined && isHolding(holder));
}

/** Whether it still runs. A process of another host counts as alive: nobody here can tell. */
function isHolding({ pid, host, began }: LockHolder): boolean {
  if (host !== hostname()) return true;
  if (!isAlive(pid)) return false;
  const nowBegan = beganAt(pid);
  return nowBegan === began || nowBegan === UNKNOWN || began === UNKNOWN;
}

/** A process whose begin the host does not tell. */
const UNKNOWN = "";
/** A process that has ended, and was not waited for by its parent. */
const ENDED = "ended";

/** Boot of the host and clock ticks since; only Linux tells. */
function beganAt(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command's name in brackets; anything may be in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return ENDED;
    return `${boot}:${fields[19]}`;
  } catch {
    return UNKNOWN;
  }
}

function nameOf({ pid, host, began }: LockHolder): string {
  const digits = createHash("sha256").update(`${host} ${began}`).digest("hex").slice(0, 8);
  return `lock-${pid}-${digits}.json`;
}

function locksIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Written whole: whoever reads half a lock would take it for nobody's. */
function writeLock(path: string, holder: LockHolder): void {
  const text = `${JSON.stringify({ format: FORMAT, version: 1, ...holder })}\n`;
  try {
    writeRunFile(path, text);
  } catch (error) {
    throw new OperatingError(
      "E060",
      `output cannot be written (${writeProblem(error)})`,
      "free some space, or choose another place with --out",
      ExitCode.inputOutput,
    );
  }
}

/** Who wrote a lock; undefined when nobody did, or it is none of ours. */
function readHolder(path: string): LockHolder | undefined {
  const read = readRunFile(path, BYTES_MAX);
  if (!read.ok) return undefined;
  try {
    const { format, pid, host, began } = JSON.parse(Buffer.from(read.bytes).toString("utf8"));
    const isOurs =
      format === FORMAT &&
      Number.isSafeInteger(pid) &&
      pid > 0 &&
      typeof host === "string" &&
      typeof began === "string";
    return isOurs ? { pid, host, began } : undefined;
  } catch {
    return undefined;
  }
}

/** E033: `folder`, as it was given, is held by another process. */
export function stillUp(folder: string, { pid, host }: LockHolder): OperatingError {
  const isHere = host === hostname();
  return new OperatingError(
    "E033",
    `the run in '${folder}' is still up (process ${pid}${isHere ? "" : ` on ${host}`})`,
    isHere
      ? "choose another name, or end it with faultplane stop"
      : `if it is gone, remove lock-${pid}-*.json from the folder`,
    ExitCode.cannotCreate,
  );
}
