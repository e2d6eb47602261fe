/**
 * Many connections that never prove themselves, of every kind, at once: those that say nothing,
 * that upgrade and say nothing, that lie, and that talk nonsense. Bounded in number and in time.
 */
import { randomBytes } from "node:crypto";
import { identityOf } from "../../cluster/handshake.ts";
import { RawCaller, upgradeRequest } from "./raw-caller.ts";

/** Environment of a process that does nothing but flood: ports, and connections in all. */
export const FloodEnv = { ports: "FLOOD_PORTS", connections: "FLOOD_CONNECTIONS" } as const;

/** Connections that one process has open at once. */
const AT_ONCE = 256;

/** Wall ms after which a connection that the other end still holds is let go. */
const HELD_MS = 4000;

/** What became of a flood. */
export interface FloodResult {
  readonly connections: number;
  /** Those that the other end cut off, which it must. */
  readonly cutOff: number;
  readonly wallSeconds: number;
}

type Attack = (caller: RawCaller) => unknown;

const liar = identityOf(randomBytes(32), "another-run", "0");

/** What one connection does; it waits for its end afterwards. */
const ATTACKS: readonly Attack[] = [
  () => undefined,
  (caller) => caller.upgrade(),
  (caller) => caller.prove(liar, { role: "worker", number: 0, incarnation: 0 }),
  (caller) => caller.write(randomBytes(512)),
  (caller) => caller.write(upgradeRequest({ Origin: "http://attacker.example" })),
  (caller) => caller.write("GET / HTTP/1.1\r\nHost: "),
];

/** Floods `port` of this machine with `connections`. */
export async function flood(port: number, connections: number): Promise<FloodResult> {
  const fromMs = performance.now();
  let opened = 0;
  let cutOff = 0;
  const one = async (): Promise<void> => {
    while (opened < connections) {
      const attack = ATTACKS[opened % ATTACKS.length];
      opened += 1;
      const caller = new RawCaller(port);
      let isLate = false;
      const patience = setTimeout(() => {
        isLate = true;
        caller.socket.destroy();
      }, HELD_MS);
      await Promise.all([attack(caller), caller.closed]);
      clearTimeout(patience);
      if (!isLate) cutOff += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, connections) }, one));
  const wallSeconds = (performance.now() - fromMs) / 1000;
  return { connections: opened, cutOff, wallSeconds };
}
